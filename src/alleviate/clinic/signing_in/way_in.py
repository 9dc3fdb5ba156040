"""The pages on which somebody signs in: login and password, then the second factor; or a passkey alone."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import Form, Query
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.services import Services
from alleviate.clinic.signing_in import passkeys
from alleviate.clinic.signing_in.cookies import check_entry, csrf_of, entry_token, keep_entry
from alleviate.clinic.signing_in.devices import address_of
from alleviate.clinic.signing_in.entering import entered, local
from alleviate.clinic.signing_in.judging import Judged, by_password, by_second
from alleviate.clinic.signing_in.providers import providers
from alleviate.terms.errors import RefusedError
from alleviate.vault.accounts import Account, Credentials

__all__ = ["door", "first_page", "second_or_in"]

door = Door("signing in")

_WAITS = timedelta(minutes=10)
_NOBODY = "Nobody is signed in yet; says the same whoever exists."

_HALFWAY = "Only for the browser that gave the right password; shows nothing of anybody."

Text = Annotated[str, Form(max_length=300)]
Secret = Annotated[str, Form(max_length=1000)]
Long = Annotated[str, Form(max_length=20_000)]


class _Waiting(msgspec.Struct, frozen=True):
    """Who has given the password and not yet the second factor."""

    account: str
    method: str
    next: str


@door.open("/sign-in", why=_NOBODY)
def sign_in(request: Request, next: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Asks for login and password."""
    return first_page(request, next)


@door.open("/sign-in", methods=["POST"], why=_NOBODY)
def sign_in_sent(
    request: Request, login: Text = "", password: Secret = "", csrf: Text = "", next: Text = ""
) -> Response:
    """Judges login and password."""
    services = services_of(request)
    if (again := _forged(request, services, csrf, next)) is not None:
        return again
    judged = by_password(services, login.strip(), password, address_of(request))
    if judged.account is None:
        _ = services.looks.translator(request, None)
        words = _("That login and password do not go together.")
        return first_page(request, next, login=login, refused=judged, words=words)
    return second_or_in(request, services, judged.account, judged.method, next)


@door.open("/sign-in/passkey/options", methods=["POST"], why=_NOBODY)
def passkey_options(request: Request) -> Response:
    """What the browser is asked to sign; names no account."""
    services = services_of(request)
    check_entry(request, services.settings, request.headers.get("x-csrf-token", ""))
    return JSONResponse(passkeys.to_sign_in(services))


@door.open("/sign-in/passkey", methods=["POST"], why=_NOBODY)
def passkey_sent(
    request: Request, ticket: Text = "", credential: Long = "", csrf: Text = "", next: Text = ""
) -> Response:
    """Judges what a passkey signed."""
    services = services_of(request)
    if (again := _forged(request, services, csrf, next)) is not None:
        return again
    accounts, now, key = services.accounts, services.clock(), f"address:{address_of(request)}"
    if (lock := accounts.tried([key], now)) is not None:
        return first_page(request, next, refused=Judged(None, lock=lock, looked_at=False))
    account = passkeys.used(services, ticket, credential)
    if account is None:
        accounts.refused("", "passkey")
        _ = services.looks.translator(request, None)
        words = _("This passkey does not open an account here.")
        return first_page(request, next, refused=Judged(None), words=words)
    accounts.cleared(key)
    return entered(request, services, account, "passkey", next)


@door.open("/sign-in/second", why=_HALFWAY)
def second(request: Request) -> Response:
    """Asks for the second factor."""
    services = services_of(request)
    found = _waiting(request, services)
    return _second_page(request, services, found[1]) if found else RedirectResponse("/sign-in", 303)


@door.open("/sign-in/second", methods=["POST"], why=_HALFWAY)
def second_sent(request: Request, code: Text = "", csrf: Text = "") -> Response:
    """Judges a code of the app, or a recovery code."""
    services = services_of(request)
    found = _waiting(request, services)
    if found is None:
        return RedirectResponse("/sign-in", status_code=303)
    waiting, account = found
    check_entry(request, services.settings, csrf)
    judged = by_second(services, waiting.account, code)
    if judged.account is None:
        _ = services.looks.translator(request, None)
        words = _("That code is not right, or it was used already.")
        return _second_page(request, services, account, refused=judged, words=words)
    return _done(request, services, waiting, judged.account, judged.method)


@door.open(
    "/sign-in/second/passkey/options",
    methods=["POST"],
    why=_HALFWAY,
)
def second_passkey_options(request: Request) -> Response:
    """What the browser is asked to sign, by one of the account's passkeys."""
    services = services_of(request)
    check_entry(request, services.settings, request.headers.get("x-csrf-token", ""))
    found = _waiting(request, services)
    if found is None:
        raise RefusedError("Nobody is signing in here.", hint="Sign in first.")
    return JSONResponse(passkeys.to_sign_in(services, found[1]))


