"""The prognosis report, its checklist and its card in chromium: on a wide screen, on a phone, on paper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sample_prognosis import PROGNOSES, known, study_of
from test_report_in_browser import open_in

from alleviate.reports.prognosis import prognosis_report
from alleviate.reports.tripod import model_card, tripod_page

pytestmark = pytest.mark.browser


def pages(sample: str) -> dict[str, str]:
    findings = PROGNOSES[sample]()
    return {
        "report": prognosis_report(study_of(findings), findings, package_name="runs/x"),
        "tripod": tripod_page(known(findings), package_name="runs/x"),
        "card": model_card(known(findings), package_name="runs/x"),
    }


@pytest.mark.parametrize(
    ("sample", "kind"),
    [("sites", "report"), ("later", "report"), ("nothing", "report"), ("later", "tripod"), ("later", "card")],
)
def test_pages_fit_ask_for_nothing_and_print_on_a4(
    browser: Browser, tmp_path: Path, sample: str, kind: str
) -> None:
    file = tmp_path / f"{kind}.html"
    file.write_text(pages(sample)[kind], encoding="utf-8")
    page = browser.new_page()
    assert open_in(page, file) == ([], [])
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page.pdf(prefer_css_page_size=True))
    assert 1 <= len(boxes) <= 14
    assert {(round(float(w)), round(float(h))) for w, h in boxes} <= {(595, 842), (596, 842)}
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    page.close()


def test_curves_stay_inside_their_frame(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(pages("later")["report"], encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    open_in(page, file)
    outside = page.evaluate(
        """[...document.querySelectorAll('.plot, .shape')].flatMap(plot => {
             const box = plot.getBoundingClientRect();
             return [...plot.querySelectorAll('circle')].filter(c => {
               const r = c.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
               return x < box.left - 1 || x > box.right + 1 || y < box.top - 1 || y > box.bottom + 1;
             }).map(c => plot.getAttribute('aria-label'));
           })"""
    )
    assert outside == []
    assert page.evaluate("document.querySelectorAll('.plot').length") >= 5
    page.close()
