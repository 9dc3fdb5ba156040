"""Pictures of courses and the validation report: self-contained, the same each time, and right."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest
from made_courses import NOW, SESSIONS, courses

from alleviate.packages import read
from alleviate.reports.courses.caseload import MOST, CaseloadRow, caseload_chart
from alleviate.reports.courses.drawing import on_page, svg
from alleviate.reports.courses.validation import validation_report
from alleviate.studies.courses.scoring import scored_rows
from alleviate.studies.courses.showing import expected_from, patient_course, show_caseload, show_patient


@pytest.fixture
def rows(followed):
    worse = pl.DataFrame(
        {"id": ["x"] * 3, "time": [0.0, 1.0, 2.0], "score": [15, 19, 22], "phq9_9": [0, 0, 2]}
    )
    frame = pl.concat([courses(60, 41), worse], how="diagonal_relaxed")
    return followed.loaded.read(frame, NOW)


def words(picture: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text) for text in re.findall(r"<text.*?</text>", picture))


def test_a_patients_picture_shows_scores_alerts_and_lines(followed, rows) -> None:
    picture = show_patient(followed.loaded, rows, "x", page=False)
    shown = words(picture)
    for word in ("Patient x", "3 scores, now 22: not on track", "alert", "item 9", "reliably worse", "PHQ-9"):
        assert word in shown
    assert picture == show_patient(followed.loaded, rows, "x", page=False)


def test_what_is_expected_meets_the_forecast_at_the_end_and_narrows(followed, rows) -> None:
    package, all_of_them = followed.loaded.package, followed.loaded.courses(rows)
    one = all_of_them.take(np.array([0]))
    early, late = (expected_from(package, one.histories, visit) for visit in (0, SESSIONS - 3))
    assert early[-1].time == pytest.approx(SESSIONS - 1)
    assert late[-1].high - late[-1].low < early[-1].high - early[-1].low
    found = package.model.forecast(one.histories)
    assert late[1].score == pytest.approx(found.next[SESSIONS - 3], abs=0.3)
    over = patient_course(package, one, scored_rows(package, rows), "p0000")
    assert over.from_now == ()


def test_the_caseload_begins_with_who_is_off_track_and_counts_the_rest(followed, rows) -> None:
    picture = show_caseload(followed.loaded, rows, page=False)
    assert re.search(r"\d+ of 61 people are not on track", words(picture))
    people = [
        CaseloadRow(f"<{i}>", 3, 15, 10 + i % 5, 9, 5, 13, i / 100, bool(i % 2), safety=i == 1)
        for i in range(60)
    ]
    drawn = words(svg(caseload_chart(people, "PHQ-9", 0, 27, per_100=20)))
    assert "30 of 60 people are not on track" in drawn
    assert f"The first {MOST} are drawn." in drawn
    assert "&lt;0&gt;" in drawn
    assert "▼ safety" in drawn


class _Page(HTMLParser):
    """Ids, links and whatever would fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if name == "href" and value and tag == "a":
                self.links.append(value)
            if name in ("src", "srcset") or (tag in ("script", "iframe", "object")):
                self.fetched.append(f"{tag} {name}")


def test_the_report_is_one_page_that_fetches_nothing(followed) -> None:
    text = read(followed.told.package).files["report.html"].decode()
    page = _Page(text)
    assert page.fetched == []
    assert all(link[1:] in page.ids for link in page.links)
    assert {"answer", "alerts", "sessions", "calibration", "people", "caution", "reproduce"} <= page.ids
    assert text.count('<svg role="img"') == 5
    for warning in followed.told.findings.warnings:
        assert warning.split(":")[0] in text
    package = followed.loaded.package
    again = validation_report(package.findings, package.following.instrument, package_name="courses")
    assert again == text


def test_a_report_says_where_nothing_is_foreseen(followed) -> None:
    found = followed.told.findings
    bare = replace(found.judged, calibration={})
    text = validation_report(
        replace(found, verdict="no-signal", judged=bare),
        followed.loaded.package.following.instrument,
        package_name="c",
    )
    assert "not shown to foresee the end" in text
    assert "Too few improved or worsened" in text


def test_a_picture_on_a_page_takes_the_pages_colours_and_says_what_it_is() -> None:
    told = on_page(
        '<svg width="10" height="20"><text font-size="9px" fill="#15202b">a</text></svg>', 'say "<this>"'
    )
    assert 'class="picture"' in told
    assert 'aria-label="say &quot;&lt;this>&quot;"' in told
    assert 'style="font-size: 9px; fill: var(--ink)"' in told


@pytest.mark.browser
def test_pages_stand_in_a_phones_window_without_scrolling_sideways(followed, rows, browser, tmp_path) -> None:
    patient = tmp_path / "one.html"
    patient.write_text(show_patient(followed.loaded, rows, "x", page=True))
    page = browser.new_page(viewport={"width": 380, "height": 800})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    for place in (patient, followed.told.report.resolve()):
        page.goto(place.as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 380
    assert errors == []
    page.close()
