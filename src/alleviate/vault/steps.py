"""What every step of an access has in common: one turn, one transaction, its events in the audit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import sqlalchemy as sa

from alleviate.vault.audit import Action, AuditEvent, AuditLog
from alleviate.vault.caseload import OpenGlances
from alleviate.vault.consent import Purpose, check_purpose
from alleviate.vault.database import Database
from alleviate.vault.keystore import KeyStore
from alleviate.vault.persons import known
from alleviate.vault.reading import Portion
from alleviate.vault.readlog import ReadLog
from alleviate.vault.schema import PATIENTS

__all__ = ["PORTION", "Found", "Steps", "batches", "this_moment"]

PORTION = 250
"""Patients read in one step."""

_TRIES = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was read: to be served once ``events`` are in the audit; ``seen``: whom, at which revision.

    Without events nothing is served.
    """

    value: T
    events: Sequence[AuditEvent]
    seen: Mapping[str, int]


class Steps:
    """What ``actor`` does for ``purpose``, step by step."""

    def __init__(
        self,
        database: Database,
        keys: KeyStore,
        audit: AuditLog,
        readlog: ReadLog,
        opened: OpenGlances,
        actor: str,
        purpose: Purpose,
    ) -> None:
        check_purpose(purpose)
        self._database = database
        self._keys = keys
        self._audit = audit
        self._readlog = readlog
        self._opened = opened
        self._actor = actor
        self._purpose = purpose
        self._event("read")  # refuses an actor whom the audit could not name

    def _known(self, connection: sa.Connection, id: str, *, interrupted: bool = False) -> str:
        return known(connection, self._keys, self._purpose, id, interrupted=interrupted)

    def _read(self, portion: Portion) -> AuditEvent:
        return self._event("read", portion.patient, entries=len(portion.rows), kinds=len(portion.allowed))

    def _event(self, action: Action, patient: str = "", **detail: str | int) -> AuditEvent:
        return AuditEvent(self._actor, action, self._purpose, patient, detail)

    def _pages(self) -> Iterator[list[str]]:
        """All patients (our ids) in the order in which they were stored, some at a time."""
        last = 0
        while True:
            with self._database.snapshot() as connection:
                query = sa.select(PATIENTS.c.id, PATIENTS.c.patient).where(PATIENTS.c.id > last)
                rows = connection.execute(query.order_by(PATIENTS.c.id).limit(PORTION)).all()
            if not rows:
                return
            last = rows[-1].id
            yield [row.patient for row in rows]

    @contextmanager
    def _step(self) -> Iterator[tuple[sa.Connection, list[AuditEvent]]]:
        """One transaction with the audit events that were put into the list, signed before this ends."""
        events: list[AuditEvent] = []
        with self._database.turn() as connection:
            with connection.begin():
                yield connection, events
                head = self._audit.append(connection, events, this_moment()) if events else None
            if head:
                self._audit.seal(head)

    def _served(self, read: Callable[[sa.Connection], Found[T]]) -> T:
        """What ``read`` finds in a snapshot, once its events are in the audit and it still stands.

        Where somebody is written about again and again, it is read in a turn of its own in the end.
        """
        for _ in range(_TRIES):
            with self._database.snapshot() as connection:
                found = read(connection)
            if not found.events or self._readlog.record(found.events, found.seen):
                return found.value
        with self._step() as (connection, events):
            found = read(connection)
            events += found.events
        return found.value


def batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """Some at a time."""
    ordered = list(ids)
    return (ordered[start : start + PORTION] for start in range(0, len(ordered), PORTION))


def this_moment() -> datetime:
    """The moment by the clock, UTC."""
    return datetime.now(UTC)
