"""Who did what to whose record, and why: a log that can only grow, in which no event can be changed unseen.

An event's hash is SHA-256 of the hash before it, the length of its JSON (8 bytes) and its JSON (RFC 8785).
An event is stored in the transaction of what it tells; nothing is served whose event could not be stored.
The log holds no words about patients, only counts, kinds, digests and ids, so that an erasure leaves it
whole. A reason in free words could name somebody and is refused: the words belong into the record, under
the patient's key.
"""

import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from alleviate.terms.errors import AuditError
from alleviate.terms.times import check_utc
from alleviate.vault.canonical import LARGEST, canonical
from alleviate.vault.checkpoints import START, Checkpoint, Checkpoints, Head

__all__ = [
    "ACTIONS",
    "REASONS",
    "Action",
    "AuditEvent",
    "AuditLog",
    "Reason",
    "Recorded",
    "Verified",
    "audit_table",
    "protect",
]

Action = Literal[
    "create", "open", "read", "find", "import", "export", "erase", "consent",
    "alert", "backup", "restore", "rotate", "verify", "inspect",
    "write", "decide", "deny", "team",
    "account", "sign-in", "sign-out", "refuse-sign-in", "call",
]  # fmt: skip
ACTIONS: frozenset[str] = frozenset(get_args(Action))

Reason = Literal[
    "asked-by-the-person",
    "consent-withdrawn",
    "kept-long-enough",
    "wrong-person",
    "ordered-by-law",
    "test-data",
]
REASONS: frozenset[str] = frozenset(get_args(Reason))
"""Why a record is erased: a detail named ``reason`` is one of these."""

