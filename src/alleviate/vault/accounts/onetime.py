"""What holds one time only: a spent code or JWT, and what is kept between two steps under a token."""

import secrets
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from alleviate.terms.times import check_utc
from alleviate.vault.accounts.strongbox import Strongbox, digest
from alleviate.vault.accounts.tables import SPENT, TICKETS
from alleviate.vault.body import microseconds

__all__ = ["OneTime"]

T = TypeVar("T")


class _Ticket(msgspec.Struct, frozen=True):
    kind: str
    value: Any


class OneTime:
    """Remembers what was used."""

    def __init__(self, box: Strongbox) -> None:
        self._box = box

    def spend(self, kind: str, value: str, until: datetime, now: datetime | None = None) -> bool:
        """True the first time that a value of this kind comes; remembered ``until`` it holds no more."""
        check_utc(until, "Until when a value is remembered")
        now = now or datetime.now(UTC)
        index = self._box.index(f"spent.{kind}", value)
        with self._box.step() as step:
            step.connection.execute(sa.delete(SPENT).where(SPENT.c.until < microseconds(now)))
            if step.connection.execute(sa.select(SPENT.c.until).where(SPENT.c.index == index)).first():
                return False
            step.connection.execute(sa.insert(SPENT), {"index": index, "until": microseconds(until)})
        return True

    def keep(self, kind: str, value: Any, now: datetime, until: datetime) -> str:
        """Keep ``value`` (JSON), sealed; the token that takes it."""
        token = secrets.token_urlsafe(32)
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
