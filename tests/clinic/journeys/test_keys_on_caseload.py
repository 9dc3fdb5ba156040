"""The caseload by keys alone: to each person, into the record, to the search; and it can be switched off."""

from typing import Any

import pytest
from axe import violations
from clinic_windows import Windows, signed_in_as, tab_to
from made_clinic import IN_CARE, Made
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HERE = "document.activeElement.id"


def rows(page: Page) -> list[str]:
    """The ids of the links to the people shown, in their order."""
    found: list[str] = page.eval_on_selector_all("#people th[scope=row] a", "all => all.map(each => each.id)")
    return found


@pytest.fixture
def caseload(windows: Windows, made: Made) -> Any:
    page = windows.open(token=signed_in_as(made, "clinician"))
    page.goto(f"{windows.address}/caseload/")
    return page


def test_j_and_k_and_arrows_go_from_person_to_person_and_enter_opens(caseload: Page) -> None:
    people = rows(caseload)
    assert len(people) >= IN_CARE
    for expected in (people[0], people[1], people[2]):
        caseload.keyboard.press("j")
        assert caseload.evaluate(HERE) == expected
    caseload.keyboard.press("k")
    caseload.keyboard.press("ArrowDown")
    caseload.keyboard.press("ArrowUp")
    assert caseload.evaluate(HERE) == people[1]
    for _ in range(len(people) + 2):
        caseload.keyboard.press("j")
    assert caseload.evaluate(HERE) == people[-1], "the list has an end"
    caseload.keyboard.press("Enter")
    caseload.wait_for_url("**/patients/*/")
    assert people[-1].removeprefix("p-") in caseload.url


def test_the_place_is_kept_when_the_list_comes_anew(caseload: Page, made: Made) -> None:
    caseload.keyboard.press("j")
    caseload.keyboard.press("j")
    here = caseload.evaluate(HERE)
    caseload.evaluate("document.getElementById('live').outerHTML = document.getElementById('live').outerHTML")
    assert caseload.evaluate(HERE) == ""
    caseload.keyboard.press("k")
    assert caseload.evaluate(HERE) == rows(caseload)[rows(caseload).index(here) - 1]


def test_a_slash_goes_to_the_search_where_letters_are_letters(caseload: Page) -> None:
    caseload.keyboard.press("/")
    caseload.keyboard.type("jk/?")
    assert caseload.get_by_label("Name or number").input_value() == "jk/?"
    assert caseload.url.endswith("/caseload/")


def test_arrows_scroll_the_page_of_who_is_not_in_the_list(caseload: Page) -> None:
    caseload.keyboard.press("ArrowDown")
    assert caseload.evaluate("document.activeElement === document.body")


def test_single_keys_are_told_and_can_be_switched_off(caseload: Page, windows: Windows) -> None:
    caseload.keyboard.press("?")
    caseload.wait_for_url("**/caseload/keys")
    assert violations(caseload) == []
    off = caseload.get_by_role("button", name="Switch these keys off")
    tab_to(caseload, off)
    caseload.keyboard.press("Enter")
    expect(caseload.get_by_text("Keys are off.")).to_be_visible()
    caseload.goto(f"{windows.address}/caseload/")
    for key in ("j", "/", "?"):
        caseload.keyboard.press(key)
    assert caseload.evaluate("document.activeElement === document.body")
    assert caseload.url.endswith("/caseload/")
    tab_to(caseload, caseload.locator("#people th[scope=row] a").first)
    caseload.goto(f"{windows.address}/caseload/keys")
    caseload.get_by_role("button", name="Switch these keys on").click()
    caseload.goto(f"{windows.address}/caseload/")
    caseload.keyboard.press("j")
    assert caseload.evaluate(HERE) == rows(caseload)[0]