_WORD = re.compile(r"\w[\w.:/@+=|-]{0,199}").fullmatch
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
_MOST_DETAILS = 20
_OUR_ID = 32
_INDEXED = """(substr(json, {find}(json, '}},"patient":"') + 13, 32))"""
"""The patient of an event, exactly as the index of the migration 0006 has it."""
_ABOUT_SOMEBODY = """{find}(json, '}},"patient":""') = 0"""
"""What that index holds on PostgreSQL, in its words: a query that does not say so cannot use it."""
_TAMPERED = "Keep the database and the checkpoints as they are, and ask who could write to them."


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """``actor`` did ``action`` for ``purpose``, to the record of ``patient`` (our id; empty: no one's).

    Actor, purpose, patient and the text in ``detail`` are single words: letters, digits and ``_.:/@+=|-``, at
    most 200. A ``reason`` is one of ``REASONS``. Raises ``AuditError`` for anything else: a sentence could
    name a patient, and could never be erased.
    """

    actor: str
    action: Action
    purpose: str
    patient: str = ""
    detail: Mapping[str, str | int | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise AuditError(
                f"An audit event's action is one of {', '.join(sorted(ACTIONS))}, got {self.action!r}.",
                hint="Use one of them, or add it to alleviate.vault.audit.Action.",
            )
        if not _WORD(self.actor):
            raise _wordy("actor")
        if not _WORD(self.purpose):
            raise _wordy("purpose")
        if self.patient and not _WORD(self.patient):
            raise _wordy("patient")
        if len(self.detail) > _MOST_DETAILS:
            raise AuditError(
                f"An audit event has at most {_MOST_DETAILS} details, got {len(self.detail)}.",
                hint="Audit counts, kinds and digests.",
            )
        for name, value in self.detail.items():
            if not _NAME(name):
                raise _wordy("name of a detail")
            if name == "reason" and value not in REASONS:
                raise AuditError(
                    f"A reason in the audit is one of {', '.join(sorted(REASONS))}.",
                    hint="Choose one: words of your own could name a patient, and could never be erased.",
                )
            if isinstance(value, str) and not _WORD(value):
                raise _wordy(f"detail {name!r}")
            if not isinstance(value, str | int) or (isinstance(value, int) and abs(value) > LARGEST):
                raise AuditError(
                    f"The detail {name!r} of an audit event is a word, a boolean or a whole number within "
                    f"±(2^53 - 1), got {type(value).__name__}.",
                    hint="Audit counts, kinds and digests.",
                )
        object.__setattr__(self, "detail", dict(self.detail))


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event as the log holds it, at its place (1, 2, …) and its moment."""

    position: int
    at: datetime
    actor: str
    action: str
    purpose: str
    patient: str
    detail: dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Verified:
    """A log found whole: ``size`` events, ``head`` the last hash (hex), ``checkpoints`` signed states."""

    size: int
    head: str
    checkpoints: int
    seconds: float


def audit_table(metadata: sa.MetaData) -> sa.Table:
    """The log's table; made with its triggers by ``metadata.create_all`` (else call ``protect``)."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # there the row's own number
    table = sa.Table(
        "audit",
        metadata,
        sa.Column("position", number, primary_key=True, autoincrement=False),
        sa.Column("json", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )

    @sa.event.listens_for(table, "after_create")
    def _protect(_table: sa.Table, connection: sa.Connection, **_: object) -> None:
        protect(connection, table)

    return table


def protect(connection: sa.Connection, table: sa.Table) -> None:
    """Triggers that refuse to change, delete or replace an event: a second line, against mistakes."""
    name, prefix = table.fullname, f"{table.name}_only_grows"
    if connection.dialect.name == "sqlite":
        refuse = "SELECT RAISE(ABORT, 'the audit only grows')"
        grown = f"NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM {name})"
        for moment, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", f"WHEN {grown}")):
            trigger = f"{prefix}_{moment.lower()} BEFORE {moment} ON {name} {when}"
            connection.exec_driver_sql(f"CREATE TRIGGER {trigger} BEGIN {refuse}; END")
        return
    function = f"{table.schema}.{prefix}" if table.schema else prefix
    body = "BEGIN RAISE EXCEPTION 'the audit only grows'; END"
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$ {body} $body$"
    )
    for moment, scope in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        trigger = f"{prefix}_{scope.lower()} BEFORE {moment} ON {name} FOR EACH {scope}"
        connection.exec_driver_sql(f"CREATE TRIGGER {trigger} EXECUTE FUNCTION {function}()")


class AuditLog:
    """The log in ``table``. ``append`` in the caller's transaction; after its commit ``seal`` what that gave.

    ``begin`` once, when the vault is made. Every ``append`` looks whether the log still holds what was sealed
    last, so that a log cut off behind our back stops the next action, and is not written over.
    """

    def __init__(self, table: sa.Table, checkpoints: Checkpoints) -> None:
        self._table = table
        self._lock = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(table.fullname)))
        self._insert = sa.insert(table)
        self._last = {
            dialect: sa.select(position, link).order_by(position.desc()).limit(1)
            for dialect in ("sqlite", "postgresql")
            for position, _, link in [self._columns(dialect)]
        }
        self.checkpoints = checkpoints

    def begin(self, now: datetime) -> None:
        """Sign the empty log; without that nothing can be appended. Raises ``AuditError``."""
        self.checkpoints.start(now)

    def append(self, connection: sa.Connection, events: Sequence[AuditEvent], now: datetime) -> Head:
        """Store the events in the caller's transaction, in their order, and return the end of the log.

        SQLite: the caller has begun with ``BEGIN IMMEDIATE``. PostgreSQL: isolation ``READ COMMITTED``; the
        log's lock is held until the transaction ends, so append last. Raises ``AuditError``.
        """
        check_utc(now, "The time of an audit event")
        at = now.isoformat(timespec="microseconds").replace("+00:00", "Z")
        with _written():
            if connection.dialect.name == "postgresql":
                connection.execute(self._lock)
            position, previous = self._end(connection)
            rows = []
            for event in events:
                position += 1
                raw = canonical(
                    {
                        "action": event.action,
                        "actor": event.actor,
                        "at": at,
                        "detail": event.detail,
                        "patient": event.patient,
                        "position": position,
                        "purpose": event.purpose,
                    }
                )
                previous = _link(previous, raw)
                rows.append({"position": position, "json": raw.decode(), "hash": previous})
            if rows:
                connection.execute(self._insert, rows)
        return Head(position, previous, now)

    def seal(self, head: Head) -> None:
        """Sign the log's end once it is committed. Raises ``AuditError``: then serve nothing."""
        self.checkpoints.seal(head)

    def verify(self, connection: sa.Connection) -> Verified:
        """Read the whole log, in a transaction that has read nothing yet. Raises ``AuditError``.

        The error names the first broken link.
        """
        begun = time.perf_counter()
        signed = self.checkpoints.all()
        size, end = self._walked(connection, signed)
        return Verified(size, end.hex(), len(signed), time.perf_counter() - begun)

    def adopt(self, connection: sa.Connection, now: datetime) -> int:
        """Sign the log that a backup brought back, in the caller's transaction; ``append`` that it was then.

        Returns how many events were signed after the backup and are lost. The checkpoints that saw them are
        moved aside and kept. Raises ``AuditError`` where the log's own chain is broken.
        """
        size, end = self._walked(connection, [])
        return self.checkpoints.adopt(Head(size, end, now))

    def size(self, connection: sa.Connection) -> int:
        """How many events the log holds."""
        return connection.execute(sa.select(sa.func.count()).select_from(self._table)).scalar_one()

    def show(self, connection: sa.Connection, patient: str = "", last: int | None = None) -> list[Recorded]:
        """The ``last`` events, of ``patient`` or of all, newest first. Raises ``AuditError``."""
        position, raw, _ = self._columns(connection.dialect.name)
        query = sa.select(raw).order_by(position.desc()).limit(last)
        if patient:
            find = "instr" if connection.dialect.name == "sqlite" else "strpos"
            exact = getattr(sa.func, find)(self._table.c.json, f'}},"patient":"{patient}","position":')
            query = query.where(exact > 0)
            if len(patient) == _OUR_ID:
                query = query.where(sa.literal_column(_INDEXED.format(find=find)) == patient)
                query = query.where(sa.literal_column(_ABOUT_SOMEBODY.format(find=find)))
        try:
            return [msgspec.json.decode(row[0] or b"", type=Recorded) for row in connection.execute(query)]
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise AuditError(
                "An event of the audit cannot be read: it was changed.", hint="Run: alleviate audit verify"
            ) from None

    def _columns(self, dialect: str) -> tuple[Any, Any, Any]:
        """Position, JSON and hash as integer and bytes, whatever somebody put into them."""
        columns = self._table.c
        if dialect == "sqlite":
            raw, link = (sa.cast(column, sa.LargeBinary) for column in (columns.json, columns.hash))
            return columns.position, raw, link
        return columns.position, sa.func.convert_to(columns.json, "UTF8"), columns.hash

    def _walked(self, connection: sa.Connection, signed: Sequence[Checkpoint]) -> tuple[int, bytes]:
        """The log's size and last hash, every link and every signed state found in it."""
        marks = iter(signed)
        mark = next(marks, None)
        good, position, previous = 0, 0, START
        for position, row in enumerate(self._rows(connection), 1):
            stored, raw, link = row
            if stored != position or raw is None or _link(previous, raw) != link:
                raise self._broken(connection, row, position, previous)
            previous = link
            while mark and mark.size <= position:
                if mark.size:  # the empty log was signed too
                    _refuse_rewritten(mark, previous, good)
                good, mark = mark.size, next(marks, None)
        if mark and mark.size > position:
            raise _cut_off(mark, position)
        return position, previous

    def _rows(self, connection: sa.Connection) -> Iterator[Sequence[Any]]:
        position, raw, link = self._columns(connection.dialect.name)
        query = sa.select(position, raw, link).order_by(position)
        for some in connection.execute(query, execution_options={"yield_per": 5000}).partitions():
            yield from some

    def _end(self, connection: sa.Connection) -> tuple[int, bytes]:
        """How many events there are, and the last one's hash; what was signed last is seen to be there."""
        last = connection.execute(self._last[connection.dialect.name]).first()
        size, end = (last[0], last[1]) if last else (0, START)
        signed = self.checkpoints.latest()
        if signed.size > size:
            raise _cut_off(signed, size)
        if signed.size == size:
            found = end
        else:
            position, _, link = self._columns(connection.dialect.name)
            found = connection.execute(sa.select(link).where(position == signed.size)).scalar() or b""
        if signed.size:
            _refuse_rewritten(signed, found, 0)
        return size, end

    def _broken(
        self, connection: sa.Connection, row: Sequence[Any], expected: int, previous: bytes
    ) -> AuditError:
        """What is wrong with the first link that does not hold, as far as it and the next one tell."""
        stored, raw, _ = row
        position, following, link = self._columns(connection.dialect.name)
        query = sa.select(following, link).where(position > stored).order_by(position).limit(1)
        after = connection.execute(query).first()
        if stored > expected:
            wrong = "is missing"
        elif stored < expected:
            wrong = f"stands at position {stored:,}"
        elif (said := _own_position(raw)) not in (None, expected):
            wrong = f"is out of order: event {said:,} stands in its place"
        elif after and raw is not None and _link(_link(previous, raw), after[0] or b"") == after[1]:
            wrong = "has another hash than it had"
        else:
            wrong = "has another content than it had"
        return AuditError(
            f"The audit is broken: event {expected:,} of {self.size(connection):,} {wrong}.", hint=_TAMPERED
        )


