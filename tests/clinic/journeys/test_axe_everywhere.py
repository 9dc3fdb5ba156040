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
from clinic_windows import DESK, PHONE, Windows, code_of_app, free_port, served, signed_in_as
from made_clinic import Made, opened
from made_people import CBT, TALK, entries_of, event, person
from playwright.sync_api import Browser, Error, Page

from alleviate.clinic.invitations import invite
from alleviate.clinic.machines.registering import register
from alleviate.clinic.officers.figures import compute
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

NOT_LOOKED_AT = ("{document}",)
"""A document is saved, not shown."""


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
            if action is None or path.startswith(("/api/", "/fhir")) or path == "/":
                continue
            if any(part in path for part in NOT_LOOKED_AT):
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
    system = register(accounts, "test", name="Laboratory", kind="app", issuer="https://ehr.example/fhir")
    with made.vault.access(actor=by, purpose="care") as access:
        asked = invite(
            access, accounts, by, own, instruments=["phq9"], due=(now + timedelta(days=7)).date(), now=now
        )
        chart = access.chart(patient)
    sent(made, "clinician", f"/patients/{patient}/notes", sort="progress", text="Seen; sleeps better.")
    sent(made, "clinician", f"/patients/{patient}/goals", goal="Work again by spring.")
    proposal = decided(made, patient)
    sent(made, "other", f"/patients/{made.patients[6]}/glass", reason="Found unconscious in the street.")
    compute(made.services)
    return {
        "patient": patient,
        "alert": next(each.id for each in chart.alerts if each.state == "raised"),
        "proposal": proposal,
        "invitation": asked.id,
        "account_id": made.accounts["clinician"].id,
        "system": system.client.id,
        "seal": made.services.shelf.all()[0].seal,
    }


def advised(made: Made) -> str:
    """Our id of somebody in care for whom the rule speaks, and whose answer raised an alert."""
    at = (made.clock() - timedelta(days=3)).replace(microsecond=0)
    danger = event("everything", "LOINC//44260-8", at, "questionnaire", "QuestionnaireResponse/danger", 2.0)
    record = person("everything", phq9=25, wish=TALK, at=at, extra=(danger,))
    with made.vault.access(actor="test", purpose="care") as access:
        access.put(entries_of(record), made.clock())
        for login in ("clinician", "trainee"):
            access.join("everything", made.accounts[login].id, "psychologist")
    return made.vault.our_id("everything") or ""


def sent(made: Made, login: str, url: str, **form: str) -> Any:
    answer = made.send(login, url, **form)
    assert answer.status_code == 303, (url, answer.status_code, answer.text[:500])
    return answer


def decided(made: Made, patient: str) -> str:
    """The id of a proposal that the clinician decided otherwise on."""
    page = made.signed_in("clinician").get(f"/patients/{patient}/advice").text
    found = re.search(rf"/patients/{patient}/decisions/(?P<id>[0-9a-f]{{32}})", page)
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert found is not None
    assert seen is not None
    url = f"/patients/{patient}/decisions/{found['id']}"
    sent(made, "clinician", url, seen=seen[1], chosen=CBT, reason="patient-prefers")
    return found["id"]


def looked_at(page: Page, url: str, width: int) -> list[str]:
    """What is wrong with one page: its answer, its width, and the rules of WCAG that it violates."""
    try:
        answer = page.goto(url)
    except Error as error:
        if "Download is starting" in error.message:  # nothing to look at
            return []
        raise
    if answer is None or answer.status != 200:
        return [f"{url}: answered {answer and answer.status}"]
    if page.url != url.partition("#")[0]:
        return [f"{url}: led to {page.url}"]
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return []
    if "sandbox" in answer.headers.get("content-security-policy", ""):
        # In a report no script may run, axe neither: the same bytes are looked at outside of the clinic.
        page.goto("about:blank")
        page.set_content(page.request.get(url).text())
    wide = page.evaluate("document.documentElement.scrollWidth")
    wrong = [f"{wide} pixels wide"] if wide > width else []
    if page.locator("h1").count() != 1:
        wrong.append("not one main heading")
    return [f"{url}: {each}" for each in (*wrong, *violations(page))]


@pytest.mark.parametrize("login", [*STAFF, "patient"])
def test_every_page_of_a_role_can_be_used_by_everybody(
    login: str, browser: Browser, everywhere: Everywhere
) -> None:
    size = PHONE if login == "patient" else DESK
    windows = Windows(browser, everywhere.address)
    page = windows.open(size=size, token=signed_in_as(everywhere.made, login))
    paths = everywhere.paths(login)
    assert len(paths) >= 3
    wrong = []
    for path in paths:
        url = everywhere.address + everywhere.filled(path)
        wrong += looked_at(page, url, size["width"])
        if path in GERMAN:
            wrong += looked_at(page, f"{url}?lang=de", size["width"])
            page.goto(f"{url}?lang=en")
    windows.close()
    assert wrong + windows.wrong == []


def test_a_second_factor_can_be_set_up_and_asked_for_by_everybody(
    browser: Browser, everywhere: Everywhere
) -> None:
    windows = Windows(browser, everywhere.address)
    page = windows.open(size=PHONE, token=signed_in_as(everywhere.made, "other"))
    wrong = looked_at(page, f"{everywhere.address}/account/second", PHONE["width"])
    page.get_by_role("button", name="Set up an app").click()
    page.locator("[name=code]").fill("000000")
    page.locator("main form button").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    wrong += violations(page)
    page.locator("[name=code]").fill(code_of_app(page.locator("details samp").text_content() or ""))
    page.locator("main form button").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    wrong += violations(page)
    page.get_by_role("button", name="I have kept them").click()
    page.get_by_text("recovery codes left").wait_for()
    wrong += looked_at(page, f"{everywhere.address}/account/second", PHONE["width"])
    windows.close()
    assert wrong + windows.wrong == []


def test_what_is_refused_is_told_in_the_frame_of_who_reads_it(
    browser: Browser, everywhere: Everywhere
) -> None:
    windows = Windows(browser, everywhere.address)
    page = windows.open(token=signed_in_as(everywhere.made, "clinician"))
    for path in ("/nothing/here", f"/patients/{'0' * 32}/", f"/patients/{everywhere.made.patients[6]}/"):
        answer = page.goto(everywhere.address + path)
        assert answer is not None
        assert answer.status == 404
        assert page.get_by_role("link", name="My caseload").is_visible()
        assert page.get_by_role("button", name="Sign out").is_visible()
        assert violations(page) == []
    windows.close()
    assert windows.wrong == []


def test_what_is_open_to_everybody_can_be_used_by_everybody(browser: Browser, everywhere: Everywhere) -> None:
    windows = Windows(browser, everywhere.address)
    page = windows.open(size=PHONE)
    wrong = []
    for path in (
        "/sign-in",
        "/sign-in?lang=de",
        "/q?lang=en",
        "/crisis",
        "/crisis?lang=de",
        "/crisis/saved/en",
    ):
        wrong += looked_at(page, everywhere.address + path, PHONE["width"])
    page.goto(f"{everywhere.address}/nothing/here")
    wrong += violations(page)
    windows.close()
    assert wrong + windows.wrong == []
