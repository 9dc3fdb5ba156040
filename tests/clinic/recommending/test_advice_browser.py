"""In a browser: the advice is read, decided on and replayed; no rule of accessibility is broken."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import uvicorn
from axe import violations
from made_people import CBT, SERTRALINE, TALK
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def address(advising) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(advising.made.app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def opened(browser: Browser, address: str, advising, width: int) -> Page:
    made = advising.made
    token = made.services.accounts.open_session(
        made.accounts["clinician"].id,
        made.clock(),
        idle=timedelta(minutes=30),
        absolute=timedelta(hours=1),
        method="test",
    )
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "alleviate", "value": token, "url": address}])
    return context.new_page()


@pytest.mark.parametrize("width", [390, 1280])
def test_read_override_with_a_reason_and_see_it_again(browser: Browser, address: str, advising, width: int):
    patient = advising.added(f"browsed-{width}", phq9=25, wish=TALK)
    page = opened(browser, address, advising, width)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("advice?question=severity", "advice?question=leaving", "advice/print", "decisions"):
        page.goto(f"{address}/patients/{patient}/{path}")
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(f"{address}/patients/{patient}/advice?question=severity")
    shown = page.locator("#proposal").inner_text()
    assert shown.index("How sure can anybody be?") < shown.index(SERTRALINE)
    page.get_by_label(CBT, exact=True).check()
    page.get_by_role("button", name="Record the decision").click()
    assert page.get_by_text("There is a problem").is_visible()
    assert violations(page) == []
    assert page.get_by_label(CBT, exact=True).is_checked()
    page.get_by_label("If you decide otherwise: why?").select_option("patient-prefers")
    page.get_by_role("button", name="Record the decision").click()
    assert page.get_by_text("The decision is recorded.").is_visible()
    assert page.locator("#proposal").inner_text() == shown
    assert "The person prefers something else" in page.locator("main").inner_text()
    assert violations(page) == []
    assert [text for text in said if "400" not in text] == []  # the form that lacked its reason
    page.context.close()
