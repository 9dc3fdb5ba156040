"""Keeps what learned courses say of each score: stored once, with the alert that it raises, or not at all.

The id of a result follows from the person, the package and the scores up to it: a sweep that was cut off, or
is done twice, adds only what is missing. Results are sealed with the person's own key, withheld with the
kinds of data that they come from, and gone with the person.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from alleviate.progress.alerts import State, Step, check_step
from alleviate.records import Kind, PatientRecord
from alleviate.terms.errors import ConsentError, DataError, VaultError
from alleviate.vault.alerts import put_step, step_rows, steps_of
from alleviate.vault.body import from_microseconds, microseconds
from alleviate.vault.bulk import among, listed, put_rows, rows_with
from alleviate.vault.cipher import blind_index, seal, unseal
from alleviate.vault.consent import Purpose
from alleviate.vault.keystore import KeyStore
from alleviate.vault.reading import Portion, fetch, record_of
from alleviate.vault.schema import COURSES, ENTRIES

__all__ = [
    "CourseResult",
    "CourseResults",
    "Judge",
    "Result",
    "answer_result",
    "check_course_purpose",
    "due",
    "read_results",
    "result_rows",
    "served_results",
    "sweep",
]

_ID_DIGITS = 32
_PORTION = 250
_SUPERSEDED = -1
"""In place of the number of entries: the score that the result is of was corrected or taken back."""


class Result(msgspec.Struct, frozen=True):
    """Of one score. ``scores``: (microseconds since 1970, score) of the course up to it; ``kinds``: of data
    that it comes from; ``told``: the result as plain values; ``alert``: whether it raises one."""

    scores: tuple[tuple[int, float], ...]
    kinds: tuple[Kind, ...]
    told: dict[str, Any]
    alert: bool


Judge = Callable[[Sequence[PatientRecord]], Sequence[Sequence[Result]]]
"""The results of each of these people, in their order."""


@dataclass(frozen=True, slots=True)
class CourseResult:
    """A stored result: whose, of which package, stored when; ``steps``: what was done about its alert."""

    id: str
    subject_id: str
    package: str
    at: datetime
    result: Result
    steps: tuple[Step, ...] = ()

    @property
    def state(self) -> State | None:
        """Where its alert stands; None where it raises none."""
        if not self.result.alert:
            return None
        return self.steps[-1].state if self.steps else "raised"


@dataclass(frozen=True, slots=True)
class CourseResults:
    """``found``, and how many were ``withheld`` because their persons deny the kinds that they come from."""

    found: tuple[CourseResult, ...]
    withheld: int


def check_course_purpose(purpose: Purpose, *, sweeping: bool = False) -> None:
    """Raises ConsentError unless courses may be read, or swept, for this purpose."""
    if purpose != "care" and (sweeping or purpose != "rights"):
        raise ConsentError(f"Courses are not followed for {purpose}.", hint="Open the access for care.")


def sweep(
    connection: sa.Connection,
    keys: KeyStore,
    patients: Sequence[str],
    package: str,
    now: datetime,
    judge: Judge,
) -> tuple[list[Portion], list[CourseResult], set[str]]:
    """Judge those of these patients (our ids) who have entries that no sweep has seen; store what is new.

    In the caller's transaction. Returns whose record was read, the new results, and of whom (our ids) other
    results stand now than before.
    """
    entries = due(connection, patients, package)
    portions = [p for p in fetch(connection, keys, list(entries), "care", now) if p.allowed]
    judged = judge([record_of(portion) for portion in portions])
    found: dict[str, tuple[Portion, Result]] = {}
    for portion, results in zip(portions, judged, strict=True):
        for result in results:
            found[_id_of(keys, portion.patient, package, result)] = (portion, result)
    known = {row.result for row in rows_with(connection, COURSES.c.result, list(found))}
    new = {id: each for id, each in found.items() if id not in known}
    put_rows(
        connection,
        COURSES,
        [
            {
                "result": id,
                "patient": portion.patient,
                "package": package,
                "entries": entries[portion.patient],
                "at": microseconds(now),
                "body": seal(portion.key, portion.patient, _column(id), msgspec.json.encode(result)),
            }
            for id, (portion, result) in new.items()
        ],
    )
    standing = result_rows(connection, [p.patient for p in portions], package)
    before = {patient: {row.result for row in rows} - new.keys() for patient, rows in standing.items()}
    _mark(connection, COURSES.c.patient, [p.patient for p in portions], package, _SUPERSEDED)
    changed = set[str]()
    for portion in portions:
        mine = [id for id, (whose, _) in found.items() if whose is portion]
        _mark(connection, COURSES.c.result, mine, package, entries[portion.patient])
        if set(mine) != before.get(portion.patient, set()):
            changed.add(portion.patient)
    stored = [CourseResult(id, p.subject_id, package, now, result) for id, (p, result) in new.items()]
    return portions, stored, changed


def _mark(
    connection: sa.Connection, column: sa.Column[Any], values: Sequence[str], package: str, entries: int
) -> None:
    """How many entries these results stand for."""
    for start in range(0, len(values), _PORTION):
        some = among(connection, column, values[start : start + _PORTION])
        connection.execute(
            sa.update(COURSES).where(COURSES.c.package == package, some).values(entries=entries)
        )


def due(connection: sa.Connection, patients: Sequence[str], package: str) -> dict[str, int]:
    """Who has other entries than at the last sweep, and how many: entries are never deleted singly.

    Who has no result has not been judged as far as can be told from here.
    """
    counted = sa.select(ENTRIES.c.patient, sa.func.count()).group_by(ENTRIES.c.patient)
    stored = connection.execute(counted.where(among(connection, ENTRIES.c.patient, patients)))
    now = {patient: number for patient, number in stored}  # noqa: C416  (rows, not pairs)
    swept = sa.select(COURSES.c.patient, sa.func.max(COURSES.c.entries)).group_by(COURSES.c.patient)
    swept = swept.where(COURSES.c.package == package, among(connection, COURSES.c.patient, patients))
    then = {patient: number for patient, number in connection.execute(swept)}  # noqa: C416
    return {patient: now[patient] for patient in patients if now.get(patient, 0) != then.get(patient, 0)}


def read_results(
    connection: sa.Connection, keys: KeyStore, purpose: Purpose, moment: datetime, package: str | None
) -> tuple[CourseResults, dict[str, int]]:
    """What stands, by person and time of the score, and how many of each patient."""
    rows = result_rows(connection, None, package)
    steps = step_rows(connection, None, resolved=True)
    found, withheld, served = [], 0, Counter[str]()
    everybody = list(rows)
    for start in range(0, len(everybody), _PORTION):
        some = everybody[start : start + _PORTION]
        for portion in fetch(connection, keys, some, purpose, moment, kinds=()):
            allowed, kept = served_results(portion, rows[portion.patient], steps)
            withheld += kept
            found += allowed
            served[portion.patient] += len(allowed)
    found.sort(key=_order)
    return CourseResults(tuple(found), withheld), dict(served)


def result_rows(
    connection: sa.Connection, patients: Collection[str] | None, package: str | None = None
) -> dict[str, list[sa.Row[Any]]]:
    """By patient the rows of what stands, still sealed; of these patients (None: of all)."""
    given: dict[str, Any] = {} if patients is None else {"values": list(patients)}
    if package is not None:
        given["package"] = package
    query = _standing(connection.dialect.name, everybody=patients is None, every=package is None)
    rows: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in connection.execute(query, given):
        rows[row.patient].append(row)
    return dict(rows)


@cache
def _standing(dialect: str, *, everybody: bool, every: bool) -> sa.Select[Any]:
    """Of ``everybody`` or of those given, of ``every`` package or of one."""
    query = sa.select(COURSES).where(COURSES.c.entries != _SUPERSEDED)
    if not everybody:
        query = query.where(listed(dialect, COURSES.c.patient))
    if not every:
        query = query.where(COURSES.c.package == sa.bindparam("package"))
    return query


def served_results(
    portion: Portion, rows: Sequence[sa.Row[Any]], steps: Mapping[str, Sequence[sa.Row[Any]]]
) -> tuple[list[CourseResult], int]:
    """One patient's results in the order of their scores, and how many are withheld.

    ``steps``: by result the rows of the steps that were taken about its alert.
    """
    standing = [_opened(portion, row) for row in rows]
    allowed = [
        replace(one, steps=steps_of(portion, steps[one.id])) if one.id in steps else one
        for one in standing
        if portion.allowed.issuperset(one.result.kinds)
    ]
    return sorted(allowed, key=_order), len(standing) - len(allowed)


def answer_result(
    connection: sa.Connection, keys: KeyStore, purpose: Purpose, id: str, step: Step
) -> tuple[str, CourseResult]:
    """Store a step about the alert of a result; returns the patient (our id) and the result after it."""
    where = COURSES.c.result == id, COURSES.c.entries != _SUPERSEDED
    rows = connection.execute(sa.select(COURSES).where(*where)).all()
    portions = fetch(connection, keys, [row.patient for row in rows], purpose, step.at, kinds=())
    if not portions:
        raise VaultError(f"The vault has no result {id!r} that stands.", hint="Read the courses first.")
    (portion,) = portions
    taken = {
        of: done for of, done in step_rows(connection, [portion.patient], resolved=True).items() if of == id
    }
    allowed, _ = served_results(portion, rows, taken)
    if not allowed:
        raise ConsentError(
            "The patient withholds what this alert comes from; nothing was changed.", hint="Ask the patient."
        )
    (result,) = allowed
    if not result.result.alert:
        raise DataError(f"The result {id} raised no alert.", hint="Answer those that did.")
    check_step(id, result.at, result.steps, step)
    put_step(connection, portion, id, len(result.steps) + 1, step)
    return portion.patient, replace(result, steps=(*result.steps, step))


def _order(one: CourseResult) -> tuple[str, str, tuple[int, float]]:
    return one.package, one.subject_id, one.result.scores[-1]


def _opened(portion: Portion, row: sa.Row[Any]) -> CourseResult:
    plain = unseal(portion.key, portion.patient, _column(row.result), row.body)
    result = msgspec.json.decode(plain, type=Result)
    return CourseResult(row.result, portion.subject_id, row.package, from_microseconds(row.at), result)


def _id_of(keys: KeyStore, patient: str, package: str, result: Result) -> str:
    said = msgspec.json.encode((patient, package, result.scores)).decode()
    return blind_index(keys.index_key, "course", said, exact=True).hex()[:_ID_DIGITS]


def _column(id: str) -> str:
    """What a result is sealed for: it opens nowhere else."""
    return f"courses.{id}"
