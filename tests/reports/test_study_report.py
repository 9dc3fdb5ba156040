"""The study report says what was found, all of it, and in words that a head of department can act on."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from report_page import page_of, says
from sample_jobs2 import Sample

from alleviate.packages.findings import Findings, Histogram
from alleviate.reports import study_report
from alleviate.terms.estimates import Estimate


def estimates_in(findings: Findings) -> Iterator[Estimate]:
    yield from findings.value.values()
    yield from findings.gain.values()
    yield from findings.contrasts.values()
    yield from (candidate.gain for candidate in findings.candidates)
    yield from (moderator.change for moderator in findings.moderators)


# Numbers


def test_every_estimate_appears_with_its_interval(sample: Sample) -> None:
    _, findings = sample
    factor = 100 if findings.outcome["binary"] else 1
    written = page_of(sample).estimates
    for e in estimates_in(findings):
        if e.low < e.high:
            exact = (factor * e.estimate, factor * e.low, factor * e.high)
            assert any(says(triple, exact) for triple in written), e


def test_a_gain_that_holds_by_construction_shows_no_interval(samples: dict[str, Sample]) -> None:
    text = page_of(samples["relapse"]).text
    assert "0 by construction" in text
    assert "none: exact" in text


def test_a_gain_is_positive_where_lower_is_better_and_lower_was_reached(samples: dict[str, Sample]) -> None:
    text = page_of(samples["jobs2"]).text
    assert "+0.063 points 95% interval +0.004 to +0.122" in text
    assert "Average depression at two months (points): lower is better" in text


@pytest.mark.parametrize(
    ("name", "left", "right"), [("jobs2", "← better", "worse →"), ("anorexia", "← worse", "better →")]
)
def test_the_better_direction_is_marked_on_the_values(
    samples: dict[str, Sample], name: str, left: str, right: str
) -> None:
    assert f"Picture of the estimate and its interval {left} {right}" in page_of(samples[name]).text


def test_a_binary_outcome_is_in_percent_and_its_differences_in_percentage_points(
    samples: dict[str, Sample],
) -> None:
    text = page_of(samples["relapse"]).text
    assert "28.4% 23.9% to 32.9%" in text
    assert "The rule over usual care stop +11 +4 to +17" in text
    assert "5 percentage points" in text
    assert "0.284" not in text


def test_an_arm_whose_value_is_also_that_of_the_best_arm_has_one_row(samples: dict[str, Sample]) -> None:
    assert "chosen anew" not in page_of(samples["relapse"]).text
    assert (
        "Best single treatment, chosen anew in each part 1.731 1.683 to 1.779"
        in page_of(samples["jobs2"]).text
    )


def test_usual_care_that_is_the_best_arm_is_not_compared_twice(samples: dict[str, Sample]) -> None:
    study, findings = samples["jobs2"]
    gain = dict.fromkeys(("over_best_arm", "over_usual"), findings.gain["over_best_arm"])
    text = page_of((study, replace(findings, usual="workshop", gain=gain))).text
    assert "workshop, which is also usual care" in text
    assert "The rule over usual care" not in text


# The answer

VERDICTS = {
    "personalise": (
        "The answer: personalise",
        "Choosing by the rule does better than giving everyone the best single treatment, workshop.",
        "a better bet than one treatment for all",
    ),
    "one-for-all": (
        "The answer: one for all",
        "Offer everyone the same treatment, workshop: choosing person by person is not shown to do better.",
        "workshop is the best-supported choice",
    ),
    "equipoise": (
        "The answer: equipoise",
        "No treatment is shown to be the best, and choosing person by person is not shown to help.",
        "choose by preference, side effects, availability and cost",
    ),
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_is_one_plain_sentence_and_what_it_means_for_the_next_patient(
    samples: dict[str, Sample], verdict: str
) -> None:
    study, findings = samples["jobs2"]
    prose = page_of((study, replace(findings, verdict=verdict))).prose
    for other, sentences in VERDICTS.items():
        assert all((sentence in prose) == (other == verdict) for sentence in sentences)
    assert findings.reason in prose


@pytest.mark.parametrize(
    ("gain", "sentence"),
    [
        (Estimate(0.3, 0.2, 0.4), "it is large enough to matter"),
        (Estimate(0.3, 0.05, 0.55), "Our best estimate reaches the smallest difference worth having"),
        (Estimate(0.1, 0.05, 0.15), "our best estimate stays below the smallest difference worth having"),
        (Estimate(0.05, 0.01, 0.09), "A gain is shown, but a small one"),
        (Estimate(0.01, -0.05, 0.07), "Even the upper end of the interval stays below"),
        (Estimate(0.1, -0.1, 0.3), "this study cannot tell them apart"),
        (Estimate(-0.2, -0.3, -0.1), "following the rule would do worse"),
        (Estimate(0, 0, 0), "0 by construction"),
    ],
)
def test_the_gain_is_held_against_the_smallest_difference_worth_having(
    samples: dict[str, Sample], gain: Estimate, sentence: str
) -> None:
    study, findings = samples["jobs2"]  # 0.13 points are worth having
    assert sentence in page_of((study, replace(findings, gain={"over_best_arm": gain}))).prose


@pytest.mark.parametrize(
    ("usual", "advice"),
    [
        ("workshop", "workshop is already usual care"),
        ("booklet", "Make workshop the default in place of booklet"),
        (None, "Make workshop the default, if harms and costs allow"),
    ],
)
def test_one_for_all_says_what_changes_from_usual_care(
    samples: dict[str, Sample], usual: str | None, advice: str
) -> None:
    study, findings = samples["jobs2"]
    assert advice in page_of((study, replace(findings, verdict="one-for-all", usual=usual))).prose


def test_equipoise_among_the_best_still_says_which_treatments_are_worse(samples: dict[str, Sample]) -> None:
    study, findings = samples["anorexia"]
    contrasts = {"control": Estimate(9.0, 4.5, 13.5), "cognitive behavioural": Estimate(4.5, -0.4, 9.4)}
    prose = page_of((study, replace(findings, verdict="equipoise", contrasts=contrasts))).prose
    assert "family therapy is shown to do better than control." in prose
    assert (
        "Between family therapy and cognitive behavioural this study cannot decide: choose by preference"
        in prose
    )
    assert "Usual care, control, is shown to do worse than family therapy" in prose
    assert "Leave present practice as it is" not in prose


def test_words_of_the_findings_end_as_sentences(samples: dict[str, Sample]) -> None:
    study, findings = samples["jobs2"]
    prose = page_of((study, replace(findings, reason="it gains", warnings=("Few people", "Too few!")))).prose
    assert "Why this answer: it gains. Outcome" in prose
    assert "Few people. Too few! True" in prose


# The rule


def test_a_tree_is_drawn_for_page_and_phone_and_told_path_by_path(samples: dict[str, Sample]) -> None:
    page = page_of(samples["jobs2"])
    drawings = [svg for svg in page.all("svg") if "tree" in svg.get("class", "").split()]
    assert [svg["class"] for svg in drawings] == ["tree down", "tree indented"]
    path = "depression at the start is 1.83 or less: no; age is 52.5 years or less: yes"
    assert all(f"{path} → workshop" in svg["aria-label"] for svg in drawings)
    assert f"{path} workshop 391 +0.19 (+0.07 to +0.30)" in page.text


def test_a_benefit_without_interval_is_told_without_one(samples: dict[str, Sample]) -> None:
    assert (
        "depression at the start is 1.83 or less: yes booklet 439 +0.05 depression"
        in page_of(samples["observational"]).text
    )


def test_effects_are_told_by_what_moves_them(samples: dict[str, Sample]) -> None:
    text = page_of(samples["jobs2"]).text
    assert "Depression at the start per 1 SD (0.57 points) +0.071 +0.018 to +0.124 workshop" in text
    assert "Age per 1 SD (10.5 years) −0.044 −0.086 to −0.002 booklet" in text
    assert "Female yes rather than no +0.006 −0.079 to +0.091 not clear" in text


def test_the_clearest_moderators_are_drawn_and_the_others_listed(samples: dict[str, Sample]) -> None:
    text = page_of(samples["equipoise"]).text
    drawn, listed = text.split("2 more, clinic visit over usual detox")
    assert drawn.index("CES-D item 9 per") < drawn.index("CES-D item 2 per")
    assert listed.index("CES-D item 1 per") < listed.index("CES-D item 0 per")


def test_with_three_arms_each_comparison_has_its_own_moderators(samples: dict[str, Sample]) -> None:
    text = page_of(samples["anorexia"]).text
    for other in ("control", "cognitive behavioural"):
        assert f"Benefit of family therapy over {other} Weight before" in text


def test_one_arm_for_everyone_is_said_plainly(samples: dict[str, Sample]) -> None:
    page = page_of(samples["relapse"])
    assert "Everyone continues." in page.text
    assert "This rule gives everyone the same treatment." in page.text
    assert "What moves the benefit" not in page.text


def test_shares_of_advice_strengths_and_abstentions_are_told(samples: dict[str, Sample]) -> None:
    text = page_of(samples["jobs2"]).text
    for words in (
        "booklet 33%",
        "workshop 64%",
        "established 42%",
        "leaning 46%",
        "none 10%",
        "2% get no advice at all",
    ):
        assert words in text


# People, treatment, what was tried


def test_the_flow_accounts_for_every_row(samples: dict[str, Sample]) -> None:
    text = page_of(samples["jobs2"]).text
    for words in (
        "932 rows read",
        "33 left out",
        "31 without the outcome: booklet 9, workshop 22",
        "2 without a recorded treatment",
        "899 analysed",
    ):
        assert words in text
    assert "left out 0" not in page_of(samples["anorexia"]).text
    assert "without the outcome" not in page_of(samples["anorexia"]).text


def test_columns_missing_values_and_unused_columns_are_listed(samples: dict[str, Sample]) -> None:
    text = page_of(samples["jobs2"]).text
    assert "Depression at the start depress1 1.86 (0.55) 1.88 (0.57) 4 (under 1%)" in text
    assert "Income income 61 (7%) under 15k 45 (19%) 108 (18%) over 40k 90 (30%)" in text
    assert "job_seek known only after treatment started" in text


def test_probabilities_say_where_they_come_from_and_how_many_were_bounded(samples: dict[str, Sample]) -> None:
    assert "was known from how" in page_of(samples["jobs2"]).text
    study, findings = samples["jobs2"]
    untouched = replace(findings, overlap=replace(findings.overlap, rule=""))
    assert "No probability was changed." in page_of((study, untouched)).text
    text = page_of(samples["observational"]).text
    assert "was estimated from what was known" in text
    assert (
        "Probabilities below 5% are set to 5%. People touched by it: 37 of 899."
        in page_of(samples["observational"]).prose
    )
    assert "Dashed line: the bound, 5%." in text


def test_candidates_say_how_often_they_were_chosen(samples: dict[str, Sample]) -> None:
    text = page_of(samples["jobs2"]).text
    assert "tree2 up to three questions +0.063 +0.004 to +0.122 48%" in text
    assert "share of the 50 rounds" in text


@pytest.mark.parametrize(
    ("p", "words"), [(0.0104, "p = 0.010 . If"), (0.0002, "p < 0.001 . If"), (0.337, "p = 0.34 . If")]
)
def test_heterogeneity_is_tested(samples: dict[str, Sample], p: float, words: str) -> None:
    study, findings = samples["jobs2"]
    text = page_of((study, replace(findings, heterogeneity={"statistic": 2.31, "p": p}))).text
    assert f"statistic 2.31, {words}" in text
    assert ("there are differences to be found" in text) == (p < 0.05)


# Trust


def test_an_observational_study_says_so_on_every_page_and_in_every_section(
    samples: dict[str, Sample],
) -> None:
    page = page_of(samples["observational"])
    running = "Routine care, not a randomised trial"
    assert re.search(rf"@top-right \{{ content: \"{running.replace(',', r'.2c ')}\"", page.style)
    sections = [attrs["id"] for attrs in page.all("section")]
    assert page.text.count(running) == 1 + len(sections[1:])
    assert "Treat the answer as a reason for a trial" in page.text


def test_a_trial_is_not_called_routine_care(samples: dict[str, Sample]) -> None:
    page = page_of(samples["jobs2"])
    assert "outine care" not in page.text
    assert "@top-right" not in page.style


def test_warnings_and_limits_are_told_where_they_hold(samples: dict[str, Sample]) -> None:
    study, findings = samples["jobs2"]
    prose = page_of((study, findings)).prose
    assert all(warning in prose for warning in findings.warnings)
    assert "never on others" in prose
    site = page_of(samples["relapse"]).prose
    assert "Sites were held out in turn" in site
    assert "Found in these data" not in site


def test_it_tells_how_to_make_it_again(samples: dict[str, Sample]) -> None:
    study, findings = samples["jobs2"]
    text = page_of((study, findings), "runs/my study").text
    assert "alleviate learn jobs2 --seed 1" in text
    assert "alleviate evaluate 'runs/my study' --data new-people.csv" in text
    assert findings.fingerprint in text
    assert study.reference in text
    assert all(f"{name} {version}" in text for name, version in findings.versions.items())
    assert "done 10 times over" in text
    assert "done once" in page_of(samples["bare"]).text


def test_where_the_data_lie_on_this_machine_is_nobodys_business(samples: dict[str, Sample]) -> None:
    study, findings = samples["relapse"]
    assert study.data.path is not None
    assert study.data.path not in study_report(study, findings, package_name="runs/relapse")


# Findings that cannot be


def test_histograms_of_one_picture_must_share_their_edges(samples: dict[str, Sample]) -> None:
    study, findings = samples["jobs2"]
    benefit = {**findings.benefit, "none": Histogram((0.0, 1.0), (3,))}
    with pytest.raises(ValueError, match="share their edges"):
        study_report(study, replace(findings, benefit=benefit), package_name="x")


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (
            {"feature": "a", "label": "", "test": "x", "yes": "booklet", "no": {}},
            "expected a node of a tree, got 'booklet'",
        ),
        (
            {"arm": "booklet", "n": "many", "benefit": 0.1},
            "expected a number in a leaf of a tree, got 'many'",
        ),
    ],
)
def test_a_malformed_tree_is_refused(
    samples: dict[str, Sample], tree: dict[str, object], message: str
) -> None:
    study, findings = samples["jobs2"]
    with pytest.raises(ValueError, match=message):
        study_report(study, replace(findings, rule=replace(findings.rule, tree=tree)), package_name="x")
