"""A link on a phone, an answer that tells of danger, and who answers it: by clicks alone."""

import base64
import re
import time

import msgspec
import pytest
from clinic_windows import PHONE, Windows, code_of_app, signed_in_as, tab_to
from made_clinic import Made
from playwright.sync_api import Page, expect

from alleviate.clinic.signing_in import passwords, totp

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AT_ONCE = 2.0
"""Seconds from the tap on the phone to the clinician's open page; two more for a busy machine."""
SLACK = 2.0


def asked(clinician: Page, address: str, patient: str) -> str:
    """The link to a PHQ-9, asked for by the clinician in the browser."""
    clinician.goto(f"{address}/patients/{patient}/questionnaires")
    clinician.get_by_role("button", name="Ask", exact=True).click()
    link = clinician.locator(".app-break").inner_text()
    assert re.fullmatch(re.escape(address) + r"/q/[\w-]{40,}", link)
    return link


def choose(phone: Page, item: int, words: str) -> None:
    question = phone.locator(f'[data-question="phq9-{item}"]')
    expect(question).to_be_visible()
    question.get_by_label(words, exact=True).check()


def safety_count(clinician: Page) -> int:
    found = clinician.locator(".app-needs li").filter(has_text="Safety").locator(".app-needs__number")
    return int(found.inner_text())


def test_an_answer_of_danger_shows_help_at_once_and_is_answered(
    windows: Windows, made: Made, clinician: Page
) -> None:
    patient = made.patients[1]
    link = asked(clinician, windows.address, patient)
    known = {each.id for each in made.vault.access(actor="test", purpose="rights").chart(patient).alerts}
    clinician.goto(f"{windows.address}/caseload/")
    before = safety_count(clinician)

    phone = windows.open(size=PHONE)
    phone.goto(link)
    for item in range(1, 9):
        choose(phone, item, "Not at all")
        phone.get_by_role("button", name="Go on").click()
    tapped = time.monotonic()
    choose(phone, 9, "Several days")
    safety = clinician.locator(".app-needs__number").nth(1)
    expect(safety).to_have_text(str(before + 1), timeout=(AT_ONCE + SLACK) * 1000)
    seen = time.monotonic() - tapped
    print(f"from the tap to the clinician's open page: {seen:.2f} s")
    assert seen < AT_ONCE + SLACK
    expect(phone.get_by_role("heading", name="You do not have to go through this alone")).to_be_visible()
    expect(phone.get_by_text("We have told your care team")).to_be_visible()
    assert phone.locator("main a[href^='tel:']").first.is_visible()

    row = clinician.locator(f"tr:has(#p-{patient})")
    expect(row).to_contain_text("PHQ-9, item 9")
    expect(row).to_contain_text("Nobody has taken it")
    clinician.locator(f"#p-{patient}").click()
    clinician.get_by_role("button", name="I take this alert").click()
    expect(clinician.locator("main")).to_contain_text("taken by")
    clinician.get_by_role("button", name="Resolve the alert").click()  # and says nothing of what was done
    expect(clinician.get_by_text("There is a problem")).to_be_visible()
    clinician.get_by_label("What was done").fill("Telephoned; a plan for the week-end is agreed.")
    clinician.get_by_role("button", name="Resolve the alert").click()
    expect(clinician.locator("main")).to_contain_text("a plan for the week-end is agreed")
    clinician.goto(f"{windows.address}/caseload/")
    assert safety_count(clinician) == before

    phone.get_by_role("link", name="Go on with the questions").click()
    phone.get_by_role("button", name="Send my answers").click()
    expect(phone.get_by_text("Your answers are sent.")).to_be_visible()
    expect(phone.get_by_text("We have told your care team")).to_be_visible()  # although it is resolved
    answer = phone.goto(f"{windows.address}/mine/course")  # the link opens this questionnaire alone
    assert answer is not None
    assert answer.status in (403, 404)
    chart = made.vault.access(actor="test", purpose="rights").chart(patient)
    new = [each.state for each in chart.alerts if each.id not in known]
    assert new == ["resolved"]  # sending what was answered before raises nothing anew


def test_the_keyboard_alone_leads_from_signing_in_to_the_alert(windows: Windows, made: Made) -> None:
    patient = made.patients[2]
    link = asked(windows.open(token=signed_in_as(made, "clinician")), windows.address, patient)
    phone = windows.open(size=PHONE)
    phone.goto(link)
    for _ in range(8):
        phone.get_by_role("button", name="Go on").click()
    choose(phone, 9, "More than half the days")
    phone.wait_for_url("**/help")

    secret, password = new_credentials(made, "clinician")
    page = windows.open()
    page.goto(windows.address)
    keys = page.keyboard
    tab_to(page, page.get_by_label("Login"))
    keys.type("clinician")
    tab_to(page, page.get_by_label("Password", exact=True))
    keys.type(password)
    keys.press("Enter")
    tab_to(page, page.get_by_label("Code from your app"))
    keys.type(code_of_app(spelled(secret)))
    keys.press("Enter")
    tab_to(page, page.get_by_role("link", name="My caseload"))
    keys.press("Enter")
    page.wait_for_url("**/caseload/")
    tab_to(page, page.locator(f"#p-{patient}"))
    page.wait_for_timeout(1500)  # the list asks once a second what is new, and takes the focus from nobody
    tab_to(page, page.locator(f"#p-{patient}"), most=0)
    keys.press("Enter")
    alert = page.locator(".app-alert").filter(has_text="PHQ-9, item 9").first
    tab_to(page, alert.get_by_role("button", name="I take this alert"))
    keys.press("Enter")
    tab_to(page, page.get_by_label("What was done"))
    keys.type("Seen the same day.")
    tab_to(page, page.get_by_role("button", name="Resolve the alert"))
    keys.press("Enter")
    expect(page.locator("main")).to_contain_text("Seen the same day.")


def new_credentials(made: Made, login: str) -> tuple[bytes, str]:
    """This account gets an app and a password."""
    secret, password = totp.new_secret(), "plum tree over harbour"
    accounts, account = made.services.accounts, made.accounts[login]
    before = accounts.credentials(account.id)
    accounts.set_credentials(
        account.id,
        msgspec.structs.replace(before, password=passwords.hashed(password), totp=secret),
        seen=before.version,
        what="totp-set",
    )
    return secret, password


def spelled(secret: bytes) -> str:
    return base64.b32encode(secret).decode()
