"""Pages in a real browser: everybody can read them, they break no policy, and help outlives the server."""

import re
import time
from collections.abc import Iterator

import gallery
import pytest
from axe import violations
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Route, expect

from alleviate.clinic.looks import Looks
from alleviate.clinic.settings import Settings
from alleviate.decisions.permissions import ROLES

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A fresh window that notes what breaks the policy and what asks other sites."""
    context = browser.new_context(viewport=DESK)
    window = context.new_page()
    window.add_init_script(
        "window.broken = []; addEventListener('securitypolicyviolation',"
        " (e) => broken.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`))"
    )
    window.asked = []  # type: ignore[attr-defined]
    window.on("request", lambda request: window.asked.append(request.url))  # type: ignore[attr-defined]
    window.wrong = []  # type: ignore[attr-defined]
    window.on("pageerror", lambda error: window.wrong.append(str(error)))  # type: ignore[attr-defined]
    yield window
    foreign = [url for url in window.asked if not url.startswith((address, "http://127.0.0.1", "data:"))]  # type: ignore[attr-defined]
    assert not foreign
    assert not window.wrong  # type: ignore[attr-defined]
    context.close()


def _unbroken(page: Page) -> None:
    assert page.evaluate("window.broken") == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("path", ["/all/clinician?wrong=true", "/all/patient", "/crisis", "/error/404"])
def test_a_page_violates_nothing_of_wcag_and_fits_its_window(
    page: Page, address: str, path: str, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(address + path)
    if "/all/" in path:
        expect(page.locator("[data-drawn=yes]")).to_have_count(1)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    _unbroken(page)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "integrator"])
def test_the_frame_of_each_role_violates_nothing(page: Page, address: str, role: str) -> None:
    page.goto(f"{address}/all/{role}?lang=de")
    assert violations(page) == []


def test_the_checker_does_find_what_is_wrong(page: Page, address: str) -> None:
    page.goto(f"{address}/crisis")
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert any(each.startswith("image-alt") for each in violations(page))


def test_a_chart_is_drawn_and_its_table_is_closed_then_and_open_without_scripts(
    page: Page, address: str, browser: Browser
) -> None:
    page.goto(f"{address}/all/clinician")
    picture = page.locator(".app-chart__picture")
    expect(picture).to_have_attribute("data-drawn", "yes")
    assert picture.locator("svg text").filter(has_text="w1").count() >= 1  # an expression, interpreted
    assert page.locator("details[data-close][open]").count() == 0
    picture.locator("svg path").first.hover()
    _unbroken(page)
    without = browser.new_context(java_script_enabled=False)
    plain = without.new_page()
    plain.goto(f"{address}/all/clinician")
    expect(plain.get_by_role("cell", name="5", exact=True)).to_be_visible()
    expect(plain.get_by_role("link", name="Packages")).to_be_visible()
    expect(plain.get_by_role("textbox", name="Your name")).to_be_visible()
    expect(plain.get_by_role("button", name="Send")).to_be_visible()
    without.close()


def test_a_figure_can_load_nothing(page: Page, address: str) -> None:
    page.goto(f"{address}/all/clinician")
    expect(page.locator("[data-drawn=yes]")).to_have_count(1)
    before = len(page.asked)  # type: ignore[attr-defined]
    page.evaluate(
        """async () => {
          const old = document.querySelector('.app-chart__picture');
          const next = old.cloneNode(false);
          delete next.dataset.drawn;
          next.dataset.spec = JSON.stringify({mark: 'bar', data: {url: 'https://example.org/x.json'},
            encoding: {x: {field: 'a', type: 'quantitative'}}});
          old.replaceWith(next);
          const app = document.querySelector('script[type=module]').src;
          const {draw} = await import(app.replace('app.js', 'charts.js'));
          await draw(next);
        }"""
    )
    assert [url for url in page.asked[before:] if "example.org" in url] == []  # type: ignore[attr-defined]
    _unbroken(page)


def test_a_live_part_is_fetched_anew_without_the_rest_of_the_page(page: Page, address: str) -> None:
    page.goto(f"{address}/all/clinician")
    first = page.locator("#count").inner_text()
    page.locator("#name").fill("kept")
    page.locator("#live").click()
    expect(page.locator("#count")).not_to_have_text(first)
    assert page.locator("#name").input_value() == "kept"
    _unbroken(page)


def test_nothing_of_a_page_is_left_in_the_browsers_storage(page: Page, address: str) -> None:
    page.goto(f"{address}/all/patient")
    page.locator("#live").click()
    _until_kept(page, "en")
    assert page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []
    names = page.evaluate(
        "(async () => (await Promise.all((await caches.keys()).map(async (name) =>"
        " (await (await caches.open(name)).keys()).map((each) => new URL(each.url).pathname)))).flat())()"
    )
    assert all(name.startswith(("/crisis/", "/assets/")) for name in names)


def test_keys_reach_everything_and_the_first_stop_skips_to_the_page(page: Page, address: str) -> None:
    page.goto(f"{address}/all/patient")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "nhsuk-skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "maincontent"


def test_a_menu_that_does_not_fit_a_phone_opens_behind_a_button(page: Page, address: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{address}/all/patient")
    link = page.get_by_role("link", name="Something is wrong")
    expect(link).to_be_hidden()
    page.locator("#toggle-menu").click()
    expect(link).to_be_visible()
    assert violations(page) == []


def test_the_text_can_be_twice_as_large(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 640, "height": 900})  # 1280 at 200 %
    page.goto(f"{address}/all/clinician")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.set_viewport_size({"width": 320, "height": 900})  # 1280 at 400 %
    page.goto(f"{address}/all/clinician")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_in_drawings_too_lines_and_words_stand_out_from_white(page: Page, address: str) -> None:
    page.goto(f"{address}/all/clinician")
    drawn = page.evaluate(
        """() => [...document.querySelectorAll('.app-drawing .line, .app-drawing .span, .app-drawing .axis,'
             + ' .app-drawing .dot, .app-drawing .estimate, .app-drawing [class^=icon], .app-drawing text')]
          .map((e) => { const s = getComputedStyle(e); return [e.tagName + '.' + e.getAttribute('class'),
            e.tagName === 'text' ? s.fill : s.stroke]; })"""
    )
    assert len(drawn) > 100
    for what, colour in drawn:
        red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
        parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in (red, green, blue)]
        contrast = 1.05 / (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] + 0.05)
        assert contrast >= (4.5 if what.startswith("text") else 3), what


def test_on_paper_there_is_the_page_and_no_menu(page: Page, address: str) -> None:
    page.goto(f"{address}/all/patient")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Menu")).to_be_hidden()
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    expect(page.get_by_role("heading", name="Every piece")).to_be_visible()
    expect(page.get_by_text("every person here is made up")).to_be_visible()
    expect(page.get_by_role("link", name="116 123")).to_be_visible()


def _until_kept(page: Page, code: str) -> None:
    ends = time.monotonic() + 20
    asked = """async (code) => { const kept = await caches.match('/crisis/language');
      return !!navigator.serviceWorker.controller && !!kept && await kept.text() === code
        && !!await caches.match(`/crisis/saved/${code}`); }"""
    while not page.evaluate(asked, code):
        assert time.monotonic() < ends, "the browser keeps no help"
        page.wait_for_timeout(50)


@pytest.mark.parametrize("code", ["en", "de"])
def test_help_is_shown_when_the_server_is_gone(browser: Browser, port: int, code: str) -> None:
    """A patient's phone was here once; now the server is stopped, and any page of ours shows whom to call."""
    app, _ = gallery.made(Settings())
    context = browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    with gallery.served(app, port) as url:
        page.goto(f"{url}/all/patient?lang={code}")
        _until_kept(page, code)
    page.goto(f"{url}/mine/course")
    words = "Hilfe in einer Krise" if code == "de" else "Help in a crisis"
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    expect(page.get_by_role("link", name="116 123").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.nhsuk-header')).backgroundColor") == (
        "rgb(20, 80, 92)"  # the styles were kept too
    )
    assert "2026" in page.locator(".nhsuk-warning-callout").inner_text()
    context.close()


