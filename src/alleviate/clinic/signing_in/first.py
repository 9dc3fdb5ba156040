"""The first start: somebody has to be able to let the others in."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from alleviate.clinic.settings import Settings
from alleviate.clinic.signing_in import passwords
from alleviate.clinic.signing_in.providers import providers
from alleviate.terms.errors import ConflictError
from alleviate.vault import Vault
from alleviate.vault.accounts import Account, Credentials

__all__ = ["HOLDS", "OneTimePassword", "first_start"]

HOLDS = timedelta(days=7)
"""How long a one-time password can be used."""

_LOGIN = "administrator"
_BY = "alleviate"


@dataclass(frozen=True, slots=True)
class OneTimePassword:
    """Shown once, kept as a hash. At the first sign-in it must be changed, and a second factor set up."""

    login: str
    password: str = field(repr=False)
    until: datetime


def first_start(vault: Vault, settings: Settings) -> OneTimePassword | None:
    """The administrator of a vault without accounts; None where there is one who has signed in.

    Who lost the password before its first use starts again and is given another. Raises VaultError, and
    InputError where the ``settings`` name a file of identity providers that is not as it must be.
    """
    providers(settings)
    now = datetime.now(UTC)
    password, until = passwords.one_time(), now + HOLDS
    accounts = vault.accounts
    if not accounts.any():
        fresh = Credentials(password=passwords.hashed(password), changed=now, one_time_until=until)
        account = Account(login=_LOGIN, name="Administrator", role="administrator")
        try:
            accounts.add(_BY, account, fresh)
        except ConflictError:  # another process was faster
            return None
        return OneTimePassword(_LOGIN, password, until)
    everybody = accounts.all()
    if len(everybody) != 1 or everybody[0].login != _LOGIN:
        return None
    standing = accounts.credentials(everybody[0].id)
    if standing.one_time_until is None:
        return None
    renewed = msgspec.structs.replace(
        standing, password=passwords.hashed(password), changed=now, one_time_until=until
    )
    accounts.set_credentials(
        everybody[0].id, renewed, seen=standing.version, by=_BY, what="one-time-password", end_sessions=True
    )
    return OneTimePassword(_LOGIN, password, until)
