"""How a person comes to one questionnaire without a password: by the link they were sent, or a typed code.

Both open a short session of the kind "link", which may answer that one questionnaire and do nothing else.
Who is signed in already as the same person stays so. Nobody is signed out by an address alone, which others
could plant: where somebody else is signed in, the link asks first, and a form of ours signs them out.
"""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.invitations import (
    Opening,
    handle_of,
    invitations,
    opened_by_link,
    opened_by_typing,
)
from alleviate.clinic.services import Services
from alleviate.clinic.signing_in.cookies import (
    check_entry,
    csrf_of,
    entry_token,
    keep_entry,
    remember,
    session_of,
    token_of,
)
from alleviate.clinic.signing_in.devices import address_of
from alleviate.records import PatientRecord
from alleviate.terms.errors import VaultError
from alleviate.vault.accounts import Account, Session

__all__ = ["door"]

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=12)

door = Door("links")

_WHY = "The code is the key: it opens one questionnaire of one person, and nothing else of anybody."


async def _sent(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_sent)]


@door.open("/q", why="Asks for a code, and says nothing of anybody.", response_model=None)
def typing(request: Request) -> Response:
    """Where a typed code is entered."""
    return _typing_page(request, services_of(request), {}, "", None)


@door.open("/q", why=_WHY, methods=["POST"], response_model=None)
async def typed(request: Request, sent: Sent) -> Response:
    """Opens the questionnaire of a typed code, with the date of birth; wrong ones make one wait."""
    services = services_of(request)
    check_entry(request, services.settings, str(sent.get("entry", "")))
    return await run_in_threadpool(_typed, request, services, sent)


@door.open("/q/{code}", why=_WHY, response_model=None)
def by_link(request: Request, code: str) -> Response:
    """Opens the questionnaire of a link; asks first where somebody else is signed in."""
    return _by_link(request, code, sure=False)


@door.open("/q/{code}", why=_WHY, methods=["POST"], response_model=None)
async def by_link_surely(request: Request, code: str, sent: Sent) -> Response:
    """Opens it, and signs out whoever is signed in on this device."""
    check_entry(request, services_of(request).settings, str(sent.get("entry", "")))
    return await run_in_threadpool(_by_link, request, code, sure=True)


def _by_link(request: Request, code: str, *, sure: bool) -> Response:
    services = services_of(request)
    now, accounts = services.clock(), services.accounts
    key = f"address:{address_of(request)}"
    if accounts.lock(key, now).holds(now):
        return _page(request, services, "mine/link.html", 429, why="wait")
    opening = opened_by_link(accounts, code, now)
    if opening is None:
        accounts.failed(key, now)
        return _page(request, services, "mine/link.html", 404, why="unknown")
    return _opened(request, services, opening, sure=sure)


def _typed(request: Request, services: Services, sent: FormData) -> Response:
    now, accounts = services.clock(), services.accounts
    text, birth = str(sent.get("code", ""))[:60], _date(sent)
    code = handle_of(text)
    errors = {}
    if code is None:
        errors["code"] = "length"
    if birth is None:
        errors["birth"] = "date"
    if code is None or birth is None:
        return _typing_page(request, services, errors, text, birth)
    login, secret = code
    keys = [f"address:{address_of(request)}", f"code:{login}"]
    if accounts.tried(keys, now):
        return _typing_page(request, services, {"code": "wait"}, text, birth, status=429)
    account = accounts.by_login(login)
    opening = _matching(services, account, login, secret, birth)
    if opening is None:
        accounts.refused(account.id if account else "", "code")
        return _typing_page(request, services, {"code": "wrong"}, text, birth)
    accounts.cleared(*keys)
    return _opened(request, services, opening, sure=True)


def _matching(
    services: Services, account: Account | None, login: str, secret: str, birth: date
) -> Opening | None:
    """The invitation of this code, where the date of birth is right."""
    now = services.clock()
    if account is None or account.disabled or not account.patient:
        opened_by_typing((), login, secret)  # takes as long
        return None
    access = services.vault.access(actor=account.actor, purpose="rights")
    chart = access.chart(account.patient, kinds=("person",), sheets=("invitation", "draft"))
    found = opened_by_typing(invitations(chart.sheets, now), login, secret)
    if found is None or not _born(chart.record, birth):
        return None
    return Opening(account.id, found.id)


def _born(record: PatientRecord, birth: date) -> bool:
    """Whether the record knows this date of birth, or a month or year that it fits."""
    events = [e for e in record.events if e.code == "MEDS_BIRTH" and e.known_until is None]
    if not events:
        return False
    known = events[-1].text_value or events[-1].time.date().isoformat()
    return birth.isoformat().startswith(known)


def _opened(request: Request, services: Services, opening: Opening, *, sure: bool) -> Response:
    """To the questionnaire: as who is signed in, if it is theirs; else in a session of its own.

    ``sure``: whether whoever else is signed in here is to be signed out.
    """
    target = f"/mine/questionnaires/{opening.invitation}"
    there = session_of(request, services)
    account = services.accounts.get(opening.account)
    if there and not _same(there, account):
        if not sure:
            return _asks_first(request, services, staff=there.account.staff)
    elif there and there.only in ("", opening.invitation):
        return RedirectResponse(target, 303)
    try:
        token = services.accounts.open_session(
            opening.account,
            services.clock(),
            idle=IDLE,
            absolute=LONGEST,
            kind="link",
            method="link",
            only=opening.invitation,
        )
    except VaultError:  # the account was closed
        return _page(request, services, "mine/link.html", 404, why="unknown")
    response = RedirectResponse(target, 303)
    remember(response, services.settings, token)
    if there:
        services.accounts.close_session(token_of(request, services.settings))
        response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _same(there: Session, account: Account | None) -> bool:
    """Whether the session is of the person whom the link asks, and lets them answer."""
    mine = account is not None and account.patient and account.patient == there.account.patient
    return bool(mine) and there.kind in ("web", "link")


def _asks_first(request: Request, services: Services, *, staff: bool) -> Response:
    token = entry_token(request, services.settings)
    response = _page(
        request, services, "mine/link.html", 409, why="staff" if staff else "else", entry=csrf_of(token)
    )
    keep_entry(response, services.settings, token)
    return response


def _typing_page(
    request: Request,
    services: Services,
    errors: dict[str, str],
    text: str,
    birth: date | None,
    status: int = 200,
) -> Response:
    token = entry_token(request, services.settings)
    response = _page(
        request,
        services,
        "mine/code.html",
        400 if errors and status == 200 else status,
        wrong=errors,
        code=text,
        birth=birth,
        entry=csrf_of(token),
        somebody=session_of(request, services) is not None,
    )
    keep_entry(response, services.settings, token)
    return response


def _page(request: Request, services: Services, template: str, status: int, **context: object) -> Response:
    response = services.looks.render(request, template, None, context)
    response.status_code = status
    return response


def _date(sent: FormData) -> date | None:
    try:
        year, month, day = (int(str(sent.get(f"birth-{part}", ""))) for part in ("year", "month", "day"))
        return date(year, month, day)
    except ValueError:
        return None
