"""Reasons come from the model itself, with the right sign, and what is not known is said."""

from dataclasses import replace

import numpy as np
import pytest

from alleviate.advice.recommend import recommend
from alleviate.features import Feature, FeatureSpec
from alleviate.terms.outcomes import Outcome

AVERAGE = {"age": 40.0, "severity": 20.0, "site": "north", "sex": False, "onset": 18_500.0}

AHEAD = "In the study, walk did better than talk by 0.50 points on average (0.30 to 0.70)."


@pytest.fixture
def reasons(record, moment):
    def of(package, **changes):
        return recommend(record(AVERAGE | changes), moment, package).reasons

    return of


def change(package, name, value):
    """What a feature adds to the benefit of "walk" over that of the average person."""
    [j] = [j for j, c in enumerate(package.forecaster.encoder.columns) if c.feature == name]
    column = package.forecaster.encoder.columns[j]
    return package.forecaster.effect.slopes(1, 0)[0][j] * (value - column.mean) / column.sd


def test_what_speaks_for_comes_before_what_speaks_against(made, reasons):
    package = made({"age": -0.1, "severity": 0.3})
    told = reasons(package, age=55.0, severity=27.0)
    for_, against = change(package, "severity", 27.0), change(package, "age", 55.0)
    assert against < 0 < for_
    assert told == (
        AHEAD,
        f"Depression at the start (27) speaks for walk over talk: +{for_:.2f} points "
        "compared with the average person.",
        f"Age (55) speaks against walk: −{-against:.2f} points compared with the average person.",
    )


def test_the_signs_turn_with_the_arm(made, reasons):
    """For one who had better talk, what speaks for walking speaks against talking."""
    told = reasons(made({"age": -0.3, "severity": 0.6}), age=58.0, severity=12.0)
    assert told[0].startswith("Depression at the start (12) speaks for talk over walk: +")
    assert told[1].startswith("Age (58) speaks for talk over walk: +")
    assert (
        told[2]
        == "Against it: in the study as a whole, walk did better than talk by 0.50 points (0.30 to 0.70)."
    )
    assert len(told) == 3


def test_lower_is_better_changes_no_sign(made, reasons):
    lower = Outcome("phq", "lower", important=0.1, binary=False, unit="points")
    plain, turned = made({"severity": 0.6}), made({"severity": 0.6}, value=(-9.5, -9.0), outcome=lower)
    assert reasons(turned, severity=27.0) == reasons(plain, severity=27.0)


def test_an_average_that_may_be_chance_says_so(made, reasons):
    told = reasons(made({}, se=0.5))
    assert told[0] == (
        "In the study, walk did better than talk by 0.5 points on average, which may be chance (−0.5 to 1.5)."
    )


def test_the_missing_are_named_by_their_labels_and_give_no_reason(made, reasons):
    told = reasons(made({"severity": 0.6, "sex": 0.5}), severity=None, onset=None, sex=True)
    assert told[-1] == "Not known: depression at the start, onset. The interval is wider for it."
    assert [line for line in told if "speaks" in line] == [
        line for line in told if line.startswith("Sex (yes)")
    ]


def test_what_hardly_moves_is_not_said(made, reasons):
    """A twentieth of the important difference, 0.1, is 0.005."""
    said = "Nothing known about this person changes the expected difference between the arms."
    assert reasons(made({"severity": 0.003}), severity=26.0) == (AHEAD, said)
    assert said not in reasons(made({"severity": 0.01}), severity=26.0)


def test_at_most_three_features_the_weightiest_first(made, reasons):
    package = made({"age": 0.3, "severity": 0.6, "sex": 0.2, "onset": 0.1})
    told = reasons(package, age=55.0, severity=26.0, sex=True, onset=18_990.0)
    assert [line.split(" (")[0] for line in told[1:]] == ["Depression at the start", "Age", "Sex"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("age", 55.25, "Age (55.25)"),
        ("age", 61.0, "Age (61)"),
        ("sex", True, "Sex (yes)"),
        ("onset", 18_993.0, "Onset (2022-01-01)"),
    ],
)
def test_values_are_shown_as_people_write_them(made, reasons, name, value, shown):
    assert reasons(made({name: 0.3}), **{name: value})[1].startswith(shown)


def test_a_large_number_is_written_out(made, reasons):
    package = made({"onset": 0.3})
    *others, onset = package.spec.features
    numbered = replace(package, spec=FeatureSpec((*others, replace(onset, kind="number"))))
    assert reasons(numbered, onset=18_993.0)[1].startswith("Onset (18993)")


def test_a_category_moves_with_all_its_columns(made, reasons):
    package = made({})
    columns, effect = package.forecaster.encoder.columns, package.forecaster.effect
    slopes = np.array(
        [[{"north": 0.5, "south": -0.2}.get(column.level, 0.0)] for column in columns]
    ) / np.sqrt(2)
    moved = replace(package, forecaster=replace(package.forecaster, effect=replace(effect, mean=slopes)))
    shares = {column.level: column for column in columns if column.feature == "site"}
    north, south = shares["north"], shares["south"]
    change = 0.5 * (1 - north.mean) / north.sd - 0.2 * (0 - south.mean) / south.sd
    assert reasons(moved, site="north")[1].startswith(
        f"Site (north) speaks for walk over talk: +{change:.2f} points"
    )


def test_percentage_points_for_a_risk(made, reasons):
    risk = Outcome("relapse", "lower", important=0.05, binary=True)
    told = reasons(made({"severity": 0.1}, value=(-0.4, -0.3), se=0.02, outcome=risk), severity=25.0)
    assert (
        told[0]
        == "In the study, walk did better than talk by 10.0 percentage points on average (6.1 to 13.9)."
    )
    assert "percentage points compared with the average person" in told[1]


def test_units_without_a_name_are_units(made, reasons):
    nameless = Outcome("score", "higher", important=0.1, binary=False)
    assert "by 0.50 units on average" in reasons(made({}, outcome=nameless))[0]


def test_where_no_difference_was_shown_between_people_no_feature_is_a_reason(learned, record, moment):
    told = recommend(record(AVERAGE | {"severity": 30.0}), moment, learned["none"])
    assert told.reasons[1:] == (
        "Nothing known about this person changes the expected difference between the arms.",
    )


def test_a_feature_that_was_dropped_gives_no_reason(made, reasons):
    package = made({"severity": 0.6})
    bonus = Feature("bonus", "STUDY//toy//bonus", "number")
    wider = replace(package, spec=FeatureSpec((*package.spec.features, bonus)))
    plain, told = reasons(package, severity=27.0), reasons(wider, severity=27.0, bonus=3.0)
    assert told == plain


def test_an_average_known_exactly_has_two_decimals(made, reasons):
    assert reasons(made({}, se=0.0))[0].endswith("by 0.50 points on average (0.50 to 0.50).")
