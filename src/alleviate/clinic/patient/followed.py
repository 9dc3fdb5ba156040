"""What learned courses say of somebody's scores, and how the team answered where they are off track."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.progress.alerts import State, Step
from alleviate.studies.courses.words import of_change
from alleviate.vault.courses import CourseResult

__all__ = ["Course", "CourseAlert", "Follower", "Judged", "course_alerts", "courses_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A live package of courses: ``package`` as results name it; ``horizon``: of a course, in ``unit``."""

    package: str
    name: str
    instrument_id: str
    unit: Literal["weeks", "sessions"]
    horizon: float
    per_100: float

    @property
    def instrument(self) -> Instrument:
        return INSTRUMENTS[self.instrument_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One score with what was expected. ``low`` and ``high``: of the next one (90 %); ``end…``: of the end.

    ``on_track`` None: it cannot be said yet, or no more.
    """

    result: str
    at: datetime
    score: float
    expected: float
    low: float
    high: float
    end: float
    end_low: float
    end_high: float
    p_improve: float
    on_track: bool | None
    alert: bool
    reasons: tuple[str, ...]
    stands_out: tuple[str, ...]
    ask: tuple[tuple[str, tuple[str, ...]], ...]
    raised_at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def beside_change(self) -> tuple[str, ...]:
        """The reasons for where the change since the treatment began is told too: two changes with two
        beginnings look like a contradiction."""
        return tuple(reason for reason in self.reasons if not of_change(reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The scores of one measure, as one package judges them, by time; at least one."""

    follower: Follower
    judged: tuple[Judged, ...]

    @property
    def last(self) -> Judged:
        return self.judged[-1]

    @property
    def end_at(self) -> datetime | None:
        """When the end that is expected lies, where it lies ahead of the last score and can be dated."""
        if self.follower.unit != "weeks":
            return None
        at = self.judged[0].at + timedelta(weeks=self.follower.horizon)
        return at if at > self.last.at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseAlert:
    """That a score was off track, and what the team did about it. ``id``: the result's."""

    id: str
    instrument: Instrument
    judged: Judged

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.judged.steps

    @property
    def state(self) -> State:
        return self.steps[-1].state if self.steps else "raised"


def courses_of(results: Iterable[CourseResult], followers: Sequence[Follower]) -> list[Course]:
    """One course a measure: of several live packages the one with the latest score, then the first named.

    Results of packages that are not live are left out: what is out of use advises nobody.
    """
    found: defaultdict[str, list[CourseResult]] = defaultdict(list)
    for result in results:
        found[result.package].append(result)
    best: dict[str, Course] = {}
    for follower in followers:
        judged = tuple(sorted(map(_judged, found.get(follower.package, ())), key=lambda one: one.at))
        held = best.get(follower.instrument_id)
        if judged and (held is None or judged[-1].at > held.last.at):
            best[follower.instrument_id] = Course(follower=follower, judged=judged)
    return list(best.values())


def course_alerts(courses: Iterable[Course]) -> list[CourseAlert]:
    """Every alert that a course raised, the latest first, with the steps that the team took."""
    alerts = [
        CourseAlert(id=judged.result, instrument=course.follower.instrument, judged=judged)
        for course in courses
        for judged in course.judged
        if judged.alert
    ]
    return sorted(alerts, key=lambda alert: (alert.judged.at, alert.id), reverse=True)


def _judged(result: CourseResult) -> Judged:
    told = result.result.told
    then = told.get("then") or {}
    return Judged(
        result=result.id,
        at=_EPOCH + timedelta(microseconds=result.result.scores[-1][0]),
        score=float(told["score"]),
        **{
            name: float(told[name])
            for name in ("expected", "low", "high", "end", "end_low", "end_high", "p_improve")
        },
        on_track=told["on_track"],
        alert=result.result.alert,
        reasons=tuple(told["reasons"]),
        stands_out=tuple(then.get("stands_out", ())),
        ask=tuple((each["domain"], tuple(each["questions"])) for each in then.get("ask", ())),
        raised_at=result.at,
        steps=result.steps,
    )
