"""Who is signed in: sessions that the server holds and can end, known by the hash of a token."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc
from alleviate.vault.accounts.account import Account
from alleviate.vault.accounts.strongbox import Strongbox, digest
from alleviate.vault.accounts.tables import ACCOUNTS, SESSIONS
from alleviate.vault.body import from_microseconds, microseconds

__all__ = ["Session", "Sessions", "end_all"]

_TOUCH = timedelta(minutes=1)
_ID_DIGITS = 16


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` names it to its owner and signs nobody in. ``kind`` "web": signed in with all that is asked.

    ``method``: how, as "password+totp". ``only``: what a link opens and nothing besides (an id), or "".
    ``ends``: at the latest, however busy.
    """

    id: str
    account: Account
    kind: str
    opened: datetime
    seen: datetime
    ends: datetime
    method: str = ""
    device: str = ""
    only: str = ""


class _About(msgspec.Struct, frozen=True):
    method: str = ""
    device: str = ""
    only: str = ""


_JOINED = sa.select(SESSIONS, ACCOUNTS.c.patient, ACCOUNTS.c.body.label("account_body")).join(
    ACCOUNTS, ACCOUNTS.c.account == SESSIONS.c.account
)
_BY_TOKEN = _JOINED.where(SESSIONS.c.session == sa.bindparam("token", type_=sa.LargeBinary))


class Sessions:
    """Opens, finds and ends them."""

    def __init__(self, box: Strongbox) -> None:
        self._box = box

    def open(
        self,
        account: Account,
        now: datetime,
        *,
        idle: timedelta,
        absolute: timedelta,
        kind: str = "web",
        method: str = "",
        device: str = "",
        only: str = "",
        instead_of: str = "",
    ) -> str:
        """A new token of 32 random bytes. ``instead_of``: a token that ends in the same step."""
        check_utc(now, "When a session begins")
        if not timedelta(0) < idle <= absolute:
            raise DataError(
                f"A session ends after {idle} without use and {absolute} in all.",
                hint="The first is shorter.",
            )
        token = secrets.token_urlsafe(32)
        said = _About(method, device, only)
        name = digest(token)
        row = {
            "session": name,
            "account": account.id,
            "kind": kind,
            "opened": microseconds(now),
            "seen": microseconds(now),
            "idle": idle // timedelta(microseconds=1),
            "ends": microseconds(now + absolute),
            "body": self._box.sealed(name.hex(), "sessions", said, account.patient),
        }
        with self._box.step() as step:
            step.connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.ends < microseconds(now)))
            if instead_of:
                step.connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.session == digest(instead_of)))
            step.connection.execute(sa.insert(SESSIONS), row)
            step.noted(account.actor, "sign-in", kind=kind, method=said.method or kind)
        return token

    def get(self, token: str, now: datetime, *, used: bool = True) -> Session | None:
        """Whose token it is; None where it has ended, or the account is closed. Counts as use if ``used``."""
        check_utc(now, "When a session is used")
        with self._box.view() as connection:
            row = connection.execute(_BY_TOKEN, {"token": digest(token)}).first()
        found = self._session(row, now) if row is not None else None
        if used and found and now - found.seen >= _TOUCH:
            self._touched(digest(token), now)
        return found

    def of(self, account_id: str, now: datetime) -> list[Session]:
        """All that are open, the last used first."""
        with self._box.view() as connection:
            rows = connection.execute(_JOINED.where(SESSIONS.c.account == account_id)).all()
        found = [each for row in rows if (each := self._session(row, now))]
        return sorted(found, key=lambda session: session.seen, reverse=True)

    def close(self, token: str) -> None:
        """Whoever has the token is signed out; one that is not open changes nothing."""
        ended = sa.delete(SESSIONS).where(SESSIONS.c.session == digest(token)).returning(SESSIONS.c.account)
        with self._box.step() as step:
            for account in step.connection.execute(ended).scalars().all():
                step.noted(f"account:{account}", "sign-out")

    def close_one(self, account_id: str, session_id: str) -> bool:
        """End the session that its owner knows by this id; whether there was one."""
        with self._box.step() as step:
            mine = sa.select(SESSIONS.c.session).where(SESSIONS.c.account == account_id)
            names = [each for each in step.connection.execute(mine).scalars() if _id(each) == session_id]
            for name in names:
                step.connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.session == name))
                step.noted(f"account:{account_id}", "sign-out")
        return bool(names)

    def close_all(self, account_id: str, by: str = "") -> int:
        """End every session of the account; how many there were."""
        with self._box.step() as step:
            count = end_all(step.connection, account_id)
            if count:
                step.noted(by or f"account:{account_id}", "sign-out", account=account_id, sessions=count)
        return count

    def _session(self, row: sa.Row[Any], now: datetime) -> Session | None:
        moment = microseconds(now)
        if moment >= row.ends or moment >= row.seen + row.idle:
            return None
        try:
            account = self._box.opened(Account, row.account, "accounts", row.account_body, row.patient)
            about = self._box.opened(_About, row.session.hex(), "sessions", row.body, row.patient)
        except KeyError:  # the patient was erased
            return None
        if account.disabled:
            return None
        return Session(
            id=_id(row.session),
            account=account,
            kind=row.kind,
            opened=from_microseconds(row.opened),
            seen=from_microseconds(row.seen),
            ends=from_microseconds(row.ends),
            method=about.method,
            device=about.device,
            only=about.only,
        )

    def _touched(self, name: bytes, now: datetime) -> None:
        with self._box.step() as step:
            later = SESSIONS.c.session == name, SESSIONS.c.seen < microseconds(now)
            step.connection.execute(sa.update(SESSIONS).where(*later).values(seen=microseconds(now)))


def end_all(connection: sa.Connection, account_id: str) -> int:
    """In the caller's transaction: nobody is signed in to this account any more."""
    return connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.account == account_id)).rowcount


def _id(name: bytes) -> str:
    return name.hex()[:_ID_DIGITS]
