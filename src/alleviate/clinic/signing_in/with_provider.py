"""Leaving for an identity provider and coming back, to sign in or to link an account."""

from typing import Annotated

import msgspec
from fastapi import Query
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.services import Services
from alleviate.clinic.signing_in import oidc
from alleviate.clinic.signing_in.cookies import entry_token, keep_entry, session_of
from alleviate.clinic.signing_in.entering import entered, local
from alleviate.clinic.signing_in.judging import Judged
from alleviate.clinic.signing_in.providers import Provider, provider
from alleviate.clinic.signing_in.way_in import first_page, second_or_in
from alleviate.terms.errors import ConflictError, DataError, RefusedError
from alleviate.vault.accounts import Subject

__all__ = ["door"]

door = Door("signing in with another service")

_WHY = "Nobody is signed in yet; the provider says who comes back."

Short = Annotated[str, Query(max_length=4000)]


@door.open("/sign-in/with/{provider_id}", why=_WHY)
def leave(request: Request, provider_id: str, next: Short = "") -> Response:
    """To the provider."""
    services = services_of(request)
    chosen = _named(services, provider_id)
    try:
        url, state = oidc.begin(services, chosen, next=local(next))
    except DataError:
        return _failed(request, services, next)
    response = RedirectResponse(url, status_code=303)
    keep_entry(response, services.settings, state)
    return response


@door.open("/sign-in/with/{provider_id}/back", why=_WHY)
def back(
    request: Request, provider_id: str, state: Short = "", code: Short = "", iss: Short = ""
) -> Response:
    """From the provider, by the browser that left and no other."""
    services = services_of(request)
    chosen = _named(services, provider_id)
    if not state or not code or state != entry_token(request, services.settings):
        return _failed(request, services)
    try:
        flow, subject = oidc.finish(services, chosen, state, code, iss)
    except DataError:
        services.accounts.refused("", "oidc")
        return _failed(request, services)
    if flow.account:
        return _linked(request, services, flow, subject)
    account = services.accounts.by_subject(subject.issuer, subject.sub)
    if account is None or account.disabled:
        services.accounts.refused(account.id if account else "", "oidc")
        return _failed(request, services)
    if chosen.second_factor:
        return entered(request, services, account, "oidc", flow.next, confirmed=True)
    return second_or_in(request, services, account, "oidc", flow.next)


def _linked(request: Request, services: Services, flow: oidc.Flow, subject: Subject) -> Response:
    """From now on the account signs in this way too: of who asked for it and is still signed in here."""
    session = session_of(request, services)
    if session is None or session.account.id != flow.account or session.kind != "web":
        return _failed(request, services)
    credentials = services.accounts.credentials(flow.account)
    if subject not in credentials.subjects:
        changed = msgspec.structs.replace(credentials, subjects=(*credentials.subjects, subject))
        try:
            services.accounts.set_credentials(
                flow.account, changed, seen=credentials.version, what="provider-linked"
            )
        except ConflictError:
            return _failed(request, services)
    return RedirectResponse("/account/", status_code=303)


def _named(services: Services, id: str) -> Provider:
    chosen = provider(services.settings, id)
    if chosen is None:
        raise RefusedError("There is no such sign-in service here.")
    return chosen


def _failed(request: Request, services: Services, next: str = "") -> Response:
    """The same words whatever was wrong: they say nothing of who has an account."""
    _ = services.looks.translator(request, None)
    words = _("The other service did not sign you in here.")
    return first_page(request, next, refused=Judged(None), words=words)
