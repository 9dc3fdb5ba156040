"""Every page of every role, as the OpenAPI description has them: everybody can use it, and nothing breaks."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe import violations
from clinic_windows import DESK, PHONE, Windows, served, signed_in_as, free_port
from made_clinic import Made, opened
from made_people import TALK, entries_of, person
from playwright.sync_api import Browser, Page

from alleviate.clinic.invitations import invite
from alleviate.clinic.machines.registering import register
from alleviate.decisions.permissions import may

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STAFF = (
    "administrator",
    "clinician",
    "trainee",
    "data-scientist",
    "safety-officer",
    "protection-officer",
)
GERMAN = (
    "/sign-in",
    "/caseload/",
    "/patients/{patient}/",
    "/patients/{patient}/advice",
    "/officers/decisions",
    "/mine/",
    "/mine/consent",
    "/mine/questionnaires/{invitation}",
)
"""Of these pages the German ones too."""

NOT_OURS = ("/evidence/", "/assets/", "/sign-in/with/", "/launch", "/account/second/app")
"""A signed report carries its own styles; these send elsewhere; the app's secret is asked for afresh."""


@dataclass
class Everywhere:
    """A clinic in which there is one of everything: ``known`` fills the parts of the addresses."""

    made: Made
    address: str
    known: dict[str, str] = field(default_factory=dict)

    def paths(self, login: str) -> list[str]:
        """The pages open to this account, with the parts of their addresses filled."""
        role = self.made.accounts[login].role
        bond = {"clinician": "team", "trainee": "team", "patient": "self"}.get(role, "none")
        found = []
        for path, methods in self.made.app.openapi()["paths"].items():
            action = methods.get("get", {}).get("x-action")
            if action is None or path.startswith(("/api/", "/fhir", *NOT_OURS)) or path == "/":
                continue
            if any(may(role, action, each) for each in (bond, "any", "none", None)):  # type: ignore[arg-type]
                found.append(path)
        return found

    def filled(self, path: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda part: self.known[part[1]], path)


@pytest.fixture(scope="module")
def everywhere(
    template: Path, clinic_key: str, severity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Everywhere]:
    folder = tmp_path_factory.mktemp("everywhere") / "clinic"
    shutil.copytree(template, folder)
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", clinic_key)
        made = opened(folder, packages=severity, base_url=f"http://127.0.0.1:{port}")
        known = one_of_everything(made)
        with served(made, port) as address:
            yield Everywhere(made, address, known)
        made.close()


def one_of_everything(made: Made) -> dict[str, str]:
    """Writes what the pages show, and says by which ids."""
    now, accounts = made.clock(), made.services.accounts
    by = made.accounts["clinician"].actor
    patient, own = advised(made), made.patients[0]
    system = register(
        accounts, "test", name="Laboratory", kind="app", redirect_uris=["https://lab.example/back"]
    )
    with made.vault.access(actor=by, purpose="care") as access:
        asked = invite(
            access, accounts, by, own, instruments=["phq9"], due=(now + timedelta(days=7)).date(), now=now
        )
    shown = made.signed_in("clinician").get(f"/patients/{patient}/advice")
    assert shown.status_code == 200
    chart = made.vault.access(actor=by, purpose="care").chart(patient)
    found = {
        "patient": patient,
        "alert": chart.alerts[0].id,
        "proposal": next(sheet.id for sheet in chart.sheets if sheet.kind == "proposal"),
        "invitation": asked.id,
        "account_id": made.accounts["clinician"].id,
        "system": system.client.id,
    }
    made.send(
        "clinician",
        f"/patients/{patient}/documents",
        title="Letter",
        kind="letter",
        text="A letter.",
    )
    return found
