"""Every piece of a page on one page, served as the clinic serves pages, for each role."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import uvicorn
from fastapi import FastAPI
from jinja2 import ChoiceLoader, DictLoader
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alleviate.clinic.looks import Looks, doors, headers
from alleviate.clinic.settings import Settings
from alleviate.clinic.who import Who
from alleviate.decisions.permissions import Role
from alleviate.vault.accounts import Account

NOW = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)

PAGE = """
{% extends "page.html" %}
{% block title %}Every piece{% endblock %}
{% block before %}{{ breadcrumbs([("First", "/all/nobody"), ("Second", "/crisis")]) }}{% endblock %}
{% block main %}
<h1>Every piece</h1>
{{ fields.error_summary(errors) }}
<h2>Drawings</h2>
<p>{{ spark([18, 15, none, 12, 9], 0, 27, words="PHQ-9") }} {{ spark([], 0, 27) }}
{{ spark([(0, 18), (20, 24)], 0, 27, [(0, 15, 20), (30, 6, 12)]) }}</p>
{{ icon_array([("feel better", 60), ("feel the same", 30), ("feel worse", 6), ("stop", 4)], "Of 100") }}
{{ range_plot(rows, "points", "Expected", zero=10) }}
{{ course_plot(points, 0, 27, band, {"moderate": 10}, [("Talking", start, none)], "PHQ-9") }}
{{ chart(figure, {"caption": "A line", "head": ["Week", "Score"], "rows": [[1, 3], [2, 5]]}, "It rises.") }}
{{ table({"caption": "A table", "head": ["Who", "What"], "rows": [["<b>x</b>", 1.5]]}) }}
<p>{{ mark("danger", "Safety") }} {{ mark("watch", "Off track") }} {{ mark("good", "On track") }}
{{ mark("none", "Nothing") }}</p>
{% call callout("Look here") %}<p>Inside.</p>{% endcall %}
{% call details("More of it") %}<p>Inside too.</p>{% endcall %}
<h2>Numbers</h2>
<p id="numbers">{{ 1234.56 | number(1) }} {{ -0.5 | number(1) }} {{ none | number }} {{ 0.251 | percent(1) }}
{{ moment | day }} {{ moment | moment }} {{ moment | short_day }} {{ none | day }}</p>
<h2>A form</h2>
<form method="post" action="/sent">{{ csrf_field }}
{{ fields.text("name", "Your name", hint="As you like", errors=errors, autocomplete="name", required=true) }}
{{ fields.date("born", "Born", errors=errors) }}
{{ fields.radios("often", "How often?", [("0", "Never"), ("1", "Often", "A hint")], "1", errors=errors) }}
{{ fields.checkboxes("which", "Which?", [("a", "One"), ("b", "Another")], ["b"]) }}
{{ fields.select("site", "Site", [("n", "North"), ("s", "South")], "s") }}
{{ fields.textarea("why", "Why?", longest=200) }}
{{ fields.textarea("plain", "Anything else?") }}
{{ fields.password("word", "Password") }}
{{ fields.file("letter", "A letter") }}
{{ button("Send") }} {{ button("Not now", "secondary", href="/crisis") }}
</form>
<h2 id="live-words">Live</h2>
<div id="live" aria-live="polite" hx-get="" hx-trigger="click" hx-select="#live" hx-swap="outerHTML">
  <span id="count">{{ count }}</span></div>
{% endblock %}
"""

FIGURE = {
    "mark": {"type": "line", "point": True},
    "data": {"values": [{"week": 1, "score": 3, "who": "a"}, {"week": 2, "score": 5, "who": "a"}]},
    "encoding": {
        "x": {"field": "week", "type": "quantitative", "axis": {"labelExpr": "'w' + datum.label"}},
        "y": {"field": "score", "type": "quantitative", "title": "Score"},
        "color": {"field": "who", "type": "nominal"},
        "tooltip": {"field": "score"},
    },
}


@dataclass(frozen=True)
class Visitor:
    """Somebody who reads a page: what of a visit its frame needs."""

    who: Who
    csrf: str = "a-token"


def visitor(role: Role, language: str = "en") -> Visitor:
    account = Account(
        id="abcdefghijkl",
        login="somebody",
        name="Somebody <script>",
        role=role,
        patient="a" * 32 if role == "patient" else "",
        language=language,
        created=NOW,
    )
    return Visitor(Who("account:abcdefghijkl", role, account))


def pieces() -> dict[str, Any]:
    """What the page of every piece shows."""
    return {
        "rows": [
            {"words": "Talking", "estimate": 9.1, "low": 7.0, "high": 11.0},
            {"words": "Medicine", "estimate": 9.4, "low": 7.5, "high": 11.5, "note": "60 people"},
        ],
        "points": [(date(2026, 1, 1), 18), (date(2026, 1, 15), 15), (date(2026, 2, 1), 22)],
        "band": [(date(2026, 1, 1), 15, 20), (date(2026, 2, 1), 8, 14)],
        "start": date(2026, 1, 3),
        "figure": FIGURE,
        "moment": NOW,
        "count": 1,
    }


def made(settings: Settings) -> tuple[FastAPI, Looks]:
    """An app with our open pages, the page of every piece, and the headers."""
    looks = Looks(settings)
    for house in looks._environments.values():
        assert house.loader is not None
        house.loader = ChoiceLoader([DictLoader({"all.html": PAGE}), house.loader])
    app = FastAPI()
    app.state.services = SimpleNamespace(looks=looks, clock=lambda: NOW)
    for door in doors:
        app.include_router(door)
    counted = iter(range(1, 10_000))

    @app.get("/all/{role}")
    def everything(request: Request, role: str, wrong: bool = False) -> Response:
        visit = None if role == "nobody" else visitor(role)  # type: ignore[arg-type]
        errors = {"name": "Write your name", "born": "Write a day", "often": "Choose one"} if wrong else {}
        told = {**pieces(), "errors": errors, "count": next(counted)}
        return looks.render(request, "all.html", visit, told)

    @app.get("/error/{status}")
    def error(request: Request, status: int) -> Response:
        told = {"status": status, "message": "Nothing <b>fits</b>.", "hint": "Write it anew."}
        return looks.render(request, "error.html", None, told)

    @app.middleware("http")
    async def guarded(request: Request, answer: Any) -> Response:
        if request.url.path == "/behind/a/proxy":
            return Response("Bad gateway", status_code=502)
        if getattr(app.state, "signed_out", False) and request.url.path.startswith("/all/"):
            return RedirectResponse("/crisis", status_code=303)
        response: Response = await answer(request)
        for name, value in headers(settings).items():
            response.headers.setdefault(name, value)
        return response

    return app, looks


@contextmanager
def served(app: FastAPI, port: int) -> Iterator[str]:
    """The address at which ``app`` is served, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    ends = time.monotonic() + 10
    while not server.started and time.monotonic() < ends:
        time.sleep(0.02)
    assert server.started
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
