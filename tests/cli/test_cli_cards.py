"""Advice and measures as a person reads them."""

import io
import re

import pytest
from rich.console import Console

from alleviate.cli.cards import advice_cards, advice_table, fared, summary
from alleviate.terms.outcomes import Outcome

POINTS = Outcome("y", "lower", 0.2, False, "depression", "points")
RISK = Outcome("died", "lower", 0.05, True, "death")


def estimate(point: float, low: float, high: float) -> dict[str, float]:
    return {"estimate": point, "low": low, "high": high}


LEANING = {
    "id": "p1",
    "arm": "workshop",
    "strength": "leaning",
    "abstained": False,
    "reason": "",
    "expected": {"workshop": estimate(1.71234, 1.61, 1.84), "booklet": estimate(1.8, 1.68, 1.93)},
    "benefit": estimate(0.087654, -0.0234, 0.19),
    "comparable_n": 1212,
    "reasons": ["hardship is high", "age is low"],
}
ESTABLISHED = LEANING | {
    "strength": "established",
    "benefit": estimate(0.2, 0.1, 0.3),
    "reason": "age is missing",
}
EQUAL = LEANING | {"strength": "none"}
ABSTAINED = {
    "id": 7, "arm": None, "strength": "none", "abstained": True, "reason": "too unlike the study",
    "expected": {}, "benefit": None, "comparable_n": 3, "reasons": [],
}  # fmt: skip


def shown(*parts) -> str:
    console = Console(width=110, file=io.StringIO())
    for part in parts:
        console.print(part)
    return console.file.getvalue()


def test_a_card_gives_advice_benefit_expected_outcomes_evidence_and_reasons():
    text = shown(*advice_cards([LEANING], POINTS))
    for line in (
        "Person p1",
        "workshop  leaning: expected to be better, but not shown",
        "+0.09 points over the next best (95% interval −0.02 to +0.19)",
        "With workshop  1.71 points (1.61 to 1.84), depression",
        "1,212 comparable people in the study",
        "hardship is high",
        "age is low",
    ):
        assert line in text
    assert "Note" not in text
    assert "Note           age is missing" in shown(*advice_cards([ESTABLISHED], POINTS))


def test_no_number_is_finer_than_its_interval():
    wide = LEANING | {"benefit": estimate(0.087654, -12.3456, 14.5678)}
    assert re.search(
        r"0 points over the next best \(95% interval −12 to \+15\)", shown(*advice_cards([wide], POINTS))
    )


def test_where_there_is_no_advice_the_reason_is_given():
    assert "No advice: too unlike the study" in shown(*advice_cards([ABSTAINED], POINTS))


def test_a_table_has_a_line_for_each_person_and_says_what_its_words_mean():
    text = shown(advice_table([LEANING, ESTABLISHED, ABSTAINED], POINTS))
    assert re.search(r"p1\s+workshop\s+leaning\s+\+0\.09\s+−0\.02 to \+0\.19\s+1,212", text)
    assert re.search(
        r"p1\s+workshop\s+established\s+\+0\.20\s+\+0\.10 to \+0\.30\s+1,212\s+age is missing", text
    )
    assert re.search(r"7\s+no advice\s+3\s+too unlike the study", text)
    assert "established: shown to be better for this person" in text
    assert "no difference is expected" not in text
    assert "no difference is expected" in shown(advice_table([EQUAL], POINTS))


def test_a_summary_counts_people_by_advice():
    assert "3 people: workshop 2, no advice 1" in shown(summary([LEANING, EQUAL, ABSTAINED], POINTS))
    assert "1 person: workshop 1" in shown(summary([LEANING], POINTS))
    assert "depression, lower is better" in shown(summary([LEANING], POINTS))


@pytest.mark.parametrize(
    ("outcome", "factor", "row"),
    [
        (POINTS, 1.0, r"by the rule\s+1\.71\s+1\.62 to 1\.80"),
        (RISK, 0.1, r"by the rule\s+17\.1%\s+16\.2% to 18\.0%"),
    ],
)
def test_measures_on_new_data_are_a_table(outcome, factor, row):
    def scaled(*numbers):
        return estimate(*(factor * number for number in numbers))

    measures = {
        "n": 899,
        "value": {"rule": scaled(1.71, 1.62, 1.8), "booklet": scaled(1.78, 1.7, 1.86)},
        "gain": {"over_best_arm": scaled(0.01, -0.08, 0.1)},
        "warnings": ["few people on booklet"],
    }
    text = shown(fared(measures, outcome))
    assert "899 people with treatment and outcome" in text
    assert re.search(row, text)
    assert "everyone to booklet" in text
    assert "gain over the best single arm" in text
    assert "Note: few people on booklet" in text
