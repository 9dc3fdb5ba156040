"""What holds one time only: a spent code or JWT, and what is kept between two steps under a token."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from alleviate.terms.times import check_utc
from alleviate.vault.accounts.strongbox import Strongbox, digest
from alleviate.vault.accounts.tables import SPENT, TICKETS
from alleviate.vault.body import microseconds

__all__ = ["OneTime"]

T = TypeVar("T")

_CLEAR = timedelta(minutes=1)


class _Ticket(msgspec.Struct, frozen=True):
    kind: str
    value: Any


_SPENT = sa.select(SPENT.c.until).where(SPENT.c.index == sa.bindparam("name", type_=sa.LargeBinary))
_SPENDING = sa.insert(SPENT)


class OneTime:
    """Remembers what was used."""

    def __init__(self, box: Strongbox) -> None:
        self._box = box
        self._cleared = datetime.min.replace(tzinfo=UTC)

    def spend(self, kind: str, value: str, until: datetime, now: datetime | None = None) -> bool:
        """True the first time that a value of this kind comes; remembered ``until`` it holds no more."""
        check_utc(until, "Until when a value is remembered")
        now = now or datetime.now(UTC)
        index = self._box.index(f"spent.{kind}", value)
        with self._box.step() as step:
            if now - self._cleared >= _CLEAR:  # a look at all of them: not at each call
                step.connection.execute(sa.delete(SPENT).where(SPENT.c.until < microseconds(now)))
                self._cleared = now
            row = step.connection.execute(_SPENT, {"name": index}).first()
            if row is not None and row.until >= microseconds(now):
                return False
            if row is not None:
                step.connection.execute(sa.delete(SPENT).where(SPENT.c.index == index))
            step.connection.execute(_SPENDING, {"index": index, "until": microseconds(until)})
        return True

    def keep(self, kind: str, value: Any, now: datetime, until: datetime, *, uuid: bool = False) -> str:
        """Keep ``value`` (JSON), sealed; the token that takes it. ``uuid``: a random UUID (122 bits)."""
        token = str(uuid4()) if uuid else secrets.token_urlsafe(32)
        name = digest(f"{kind} {token}")
        row = {
            "ticket": name,
            "until": microseconds(until),
            "body": self._box.sealed(name.hex(), "tickets", _Ticket(kind, value)),
        }
        with self._box.step() as step:
            step.connection.execute(sa.delete(TICKETS).where(TICKETS.c.until < microseconds(now)))
            step.connection.execute(sa.insert(TICKETS), row)
        return token

    def look(self, kind: str, token: str, type: type[T], now: datetime) -> T | None:
        """What was kept under the token; it stays."""
        query = sa.select(TICKETS).where(TICKETS.c.ticket == digest(f"{kind} {token}"))
        with self._box.view() as connection:
            return self._opened(kind, connection.execute(query).first(), type, now)

    def take(self, kind: str, token: str, type: type[T], now: datetime) -> T | None:
        """What was kept under the token, once; None for another kind, a second time, or too late."""
        taken = sa.delete(TICKETS).where(TICKETS.c.ticket == digest(f"{kind} {token}")).returning(*TICKETS.c)
        with self._box.step() as step:
            row = step.connection.execute(taken).first()
        return self._opened(kind, row, type, now)

    def _opened(self, kind: str, row: sa.Row[Any] | None, type: type[T], now: datetime) -> T | None:
        if row is None or microseconds(now) >= row.until:
            return None
        found = self._box.opened(_Ticket, row.ticket.hex(), "tickets", row.body)
        return msgspec.convert(found.value, type, strict=False) if found.kind == kind else None
