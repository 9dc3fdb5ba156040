"""The report in chromium: on a wide screen, on a phone, on paper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from report_samples import SAMPLES

from alleviate.reports import study_report

pytestmark = pytest.mark.browser


@pytest.fixture(params=list(SAMPLES))
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each sample's report, written as it would be beside its package."""
    written = tmp_path / "report.html"
    written.write_text(study_report(*SAMPLES[request.param](), package_name="runs/x"), encoding="utf-8")
    return written


def open_in(page: Page, file: Path) -> tuple[list[str], list[str]]:
    """Open the file; what it asked for besides itself, and what the browser complained about."""
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(file.as_uri(), wait_until="networkidle")
    return [url for url in asked if url not in {file.as_uri(), "data:,"}], complaints


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_it_fits_asks_for_nothing_and_complains_of_nothing(browser: Browser, file: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    assert open_in(page, file) == ([], [])
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_lettering_stays_inside_the_boxes_of_a_tree(browser: Browser, file: Path) -> None:
    for width in (1280, 390):
        page = browser.new_page(viewport={"width": width, "height": 900})
        open_in(page, file)
        outside = page.evaluate(
            """[...document.querySelectorAll('.tree g')].flatMap(g => {
                 const box = g.querySelector('rect').getBoundingClientRect();
                 return [...g.querySelectorAll('text')].filter(t => {
                   const r = t.getBoundingClientRect();
                   return r.left < box.left || r.right > box.right || r.bottom > box.bottom;
                 }).map(t => t.textContent);
               })"""
        )
        assert outside == []
        page.close()


def test_dark_follows_the_reader_and_never_reaches_paper(browser: Browser, file: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    open_in(page, file)
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(16, 23, 30)"
    page.emulate_media(media="print")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.close()


def test_it_prints_on_a_few_pages_of_a4_and_asks_for_nothing(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    asked, _ = open_in(page, file)
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert 4 <= len(boxes) <= 14
    assert {(round(float(w)), round(float(h))) for w, h in boxes} <= {(595, 842), (596, 842)}
    assert asked == []
    page.close()
