"""Passkeys in a real browser, with Chromium's virtual authenticator: made, used, refused."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
import uvicorn
from axe import violations
from made_clinic import Made
from playwright.sync_api import Browser, CDPSession, Page, expect
from visiting import PASSWORD, given

from alleviate.clinic.settings import Settings
from alleviate.clinic.signing_in import passkeys
from alleviate.terms.errors import DataError

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def served(make_clinic: Callable[..., Made]) -> Iterator[tuple[Made, str]]:
    """A clinic that listens, and its address: a name, since browsers make passkeys for no number."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://localhost:{port}"
    clinic = make_clinic(base_url=base)
    server = uvicorn.Server(
        uvicorn.Config(clinic.app, host="127.0.0.1", port=port, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield clinic, base
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def authenticator(page: Page) -> tuple[CDPSession, str]:
    """A device that can make passkeys and sees its owner's finger."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    made = devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return devices, made["authenticatorId"]


def sign_in(page: Page, base: str, login: str) -> None:
    page.goto(f"{base}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("form[action='/sign-in'] button[type=submit]")


def add_passkey(page: Page, base: str, name: str) -> None:
    page.goto(f"{base}/account/second")
    page.fill("#name", name)
    page.click("text=Add a passkey")


@pytest.mark.browser
def test_a_passkey_is_made_and_signs_in_alone_and_after_the_password(
    served: tuple[Made, str], page: Page
) -> None:
    clinic, base = served
    account = given(clinic, "clinician")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    authenticator(page)
    page.goto(f"{base}/sign-in")
    assert violations(page) == []
    sign_in(page, base, "clinician")
    expect(page).to_have_url(f"{base}/account/second")
    assert violations(page) == []
    before = page.context.cookies()
    add_passkey(page, base, "work laptop")
    expect(page.locator("h1")).to_have_text("Your recovery codes")
    assert page.locator("main samp").count() == 10
    assert violations(page) == []
    for url in ("/sign-out", "/account/second/app", "/account/password", "/account/"):
        page.goto(base + url)
        assert violations(page) == [], url
    (kept,) = clinic.services.accounts.credentials(account.id).passkeys
    assert (kept.name, kept.transports) == ("work laptop", ("internal",))
    old = next(each["value"] for each in before if each["name"] == "alleviate")
    assert clinic.services.accounts.session(old, clinic.clock()) is None, "a new id once more is open"

    page.click("header >> text=Sign out")
    page.click("text=Sign in with a passkey")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert methods(clinic, account.id) == ["passkey"]

    page.goto(f"{base}/sign-out")
    page.click("main button")
    expect(page).to_have_url(f"{base}/sign-in")
    sign_in(page, base, "clinician")
    expect(page).to_have_url(f"{base}/sign-in/second")
    assert violations(page) == []
    page.click("text=Use my passkey")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert methods(clinic, account.id) == ["password+passkey"]
    assert not faults


@pytest.mark.browser
def test_what_is_no_passkey_of_the_account_s_opens_nothing(served: tuple[Made, str], page: Page) -> None:
    clinic, base = served
    account = given(clinic, "patient")
    devices, device = authenticator(page)
    sign_in(page, base, "patient")
    add_passkey(page, base, "phone")
    expect(page.locator("h1")).to_have_text("Your recovery codes")
    page.goto(f"{base}/sign-out")
    page.click("main button")

    sent: list[dict[str, str]] = []
    page.on("request", lambda asked: sent.append(fields(asked.post_data)) if answers(asked) else None)
    page.click("text=Sign in with a passkey")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(f"{base}/sign-out")
    page.click("main button")

    # What was sent is sent again: the question that it answers was asked once.
    accounts = clinic.services.accounts
    assert passkeys.used(clinic.services, sent[0]["ticket"], sent[0]["credential"]) is None
    fresh = passkeys.to_sign_in(clinic.services)["ticket"]
    assert passkeys.used(clinic.services, fresh, sent[0]["credential"]) is None, "nor does it answer another"

    # A device that has counted less than before is a copy of it.
    credentials = accounts.credentials(account.id)
    ahead = tuple(msgspec.structs.replace(each, uses=9999) for each in credentials.passkeys)
    accounts.set_credentials(
        account.id, msgspec.structs.replace(credentials, passkeys=ahead), seen=credentials.version
    )
    page.goto(f"{base}/sign-in")
    page.click("text=Sign in with a passkey")
    expect(page.locator(".nhsuk-error-summary")).to_contain_text("does not open an account here")

    # Somebody else holds the device: without finger or PIN it signs nothing, and the page says so.
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.goto(f"{base}/sign-in")
    page.click("text=Sign in with a passkey")
    expect(page.locator("[data-passkey-failed]")).to_be_visible()
    expect(page).to_have_url(f"{base}/sign-in")


NONSENSE = (
    "", "{}", "[]", "null", "7", '"x"', '{"rawId": 1}', '{"rawId": "AA", "response": {}}',
    '{"rawId": "AA", "response": []}', '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"AA","attestationObject":"AA"}}',
    '{"rawId":"AA","response":{"userHandle":"AAAA"}}', '{"rawId":"AA","response":{"userHandle":"/w"}}',
)  # fmt: skip


def test_what_is_no_answer_is_refused_and_no_fault(make_clinic: Callable[..., Made]) -> None:
    clinic = make_clinic(base_url="http://localhost:8000")
    account = given(clinic, "patient")
    for answer in NONSENSE:
        credentials = clinic.services.accounts.credentials(account.id)
        ticket = passkeys.to_create(clinic.services, account, credentials)["ticket"]
        with pytest.raises(DataError, match="could not be checked"):
            passkeys.add(clinic.services, account, ticket, answer, "x")
        ticket = passkeys.to_sign_in(clinic.services)["ticket"]
        assert passkeys.used(clinic.services, ticket, answer) is None
        ticket = passkeys.to_sign_in(clinic.services, account)["ticket"]
        assert passkeys.used(clinic.services, ticket, answer, account.id) is None


def test_browsers_make_passkeys_for_names_only() -> None:
    assert passkeys.open_here(Settings(base_url="https://clinic.example"))
    assert passkeys.open_here(Settings(base_url="http://localhost:8000"))
    assert not passkeys.open_here(Settings(base_url="http://127.0.0.1:8000"))
    assert not passkeys.open_here(Settings(base_url="https://[2001:db8::1]"))


def methods(clinic: Made, id: str) -> list[str]:
    return [each.method for each in clinic.services.accounts.sessions(id, clinic.clock())]


def answers(asked: Any) -> bool:
    return asked.method == "POST" and re.search(r"/sign-in/passkey$", asked.url) is not None


def fields(body: str | None) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body or "").items()}
