"""The cookie by which a browser is known, the token that forms carry, and who that makes of a request."""

import hashlib
import hmac
import secrets
from datetime import timedelta

from fastapi.responses import Response
from starlette.requests import Request

from alleviate.clinic.services import Services
from alleviate.clinic.settings import Settings
from alleviate.clinic.who import Who
from alleviate.terms.errors import RefusedError
from alleviate.vault.accounts import Account, Session

__all__ = [
    "check_entry",
    "csrf_of",
    "entry_token",
    "forget",
    "idle_of",
    "keep_entry",
    "of_cookie",
    "remember",
    "session_of",
    "token_of",
]

_LIVE = "x-live"
"""What a page sends along that asks by itself whether there is something new: no sign of anybody there."""

_LIMITS: dict[str, frozenset[str] | None] = {
    "web": None,
    "setup": frozenset({"own.account"}),
    "link": frozenset({"mine.answer"}),
}
"""Of each kind of session what is open to it at all; None: all that the role may. No other kind signs in."""


def of_cookie(request: Request, services: Services) -> Who | None:
    """Who is signed in, None where nobody is. Counts as use. Raises VaultError."""
    token = token_of(request, services.settings)
    session = session_of(request, services)
    if session is None or session.kind not in _LIMITS:
        return None
    account = session.account
    return Who(
        actor=account.actor,
        role=account.role,
        account=account,
        limits=_LIMITS[session.kind],
        csrf=csrf_of(token),
        only=session.only,
    )


def session_of(request: Request, services: Services) -> Session | None:
    """The session of the cookie; None where it has ended."""
    token = token_of(request, services.settings)
    if not token:
        return None
    by_itself = request.headers.get(_LIVE) == "1"
    return services.accounts.session(token, services.clock(), used=not by_itself)


def token_of(request: Request, settings: Settings) -> str:
    return request.cookies.get(_name(settings), "")


def csrf_of(token: str) -> str:
    """Follows from the session alone, and tells nothing of its token."""
    return hmac.digest(token.encode(), b"alleviate csrf 1", hashlib.sha256).hex()


def remember(response: Response, settings: Settings, token: str) -> None:
    """Give the browser its token, until it is closed; no script can read it."""
    _set(response, settings, _name(settings), token)


def forget(response: Response, settings: Settings) -> None:
    """Take the cookies back."""
    for name in (_name(settings), _entry_name(settings)):
        response.delete_cookie(name, path="/", secure=settings.secure, httponly=True, samesite="lax")


def idle_of(account: Account, settings: Settings) -> tuple[timedelta, timedelta]:
    """How long without use, and how long in all, somebody stays signed in."""
    absolute = timedelta(minutes=settings.absolute_minutes)
    minutes = settings.idle_minutes if account.staff else settings.patient_idle_minutes
    return min(timedelta(minutes=minutes), absolute), absolute


def entry_token(request: Request, settings: Settings) -> str:
    """Binds the steps of signing in to one browser; a new one where there is none."""
    return request.cookies.get(_entry_name(settings), "") or secrets.token_urlsafe(32)


def keep_entry(response: Response, settings: Settings, token: str) -> None:
    _set(response, settings, _entry_name(settings), token)


def check_entry(request: Request, settings: Settings, sent: str) -> None:
    """Raises RefusedError for a form that this browser was not given by us: nobody is signed in by others."""
    token = request.cookies.get(_entry_name(settings), "")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if (
        not token
        or not hmac.compare_digest(csrf_of(token).encode(), sent.encode())
        or site not in ("same-origin", "none")
    ):
        raise RefusedError("This form is from an earlier visit.", hint="Open the page again.")


def _set(response: Response, settings: Settings, name: str, value: str) -> None:
    response.set_cookie(name, value, path="/", secure=settings.secure, httponly=True, samesite="lax")


def _name(settings: Settings) -> str:
    return "__Host-alleviate" if settings.secure else "alleviate"


def _entry_name(settings: Settings) -> str:
    return f"{_name(settings)}-entry"
