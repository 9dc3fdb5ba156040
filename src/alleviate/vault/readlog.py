"""Puts what is about to be served into the audit: many readers, one transaction, one signed checkpoint.

A reader reads from a snapshot, without a turn, and then brings its events here. They are committed together
with those of whoever else is waiting in this process, once it is seen, under the turn, that nobody was
written about since the snapshot: else the reader reads again. So nothing is served whose event is not on the
disk, and no event stands in the audit after a withdrawal or an erasure that the reader had not seen.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from alleviate.terms.errors import AlleviateError, AuditError
from alleviate.vault.audit import AuditEvent, AuditLog
from alleviate.vault.checkpoints import Head
from alleviate.vault.database import Database
from alleviate.vault.revisions import revisions

__all__ = ["ReadLog"]


@dataclass(slots=True)
class _Reader:
    """One who waits. ``outcome``: whether it may serve (False: it is to read again), or what went wrong."""

    events: Sequence[AuditEvent]
    seen: Mapping[str, int]
    outcome: bool | BaseException | None = field(default=None)


class ReadLog:
    """The events of readers of one vault in this process. Threads share it."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit
        self._lock = threading.Lock()  # of the list
        self._leading = threading.Lock()  # of whoever commits
        self._waiting: list[_Reader] = []

    def record(self, events: Sequence[AuditEvent], seen: Mapping[str, int]) -> bool:
        """Whether the events are on the disk, signed, and what was read may be served.

        ``seen``: of each person read the revision in the snapshot. False: somebody was written about since;
        nothing was recorded, read again. Raises AuditError or VaultError: then serve nothing.
        """
        me = _Reader(events, seen)
        with self._lock:
            self._waiting.append(me)
        with self._leading:
            if me.outcome is None:
                with self._lock:
                    together, self._waiting = self._waiting, []
                self._commit(together)
        if isinstance(me.outcome, AlleviateError):
            raise type(me.outcome)(me.outcome.message, hint=me.outcome.hint)
        if not isinstance(me.outcome, bool):
            raise AuditError(
                "The audit could not be written, so nothing was served.", hint="Try again."
            ) from me.outcome
        return me.outcome

    def _commit(self, together: Sequence[_Reader]) -> None:
        """Settle the outcome of all of them, whatever happens."""
        try:
            fresh: set[int] = set()
            with self._database.turn() as connection:
                with connection.begin():
                    head = self._append(connection, together, fresh)
                if head:
                    self._audit.seal(head)
        except BaseException as error:
            for reader in together:
                reader.outcome = error
            if not isinstance(error, Exception):
                raise  # whoever is interrupted stops; the others are told that nothing was written
        else:
            for reader in together:
                reader.outcome = id(reader) in fresh

    def _append(self, connection: sa.Connection, together: Sequence[_Reader], fresh: set[int]) -> Head | None:
        now = revisions(connection, {patient for reader in together for patient in reader.seen})
        events: list[AuditEvent] = []
        for reader in together:
            if all(now.get(patient) == revision for patient, revision in reader.seen.items()):
                fresh.add(id(reader))
                events += reader.events
        return self._audit.append(connection, events, datetime.now(UTC)) if events else None
