"""The services that there are, from services.toml, as the discovery endpoint tells them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Service", "service_of", "services"]


@dataclass(frozen=True, slots=True)
class Service:
    """``prefetch``: FHIR queries by key, which a client may fill and send along."""

    id: str
    hook: str
    title: str
    description: str
    prefetch: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        prefetch = {"prefetch": dict(self.prefetch)} if self.prefetch else {}
        return {
            "hook": self.hook,
            "title": self.title,
            "description": self.description,
            "id": self.id,
            **prefetch,
        }


@cache
def services() -> tuple[Service, ...]:
    """In the order of the file."""
    found = tomllib.loads(files("alleviate.clinic.cds").joinpath("services.toml").read_text("utf-8"))
    return tuple(Service(**{"prefetch": {}, **one}) for one in found["services"])


def service_of(id: str) -> Service | None:
    """The one of that id."""
    return next((service for service in services() if service.id == id), None)
