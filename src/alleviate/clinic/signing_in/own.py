"""What the pages of somebody's own account share: who it is, and whether they signed in just now."""

from datetime import timedelta

from alleviate.clinic.gate import Visit
from alleviate.clinic.signing_in.cookies import session_of
from alleviate.clinic.signing_in.judging import missing
from alleviate.terms.errors import RefusedError
from alleviate.vault.accounts import Account, Session

__all__ = ["account_of", "again", "fresh", "session_here", "steps_left"]

_FRESH = timedelta(minutes=15)


def account_of(visit: Visit) -> Account:
    """Whose page it is. Raises RefusedError for a system."""
    account = visit.services.accounts.get(visit.who.key)
    if account is None:
        raise RefusedError("Only somebody with an account has this page.", hint="Sign in.")
    return account


def session_here(visit: Visit) -> Session:
    """The one of this browser. Raises RefusedError for a system."""
    found = session_of(visit.request, visit.services)
    if found is None:
        raise RefusedError("Only somebody who is signed in has this page.", hint="Sign in.")
    return found


def fresh(visit: Visit) -> bool:
    """Whether somebody signed in minutes ago: who finds a screen left open changes no way in."""
    session = session_here(visit)
    return session.kind == "setup" or visit.now - session.opened < _FRESH


def again(url: str) -> str:
    """Where somebody signs in once more before they go on to ``url``."""
    return f"/sign-in?next={url}"


def steps_left(visit: Visit, account: Account) -> tuple[str, ...]:
    """What must be set before anything else is open."""
    return missing(visit.services.settings, account, visit.services.accounts.credentials(account.id))
