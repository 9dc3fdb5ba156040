"""The one gate: who asks, what binds them to whom, whether they may; then the route runs, or nothing does."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.requests import Request

from alleviate.clinic.services import Services
from alleviate.clinic.who import Who
from alleviate.decisions.permissions import Basis, check_may, may, rule
from alleviate.terms.errors import InputError, RefusedError
from alleviate.vault import Access, Purpose

__all__ = ["Door", "NotSignedInError", "Visit", "VisitOf", "services_of"]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

About = Callable[[Request], str]
"""Whom a request concerns, where its path does not say so as ``{patient}``: our id, or ""."""

_ABOUT: dict[Callable[..., Any], About] = {}

_SAFE = ("GET", "HEAD", "OPTIONS")
_SAID = "alleviate-said"


class NotSignedInError(RefusedError):
    """Nobody is signed in, or no longer."""


def services_of(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


@dataclass(slots=True)
class Visit:
    """One request of somebody who may make it. ``patient`` is our id of whom it concerns, or "".

    ``basis`` is what binds them to that person, ``revision`` how often that person was written about when
    this was looked up; None: there is nobody. What is read goes through `access`, and so into the audit.
    """

    request: Request
    services: Services
    who: Who
    action: str
    now: datetime
    patient: str = ""
    basis: Basis = "none"
    revision: int | None = None
    _access: Access | None = None

    @property
    def access(self) -> Access:
        """To patients' data, as who asks, for the purpose that the table names."""
        if self._access is None:
            purpose = rule(self.action).purpose
            if not purpose:
                raise InputError(f"{self.action} is for no purpose and reads no patient's data.")
            self._access = self.services.vault.access(actor=self.who.actor, purpose=_purpose(purpose))
        return self._access

    def may(self, action: str) -> bool:
        """Whether the same somebody may do this too, to the same person: to show or hide what leads there."""
        if self.who.limits is not None and action not in self.who.limits:
            return False
        return may(self.who.role, action, self.basis if rule(action).of_a_person else None)

    def page(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page in the house's looks, in the reader's language."""
        found = self.services.looks.render(self.request, template, self, context)
        found.status_code = status
        if _SAID in self.request.cookies:
            found.delete_cookie(_SAID)
        return found

    def go(self, url: str, *, said: str = "") -> RedirectResponse:
        """To another page of ours (303), which first says what was done. Never to another site."""
        if not url.startswith("/") or url.startswith(("//", "/\\")):
            raise InputError(f"A page of ours begins with one slash, got {url!r}.")
        found = RedirectResponse(url, status_code=303)
        if said:
            found.set_cookie(
                _SAID,
                quote(said),
                max_age=60,
                httponly=True,
                samesite="strict",
                secure=self.services.settings.secure,
            )
        return found

    @property
    def csrf(self) -> str:
        return self.who.csrf

    @property
    def _(self) -> Callable[[str], str]:
        """Translates into the reader's language."""
        return self.services.looks.translator(self.request, self)


async def enter(request: Request) -> Visit:
    """Raises NotSignedInError or RefusedError before anything of the route runs."""
    services = services_of(request)
    action: str = request.scope["route"].openapi_extra["x-action"]
    who, visit = await run_in_threadpool(_entered, request, services, action)
    if visit is None:
        await _refuse_forged(request, services, who)
        visit = await run_in_threadpool(_admitted, request, services, who, action)
    return visit


VisitOf = Annotated[Visit, Depends(enter)]


def _entered(request: Request, services: Services, action: str) -> tuple[Who, Visit | None]:
    """Who asks, and what they may do; None where it has to be seen first whether they sent it themselves.

    In one go: each change between threads waits for whatever else the process does."""
    who = _identify(request, services)
    if who is None:
        raise NotSignedInError("Nobody is signed in.", hint="Sign in first.")
    if request.method not in _SAFE and who.csrf:
        return who, None
    return who, _admitted(request, services, who, action)


def _identify(request: Request, services: Services) -> Who | None:
    if "authorization" in request.headers:
        return services.of_bearer(request, services)
    return services.of_cookie(request, services)


async def _refuse_forged(request: Request, services: Services, who: Who) -> None:
    """What another site sends has no token of this session; whence it comes counts too, where it is said."""
    origin = request.headers.get("origin", "")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise RefusedError("This form came from another site.", hint="Open the page here and send it again.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise RefusedError("This form came from another site.", hint="Open the page here and send it again.")
    sent = request.headers.get("x-csrf-token", "")
    if not sent and "form" in request.headers.get("content-type", ""):
        form = await request.form()
        found = form.get("csrf", "")
        sent = found if isinstance(found, str) else ""
    if not hmac.compare_digest(sent.encode(), who.csrf.encode()):
        raise RefusedError(
            "This form is from an earlier visit.", hint="Open the page again, then send it once more."
        )


def _admitted(request: Request, services: Services, who: Who, action: str) -> Visit:
    now = services.clock()
    visit = Visit(request, services, who, action, now)
    about = _ABOUT.get(request.scope["route"].endpoint, _in_path)
    named = request.state.named = about(request)
    wanted = rule(action)
    if who.role == "patient":
        visit.patient = who.patient
        visit.basis = "self" if who.patient and named in ("", who.patient) else "none"
        visit.revision = services.vault.revision(who.patient) if named else None
    elif named:
        bond = services.vault.bond(who.key, named, now)
        visit.patient, visit.basis, visit.revision = bond.patient, bond.basis, bond.revision
    basis = visit.basis if named or wanted.of_a_person else None
    try:
        if who.limits is not None and action not in who.limits:
            raise RefusedError("This is not open to you.")
        if who.only and request.path_params.get("invitation") != who.only:
            raise RefusedError("This is not open to you.")
        check_may(who.role, action, basis)
        if named and visit.revision is None:
            raise RefusedError("This is not open to you.")
    except RefusedError:
        denying = services.vault.access(actor=who.actor, purpose=_purpose(wanted.purpose or "rights"))
        denying.denied(named or who.patient, action)
        raise
    return visit


def _in_path(request: Request) -> str:
    return str(request.path_params.get("patient", ""))


def _purpose(word: str) -> Purpose:
    return word  # type: ignore[return-value]  # the table's test holds it to PURPOSES


class Door(APIRouter):
    """The routes of one room. Each has an action of the table, or says why it needs none.

    ``about`` is for interfaces whose paths are not ours to choose, such as FHIR's.
    """

    def __init__(self, name: str, *, prefix: str = "") -> None:
        super().__init__(prefix=prefix, tags=[name])

    def page(self, path: str, *, action: str, **settings: Any) -> Callable[[Endpoint], Endpoint]:
        """A page to read."""
        return self._guarded(path, action, ["GET"], HTMLResponse, settings)

    def form(self, path: str, *, action: str, **settings: Any) -> Callable[[Endpoint], Endpoint]:
        """What a page's form sends."""
        return self._guarded(path, action, ["POST"], HTMLResponse, settings)

    def data(
        self,
        path: str,
        *,
        action: str,
        methods: list[str] | None = None,
        about: About | None = None,
        **settings: Any,
    ) -> Callable[[Endpoint], Endpoint]:
        """Plain values for programs."""

        def added(endpoint: Endpoint) -> Endpoint:
            if about is not None:
                _ABOUT[endpoint] = about
            return self._guarded(path, action, methods or ["GET"], JSONResponse, settings)(endpoint)

        return added

    def open(
        self, path: str, *, why: str, methods: list[str] | None = None, **settings: Any
    ) -> Callable[[Endpoint], Endpoint]:
        """For everybody: ``why`` says what makes that right."""
        return partial(self._added, path, methods or ["GET"], {"x-open": why}, [], settings)

    def _guarded(
        self,
        path: str,
        action: str,
        methods: list[str],
        response: type[Response],
        settings: dict[str, Any],
    ) -> Callable[[Endpoint], Endpoint]:
        rule(action)  # an unknown one fails at the start
        settings = {"response_class": response, **settings}
        return partial(self._added, path, methods, {"x-action": action}, [Depends(enter)], settings)

    def _added(
        self,
        path: str,
        methods: list[str],
        extra: dict[str, Any],
        dependencies: list[Any],
        settings: dict[str, Any],
        endpoint: Endpoint,
    ) -> Endpoint:
        if settings.get("response_class") is HTMLResponse:
            settings = {"response_model": None, **settings}
        extra = {**settings.pop("openapi_extra", {}), **extra} if "openapi_extra" in settings else extra
        self.add_api_route(
            path, endpoint, methods=methods, dependencies=dependencies, openapi_extra=extra, **settings
        )
        return endpoint
