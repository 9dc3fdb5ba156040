"""The addresses of a SMART App Launch: from the EHR, to its sign-in, back, and to the patient's page."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import Query
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.machines.launching import Launched, come_back, leave, own_keys
from alleviate.clinic.machines.outside import OutsideError
from alleviate.clinic.machines.persons import Person, by_id, other_birth, whom
from alleviate.clinic.services import Services
from alleviate.clinic.signing_in.cookies import session_of
from alleviate.clinic.signing_in.way_in import second_or_in
from alleviate.terms.errors import ConsentError, RefusedError
from alleviate.vault.accounts import Account

__all__ = ["door"]

door = Door("machines: launch", prefix="/launch")

_WHY = "An EHR sends somebody here who is not signed in yet; only registered ones are listened to."
_COOKIE = "alleviate-launch"
_METHOD = "smart"

Word = Annotated[str, Query(max_length=4000)]


@door.open("", why=_WHY)
def launch(request: Request, iss: Word = "", launch: Word = "") -> Response:
    """From the EHR (with ``launch``) or by ourselves, to the EHR's sign-in."""
    services = services_of(request)
    try:
        leaving = leave(services, iss, launch)
    except OutsideError as error:
        raise RefusedError(f"The other system cannot be asked: {error.message}", hint=error.hint) from None
    answer = RedirectResponse(leaving.url, status_code=302)
    answer.set_cookie(
        _COOKIE,
        leaving.browser,
        path="/launch",
        max_age=600,
        httponly=True,
        samesite="lax",
        secure=services.settings.secure,
    )
    return answer


@door.open("/jwks", why="Public keys, by which EHRs check what we sign; nothing of anybody.")
def keys(request: Request) -> dict[str, Any]:
    """A JWK set."""
    return own_keys(services_of(request))


@door.open("/callback", why=_WHY)
def callback(request: Request, state: Word = "", code: Word = "", error: Word = "") -> Response:
    """Back from the EHR's sign-in: to the patient's page, where the gate decides."""
    services = services_of(request)
    if error:
        raise RefusedError("The other system did not let you in.", hint="Open the clinic from there again.")
    try:
        launched = come_back(services, state, code, request.cookies.get(_COOKIE, ""))
    except OutsideError as failed:
        raise RefusedError(f"The other system cannot be asked: {failed.message}", hint=failed.hint) from None
    answer = _entered(request, services, launched)
    answer.delete_cookie(_COOKIE, path="/launch")
    return answer


def _entered(request: Request, services: Services, launched: Launched) -> Response:
    """Whoever is signed in here stays so; else the account that is linked comes in; else the way in."""
    here = session_of(request, services)
    if here is not None and here.kind == "web":
        return RedirectResponse(_page(services, here.account, launched), status_code=303)
    account = services.accounts.by_subject(launched.issuer, launched.subject) if launched.subject else None
    if account is None or account.disabled:
        if launched.subject:
            services.accounts.refused(account.id if account else "", _METHOD)
        return RedirectResponse("/sign-in", status_code=303)
    return second_or_in(request, services, account, _METHOD, _page(services, account, launched))


def _page(services: Services, account: Account, launched: Launched) -> str:
    """The patient's; of somebody who is not here one that is nobody's, so that both look the same."""
    if not launched.patient:
        return "/"
    return f"/patients/{_ours(services, account, launched) or uuid4().hex}/"


def _ours(services: Services, account: Account, launched: Launched) -> str | None:
    """Our id of the patient who is open there; the day of birth must not contradict ours.

    Nothing is read of somebody to whom nothing binds the account: the gate refuses that page.
    """
    vault, person = services.vault, Person(launched.resource)
    found = by_id(vault, launched.patient)
    certain = found is not None
    with vault.access(actor=account.actor, purpose="care") as access:
        if found is None and account.role == "clinician":
            found = whom(vault, access, person)
        if found is None or vault.bond(account.id, found, services.clock()).basis == "none":
            return found
        try:
            record = access.chart(found, kinds=("person",), sheets=()).record
        except ConsentError:
            return found
    return None if other_birth(record, person, needed=not certain) else found
