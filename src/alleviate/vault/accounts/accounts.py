"""Everything of accounts in one place: what rooms above the vault hold, as ``Vault.accounts``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from alleviate.vault.accounts.account import Account
from alleviate.vault.accounts.clients import Client, Clients
from alleviate.vault.accounts.credentials import Credentials
from alleviate.vault.accounts.locks import Lock, Locks
from alleviate.vault.accounts.notices import Notice, Notices
from alleviate.vault.accounts.onetime import OneTime
from alleviate.vault.accounts.people import People
from alleviate.vault.accounts.sessions import Session, Sessions
from alleviate.vault.accounts.strongbox import Strongbox
from alleviate.vault.audit import AuditLog
from alleviate.vault.database import Database
from alleviate.vault.keystore import KeyStore

__all__ = ["Accounts"]

T = TypeVar("T")


class Accounts:
    """Who may sign in, who is signed in, what was used, which systems there are. Threads may share it.

    Every change, sign-in and refusal is one audit event, in the transaction of what it tells. Each method
    raises VaultError, or AuditError where the audit cannot be written. Made by ``Vault.accounts``.
    """

    def __init__(self, database: Database, keys: KeyStore, audit: AuditLog) -> None:
        box = Strongbox(database, keys, audit)
        self._people = People(box)
        self._sessions = Sessions(box)
        self._locks = Locks(box)
        self._onetime = OneTime(box)
        self._clients = Clients(box)
        self._notices = Notices(box)

    # people

    def add(self, by: str, account: Account, credentials: Credentials) -> Account:
        """Raises ConflictError where the login is taken, DataError for a patient who is not there."""
        return self._people.add(by, account, credentials)

    def change(self, by: str, account: Account) -> Account:
        """Who gets another role, site or patient, or is disabled, is signed out everywhere at once.

        Raises ConflictError for a login that is taken, and for the last administrator.
        """
        return self._people.change(by, account)

    def get(self, id: str) -> Account | None:
        return self._people.get(id)

    def by_login(self, login: str) -> Account | None:
        """Whose login it is; capitals do not matter."""
        return self._people.by_login(login)

    def by_subject(self, issuer: str, sub: str) -> Account | None:
        """Who this is at an identity provider."""
        return self._people.by_subject(issuer, sub)

    def of_patient(self, patient: str) -> list[Account]:
        """The patient's own (our id): one to sign in with, and those that only links open."""
        return self._people.of_patient(patient)

    def all(self) -> list[Account]:
        """Everybody, by name."""
        return self._people.all()

    def any(self) -> bool:
        """Whether there is an account at all."""
        return self._people.any()

    def credentials(self, id: str) -> Credentials:
        """Raises VaultError for an unknown account."""
        return self._people.credentials(id)

    def set_credentials(
        self,
        id: str,
        credentials: Credentials,
        *,
        seen: int,
        by: str = "",
        what: str = "credentials",
        end_sessions: bool = False,
    ) -> Credentials:
        """``seen``: the version that was changed. ``what``: a word for the audit. ``by``: else themselves.

        Raises ConflictError where somebody was faster, or another account has the subject.
        """
        return self._people.set_credentials(
            id, credentials, seen=seen, by=by, what=what, end_others=end_sessions
        )

    # sessions

    def open_session(
        self,
        account_id: str,
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
        """A token, shown once and kept as a hash. ``method``, ``kind``: words for the audit.

        ``only``: what a link opens and nothing besides. ``instead_of``: a token that ends in the same step.
        Raises VaultError for an account that is unknown or disabled.
        """
        account = self._people.open_to(account_id)
        return self._sessions.open(
            account,
            now,
            idle=idle,
            absolute=absolute,
            kind=kind,
            method=method,
            device=device,
            only=only,
            instead_of=instead_of,
        )

    def session(self, token: str, now: datetime, *, used: bool = True) -> Session | None:
        """Whose token it is, counted as use; None where it has ended, or the account is disabled.

        ``used`` False: it is the page that asks by itself, not the person.
        """
        return self._sessions.get(token, now, used=used)

    def sessions(self, account_id: str, now: datetime) -> list[Session]:
        """All of the account that are open, the last used first."""
        return self._sessions.of(account_id, now)

    def close_session(self, token: str) -> None:
        self._sessions.close(token)

    def close_one(self, account_id: str, session_id: str) -> bool:
        """End the one that its owner knows by this id."""
        return self._sessions.close_one(account_id, session_id)

    def close_all(self, account_id: str, by: str = "") -> int:
        """End every session of the account; how many."""
        return self._sessions.close_all(account_id, by)

    # lockout

    def tried(self, keys: Sequence[str], now: datetime) -> Lock | None:
        """Count an attempt before it is judged. A Lock: do not judge it, say to wait."""
        return self._locks.tried(keys, now)

    def failed(self, key: str, now: datetime) -> Lock:
        """Count a failure, with its audit event."""
        return self._locks.failed(key, now)

    def refused(self, account_id: str, why: str, *, locked: bool = False) -> None:
        """The audit event of an attempt that `tried` counted. ``account_id`` "": nobody's.

        ``locked``: from now on nothing is looked at for a while.
        """
        self._locks.refused(account_id, why, locked)

    def lock(self, key: str, now: datetime) -> Lock:
        """As it stands."""
        return self._locks.lock(key, now)

    def cleared(self, *keys: str) -> None:
        """Who tried under these keys has signed in."""
        self._locks.cleared(keys)

    # one time only

    def spend(self, kind: str, value: str, until: datetime, now: datetime | None = None) -> bool:
        """True the first time; the value is remembered ``until`` it would not hold any more."""
        return self._onetime.spend(kind, value, until, now)

    def keep(self, kind: str, value: Any, now: datetime, until: datetime, *, uuid: bool = False) -> str:
        """Keep ``value``, sealed, between two steps; the token that takes it, which may be a random UUID."""
        return self._onetime.keep(kind, value, now, until, uuid=uuid)

    def look(self, kind: str, token: str, type: type[T], now: datetime) -> T | None:
        """What is kept under the token; it stays."""
        return self._onetime.look(kind, token, type, now)

    def take(self, kind: str, token: str, type: type[T], now: datetime) -> T | None:
        """What was kept under the token, once."""
        return self._onetime.take(kind, token, type, now)

    # systems

    def add_client(self, by: str, client: Client) -> None:
        """Raises ConflictError where the id or the issuer is taken."""
        self._clients.add(by, client)

    def change_client(self, by: str, client: Client) -> None:
        """Raises VaultError for an unknown id."""
        self._clients.change(by, client)

    def client(self, id: str) -> Client | None:
        return self._clients.get(id)

    def client_of(self, issuer: str) -> Client | None:
        """Whose tokens name this issuer."""
        return self._clients.of(issuer)

    def clients(self) -> list[Client]:
        return self._clients.all()

    # notices

    def notice(self, by: str, kind: str, subject: str, body: dict[str, Any]) -> Notice:
        """Tell everybody of the service something that is about no patient."""
        return self._notices.add(by, kind, subject, body)

    def notices(self, kind: str, after: int = 0) -> list[Notice]:
        """The oldest first; ``after``: those of a higher number only."""
        return self._notices.all(kind, after)
