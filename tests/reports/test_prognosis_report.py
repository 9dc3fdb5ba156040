"""The report of a prognosis: every number found, nothing that was not, for people who must decide."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from report_page import Page, says
from sample_prognosis import PROGNOSES, curve, full, headline, known, later, nothing, sites, study_of

from alleviate.packages.canonical import from_json, to_json
from alleviate.packages.prognosis_findings import PrognosisFindings
from alleviate.reports.prognosis import prognosis_report
from alleviate.reports.tripod import model_card, tripod_page
from alleviate.terms.estimates import Estimate

PAGES: dict[str, Callable[[PrognosisFindings], str]] = {
    "report": lambda f: prognosis_report(study_of(f), f, package_name="runs/again"),
    "tripod": lambda f: tripod_page(known(f), package_name="runs/again"),
    "card": lambda f: model_card(known(f), package_name="runs/again"),
}


def page_of(findings: PrognosisFindings) -> Page:
    return Page(PAGES["report"](findings))


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("sample", PROGNOSES)
def test_every_page_is_one_file_that_asks_for_nothing(kind: str, sample: str) -> None:
    html = PAGES[kind](PROGNOSES[sample]())
    page = Page(html)  # raises where a tag is not closed
    ids = [attrs["id"] for _, attrs, _ in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.all("script") == []
    assert not re.search(r"https?:|@import|url\((?!#)", html)
    assert {link["href"] for link in page.all("link")} == {"data:,"}
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)
    assert any("default-src 'none'" in meta.get("content", "") for meta in page.all("meta"))
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert html == PAGES[kind](PROGNOSES[sample]())


@pytest.mark.parametrize("kind", PAGES)
def test_what_people_wrote_is_never_markup(kind: str) -> None:
    assert "&lt;ill&gt;" in PAGES[kind](full())
    assert "<ill>" not in PAGES[kind](full())


def test_every_picture_is_named_or_hidden() -> None:
    for attrs, parents in ((attrs, parents) for tag, attrs, parents in page_of(full()).tags if tag == "svg"):
        assert attrs.get("aria-label") or attrs.get("aria-hidden") or "svg" in parents


@pytest.mark.parametrize("sample", ["full", "sites", "later"])
def test_the_measures_stand_as_they_were_found(sample: str) -> None:
    page = page_of(PROGNOSES[sample]())
    written = page.estimates
    for name, e in headline().measures.items():
        assert any(says(one, (e.estimate, e.low, e.high)) for one in written), name


def test_the_answer_says_whom_it_is_about_and_what_it_is_not_for() -> None:
    prose = page_of(full()).prose
    assert "Relapse within a year can be foreseen, in part, from what was recorded." in prose
    assert "600 people, 180 with the event (30.0%)" in prose
    assert "To choose a treatment." in prose
    assert "at a risk between 20% and 45%" in prose
    assert "At another place or time untested." in prose
    assert "At another place or time untested." not in page_of(later()).prose


@pytest.mark.parametrize(
    ("slope", "sentence"),
    [
        (Estimate(0.6, 0.4, 0.8), "What it says is too extreme"),
        (Estimate(1.5, 1.2, 1.8), "What it says lies too close to the average"),
        (Estimate(1.0, 0.8, 1.2), "What it says is neither shown to be too extreme"),
    ],
)
def test_calibration_is_put_in_words(slope: Estimate, sentence: str) -> None:
    found = headline()
    measures = {**found.measures, "calibration_slope": slope}
    assert sentence in page_of(replace(full(), validations=(replace(found, measures=measures),))).prose


def test_no_signal_is_an_answer_too() -> None:
    page = page_of(nothing())
    assert "Nothing recorded here is shown to foresee CES-D." in page.prose
    assert "To foresee anything about anyone." in page.prose
    assert "8.1 points" in page.prose


def test_sections_stand_only_where_something_was_found() -> None:
    def sections(findings: PrognosisFindings) -> set[str]:
        return {attrs["id"] for attrs in page_of(findings).all("section")}

    always = {"answer", "performance", "people", "tried", "caution", "reproduce"}
    assert sections(nothing()) == always
    assert sections(full()) == always | {"features", "fitting", "fairness", "coverage"}
    assert sections(sites()) == sections(later()) == sections(full()) | {"elsewhere"}


def test_a_group_too_small_is_said_to_be_so_and_shows_no_number() -> None:
    prose = page_of(full()).prose
    assert "another (n = 12): 4 with the event and 8 without; at least 10 of each are needed." in prose
    assert "another too few too few too few too few 12" in prose


def test_fairness_has_its_price() -> None:
    prose = page_of(full()).prose
    assert (
        "To pick 60% of those with the event in each group one would act from 27% in men, 32% in women."
        in prose
    )
    assert "change the net benefit by −0.4 (−1.0 to 0.2) hits per 100 people" in prose
    assert "is not shown to help" in prose


def test_a_range_that_holds_too_few_is_named() -> None:
    assert "Less than promised is shown for: sex: men." in page_of(full()).prose


def test_sites_tell_of_another_site() -> None:
    prose = page_of(sites()).prose
    assert "Another site prediction" in prose
    assert "Leeds a new level (all risks up or down) Log loss 0.0030 (0.0010 to 0.0050)" in prose
    assert "York no recalibration –" in prose
    assert "Hull is too small to be judged alone: 12 people." in prose


def test_people_who_came_later_are_told_from_a_model_that_fits_less() -> None:
    prose = page_of(later()).prose
    assert "−0.010 (−0.015 to −0.005) comes of other people (less different from one another" in prose
    assert "By a closed test it takes a new level" in prose


def test_a_start_from_elsewhere_says_what_it_brought() -> None:
    prose = page_of(later()).prose
    assert "Learning began from “Relapse in another country”" in prose
    assert "50 0.600 (0.590 to 0.610) 0.660 (0.640 to 0.680)" in prose
    assert "Learning began from" not in page_of(full()).prose


def test_the_gap_to_what_is_needed_is_told() -> None:
    prose = page_of(full()).prose
    assert "should have 783 people (245 with the event); it has 600." in prose
    assert "Neither over- nor under-fitted." in prose


def test_levels_of_yes_and_no_are_words() -> None:
    assert "no+5.0 (+3.0 to +7.0)" in page_of(full()).prose.replace(" +5.0", "+5.0")


def test_the_calibration_plot_holds_the_line_where_both_agree() -> None:
    html = PAGES["report"](full())
    ideal = re.search(r'<polyline class="ideal" points="([^"]+)"', html)
    assert ideal
    assert ideal[1] == "0.00,100.00 100.00,0.00"
    assert html.count('<polygon class="band main"') >= 2


def test_a_risk_that_never_varies_has_no_curves() -> None:
    flat = replace(headline(), curve=None, benefit=None, foreseen={})
    html = PAGES["report"](replace(full(), validations=(flat,)))
    assert "Calibration plot" not in html
    assert "Decision curve" not in html


def test_findings_survive_the_package() -> None:
    for make in PROGNOSES.values():
        findings = make()
        again = from_json(to_json(findings, sort=False), PrognosisFindings)
        assert PAGES["report"](again) == PAGES["report"](findings)


def test_an_older_package_without_histograms_still_has_a_report() -> None:
    assert curve() == headline().curve
    old = replace(headline(), foreseen={})
    assert "Histogram of what was foreseen" not in PAGES["report"](replace(full(), validations=(old,)))
