"""In a browser without JavaScript everything can be read and sent."""

import pytest
from clinic_windows import PHONE, Windows, signed_in_as
from made_clinic import Made
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_questionnaire_is_asked_for_filled_in_and_read(windows: Windows, made: Made) -> None:
    patient = made.patients[3]
    clinician = windows.open(scripts=False, token=signed_in_as(made, "clinician"))
    clinician.goto(f"{windows.address}/patients/{patient}/questionnaires")
    clinician.get_by_role("button", name="Ask", exact=True).click()
    link = clinician.locator(".app-break").inner_text()

    phone = windows.open(size=PHONE, scripts=False)
    phone.goto(link)
    phone.get_by_role("link", name="Show me one question at a time").click()
    expect(phone.get_by_text("Question 1 of 9")).to_be_visible()
    phone.get_by_label("Nearly every day").check()
    phone.get_by_role("button", name="Save and go on").click()
    expect(phone.get_by_text("Question 2 of 9")).to_be_visible()
    phone.get_by_role("link", name="All questions on one page").click()
    assert phone.get_by_role("group").count() == 9
    assert phone.get_by_role("group").first.get_by_label("Nearly every day").is_checked()
    for place in range(1, 8):
        phone.get_by_role("group").nth(place).get_by_label("Several days").check()
    phone.get_by_role("group").nth(8).get_by_label("Not at all").check()
    phone.get_by_role("button", name="Save and look over my answers").click()
    expect(phone.get_by_role("heading", name="Look over your answers")).to_be_visible()
    phone.get_by_role("button", name="Send my answers").click()
    expect(phone.get_by_role("heading", name="Your answers are sent")).to_be_visible()

    clinician.goto(f"{windows.address}/caseload/?sort=name")
    row = clinician.locator(f"tr:has(#p-{patient})")
    expect(row).to_contain_text("PHQ-9 10")
    row.get_by_role("link").first.click()
    table = clinician.get_by_role("region", name="PHQ-9")  # the numbers that the picture would show
    expect(table.get_by_role("row").filter(has_text="10").last).to_be_visible()
    clinician.get_by_role("link", name="Answers", exact=True).click()
    expect(clinician.get_by_role("table").first).to_contain_text("3")


def test_an_answer_of_danger_leads_to_help_without_scripts(windows: Windows, made: Made) -> None:
    clinician = windows.open(scripts=False, token=signed_in_as(made, "clinician"))
    clinician.goto(f"{windows.address}/patients/{made.patients[4]}/questionnaires")
    clinician.get_by_role("button", name="Ask", exact=True).click()
    phone = windows.open(size=PHONE, scripts=False)
    phone.goto(clinician.locator(".app-break").inner_text())
    phone.get_by_role("group").nth(8).get_by_label("Several days").check()
    phone.get_by_role("button", name="Save and look over my answers").click()
    expect(phone.get_by_role("heading", name="You do not have to go through this alone")).to_be_visible()
    expect(phone.get_by_text("We have told your care team")).to_be_visible()
    clinician.goto(f"{windows.address}/patients/{made.patients[4]}/")
    expect(clinician.locator(".app-alert--danger")).to_contain_text("PHQ-9, item 9")
    clinician.get_by_role("button", name="I take this alert").first.click()
    expect(clinician.locator("main")).to_contain_text("taken by")