@door.open("/sign-in/second/passkey", methods=["POST"], why=_HALFWAY)
def second_passkey_sent(
    request: Request, ticket: Text = "", credential: Long = "", csrf: Text = ""
) -> Response:
    """Judges what the account's passkey signed."""
    services = services_of(request)
    found = _waiting(request, services)
    if found is None:
        return RedirectResponse("/sign-in", status_code=303)
    waiting, account = found
    check_entry(request, services.settings, csrf)
    accounts, now, key = services.accounts, services.clock(), f"second:{account.id}"
    if (lock := accounts.tried([key], now)) is not None:
        return _second_page(request, services, account, refused=Judged(None, lock=lock, looked_at=False))
    if passkeys.used(services, ticket, credential, account.id) is None:
        accounts.refused(account.id, "passkey")
        _ = services.looks.translator(request, None)
        words = _("This passkey is not one of this account's.")
        return _second_page(request, services, account, refused=Judged(None), words=words)
    accounts.cleared(key)
    return _done(request, services, waiting, account, "passkey")


def first_page(
    request: Request, next: str, *, login: str = "", refused: Judged | None = None, words: str = ""
) -> Response:
    """The page that asks for login and password; with what was wrong."""
    services = services_of(request)
    return _asked(
        request,
        services,
        "signing_in/sign_in.html",
        refused,
        words,
        login=login,
        next=local(next),
        providers=[
            (each.name, f"/sign-in/with/{each.id}?next={quote(local(next), safe='')}")
            for each in providers(services.settings)
        ],
        passkeys=passkeys.open_here(services.settings),
    )


def second_or_in(
    request: Request, services: Services, account: Account, method: str, next: str
) -> RedirectResponse:
    """On to the second factor where there is one; else in."""
    if not services.accounts.credentials(account.id).second_factor:
        return entered(request, services, account, method, next)
    now = services.clock()
    ticket = services.accounts.keep("second", _Waiting(account.id, method, local(next)), now, now + _WAITS)
    response = RedirectResponse("/sign-in/second", status_code=303)
    keep_entry(response, services.settings, ticket)
    return response


def _second_page(
    request: Request, services: Services, account: Account, *, refused: Judged | None = None, words: str = ""
) -> Response:
    credentials: Credentials = services.accounts.credentials(account.id)
    return _asked(
        request,
        services,
        "signing_in/second.html",
        refused,
        words,
        app=bool(credentials.totp),
        recovery=bool(credentials.recovery),
        passkeys=bool(credentials.passkeys) and passkeys.open_here(services.settings),
    )


def _asked(
    request: Request, services: Services, template: str, refused: Judged | None, words: str, **context: Any
) -> Response:
    """A page with a form that only this browser can send."""
    token = entry_token(request, services.settings)
    errors = {"": _wrong(request, services, refused, words)} if refused else {}
    response = services.looks.render(
        request, template, None, {**context, "entry": csrf_of(token), "errors": errors}
    )
    if refused is not None:
        response.status_code = 400 if refused.looked_at else 429
        if refused.lock:
            wait = refused.lock.wait(services.clock())
            response.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
    keep_entry(response, services.settings, token)
    return response


def _wrong(request: Request, services: Services, refused: Judged, words: str) -> str:
    """What was wrong, and how long to wait: by what was tried, not by who there is."""
    _ = services.looks.translator(request, None)
    if not refused.looked_at:
        words = _("There were too many tries.")
    if refused.lock is None:
        return words
    seconds = int(refused.lock.wait(services.clock()).total_seconds()) + 1
    wait = _("Wait %(count)s seconds, then try again.") % {"count": seconds}
    if seconds > 90:
        wait = _("Wait %(count)s minutes, then try again.") % {"count": -(-seconds // 60)}
    return f"{words} {wait}"


def _waiting(request: Request, services: Services) -> tuple[_Waiting, Account] | None:
    token = entry_token(request, services.settings)
    found = services.accounts.look("second", token, _Waiting, services.clock())
    account = services.accounts.get(found.account) if found else None
    return (found, account) if found and account and not account.disabled else None


def _done(
    request: Request, services: Services, waiting: _Waiting, account: Account, method: str
) -> RedirectResponse:
    """The second factor is right: the ticket of the first is spent."""
    token = entry_token(request, services.settings)
    if services.accounts.take("second", token, _Waiting, services.clock()) is None:
        return RedirectResponse("/sign-in", status_code=303)
    return entered(request, services, account, f"{waiting.method}+{method}", waiting.next)


def _forged(request: Request, services: Services, csrf: str, next: str) -> Response | None:
    """The page anew where it was open for too long, or another site sent the form."""
    try:
        check_entry(request, services.settings, csrf)
    except RefusedError:
        _ = services.looks.translator(request, None)
        words = _("This page was open for too long. Sign in again.")
        return first_page(request, next, refused=Judged(None), words=words)
    return None
