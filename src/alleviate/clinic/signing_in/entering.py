"""The end of every way in: a session with a new id, and where whoever signed in goes."""

from dataclasses import replace
from urllib.parse import urlsplit

from fastapi.responses import RedirectResponse
from starlette.requests import Request

from alleviate.clinic.gate import Visit
from alleviate.clinic.services import Services
from alleviate.clinic.signing_in.cookies import csrf_of, forget, idle_of, remember, token_of
from alleviate.clinic.signing_in.devices import device_of
from alleviate.clinic.signing_in.judging import missing
from alleviate.vault.accounts import Account

__all__ = ["entered", "local", "renewed"]


def entered(
    request: Request,
    services: Services,
    account: Account,
    method: str,
    wanted: str = "",
    *,
    confirmed: bool = False,
) -> RedirectResponse:
    """Signed in: on to the page that was wanted, or to what must be set up first.

    ``confirmed``: a second factor was shown elsewhere. What the browser brought is ended, and it gets a
    new id: one that somebody planted there opens nothing.
    """
    token, whole = _opened(request, services, account, method, confirmed=confirmed)
    response = RedirectResponse(local(wanted) if whole else "/account/", status_code=303)
    forget(response, services.settings)
    remember(response, services.settings, token)
    return response


def renewed(visit: Visit, account: Account, method: str) -> str:
    """A new id for who is signed in and may do more, or signs in another way, from now on.

    The token, to be put into the answer by `remember`; forms of the answer carry its own csrf already.
    """
    token, _ = _opened(visit.request, visit.services, account, method)
    visit.who = replace(visit.who, csrf=csrf_of(token))
    return token


def local(wanted: str) -> str:
    """A page of ours, whatever was asked for: no other site, and not the way in again."""
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not wanted.startswith("//") and not parts.scheme and not parts.netloc
    printable = wanted.isprintable() and "\\" not in wanted
    return wanted if ours and printable and not wanted.startswith("/sign-") else "/"


def _opened(
    request: Request, services: Services, account: Account, method: str, *, confirmed: bool = False
) -> tuple[str, bool]:
    """The new token, and whether it opens all that the role may."""
    idle, absolute = idle_of(account, services.settings)
    left = missing(services.settings, account, services.accounts.credentials(account.id))
    whole = not left or (confirmed and left == ("second",))
    token = services.accounts.open_session(
        account.id,
        services.clock(),
        kind="web" if whole else "setup",
        idle=idle,
        absolute=absolute,
        method=method,
        device=device_of(request),
        instead_of=token_of(request, services.settings),
    )
    return token, whole
