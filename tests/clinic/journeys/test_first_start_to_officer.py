"""From the first start of an empty clinic to the officer who reads why somebody decided otherwise."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clinic_windows import Windows, code_of_app, free_port
from made_people import CBT, SERTRALINE, TALK, entries_of, person
from playwright.sync_api import Browser, Locator, Page, expect

from alleviate.vault import Vault

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORDS = {
    "administrator": "lantern under wet gravel",
    "first.clinician": "seven quiet orchard doors",
    "first.officer": "paper boats before noon",
}


@dataclass
class Started:
    address: str
    vault: Path
    login: str
    password: str


@pytest.fixture
def started(
    tmp_path: Path, severity: Path, clinic_key: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Started]:
    """`alleviate clinic` over a vault that holds one person and no account."""
    monkeypatch.setenv("ALLEVIATE_KEY", clinic_key)
    path, now = tmp_path / "new.vault", datetime.now(UTC).replace(microsecond=0)
    record = person("first", phq9=25, wish=TALK, at=now - timedelta(days=3))
    with closing(Vault.create(path)) as vault, vault.access(actor="test", purpose="care") as access:
        access.put(entries_of(record), now)
    port = free_port()
    asked = ["clinic", "--vault", str(path), "--packages", str(severity), "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "alleviate", *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    told: dict[str, str] = {}
    slow = threading.Timer(60, process.kill)
    slow.start()
    assert process.stdout is not None
    for line in process.stdout:
        name, _, value = line.strip().partition(": ")
        told[name] = value
        if name == "Clinic":
            break
    slow.cancel()
    yield Started(told["Clinic"], path, told["Login"], told["One-time password"])
    process.terminate()
    assert process.wait(30) in (0, -15)


def test_somebody_starts_a_clinic_and_an_officer_reads_what_was_decided(
    browser: Browser, started: Started
) -> None:
    windows = Windows(browser, started.address)
    administrator = windows.open()
    await_server(administrator, started.address)
    apps = {"administrator": set_up(administrator, started.address, started.login, started.password)}
    given = {
        "first.clinician": made_account(administrator, "first.clinician", "Clinician", "Psychologist"),
        "first.officer": made_account(administrator, "first.officer", "Clinical safety officer"),
    }
    administrator.goto(f"{started.address}/caseload/")  # makes accounts, and sees no patient
    expect(administrator.get_by_role("heading", level=1)).not_to_have_text("My caseload")

    clinician = windows.open()
    apps["first.clinician"] = set_up(clinician, started.address, *given["first.clinician"])
    clinician.get_by_role("button", name="Sign out", exact=True).click()
    signed_in(clinician, started.address, "first.clinician", apps["first.clinician"])
    clinician.get_by_role("link", name="My caseload").click()
    expect(clinician.get_by_text("Nobody is in your care yet")).to_be_visible()
    patient = put_in_care(started.vault, "first.clinician")
    clinician.locator(f"#p-{patient}").click()  # the open list shows by itself who joined it
    clinician.get_by_role("link", name="Advice", exact=True).click()
    shown = clinician.locator("#proposal").inner_text()
    assert shown.index("How sure can anybody be?") < shown.index(SERTRALINE)
    clinician.get_by_label(CBT, exact=True).check()
    clinician.get_by_label("If you decide otherwise: why?").select_option("patient-prefers")
    clinician.get_by_role("button", name="Record the decision").click()
    expect(clinician.get_by_text("The decision is recorded.")).to_be_visible()
    assert clinician.locator("#proposal").inner_text() == shown

    officer = windows.open()
    set_up(officer, started.address, *given["first.officer"])
    reasons = officer.get_by_role("table", name="Why advice was overridden")
    computed(officer, reasons)
    expect(reasons.get_by_role("row").filter(has_text="The person prefers")).to_contain_text("1")
    assert patient not in officer.content()
    officer.goto(f"{started.address}/patients/{patient}/")
    assert SERTRALINE not in officer.content()
    windows.close()
    assert windows.wrong == []


def computed(officer: Page, wanted: Locator) -> None:
    """The figures of the decisions, worked out anew in the background when the officer asks for it."""
    for _ in range(10):
        officer.get_by_role("link", name="Decisions").first.click()
        expect(officer.get_by_role("heading", name="What became of the advice")).to_be_visible()
        if wanted.is_visible():
            return
        officer.get_by_role("button", name="Compute now").click()
    raise AssertionError("the officer gets no figures")


def await_server(page: Page, address: str) -> None:
    """The address is told a moment before it is answered."""
    for _ in range(100):
        try:
            page.goto(address)
            return
        except Exception:  # refused: not yet
            page.wait_for_timeout(100)
    raise AssertionError("nobody answers at the address that was told")


def set_up(page: Page, address: str, login: str, password: str) -> str:
    """The first sign-in: a password of their own, then an app. Returns the app's secret as it was shown."""
    page.goto(address)
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password", exact=True).fill(PASSWORDS[login])
    page.get_by_label("New password once more").fill(PASSWORDS[login])
    page.get_by_role("button", name="Save password").click()
    page.get_by_role("button", name="Set up an app").click()
    page.get_by_text("You cannot take a picture?").click()
    secret = page.locator("main samp").inner_text()
    page.get_by_label("The six digits").fill(code_of_app(secret))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.get_by_role("button", name="I have kept them").click()
    return secret


def signed_in(page: Page, address: str, login: str, secret: str) -> None:
    """Later sign-ins; a code holds once, so it is the next one."""
    page.goto(address)
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password", exact=True).fill(PASSWORDS[login])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code from your app").fill(code_of_app(secret, ahead=1))
    page.get_by_role("button", name="Continue").click()


def made_account(page: Page, login: str, role: str, profession: str = "") -> tuple[str, str]:
    """Login and one-time password of an account that the administrator makes."""
    page.get_by_role("link", name="Accounts", exact=True).click()
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("Login").fill(login)
    page.get_by_label("Name", exact=True).fill(f"The {login}")
    page.get_by_label("Role").select_option(label=role)
    if profession:
        page.get_by_label("Profession").select_option(label=profession)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="A password for one time")).to_be_visible()
    return login, page.locator("main samp").inner_text()


def put_in_care(path: Path, login: str) -> str:
    """The person joins this account's caseload, as it is told by the vault's side of the hospital."""
    with closing(Vault.open(path)) as vault:
        account = vault.accounts.by_login(login)
        assert account is not None
        with vault.access(actor="test", purpose="care") as access:
            (subject,) = access.ids()
            access.join(subject, account.id, "psychologist")
            return vault.our_id(subject) or ""
