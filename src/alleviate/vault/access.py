"""The only way to the data of patients: somebody, for a purpose, with every step in the audit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self

import polars as pl
import sqlalchemy as sa

from alleviate.progress.alerts import Alert, Step
from alleviate.progress.safety import watched
from alleviate.records import EVENTS, Entry, Event, Kind, PatientRecord
from alleviate.terms.errors import ConsentError, DataError, VaultError
from alleviate.terms.times import check_utc
from alleviate.vault.alerts import Alerts, check_alert_purpose, raise_alerts, read_alerts, take_step
from alleviate.vault.audit import Action, AuditEvent, AuditLog
from alleviate.vault.body import from_microseconds
from alleviate.vault.cipher import blind_index
from alleviate.vault.consent import Purpose, check_purpose, pseudonymous
from alleviate.vault.courses import (
    CourseResult,
    CourseResults,
    Judge,
    check_course_purpose,
    read_results,
    sweep,
)
from alleviate.vault.database import Database
from alleviate.vault.erasure import Erasure, erase
from alleviate.vault.keystore import KeyStore
from alleviate.vault.naming import names_sought
from alleviate.vault.reading import Portion, fetch, frame_of_portions, record_of
from alleviate.vault.schema import DEFINITIONS, ERASURES, NAMES, PATIENTS
from alleviate.vault.writing import Tally, Writer

__all__ = ["Access"]

_PORTION = 250
"""Patients read in one step."""


class Access:
    """What ``actor`` does for ``purpose``. Made by ``Vault.access``; a context manager.

    Ids are the source's; for research and model training ours, and names and identifiers are left out.
    Every method writes its audit before it gives anything, and raises VaultError, or AuditError where the
    audit cannot be written.
    """

    def __init__(
        self, database: Database, keys: KeyStore, audit: AuditLog, actor: str, purpose: Purpose
    ) -> None:
        check_purpose(purpose)
        self._database = database
        self._keys = keys
        self._audit = audit
        self._actor = actor
        self._purpose = purpose
        self._event("read")  # refuses an actor whom the audit could not name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held between two steps."""

    def put(self, entries: Sequence[Entry], now: datetime) -> Tally:
        """Store what is new and what corrects, all or nothing, with the safety alerts that it raises.

        ``now`` (UTC) is the moment of the import. Raises DataError for text that is not Unicode.
        """
        check_utc(now, "The moment of an import")
        with self._step() as (connection, events):
            writer = Writer(connection, self._keys, now)
            try:
                tally = writer.put(entries)
            except UnicodeEncodeError:
                raise DataError(
                    "An entry has text that is not Unicode; nothing of its batch was stored.",
                    hint="Write the file in UTF-8.",
                ) from None
            for patient, change in writer.changes.items():
                counts = {"stored": change.stored, "superseded": change.superseded}
                events.append(self._event("import", patient, **counts, digest=change.digest.hexdigest()))
            answers: defaultdict[str, list[Event]] = defaultdict(list)
            for entry in writer.standing.values():
                if watched(entry.events):
                    answers[writer.patients[entry.subject_id]] += entry.events
            raised = raise_alerts(connection, self._keys, list(answers), now, answers)
            events += [self._event("alert", of, alert=alert, state="raised") for alert, of in raised]
        return replace(tally, alerts=len(raised))

    def raise_alerts(self, now: datetime) -> int:
        """Raise the safety alerts of everything that is stored and has none; returns how many.

        `put` has raised its own: this is for what an older version stored, and as a second look.
        """
        check_utc(now, "The moment of an alert")
        count = 0
        for patients in self._pages():
            with self._step() as (connection, events):
                raised = raise_alerts(connection, self._keys, patients, now)
                events += [self._event("alert", of, alert=alert, state="raised") for alert, of in raised]
            count += len(raised)
        return count

    def alerts(self, *, resolved: bool = False) -> Alerts:
        """The safety alerts that nobody has resolved, or all, as far as consent permits. None is held back.

        For care, or for the person's own rights; raises ConsentError otherwise.
        """
        check_alert_purpose(self._purpose)
        with self._step() as (connection, events):
            found, portions = read_alerts(connection, self._keys, self._purpose, _now(), resolved=resolved)
            events += [self._event("read", patient, alerts=n) for patient, n in portions.items()]
            events += [] if portions else [self._event("read", alerts=0)]
        return found

    def answer(
        self, alert: str, state: Literal["acknowledged", "resolved"], now: datetime, done: str = ""
    ) -> Alert:
        """Take an alert (``acknowledged``) or close it (``resolved``, saying what was ``done``) as the actor.

        Raises VaultError for an unknown alert, DataError for a step not open to it, ConsentError where the
        person withholds it or the purpose is not care.
        """
        check_alert_purpose(self._purpose, answering=True)
        step = Step(state, now, self._actor, done)
        with self._step() as (connection, events):
            patient, answered = take_step(connection, self._keys, self._purpose, alert, step)
            events.append(self._event("alert", patient, alert=alert, state=state))
        return answered

    def sweep(self, package: str, judge: Judge, now: datetime) -> list[CourseResult]:
        """Judge the scores of everybody with entries that no sweep has seen, store and return what is new.

        ``package``: 32 characters that name what judges. For care; raises ConsentError otherwise. Cut off at
        any moment, nothing is lost or doubled: the next goes on.
        """
        check_course_purpose(self._purpose, sweeping=True)
        check_utc(now, "The moment of a sweep")
        found: list[CourseResult] = []
        for patients in self._pages():
            with self._step() as (connection, events):
                read, stored = sweep(connection, self._keys, patients, package, now, judge)
                events += map(self._read, read)
                whose = {portion.subject_id: portion.patient for portion in read}
                events += [
                    self._event("alert", whose[one.subject_id], course=one.id, state="raised")
                    for one in stored
                    if one.result.alert
                ]
            found += stored
        return found

    def courses(self, package: str | None = None) -> CourseResults:
        """What stands of every score judged, of one package or all, as far as consent permits.

        For care, or for the person's own rights; raises ConsentError otherwise.
        """
        check_course_purpose(self._purpose)
        with self._step() as (connection, events):
            found, served = read_results(connection, self._keys, self._purpose, _now(), package)
            events += [self._event("read", patient, courses=n) for patient, n in served.items()]
            events += [] if served else [self._event("read", courses=0)]
        return found

    def put_definitions(self, definitions: Iterable[tuple[str, bytes]]) -> Tally:
        """Store questionnaires (ref, JSON); the latest stands."""
        latest = dict(definitions)
        with self._step() as (connection, events):
            known = _definitions(connection)
            new = [{"ref": ref, "body": body} for ref, body in latest.items() if ref not in known]
            other = [
                {"name": ref, "new": body} for ref, body in latest.items() if known.get(ref, body) != body
            ]
            if new:
                connection.execute(sa.insert(DEFINITIONS), new)
            if other:
                update = sa.update(DEFINITIONS).where(DEFINITIONS.c.ref == sa.bindparam("name"))
                connection.execute(update.values(body=sa.bindparam("new")), other)
            if new or other:
                events.append(self._event("import", definitions=len(new) + len(other)))
        return Tally(len(new), len(latest) - len(new) - len(other), len(other))

    def definitions(self) -> dict[str, bytes]:
        """The questionnaires, by ref; no patient's data."""
        with self._database.snapshot() as connection:
            return _definitions(connection)

    def ids(self) -> list[str]:
        """Everybody, as first stored; for research and model training those who permit anything."""
        found = []
        for patients in self._pages():
            with self._step() as (connection, events):
                portions = fetch(connection, self._keys, patients, self._purpose, _now(), kinds=())
                events.append(self._event("read", ids=len(portions)))
            found += [
                portion.subject_id for portion in portions if portion.allowed or not portion.pseudonymous
            ]
        return found

    def find(self, text: str) -> list[str]:
        """The ids of those whom ``text`` names: an id, an identifier, or "Family 1970-05-01".

        Raises ConsentError for research and model training unless ``text`` is an id of ours.
        """
        with self._step() as (connection, events):
            patients = self._named(connection, text)
            portions = fetch(connection, self._keys, patients, self._purpose, _now(), kinds=())
            events += [self._event("find", portion.patient) for portion in portions] or [
                self._event("find", found=0)
            ]
        return [portion.subject_id for portion in portions]

    def permitted(self, id: str) -> frozenset[Kind]:
        """The kinds of one person's data that may be read for this purpose now."""
        return self._one(id, ()).allowed

    def record(self, id: str) -> PatientRecord:
        """One person's whole history, as far as consent permits, by the source's id or ours.

        Raises ConsentError where nothing is permitted, VaultError for somebody unknown or erased.
        """
        portion = self._one(id, None)
        if not portion.allowed:
            raise ConsentError(
                f"The patient {id!r} permits nothing for {self._purpose}; nothing was read.",
                hint="Ask the patient.",
            )
        return record_of(portion)

    def records(self, ids: Iterable[str] | None = None) -> Iterator[PatientRecord]:
        """The records of these people, or of all; without those who permit nothing. Raises VaultError."""
        return (record_of(portion) for portions in self._portions(ids, None) for portion in portions)

    def frame(self, ids: Iterable[str] | None = None, kinds: Iterable[Kind] | None = None) -> pl.DataFrame:
        """The events of these people, or of all, as one table: ``frame_of(records(ids))``, but faster."""
        chosen = None if kinds is None else tuple(kinds)
        frames = [frame_of_portions(portions) for portions in self._portions(ids, chosen)]
        return pl.concat(frames) if frames else EVENTS.to_frame()

    def erase(self, id: str, reason: str) -> Erasure:
        """Destroy a person's key and rows for good, in backups too, with proof. For the purpose ``rights``.

        ``reason`` is for the audit: a few words that name nobody. Cut off, it is completed by the next.
        """
        if self._purpose != "rights":
            raise ConsentError("An erasure is done for the purpose 'rights'.", hint="Open the access for it.")
        with self._database.turn() as connection:
            with connection.begin():
                patient = self._known(connection, id, interrupted=True)
            return erase(
                connection,
                self._database,
                self._keys,
                self._audit,
                self._event("erase", patient, reason="-".join(reason.split())),
            )

    def _one(self, id: str, kinds: Sequence[Kind] | None) -> Portion:
        with self._step() as (connection, events):
            patient = self._known(connection, id)
            (portion,) = fetch(connection, self._keys, [patient], self._purpose, _now(), kinds)
            events.append(self._read(portion))
        return portion

    def _portions(self, ids: Iterable[str] | None, kinds: Sequence[Kind] | None) -> Iterator[list[Portion]]:
        """What may be read, some patients at a time, each step in the audit."""
        for some in self._pages() if ids is None else _batches(dict.fromkeys(ids)):
            with self._step() as (connection, events):
                patients = some if ids is None else [self._known(connection, id) for id in some]
                portions = fetch(connection, self._keys, patients, self._purpose, _now(), kinds)
                portions = [portion for portion in portions if portion.allowed]
                events += map(self._read, portions)
            yield portions

    def _pages(self) -> Iterator[list[str]]:
        """All patients (our ids) in the order in which they were stored, some at a time."""
        last = 0
        while True:
            with self._database.snapshot() as connection:
                query = sa.select(PATIENTS.c.id, PATIENTS.c.patient).where(PATIENTS.c.id > last)
                rows = connection.execute(query.order_by(PATIENTS.c.id).limit(_PORTION)).all()
            if not rows:
                return
            last = rows[-1].id
            yield [row.patient for row in rows]

    def _known(self, connection: sa.Connection, id: str, *, interrupted: bool = False) -> str:
        """Our id of whom ``id`` (the source's or ours) names; also where an erasure was ``interrupted``.

        Raises VaultError.
        """
        index = blind_index(self._keys.index_key, "subject", id, exact=True)
        mine, gone = PATIENTS.c.patient == id, ERASURES.c.patient == id
        if not pseudonymous(self._purpose):
            mine = sa.or_(PATIENTS.c.subject_index == index, mine)
            gone = sa.or_(ERASURES.c.subject_index == index, gone)
        query = sa.select(PATIENTS.c.patient).where(mine).order_by(PATIENTS.c.patient == id)
        patient: str | None = connection.execute(query).scalars().first()
        if patient is not None and (interrupted or self._keys.get([patient])):
            return patient
        at = connection.execute(sa.select(ERASURES.c.erased_at).where(gone)).scalars().first()
        erased = self._keys.destroyed(patient or id) if at is None else from_microseconds(at)
        if erased:
            raise VaultError(
                f"The patient {id!r} was erased on {erased:%Y-%m-%d}.", hint="Nothing is left to read."
            )
        raise VaultError(f"The vault has no patient {id!r}.", hint="Look with: alleviate patient find")

    def _named(self, connection: sa.Connection, text: str) -> list[str]:
        index = blind_index(self._keys.index_key, "subject", text, exact=True)
        own = sa.select(PATIENTS.c.patient).where(
            sa.or_(PATIENTS.c.patient == text, PATIENTS.c.subject_index == index)
        )
        names = sa.select(NAMES.c.patient).where(NAMES.c.index.in_(names_sought(self._keys.index_key, text)))
        if pseudonymous(self._purpose):
            own = sa.select(PATIENTS.c.patient).where(PATIENTS.c.patient == text)
            if not connection.execute(own).first():
                raise ConsentError(
                    f"For {self._purpose} nobody is searched by name or number.",
                    hint="Use the ids of this vault.",
                )
            return [text]
        return sorted({*connection.execute(own).scalars(), *connection.execute(names).scalars()})

    def _read(self, portion: Portion) -> AuditEvent:
        return self._event("read", portion.patient, entries=len(portion.rows), kinds=len(portion.allowed))

    def _event(self, action: Action, patient: str = "", **detail: str | int) -> AuditEvent:
        return AuditEvent(self._actor, action, self._purpose, patient, detail)

    @contextmanager
    def _step(self) -> Iterator[tuple[sa.Connection, list[AuditEvent]]]:
        """One transaction with the audit events that were put into the list, signed before this ends."""
        events: list[AuditEvent] = []
        with self._database.turn() as connection:
            with connection.begin():
                yield connection, events
                head = self._audit.append(connection, events, _now()) if events else None
            if head:
                self._audit.seal(head)


def _definitions(connection: sa.Connection) -> dict[str, bytes]:
    return {row.ref: row.body for row in connection.execute(sa.select(DEFINITIONS))}


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    ordered = list(ids)
    return (ordered[start : start + _PORTION] for start in range(0, len(ordered), _PORTION))


def _now() -> datetime:
    return datetime.now(UTC)
