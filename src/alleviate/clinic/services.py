"""What every page and interface of one process shares."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from alleviate.clinic.looks import Looks
from alleviate.clinic.settings import Settings
from alleviate.clinic.shelf import Shelf
from alleviate.clinic.who import Who
from alleviate.vault import Vault
from alleviate.vault.accounts import Accounts

__all__ = ["Identify", "Services"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Made once by `alleviate.clinic.wiring`. ``kept`` is for what a room keeps for the life of the process.

    ``of_cookie`` and ``of_bearer`` say who asks, or None; given here, since the rooms that know use the gate.
    """

    settings: Settings
    vault: Vault
    looks: Looks
    shelf: Shelf
    of_cookie: "Identify"
    of_bearer: "Identify"
    clock: Callable[[], datetime] = _now
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def accounts(self) -> Accounts:
        return self.vault.accounts


Identify = Callable[[Request, Services], Who | None]
