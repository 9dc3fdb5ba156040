"""What anybody may open: crisis help, and the files that pages are made with."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from alleviate.clinic.looks.languages import LANGUAGES, language
from alleviate.clinic.looks.looks import Looks

__all__ = ["doors"]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Response])

_door = APIRouter(tags=["looks"])
doors = (_door,)

_HELP = "Help in a crisis is for everybody, at once, and says nothing of anybody."


def _open(path: str, why: str) -> Callable[[Endpoint], Endpoint]:
    """As the gate's `Door.open` marks a route. The gate itself stands above the looks, which it uses."""
    return _door.get(path, openapi_extra={"x-open": why}, response_class=HTMLResponse, response_model=None)


@_open("/crisis", _HELP)
def crisis(request: Request) -> Response:
    looks = _looks(request)
    spoken = looks.language(request, None)
    return looks.render(request, "crisis.html", None, {**_countries(request, spoken.code), "saved": None})


@_open("/crisis/saved/{code}", _HELP)
def saved(request: Request, code: str) -> Response:
    """The copy that browsers keep for when we cannot be reached."""
    if code not in LANGUAGES:
        raise HTTPException(404)
    now = request.app.state.services.clock()
    told = {**_countries(request, code), "saved": now}
    return _looks(request).render(request, "crisis.html", None, told, spoken=language(code))


@_open("/crisis/kept.json", _HELP)
def kept(request: Request) -> Response:
    """What the service worker keeps of us, and nothing besides."""
    assets = _looks(request).assets
    told = {
        "pages": [f"/crisis/saved/{code}" for code in LANGUAGES],
        "assets": [assets.url(name) for name in ("alleviate.css", "app.js", "icon.svg")],
    }
    return Response(msgspec.json.encode(told), media_type="application/json")


@_open("/service-worker.js", "The script that keeps the crisis help; the same for everybody.")
def service_worker(request: Request) -> Response:
    return _looks(request).assets.script("service-worker.js", request.headers.get("accept-encoding", ""))


@_open("/assets/{seal}/{name}", "Styles, scripts and pictures; the same for everybody.")
def asset(request: Request, seal: str, name: str) -> Response:
    found = _looks(request).assets.answer(seal, name, request.headers.get("accept-encoding", ""))
    if found is None:
        raise HTTPException(404)
    return found


def _looks(request: Request) -> Looks:
    found: Looks = request.app.state.services.looks
    return found


def _countries(request: Request, spoken: str) -> dict[str, Any]:
    """The clinic's own country first, or the one asked for (?country=)."""
    looks = _looks(request)
    asked = request.query_params.get("country", "").upper()
    code = asked if asked in looks.crisis.countries else looks.settings.country
    shown = looks.crisis.of(code, spoken)
    others = [each for each in looks.crisis.all(spoken) if each.code != shown.code]
    today = request.app.state.services.clock().date()
    known = looks.crisis.known
    return {
        "shown": shown,
        "others": others,
        "known": known,
        "today": today,
        "old": looks.crisis.old(today),
    }
