"""How what went wrong is answered: one plain line, in the form that whoever asked can read."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from alleviate.clinic.gate import NotSignedInError, services_of
from alleviate.clinic.metrics import REFUSED
from alleviate.clinic.who import Who
from alleviate.terms.errors import (
    AlleviateError,
    ConflictError,
    ConsentError,
    InputError,
    RefusedError,
    VaultError,
)

__all__ = ["Answer", "answer", "install", "status_of"]

_LOG = logging.getLogger("alleviate.clinic")

_STATUS: tuple[tuple[type[AlleviateError], int], ...] = (
    (NotSignedInError, 401),
    (RefusedError, 403),
    (ConsentError, 403),
    (ConflictError, 409),
    (VaultError, 503),
    (InputError, 400),
)
"""The first that fits."""

Answer = Callable[[Request, int, str, str], Response]
"""Status, message and hint, in the form of one interface."""

_SAID = {
    400: "This could not be read.",
    404: "There is nothing here, or it is not open to you.",
    405: "This page takes no such request.",
    413: "This is too large.",
    415: "This is of a kind that is not taken here.",
    422: "Something in this is not as expected.",
    429: "Too many requests. Wait a little.",
}
_FOR_PROGRAMS = ("/api/", "/fhir", "/cds-services", "/oauth", "/metrics", "/.well-known")
_OURS = "Something went wrong on our side. Nothing was half-stored."


def status_of(error: AlleviateError) -> int:
    """The HTTP status that says what kind of error it is."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def answer(request: Request, status: int, message: str, hint: str) -> Response:
    """By who asks: an interface's own form, a page, or JSON."""
    own: dict[str, Answer] = services_of(request).kept.get("answers", {})
    for prefix, form in own.items():
        if request.url.path.startswith(prefix):
            return form(request, status, message, hint)
    if _wants_page(request):
        page = services_of(request).looks.render(
            request,
            "error.html",
            _reader(request, status),
            {"status": status, "message": message, "hint": hint},
        )
        page.status_code = status
        return page
    return JSONResponse({"error": message, "hint": hint} if hint else {"error": message}, status)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads an error, for the frame around it: what they looked for has no say in it."""

    who: Who

    @property
    def csrf(self) -> str:
        return self.who.csrf


def _reader(request: Request, status: int) -> _Reader | None:
    """None where nobody is signed in, and where to ask could fail in its turn."""
    if status == 401 or status >= 500:
        return None
    services = services_of(request)
    try:
        who = services.of_cookie(request, services)
    except AlleviateError:
        return None
    return _Reader(who) if who else None


def install(app: FastAPI) -> None:
    """Give ``app`` our answers to everything that goes wrong."""
    app.add_exception_handler(AlleviateError, _told)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _unexpected)
    app.add_exception_handler(Exception, _own_fault)


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, AlleviateError)
    status = status_of(error)
    if isinstance(error, NotSignedInError):
        REFUSED.labels("not-signed-in").inc()
        if request.method == "GET" and _wants_page(request):
            return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
        response = answer(request, status, error.message, error.hint)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if isinstance(error, RefusedError):
        REFUSED.labels("not-open").inc()
        if getattr(request.state, "named", ""):  # the same as for nobody: who exists is not told
            return answer(request, 404, _SAID[404], "")
    if status >= 500:
        _LOG.error("the vault or the audit failed", exc_info=error)
        return answer(
            request, status, "The clinic's records cannot be reached now.", "Try again in a minute."
        )
    return answer(request, status, error.message, error.hint)


def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = answer(request, error.status_code, _SAID.get(error.status_code, str(error.detail)), "")
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _unexpected(request: Request, error: Exception) -> Response:
    """Which field is wrong and how, without what came: it may be somebody's words."""
    assert isinstance(error, RequestValidationError)
    found = [_field(each) for each in error.errors()[:5]]
    return answer(request, 422, f"{_SAID[422]} {'; '.join(found)}", "")


def _field(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"] if part not in ("body", "query", "path"))
    kind = str(problem["type"]).replace("_", " ")
    return f"{place[:80] or 'the request'}: {kind}"


def _own_fault(request: Request, error: Exception) -> Response:
    _LOG.error("our own fault", exc_info=error)
    return answer(request, 500, _OURS, "")


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith(("/api/", "/fhir", "/cds-services", "/oauth", "/metrics", "/.well-known")):
        return False
    return "text/html" in request.headers.get("accept", "*/*") or "*/*" in request.headers.get(
        "accept", "*/*"
    )