def _link(previous: bytes, raw: bytes) -> bytes:
    return hashlib.sha256(previous + len(raw).to_bytes(8) + raw).digest()


def _own_position(raw: bytes | None) -> int | None:
    try:
        return msgspec.json.decode(raw or b"", type=Recorded).position
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _cut_off(signed: Checkpoint, size: int) -> AuditError:
    return AuditError(
        f"The audit is broken: the log ends at {size:,}, but the checkpoint signed on {signed.time} "
        f"saw {signed.size:,} events.",
        hint=_TAMPERED,
    )


def _refuse_rewritten(signed: Checkpoint, found: bytes, good: int) -> None:
    if found.hex() != signed.head:
        raise AuditError(
            f"The audit is broken: an event from {good + 1:,} to {signed.size:,} was rewritten with all that "
            f"follow; the checkpoint signed on {signed.time} saw another event {signed.size:,}.",
            hint=_TAMPERED,
        )


def _wordy(what: str) -> AuditError:
    return AuditError(
        f"The {what} of an audit event is one word: at most 200 letters, digits and _.:/@+=|-.",
        hint="Words about a patient belong into the record; the audit takes ids, kinds, counts and digests.",
    )


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise AuditError(
            f"The audit cannot be written: {cause}. So nothing was done or served.",
            hint="Check the database's space and rights, then try again.",
        ) from error
