"""Lockout: who guesses has to wait, longer each time, and learns nothing of who exists.

A key is whatever was tried, known or not: ``login:…``, ``second:…`` (an account), ``address:…``. It is kept
as a blind index. An attempt counts before it is judged, so that many at once are no way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from alleviate.terms.times import check_utc
from alleviate.vault.accounts.strongbox import Strongbox
from alleviate.vault.accounts.tables import LOCKS
from alleviate.vault.body import from_microseconds, microseconds

__all__ = ["Lock", "Locks"]


@dataclass(frozen=True, slots=True)
class _Rule:
    """``free`` failures cost nothing; then the wait doubles from ``first`` to ``most``. All is forgotten
    after ``forgotten`` without a failure."""

    free: int
    first: timedelta
    most: timedelta
    forgotten: timedelta

    def wait(self, failures: int) -> timedelta:
        over = failures - self.free
        return timedelta(0) if over <= 0 else min(self.first * 2 ** min(over - 1, 20), self.most)


_RULE = _Rule(4, timedelta(seconds=15), timedelta(minutes=15), timedelta(days=1))
_ADDRESS = _Rule(20, timedelta(seconds=15), timedelta(minutes=5), timedelta(minutes=30))
"""Many people may share one address: a ward, a hospital."""


@dataclass(frozen=True, slots=True)
class Lock:
    """After ``failures`` in a row nothing is looked at before ``until``."""

    failures: int
    until: datetime

    def holds(self, now: datetime) -> bool:
        return now < self.until

    def wait(self, now: datetime) -> timedelta:
        """How long still."""
        return max(self.until - now, timedelta(0))


class Locks:
    """Counts what failed."""

    def __init__(self, box: Strongbox) -> None:
        self._box = box

    def tried(self, keys: Sequence[str], now: datetime) -> Lock | None:
        """Count one attempt under each key, before it is judged. A Lock: do not judge it, say to wait."""
        check_utc(now, "When somebody tried to sign in")
        with self._box.step() as step:
            forgotten = LOCKS.c.last < microseconds(now - _RULE.forgotten)
            step.connection.execute(sa.delete(LOCKS).where(forgotten))
            found = {key: self._found(step.connection, key, now) for key in keys}
            held = [lock for lock in found.values() if lock.holds(now)]
            if held:
                return max(held, key=lambda lock: lock.until)
            for key, lock in found.items():
                self._counted(step.connection, key, lock, now)
        return None

    def failed(self, key: str, now: datetime) -> Lock:
        """Count one failure, and note it in the audit. The Lock as it then stands."""
        with self._box.step() as step:
            lock = self._counted(step.connection, key, self._found(step.connection, key, now), now)
            step.noted("unknown", "refuse-sign-in", failures=lock.failures, locked=lock.holds(now))
        return lock

    def refused(self, account_id: str, why: str, locked: bool) -> None:
        """Note in the audit that somebody who tried was turned away. ``account_id`` "": nobody's."""
        actor = f"account:{account_id}" if account_id else "unknown"
        with self._box.step() as step:
            step.noted(actor, "refuse-sign-in", why=why, locked=locked)

    def lock(self, key: str, now: datetime) -> Lock:
        """As it stands."""
        with self._box.view() as connection:
            return self._found(connection, key, now)

    def cleared(self, keys: Sequence[str]) -> None:
        """These have signed in. An address loses the one attempt alone: the others were not theirs."""
        with self._box.step() as step:
            for key in keys:
                row = LOCKS.c.key == self._index(key)
                if key.startswith("address:"):
                    fewer = sa.update(LOCKS).where(row, LOCKS.c.failures > 0)
                    step.connection.execute(fewer.values(failures=LOCKS.c.failures - 1))
                else:
                    step.connection.execute(sa.delete(LOCKS).where(row))

    def _index(self, key: str) -> bytes:
        return self._box.index("lock", key, exact=False)

    def _found(self, connection: sa.Connection, key: str, now: datetime) -> Lock:
        row = connection.execute(sa.select(LOCKS).where(LOCKS.c.key == self._index(key))).first()
        if row is None or now - from_microseconds(row.last) >= _rule(key).forgotten:
            return Lock(0, now)
        return Lock(row.failures, from_microseconds(row.until))

    def _counted(self, connection: sa.Connection, key: str, lock: Lock, now: datetime) -> Lock:
        index, failures = self._index(key), lock.failures + 1
        until = now + _rule(key).wait(failures)
        values = {"failures": failures, "last": microseconds(now), "until": microseconds(until)}
        changed = connection.execute(sa.update(LOCKS).where(LOCKS.c.key == index).values(**values))
        if not changed.rowcount:
            connection.execute(sa.insert(LOCKS), {"key": index, **values})
        return Lock(failures, until)


def _rule(key: str) -> _Rule:
    return _ADDRESS if key.startswith("address:") else _RULE
