"""The vault's scores as a long table, judged by learned courses; and for whom is off track: what then."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

import polars as pl

from alleviate.instruments import Instrument
from alleviate.intake.tables import table_of
from alleviate.packages.course import CoursePackage
from alleviate.progress.support import outstanding, questions
from alleviate.progress.waiting import Range, Waiting, change_or_wait
from alleviate.records import Event, Kind, PatientRecord
from alleviate.records.questionnaires import Filled, questionnaires
from alleviate.studies.courses.asking import EPISODE_GAP
from alleviate.studies.courses.loaded import LoadedCourses
from alleviate.studies.courses.rows import read_rows
from alleviate.studies.courses.scoring import scored_rows
from alleviate.studies.rules import LearnedRule
from alleviate.studies.vault_sections import outcome_feature
from alleviate.terms.errors import PackageError
from alleviate.vault.access import Access
from alleviate.vault.body import microseconds
from alleviate.vault.courses import CourseResult, Result

__all__ = ["Swept", "long_of_records", "refuse_rule", "sweep_people", "sweep_vault"]

_KINDS: tuple[Kind, ...] = ("questionnaire", "measurement")
_DAYS_A_WEEK, _DAYS_A_YEAR = 7.0, 365.25


@dataclass(frozen=True, slots=True)
class Swept:
    """``results``: new ones, the latest of each person last; ``problems``: forms that could not be judged.

    An alert is told of who is off track now, at their last score; that of an old course is kept, not told."""

    results: tuple[CourseResult, ...]
    problems: tuple[str, ...]
    safety: int
    warnings: tuple[str, ...]

    def to_json(self, package: str) -> dict[str, Any]:
        """As `alleviate track sweep --json` prints it."""
        alerted = {one.subject_id for one in self.results if one.result.alert}
        off = [one for one in self.results if "then" in one.result.told]
        return {
            "package": package,
            "scored": len(self.results),
            "people": len({one.subject_id for one in self.results}),
            "safety_alerts": self.safety,
            "alerts": [one.result.told for one in off if one.subject_id in alerted],
            "off_track": [one.result.told for one in off if one.subject_id not in alerted],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
        }


def long_of_records(records: Sequence[PatientRecord], instrument: Instrument) -> pl.DataFrame:
    """A row a filled form with a total: id, time, score, age and sex; totals of other instruments, in columns

    of their ids, from the same day. Items stay in the record."""
    rows = []
    for record in records:
        told = _person(record)
        forms = questionnaires(record)
        for form in forms:
            if form.instrument == instrument.id and form.total is not None:
                others = {
                    f.instrument: f.total
                    for f in forms
                    if f.total is not None
                    and f.instrument != instrument.id
                    and f.time.date() == form.time.date()
                }
                age = (form.time - told["born"]).days / _DAYS_A_YEAR if told["born"] else None
                rows.append(
                    {
                        "id": record.subject_id,
                        "time": form.time,
                        "score": form.total,
                        "age": age,
                        "sex": told["sex"],
                    }
                    | others
                )
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()


def _person(record: PatientRecord) -> dict[str, Any]:
    standing = [event for event in record.events if event.known_until is None]
    born = next((event.time for event in standing if event.code == "MEDS_BIRTH"), None)
    return {"born": born, "sex": next((e.text_value for e in standing if e.code == "PERSON//sex"), None)}


def sweep_vault(
    courses: LoadedCourses, access: Access, now: datetime, rule: LearnedRule | None = None
) -> Swept:
    """Safety alerts first; then everybody with new scores since the last sweep with this package.

    Raises ``ConsentError`` for another purpose than care.
    """
    if rule is not None:
        refuse_rule(courses.package, rule)
    safety = access.raise_alerts(now)
    return sweep_people(courses, access, now, None, rule, safety=safety)


def sweep_people(
    courses: LoadedCourses,
    access: Access,
    now: datetime,
    ids: Iterable[str] | None,
    rule: LearnedRule | None = None,
    *,
    safety: int = 0,
) -> Swept:
    """The same of some people (our ids), without a second look for safety alerts: answers raise their own.

    ``safety``: how many were raised before. Raises ``ConsentError`` for another purpose than care.
    """
    judging = _Judging(courses.package, now, rule)
    seal = courses.manifest.files["model.json"].sha256[:32]
    results = access.sweep(seal, judging, now, ids)
    lacking = [name for name in courses.package.following.spec.names if name not in judging.columns]
    warnings = (
        [f"Not in the records, and taken as missing: {', '.join(lacking)}."] if lacking and results else []
    )
    return Swept(tuple(results), tuple(judging.problems), safety, tuple(warnings))


def refuse_rule(package: CoursePackage, rule: LearnedRule) -> None:
    """Raises ``PackageError`` unless the rule was learned from a vault, with the score that is followed."""
    cohort, instrument = rule.study.cohort, package.following.instrument
    if cohort is None or outcome_feature(cohort).code != instrument.total_code:
        raise PackageError(
            f"The rule {rule.package.name} is not about the {instrument.abbreviation}, as the vault has it.",
            hint="Give a rule that was learned from a vault, with this outcome, or leave --rule out.",
        )


@dataclass(slots=True)
class _Judging:
    """Judges people of the vault, some at a time, and notes what could not be judged."""

    package: CoursePackage
    now: datetime
    rule: LearnedRule | None
    problems: list[str] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)

    def __call__(self, records: Sequence[PatientRecord]) -> list[list[Result]]:
        following = self.package.following
        frame = long_of_records(records, following.instrument)
        if frame.is_empty():
            return [[] for _ in records]
        self.columns |= set(frame.columns)
        if following.unit == "sessions":
            frame = frame.with_columns(session=pl.col("time").rank("dense").over("id"))
        table = table_of(frame.drop("time") if following.unit == "sessions" else frame, "the vault")
        rows = read_rows(table, following.instrument, self.now, following.unit)
        if rows.used.is_empty():
            told: list[dict[str, Any]] = []
        else:
            told = scored_rows(self.package, rows)
        self.problems += [f"{row['id']}: {row['problem']}" for row in told if row["problem"]]
        by_person: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for row, time in zip(told, frame["time"].to_list(), strict=bool(told)):
            if row["problem"] is None:
                by_person[row["id"]].append(row | {"time": time})
        return [self._results(record, by_person[record.subject_id]) for record in records]

    def _results(self, record: PatientRecord, told: list[dict[str, Any]]) -> list[Result]:
        told = sorted(told, key=lambda row: row["time"])
        scores = tuple((microseconds(row["time"].replace(tzinfo=UTC)), row["score"]) for row in told)
        results = []
        for i, row in enumerate(told):
            plain = {key: value for key, value in row.items() if key not in ("line", "problem")}
            plain["time"] = row["time"].replace(tzinfo=UTC).isoformat()
            if row["on_track"] is False and i == len(told) - 1 and self._lately(row["time"]):
                plain["then"] = self._then(record, row, told)
            alert = bool(row["alert"])
            results.append(Result(scores[: i + 1], _KINDS, plain, alert))
        return results

    def _lately(self, time: datetime) -> bool:
        """Whether the course still goes on: no gap so long that a new episode would begin."""
        limit = self.package.following.episode_gap or EPISODE_GAP
        return (self.now - time.replace(tzinfo=UTC)).days <= limit * _DAYS_A_WEEK

    def _then(
        self, record: PatientRecord, row: Mapping[str, Any], told: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """What stands out, what to ask, and what a change of treatment now may gain over waiting."""
        instrument = self.package.following.instrument
        forms = [form for form in questionnaires(record) if form.instrument == instrument.id]
        found, silent = outstanding(
            instrument=instrument, items=_items(forms), attended=_attended(record.events)
        )
        then: dict[str, Any] = {
            "stands_out": [each.words for each in found],
            "not_known": silent,
            "ask": [{"domain": q.domain, "questions": list(q.ask)} for q in questions(found)],
        }
        if self.rule is not None:
            then["change_or_wait"] = self._gain(record, row, told)
        return then

    def _gain(
        self, record: PatientRecord, row: Mapping[str, Any], told: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        assert self.rule is not None
        (advice,) = self.rule.recommend_records([record], self.now)
        if advice.benefit is None:
            return {"arm": None, "reason": advice.reason}
        past, gap = _elapsed(self.package, told)
        length = self.package.model.horizon
        left = max(0.0, 1.0 - past / length)
        at_next = max(0.0, min(left, 1.0 - (past + gap) / length))
        benefit = advice.benefit
        end = Range(row["end"], min(row["end_low"], row["end"]), max(row["end_high"], row["end"]))
        waiting = change_or_wait(
            end,
            Range(benefit.estimate, benefit.low, benefit.high),
            lower_is_better=self.package.model.scale.better == "lower",
            share_left=left,
            share_at_next=at_next,
        )
        return {"arm": advice.arm, "strength": advice.strength, **_plain(waiting)}


def _plain(waiting: Waiting) -> dict[str, Any]:
    parts = {name: getattr(waiting, name) for name in ("staying", "changing", "gain", "lost_by_waiting")}
    ranges = {
        name: {"estimate": one.estimate, "low": one.low, "high": one.high} for name, one in parts.items()
    }
    return {**ranges, "shown": waiting.shown, "assumptions": list(waiting.assumptions)}


def _items(forms: Sequence[Filled]) -> list[Mapping[str, float]]:
    return [form.items for form in sorted(forms, key=lambda form: form.time) if form.items]


def _attended(events: Sequence[Event]) -> list[tuple[datetime, bool]]:
    """Sessions that took place and those that were missed, in the order of time."""
    states = {"SESSION//attended": True, "SESSION//missed": False}
    standing = [event for event in events if event.known_until is None and event.code in states]
    return [(event.time, states[event.code]) for event in sorted(standing, key=lambda event: event.time)]


def _elapsed(package: CoursePackage, told: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Time since the course began and the usual gap, in the package's unit."""
    if package.following.unit == "sessions":
        return float(len(told) - 1), 1.0
    times = [row["time"] for row in told]
    weeks = [(b - a).total_seconds() / 86_400 / _DAYS_A_WEEK for a, b in pairwise(times)]
    limit = package.following.episode_gap or float("inf")
    start = max((i + 1 for i, gap in enumerate(weeks) if gap > limit), default=0)
    return sum(weeks[start:]), median(weeks[start:]) if weeks[start:] else package.model.growth.basis.gap
