"""A person's pages in German, on the narrowest phone, with large letters, by keyboard: WCAG 2.2 AA."""

import json
from datetime import timedelta
from typing import Any

import pytest
from axe import TAGS, violations
from clinic_windows import Windows, signed_in_as
from made_clinic import Made
from playwright.sync_api import Page

from alleviate.clinic.invitations import Invited, invite

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NARROW = {"width": 320, "height": 640}
"""CSS pixels of WCAG 1.4.10: a page of 1280 enlarged to 400 %."""

MINE = ("", "course", "help", "goals", "options", "consent", "access", "export", "corrections")

LARGE = """document.addEventListener("readystatechange", () => {
  document.documentElement.style.fontSize = "200%";
})"""
"""As somebody has set their browser: twice as large, before any script of ours measures."""

UNSEEN = """() => {
  const shown = getComputedStyle(document.activeElement);
  const outlined = shown.outlineStyle !== "none" && parseFloat(shown.outlineWidth) > 0;
  return outlined || shown.boxShadow !== "none" ? "" : document.activeElement.outerHTML.slice(0, 120);
}"""
"""The element that has the focus, where nothing shows that it has."""


def asks(made: Made) -> Invited:
    by, now = made.accounts["clinician"].actor, made.clock()
    with made.vault.access(actor=by, purpose="care") as access:
        due = (now + timedelta(days=7)).date()
        return invite(
            access,
            made.services.accounts,
            by,
            made.patients[0],
            instruments=["phq9", "gad7"],
            due=due,
            now=now,
        )


@pytest.fixture
def paths(made: Made) -> list[str]:
    """All pages of a person, and of a guest, with a questionnaire whose answers show danger."""
    invited = asks(made)
    here = f"/mine/questionnaires/{invited.id}"
    made.send("patient", here, nonce="n", at="phq9-9", **{"a.phq9-9": "2"})
    made.send("patient", "/mine/corrections", about="note", words="Das stimmt so nicht.")
    forms = [here, f"{here}?at=phq9-3", f"{here}/review", f"{here}/help"]
    return [f"/mine/{page}" for page in MINE] + forms + ["/q", "/q/unknown", "/crisis", "/account/"]


@pytest.fixture
def phone(windows: Windows, made: Made) -> Page:
    page = windows.open(size=NARROW, token=signed_in_as(made, "patient"))
    page.goto(f"{windows.address}/mine/?lang=de")
    return page


def test_every_page_in_german_on_the_narrowest_phone(phone: Page, windows: Windows, paths: list[str]) -> None:
    wrong = []
    for path in paths:
        phone.goto(windows.address + path)
        assert phone.locator("html").get_attribute("lang") == "de"
        wide = phone.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{path}: {wide} pixels wide"] if wide > NARROW["width"] else []
        wrong += [f"{path}: {each}" for each in violations(phone)]
    assert wrong == []
    assert "target-size" in looked_for(phone)


def looked_for(page: Page) -> set[str]:
    """The rules that axe applied to something of the page."""
    asked = json.dumps({"runOnly": {"type": "tag", "values": TAGS}})
    found: Any = page.evaluate(f"axe.run(document, {asked})")
    return {each["id"] for each in found["passes"]}


def test_letters_twice_as_large_hide_nothing(phone: Page, windows: Windows, paths: list[str]) -> None:
    wrong = []
    phone.set_viewport_size({"width": 640, "height": 800})
    phone.add_init_script(LARGE)
    for path in paths:
        phone.goto(windows.address + path)
        size = phone.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)")
        assert size >= 28, path  # the letters did grow
        wide = phone.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{path}: {wide} pixels wide"] if wide > 640 else []
        cut = phone.evaluate(
            """() => [...document.querySelectorAll("main *, header *")].filter((each) => {
              const style = getComputedStyle(each);
              const hidden = ["hidden", "clip"].includes(style.overflowX) && each.clientWidth > 1;
              return hidden && each.scrollWidth > each.clientWidth + 1;
            }).map((each) => each.outerHTML.slice(0, 100))"""
        )
        wrong += [f"{path}: cut off: {each}" for each in cut]
    assert wrong == []


def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(
    phone: Page, windows: Windows, paths: list[str]
) -> None:
    wrong = []
    for path in ("/mine/", "/mine/goals", "/mine/consent", next(each for each in paths if "at=" in each)):
        phone.goto(windows.address + path)
        for _ in range(40):
            phone.keyboard.press("Tab")
            if phone.evaluate("document.activeElement === document.body"):
                break
            found = phone.evaluate(UNSEEN)
            wrong += [f"{path}: {found}"] if found else []
    assert wrong == []


def test_every_choice_belongs_to_a_question_with_a_name(
    phone: Page, windows: Windows, paths: list[str]
) -> None:
    for path in (next(each for each in paths if each.startswith("/mine/questionnaires/")), "/mine/goals"):
        phone.goto(windows.address + path)
        nameless = phone.evaluate(
            """() => [...document.querySelectorAll("[type=radio], [type=checkbox]")].filter((each) =>
              !each.closest("fieldset")?.querySelector("legend")?.textContent.trim() || !each.labels.length
            ).length"""
        )
        assert nameless == 0


def test_what_is_wrong_is_said_at_its_field_and_above_all(phone: Page, windows: Windows) -> None:
    for path, field in (("/mine/corrections", "words"), ("/mine/goals", "words"), ("/q", "code")):
        phone.goto(windows.address + path)
        form = phone.locator("form").filter(has=phone.locator(f"#{field}"))
        form.locator("button").first.click()
        assert phone.title().startswith("Fehler: "), path
        told = phone.locator(".nhsuk-error-summary a").first
        assert told.get_attribute("href") == f"#{field}"
        ids = (phone.locator(f"#{field}").get_attribute("aria-describedby") or "").split()
        said = " ".join(phone.locator(f"[id='{id}']").inner_text() for id in ids)
        assert told.inner_text() in said, path
        assert violations(phone) == [], path


def test_on_paper_stands_what_is_read_and_the_help(phone: Page, windows: Windows) -> None:
    for path in ("/mine/course", "/mine/options", "/mine/help", "/crisis"):
        phone.goto(windows.address + path)
        phone.emulate_media(media="print")
        assert not phone.locator("nav").first.is_visible()
        assert phone.locator(".app-crisis__number").first.is_visible(), path
        assert phone.pdf(format="A4").startswith(b"%PDF-")
        phone.emulate_media(media="screen")
