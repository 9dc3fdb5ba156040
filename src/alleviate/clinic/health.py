"""Whether the clinic runs, can serve, and how it does: for whoever keeps it running."""

import hmac

from fastapi import Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.metrics import exposition
from alleviate.terms.errors import AlleviateError
from alleviate.vault.overseeing import ready

__all__ = ["doors"]

door = Door("health")
doors = (door,)


@door.open("/healthz", why="Says that the process answers, and nothing else.")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@door.open("/readyz", why="Says whether the vault can be read, and nothing of what is in it.")
def readyz(request: Request) -> JSONResponse:
    """The vault can be read; 503 where it cannot."""
    try:
        ready(services_of(request).vault)
    except AlleviateError:
        return JSONResponse({"status": "the vault cannot be read"}, 503)
    return JSONResponse({"status": "ready"})


@door.open("/metrics", why="Counts and times only; from elsewhere a token of its own is asked for.")
def metrics(request: Request) -> Response:
    """Prometheus' text format. From this machine, or with the token of the settings."""
    settings = services_of(request).settings
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    near = request.client is not None and request.client.host in ("127.0.0.1", "::1", "testclient")
    known = bool(settings.metrics_token) and hmac.compare_digest(
        sent.encode(), settings.metrics_token.encode()
    )
    if not known and (settings.metrics_token or settings.proxies or not near):
        return PlainTextResponse("Not open to you.", 404)
    return Response(exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")
