"""The one composition root: settings in, the clinic out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alleviate import __version__
from alleviate.clinic import (
    admin,
    caseload,
    cds,
    faults,
    fhir,
    health,
    looks,
    machines,
    mine,
    officers,
    patient,
    recommending,
    signing_in,
    start,
)
from alleviate.clinic.fhir.answers import told
from alleviate.clinic.keeping import Keeper
from alleviate.clinic.logs import Recording
from alleviate.clinic.looks import Looks
from alleviate.clinic.looks.headers import headers
from alleviate.clinic.machines.bearer import of_bearer
from alleviate.clinic.officers.figures import refresh
from alleviate.clinic.services import Services
from alleviate.clinic.settings import Settings
from alleviate.clinic.shelf import Shelf
from alleviate.clinic.signing_in.cookies import of_cookie
from alleviate.clinic.signing_in.providers import providers
from alleviate.vault import Vault

__all__ = ["application", "build", "services"]

ROOMS = (
    cds,
    patient,
    caseload,
    looks,
    start,
    signing_in,
    recommending,
    mine,
    machines,
    fhir,
    officers,
    admin,
    health,
)
"""In the order in which their addresses are looked up, one by one: what is asked for most comes first."""

_MEBIBYTE = 2**20


def services(settings: Settings, *, clock: Callable[[], datetime] | None = None) -> Services:
    """The vault opened, the packages verified. Raises VaultError where there is no vault, InputError for a
    file of identity providers that cannot be read."""
    providers(settings)
    vault = Vault.open(settings.vault if "://" in settings.vault else Path(settings.vault))
    shared = Services(
        settings=settings,
        vault=vault,
        looks=Looks(settings),
        shelf=Shelf(settings.packages, vault),
        of_cookie=of_cookie,
        of_bearer=of_bearer,
        kept={"answers": {"/fhir": told}},
    )
    return shared if clock is None else replace(shared, clock=clock)


def build(shared: Services, *, keep: bool = True) -> FastAPI:
    """The web app over ``shared``. ``keep``: whether new scores are judged in the background."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        shared: Services = app.state.services
        keeper = Keeper(shared, after=refresh)
        if keep:
            keeper.start()
        try:
            yield
        finally:
            keeper.stop()
            shared.vault.close()

    app = FastAPI(
        title="Alleviate",
        version=__version__,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        max_body_size=shared.settings.body_mebibytes * _MEBIBYTE,
    )
    app.state.services = shared
    for room in ROOMS:
        for door in room.doors:
            app.include_router(door)
    faults.install(app)
    app.add_middleware(_Headers, settings=shared.settings)
    app.add_middleware(Recording)
    return app


def application() -> FastAPI:
    """For uvicorn's workers, which read the settings from the environment."""
    return build(services(Settings.read()))


class _Headers:
    """Middleware: what tells browsers how to keep these pages safe, on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers(settings).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(each for each in self._headers if each[0] not in own),
                ]
            await send(message)

        await self._app(scope, receive, adding if scope["type"] == "http" else send)