def test_help_is_shown_when_only_the_proxy_answers(page: Page, address: str) -> None:
    page.goto(f"{address}/all/patient")
    _until_kept(page, "en")
    page.goto(f"{address}/behind/a/proxy")
    expect(page.get_by_role("heading", name="Help in a crisis")).to_be_visible()


def test_who_is_signed_out_while_a_page_stays_open_is_told_by_the_whole_page(
    page: Page, address: str, shown: tuple[FastAPI, Looks]
) -> None:
    page.goto(f"{address}/all/clinician")
    expect(page.locator("[data-drawn=yes]")).to_have_count(1)
    shown[0].state.signed_out = True
    try:
        page.locator("#live").click()
        expect(page).to_have_url(f"{address}/crisis")
    finally:
        shown[0].state.signed_out = False


def test_a_live_part_that_is_no_longer_open_stops_asking(page: Page, address: str) -> None:
    page.goto(f"{address}/all/clinician")
    page.locator("#name").fill("not kept")
    page.route("**/all/clinician", _closed_to_live_parts)
    page.locator("#live").click()
    expect(page.locator("#name")).to_have_value("")  # the page was asked for again as a whole


def _closed_to_live_parts(route: Route) -> None:
    if "hx-request" in route.request.headers:
        route.fulfill(status=404, body="")
    else:
        route.continue_()


def test_a_page_that_stays_open_says_when_the_clinic_cannot_be_reached(page: Page, address: str) -> None:
    page.goto(f"{address}/all/patient")
    banner = page.locator("#app-offline")
    expect(banner).to_be_hidden()

    def dead(route: Route) -> None:
        route.abort()

    page.route("**/all/patient", dead)
    page.locator("#live").click()
    expect(banner).to_be_visible()
    expect(banner.get_by_role("link", name="Help in a crisis")).to_be_visible()
