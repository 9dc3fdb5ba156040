"""A phone whose network comes and goes: what was chosen is kept, told, and arrives once."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from alleviate.clinic.invitations import Invited

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextlib.contextmanager
def served(app: Any, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield
    server.should_exit = True
    thread.join(10)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def phone(make_clinic: Callable[..., Any], browser: Browser) -> Iterator[tuple[Any, Any, str]]:
    """A clinic that is served, a phone's browser, and where the clinic is."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    clinic = make_clinic(base_url=address)
    with served(clinic.app, port):
        context = browser.new_context(viewport={"width": 390, "height": 800})
        yield clinic, context, address
        context.close()


@pytest.fixture
def clinic(phone: tuple[Any, Any, str]) -> Any:
    return phone[0]


def choose(page: Page, item: int, words: str) -> None:
    question = page.locator(f'[data-question="phq9-{item}"]')
    expect(question).to_be_visible()
    question.get_by_label(words, exact=True).check()


def drafts(clinic: Any, invited: Invited) -> list[Any]:
    sheets = clinic.vault.access(actor="test", purpose="rights").chart(clinic.patients[2]).sheets
    return [sheet for sheet in sheets if sheet.kind == "draft" and sheet.thread == invited.id]


def test_answers_given_offline_arrive_once_when_the_network_is_back(
    phone: tuple[Any, Any, str], asked: Callable[..., Invited]
) -> None:
    clinic, context, address = phone
    invited = asked(2)
    page = context.new_page()
    page.goto(f"{address}/q/{invited.link}")
    expect(page.locator("[data-fill-step]")).to_have_text("Question 1 of 9")
    choose(page, 1, "Several days")
    expect(page.locator("[data-fill-status]")).to_have_text("Saved")
    page.get_by_role("button", name="Go on").click()

    context.set_offline(True)
    choose(page, 2, "Nearly every day")
    expect(page.locator("[data-fill-status]")).to_contain_text("Saved on this device, not sent yet")
    choose(page, 2, "Not at all")
    page.get_by_role("button", name="Go on").click()
    choose(page, 3, "Several days")
    page.go_back()  # the phone's own button
    expect(page.locator('[data-question="phq9-2"]')).to_be_visible()
    assert len(drafts(clinic, invited)) == 1

    context.set_offline(False)
    expect(page.locator("[data-fill-status]")).to_have_text("Saved")
    stored = drafts(clinic, invited)
    assert len(stored) == 4  # each choice once
    page.reload()
    expect(page.locator("[data-fill-step]")).to_have_text("Question 4 of 9")
    assert page.evaluate(UNSENT) == 0
    assert len(drafts(clinic, invited)) == 4
    page.get_by_role("button", name="Back").count()
    latest = {s.body["key"]: s.body["value"] for s in sorted(stored, key=lambda s: s.body["made"])}
    assert latest == {"phq9-1": 1, "phq9-2": 0, "phq9-3": 1}


def test_a_choice_survives_that_the_page_is_closed_before_it_was_sent(
    phone: tuple[Any, Any, str], asked: Callable[..., Invited]
) -> None:
    clinic, context, address = phone
    invited = asked(2)
    page = context.new_page()
    page.goto(f"{address}/q/{invited.link}")
    context.set_offline(True)
    choose(page, 1, "Nearly every day")
    expect(page.locator("[data-fill-status]")).to_contain_text("not sent yet")
    page.close()
    assert drafts(clinic, invited) == []
    context.set_offline(False)
    page = context.new_page()
    page.goto(f"{address}/mine/questionnaires/{invited.id}")
    expect(page.locator("[data-fill-status]")).to_have_text("Saved")
    assert [sheet.body["value"] for sheet in drafts(clinic, invited)] == [3]


def test_danger_shows_help_at_once_offline_too_and_says_that_nobody_knows(
    phone: tuple[Any, Any, str], asked: Callable[..., Invited]
) -> None:
    clinic, context, address = phone
    invited = asked(2)
    page = context.new_page()
    page.goto(f"{address}/q/{invited.link}")
    for _ in range(8):
        page.get_by_role("button", name="Go on").click()
    context.set_offline(True)
    choose(page, 9, "Several days")
    expect(page.get_by_text("Nobody in your care team knows about it yet")).to_be_visible()
    expect(page.locator("[data-fill-danger] a[href^='tel:']").first).to_be_visible()
    context.set_offline(False)
    page.wait_for_url(f"**/mine/questionnaires/{invited.id}/help")
    expect(page.get_by_text("We have told your care team")).to_be_visible()
    chart = clinic.vault.access(actor="test", purpose="rights").chart(clinic.patients[2])
    assert [a.sign.rule for a in chart.alerts if any(invited.id in e for e in a.sign.entries)] == [
        "phq9//item 9"
    ]


UNSENT = """() => new Promise((done, failed) => {
  const asked = indexedDB.open("alleviate-answers", 1);
  asked.onerror = () => failed(asked.error);
  asked.onsuccess = () => {
    const count = asked.result.transaction("answers").objectStore("answers").count();
    count.onsuccess = () => done(count.result);
  };
})"""
