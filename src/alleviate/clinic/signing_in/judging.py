"""Whether who signs in is who they say; one way for known and unknown logins alike."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from alleviate.clinic.services import Services
from alleviate.clinic.settings import Settings
from alleviate.clinic.signing_in import passwords, recovery, totp
from alleviate.terms.errors import ConflictError, VaultError
from alleviate.vault.accounts import Account, Accounts, Credentials, Lock, new_id

__all__ = ["Judged", "by_password", "by_second", "missing"]


@dataclass(frozen=True, slots=True)
class Judged:
    """``account`` None: turned away, and no word says why. ``lock``: how long nothing is looked at now.

    ``looked_at`` False: a lock held already, so that nothing was judged.
    """

    account: Account | None
    method: str = ""
    lock: Lock | None = None
    looked_at: bool = True


def by_password(services: Services, login: str, password: str, address: str) -> Judged:
    """The first step. Unknown, disabled, wrong and out of date take the same way and give the same."""
    accounts, now = services.accounts, services.clock()
    keys = (f"login:{login}", f"address:{address}")
    if (lock := accounts.tried(keys, now)) is not None:
        return Judged(None, lock=lock, looked_at=False)
    account = accounts.by_login(login)
    credentials = _credentials(accounts, account)
    right = passwords.matches(credentials.password, password)
    if account is None or account.disabled or not right or _out_of_date(credentials, now):
        lock = _later(accounts, keys, now)
        accounts.refused(account.id if account else "", "password", locked=lock is not None)
        return Judged(None, lock=lock)
    accounts.cleared(*keys)
    if passwords.outdated(credentials.password):
        stronger = msgspec.structs.replace(credentials, password=passwords.hashed(password))
        accounts.set_credentials(account.id, stronger, seen=credentials.version, what="password-hashed")
    return Judged(account, "password")


def by_second(services: Services, account_id: str, code: str) -> Judged:
    """The second step: a code of the app, or a recovery code, which is then gone."""
    accounts, now = services.accounts, services.clock()
    key = f"second:{account_id}"
    if (lock := accounts.tried([key], now)) is not None:
        return Judged(None, lock=lock, looked_at=False)
    account = accounts.get(account_id)
    credentials = _credentials(accounts, account)
    method = _second(accounts, account_id, credentials, code, now)
    if account is None or account.disabled or not method:
        lock = _later(accounts, [key], now)
        accounts.refused(account_id, "second", locked=lock is not None)
        return Judged(None, lock=lock)
    accounts.cleared(key)
    return Judged(account, method)


def missing(settings: Settings, account: Account, credentials: Credentials) -> tuple[str, ...]:
    """What has to be set before anything else is open: "password", "second"."""
    found = []
    if credentials.one_time_until is not None:
        found.append("password")
    if settings.second_factor and account.staff and not credentials.second_factor:
        found.append("second")
    return tuple(found)


def _second(accounts: Accounts, account_id: str, credentials: Credentials, code: str, now: datetime) -> str:
    if totp.accepted(accounts, account_id, credentials.totp, code, now):
        return "totp"
    left = recovery.without(credentials, code)
    if left is None:
        return ""
    used = msgspec.structs.replace(credentials, recovery=left)
    try:
        accounts.set_credentials(account_id, used, seen=credentials.version, what="recovery-used")
    except ConflictError:  # the same code, twice at once
        return ""
    return "recovery"


def _credentials(accounts: Accounts, account: Account | None) -> Credentials:
    """Of an unknown login none, found on the same way."""
    try:
        return accounts.credentials(account.id if account else new_id())
    except VaultError:
        return Credentials()


def _out_of_date(credentials: Credentials, now: datetime) -> bool:
    return credentials.one_time_until is not None and now >= credentials.one_time_until


def _later(accounts: Accounts, keys: tuple[str, ...] | list[str], now: datetime) -> Lock | None:
    """The longest wait that this failure brought about."""
    held = [lock for key in keys if (lock := accounts.lock(key, now)).holds(now)]
    return max(held, key=lambda lock: lock.until, default=None)
