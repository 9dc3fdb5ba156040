"""A person withdraws consent with one click, and the next request of whoever looked is refused."""

import pytest
from clinic_windows import PHONE, Windows, signed_in_as
from made_clinic import Made
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def cohort(made: Made, purpose: str) -> set[str]:
    """Whose records (our ids: these purposes see no others) a study learns from, or research reads."""
    with made.vault.access(actor="os:study", purpose=purpose) as access:  # type: ignore[arg-type]
        return {record.subject_id for record in access.records()}


def rows_of_scientist(page: Page, address: str) -> int:
    """How many courses of treatment the data scientist's own table has."""
    answer = page.request.get(f"{address}/research/table.csv")
    assert answer.status == 200
    return len(answer.text().splitlines()) - 1


def status(page: Page, url: str) -> int:
    answer = page.goto(url)
    assert answer is not None
    return answer.status


@pytest.fixture
def patient_page(windows: Windows, made: Made) -> Page:
    """Whose account is the first person's, at their consents."""
    page = windows.open(size=PHONE, token=signed_in_as(made, "patient"))
    page.goto(f"{windows.address}/mine/consent")
    return page


def allow(page: Page, words: str) -> None:
    button = page.get_by_role("button", name=words, exact=True)
    if button.count():
        button.click()
        expect(page.get_by_text("You have given your permission")).to_be_visible()


def test_who_withdraws_from_training_is_not_in_the_next_cohort(made: Made, patient_page: Page) -> None:
    allow(patient_page, "Allow for training computer models")
    before = cohort(made, "model-training")
    assert made.patients[0] in before
    patient_page.get_by_role("button", name="Withdraw from training computer models").click()
    expect(patient_page.get_by_text("It holds from now on")).to_be_visible()
    assert cohort(made, "model-training") == before - {made.patients[0]}


def test_who_withdraws_from_research_is_gone_from_the_scientists_next_table(
    windows: Windows, made: Made, patient_page: Page
) -> None:
    allow(patient_page, "Allow for research")
    scientist = windows.open(token=signed_in_as(made, "data-scientist"))
    before = cohort(made, "research")
    assert made.patients[0] in before
    rows = rows_of_scientist(scientist, windows.address)
    patient_page.get_by_role("button", name="Withdraw from research").click()
    expect(patient_page.get_by_text("It holds from now on")).to_be_visible()
    assert cohort(made, "research") == before - {made.patients[0]}
    assert rows_of_scientist(scientist, windows.address) < rows


def test_who_withdraws_from_care_is_closed_to_the_care_team_until_they_allow_it_again(
    windows: Windows, made: Made, clinician: Page, patient_page: Page
) -> None:
    overview = f"{windows.address}/patients/{made.patients[0]}/"
    assert status(clinician, overview) == 200
    expect(clinician.get_by_role("heading", name="Course")).to_be_visible()
    patient_page.locator("summary", has_text="Withdraw for my care").click()
    patient_page.get_by_role("button", name="Withdraw for my care").click()
    expect(patient_page.get_by_text("It holds from now on")).to_be_visible()
    expect(clinician.get_by_role("heading", name="Course")).to_have_count(0)  # the open page closes itself
    for path in ("", "items", "notes", "advice", "summary"):
        assert status(clinician, overview + path) == 403, path
        assert made.subjects[0] not in clinician.content()
    clinician.goto(f"{windows.address}/caseload/")
    expect(clinician.locator(f"#p-{made.patients[0]}")).to_have_count(0)

    patient_page.get_by_role("button", name="Allow for my care").click()
    assert status(clinician, overview) == 200
