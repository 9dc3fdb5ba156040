"""The first page: to each role what it comes for; and what the clinic's interfaces are, for programs."""

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.requests import Request

from alleviate.clinic.gate import Door, VisitOf

__all__ = ["doors"]

door = Door("start")
doors = (door,)

_FIRST = {
    "clinician": "/caseload/",
    "trainee": "/caseload/",
    "patient": "/mine/",
    "administrator": "/admin/accounts",
    "safety-officer": "/officers/",
    "protection-officer": "/officers/",
    "data-scientist": "/research/",
}


@door.page("/", action="own.account")
def first(visit: VisitOf) -> Response:
    """Where whoever is signed in begins."""
    if visit.who.limits is not None:  # signed in with a one-time password: the own account comes first
        return visit.go("/account/")
    return visit.go(_FIRST[visit.who.role])


@door.open("/api/openapi.json", why="Says what can be asked, and nothing of anybody.")
def openapi(request: Request) -> JSONResponse:
    """The OpenAPI description of every route, with the action of the table that each one needs."""
    return JSONResponse(request.app.openapi())
