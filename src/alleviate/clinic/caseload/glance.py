"""What the caseload knows of one person: facts with their dates, out of a chart, kept until they change.

Nothing in a glance hangs on the clock: what is late, silent or overdue is worked out when somebody looks.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import msgspec
from msgspec import Struct

from alleviate.clinic.corrections import corrections
from alleviate.clinic.invitations import invitations
from alleviate.clinic.patient.contacts import (
    ContactState,
    contacts,
    episodes,
)
from alleviate.clinic.patient.followed import Course, CourseAlert, Follower, course_alerts, courses_of
from alleviate.clinic.patient.measures import Measure, measures
from alleviate.clinic.patient.notes import tasks_of, unseen_mentions
from alleviate.clinic.patient.person import person_of
from alleviate.progress.alerts import Alert, Step
from alleviate.progress.change import Verdict
from alleviate.records.questionnaires import Filled
from alleviate.vault.charts import Chart

__all__ = [
    "Asking",
    "CaseGlance",
    "CourseSeen",
    "MeasureSeen",
    "Point",
    "TaskSeen",
    "glance_of",
    "opened",
    "packed",
]

MOST_POINTS = 16
"""Scores of a measure that a small chart holds; the latest."""
MOST_CONTACTS = 24

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


# Without `gc`: none is part of a circle, and a process keeps hundreds of thousands of them. To look through
# all of them for what can be thrown away stopped everybody for a fifth of a second.


class Point(Struct, frozen=True, array_like=True, gc=False):
    """A score, with the band (90 %) in which it was expected where a course had foretold it."""

    at: datetime
    score: float
    low: float | None = None
    high: float | None = None


class MeasureSeen(Struct, frozen=True, array_like=True, gc=False):
    """The latest of one measure. ``baseline``: the score from which the change counts."""

    instrument: str
    points: tuple[Point, ...]
    severity: str
    case: bool | None
    baseline: float | None
    improvement: float | None
    reliable: Verdict | None

    @property
    def last(self) -> Point:
        return self.points[-1]


class CourseSeen(Struct, frozen=True, array_like=True, gc=False):
    """Where a course stands at its last score, and the answers to its alerts."""

    instrument: str
    at: datetime
    on_track: bool | None
    end: float
    low: float
    high: float
    p_improve: float
    reasons: tuple[str, ...]
    alert: str
    """The id of the last alert that it raised, or ""."""
    steps: tuple[Step, ...]


class Asking(Struct, frozen=True, array_like=True, gc=False):
    """Questionnaires that were asked for and have not come. ``until``: the end of their link."""

    instruments: tuple[str, ...]
    asked_at: datetime
    due: date
    until: datetime


class TaskSeen(Struct, frozen=True, array_like=True, gc=False):
    """A task that is open. ``account``: whose it is."""

    account: str
    words: str
    due: date | None
    asked_at: datetime


class CaseGlance(Struct, frozen=True, gc=False):
    """One person of a caseload. ``since`` and ``ended``: of the present (or last) treatment.

    ``contacts``: sessions attended and missed; ``booked``: days of sessions planned; ``heard``: when they
    last came or filled in a questionnaire; ``tasks`` and ``mentions``: open ones, by account; ``wrong``: when
    the person said that something is wrong, where nobody has answered yet."""

    patient: str
    family: str = ""
    given: str = ""
    born: str = ""
    number: str = ""
    site: str = ""
    died: bool = False
    treatment: str = ""
    since: datetime | None = None
    ended: datetime | None = None
    therapist: str = ""
    measures: tuple[MeasureSeen, ...] = ()
    courses: tuple[CourseSeen, ...] = ()
    alerts: tuple[Alert, ...] = ()
    withheld_alerts: int = 0
    contacts: tuple[tuple[datetime, ContactState], ...] = ()
    booked: tuple[date, ...] = ()
    heard: datetime | None = None
    asking: tuple[Asking, ...] = ()
    tasks: tuple[TaskSeen, ...] = ()
    mentions: tuple[tuple[str, datetime], ...] = ()
    wrong: tuple[datetime, ...] = ()

    @property
    def name(self) -> str:
        return ", ".join(part for part in (self.family, self.given) if part)


def glance_of(chart: Chart, followers: Sequence[Follower] = ()) -> CaseGlance:
    """The glance of a chart. ``followers``: the courses that are live."""
    record, person = chart.record, person_of(chart.record, chart.patient)
    found = episodes(record)
    # The clock has no say here: an end that is written down is an end, also one that lies ahead.
    last = max(found, key=lambda one: (one.until is None, one.since), default=None)
    came = contacts(record)
    held = [(c.at, c.state) for c in came if c.state in ("attended", "missed")]
    seen = measures(record, last.since if last else None)
    courses = courses_of(chart.courses, followers)
    answered = course_alerts(courses)
    # Whether the time of one has run out is for whoever looks: at the beginning of time none has.
    asked = invitations(chart.sheets, _BEGINNING)
    heard = [at for at, state in held if state == "attended"]
    heard += [form.time for measure in seen for form in measure.forms[-1:]]
    return CaseGlance(
        patient=chart.patient,
        family=person.family,
        given=person.given,
        born=person.born,
        number=person.number,
        site=person.site,
        died=person.died is not None,
        treatment=last.treatment if last else "",
        since=last.since if last else None,
        ended=last.until if last else None,
        therapist=last.therapist if last else "",
        measures=tuple(_measure(measure, courses) for measure in seen if measure.scored),
        courses=tuple(_course(course, answered) for course in courses),
        alerts=tuple(alert for alert in chart.alerts if alert.state != "resolved"),
        withheld_alerts=chart.withheld_alerts,
        contacts=tuple(held[-MOST_CONTACTS:]),
        booked=tuple(c.at.date() for c in came if c.state == "planned"),
        heard=max(heard, default=None),
        asking=tuple(Asking(i.instruments, i.made_at, i.due, i.until) for i in asked if i.is_open()),
        tasks=tuple(TaskSeen(t.account, t.words, t.due, t.at) for t in tasks_of(chart.sheets) if t.open),
        mentions=tuple(unseen_mentions(chart.sheets)),
        wrong=tuple(asked.at for asked in corrections(chart.sheets) if asked.is_open),
    )


def packed(glance: CaseGlance) -> bytes:
    """To be kept, sealed, by the vault."""
    return msgspec.msgpack.encode(glance)


_DECODER = msgspec.msgpack.Decoder(CaseGlance)


def opened(body: bytes) -> CaseGlance:
    """The inverse of `packed`."""
    return _DECODER.decode(body)


def _measure(measure: Measure, courses: Sequence[Course]) -> MeasureSeen:
    followed = next((c for c in courses if c.follower.instrument_id == measure.instrument.id), None)
    bands: dict[datetime, tuple[float, float]] = {}
    if followed:
        for before, now in zip(followed.judged, followed.judged[1:], strict=False):
            bands[now.at] = (before.low, before.high)
    last, change = measure.scored[-1], measure.change
    return MeasureSeen(
        instrument=measure.instrument.id,
        points=tuple(_point(form, bands) for form in measure.scored[-MOST_POINTS:]),
        severity=last.severity or "",
        case=last.case,
        baseline=measure.baseline.total if measure.baseline else None,
        improvement=change.improvement if change else None,
        reliable=change.reliable if change else None,
    )


def _point(form: Filled, bands: dict[datetime, tuple[float, float]]) -> Point:
    low, high = bands.get(form.time, (None, None))
    return Point(form.time, form.total or 0.0, low, high)


def _course(course: Course, answered: Sequence[CourseAlert]) -> CourseSeen:
    alert = next((one for one in answered if one.instrument.id == course.follower.instrument_id), None)
    last = course.last
    return CourseSeen(
        instrument=course.follower.instrument_id,
        at=last.at,
        on_track=last.on_track,
        end=last.end,
        low=last.end_low,
        high=last.end_high,
        p_improve=last.p_improve,
        reasons=last.beside_change,
        alert=alert.id if alert else "",
        steps=alert.steps if alert else (),
    )
