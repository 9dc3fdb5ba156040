"""The walk from a record to a recommendation: the same for one and for many, blind to what comes later."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from alleviate.advice.recommend import recommend, recommend_all, recommend_table
from alleviate.terms.estimates import Z
from alleviate.terms.outcomes import Outcome

AVERAGE = {"age": 40.0, "severity": 20.0, "site": "north", "sex": False, "onset": 18_500.0}


def records_of(people, record):
    return [record(row, subject_id=f"p{i}") for i, row in enumerate(people.iter_rows(named=True))]


def same(one, other):
    """Equal but for the last digits: sums for many people at once may be added in another order."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == (pytest.approx(other, rel=1e-12, abs=1e-12) if isinstance(other, float) else other)


def benefit(package, person):
    """Of "walk" over "talk", and its standard error, from the slopes: no step of the walk is used."""
    forecaster = package.forecaster
    total, variance = forecaster.value[1] - forecaster.value[0], 2 * forecaster.value_covariance[0, 0]
    for j, column in enumerate(forecaster.encoder.columns):
        value = person[column.feature]
        if column.role == "level":
            value = column.mean if value is None else value == column.level
        missing = value is None or person[column.feature] is None
        value = forecaster.encoder.fill[column.feature] if value is None else value
        z = (value - forecaster.effect.centre[j]) / forecaster.effect.scale[j]
        slope, spread = forecaster.effect.mean[j, 0] * np.sqrt(2), forecaster.effect.covariance[j, j] * 2
        total += slope * z
        variance += spread * z**2 + missing * (slope**2 + spread)
    return total, np.sqrt(variance)


class TestTheWalk:
    @pytest.mark.parametrize("learner", ["none", "ridge", "boosted", "tree1", "tree2"])
    def test_one_at_a_time_or_all_at_once_is_the_same(self, learned, people, record, moment, learner):
        records = records_of(people, record)
        together = recommend_all(records, moment, learned[learner])
        for one, told in zip(records, together, strict=True):
            assert same(recommend(one, moment, learned[learner]).to_json(), told.to_json())
        assert [told.id for told in together] == [one.subject_id for one in records]
        assert {told.package for told in together} == {"toy"}

    def test_is_the_forecast_of_the_table(self, learned, people, record, moment):
        told = recommend_all(records_of(people, record), moment, learned["ridge"])
        forecasts = learned["ridge"].forecaster.forecast(people)
        for i, one in enumerate(told):
            assert one.reason == (forecasts.problems[i] or "")
            assert one.abstained == (forecasts.problems[i] is not None)
            assert one.comparable_n == forecasts.comparable[i].sum()
            symptoms = [one.expected[arm].estimate for arm in ("talk", "walk")]
            assert symptoms == pytest.approx(-forecasts.expected[i])
            assert one.abstained or one.arm == ("talk", "walk")[int(np.argmin(symptoms))]

    @pytest.mark.parametrize("learner", ["none", "ridge", "boosted", "tree2"])
    def test_is_the_same_from_a_table_as_from_records(self, learned, people, record, moment, learner):
        records = records_of(people, record)
        ids = [one.subject_id for one in records]
        walked = recommend_all(records, moment, learned[learner])
        assert recommend_table(people, ids, learned[learner]) == walked

    def test_a_feature_that_the_table_lacks_is_unknown_of_everybody(self, learned, people, record, moment):
        records = records_of(people.drop("age", "site"), record)
        ids = [one.subject_id for one in records]
        told = recommend_table(people.drop("age", "site"), ids, learned["ridge"])
        assert told == recommend_all(records, moment, learned["ridge"])
        assert all("Not known: age" in " ".join(one.reasons) for one in told if not one.abstained)

    def test_the_benefit_recomputed_from_the_slopes(self, made, people, record, moment):
        package = made({"severity": 0.6, "age": -0.3}, spread=0.05)
        for person, told in zip(
            people.iter_rows(named=True),
            recommend_all(records_of(people, record), moment, package),
            strict=True,
        ):
            if told.abstained:
                continue
            walk, error = benefit(package, person)
            assert told.arm == ("walk" if walk > 0 else "talk")
            assert told.benefit.estimate == pytest.approx(abs(walk))
            assert told.benefit.low == pytest.approx(abs(walk) - Z * error)
            assert told.strength == ("established" if abs(walk) > Z * error else "leaning")

    def test_nobody_is_no_trouble(self, made, moment):
        assert recommend_all([], moment, made({})) == []


class TestWhatWasKnown:
    def test_nothing_known_after_the_moment_matters(self, made, record, moment):
        package, later = made({"severity": 0.6, "age": -0.3}, spread=0.1), moment + timedelta(seconds=1)
        now = record(AVERAGE | {"age": None})
        then = record(AVERAGE | {"severity": 39.0, "age": 70.0, "site": "east", "sex": True}, known=later)
        both = type(now)("ann", [*now.events, *then.events])
        assert recommend(both, moment, package) == recommend(now, moment, package)
        assert recommend(both, later, package) == recommend(then, later, package)
        assert recommend(both, later, package) != recommend(both, moment, package)

    def test_an_empty_record_is_not_judged(self, made, record, moment):
        told = recommend(record({}), moment, made({"severity": 0.6}))
        assert told.arm is None
        assert told.reason == "100% of the features are missing: too much to judge"

    def test_not_knowing_widens_the_interval(self, made, record, moment):
        package = made({"severity": 0.6}, spread=0.1)
        known, blind = (recommend(record(AVERAGE | {"severity": s}), moment, package) for s in (20.0, None))
        assert blind.benefit.high - blind.benefit.low > known.benefit.high - known.benefit.low


class TestAbstaining:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"site": "east"}, "site is 'east', which nobody in the study was"),
            ({"age": 400.0}, "too unlike the people of the study, above all in age"),
        ],
    )
    def test_no_arm_no_benefit_no_reasons_but_why(self, made, record, moment, changes, reason):
        told = recommend(record(AVERAGE | changes), moment, made({"severity": 0.6}))
        assert (told.arm, told.benefit, told.reasons, told.strength) == (None, None, (), "none")
        assert told.abstained
        assert told.reason == reason
        assert set(told.expected) == {"talk", "walk"}


class TestUnitsOfTheOutcome:
    def test_higher_is_better_is_told_as_it_is(self, made, record, moment):
        package = made({}, value=(1.0, 1.5), level=0.0)
        told = recommend(record(AVERAGE), moment, package)
        assert (told.expected["talk"].estimate, told.expected["walk"].estimate) == pytest.approx((1.0, 1.5))
        assert (told.arm, told.benefit.estimate) == ("walk", pytest.approx(0.5))

    def test_lower_is_better_turns_the_outcome_and_never_the_benefit(self, made, record, moment):
        lower = Outcome("phq", "lower", important=0.1, binary=False)
        told = recommend(record(AVERAGE), moment, made({}, value=(-9.0, -8.5), outcome=lower))
        assert (told.expected["talk"].estimate, told.expected["walk"].estimate) == pytest.approx((9.0, 8.5))
        assert (told.arm, told.benefit.estimate) == ("walk", pytest.approx(0.5))
        for estimate in told.expected.values():
            assert estimate.low < estimate.estimate < estimate.high

    @pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
    def test_a_risk_stays_between_0_and_1(self, made, record, moment, better, sign):
        risk = Outcome("relapse", better, important=0.05, binary=True)
        package = made({}, value=(sign * 0.02, sign * 0.97), se=0.3, outcome=risk)
        expected = recommend(record(AVERAGE), moment, package).expected
        assert expected["talk"].low == 0.0
        assert expected["walk"].high == 1.0
        assert expected["talk"].estimate == pytest.approx(0.02)
        beyond = made({}, value=(sign * -0.1, sign * 1.2), se=0.01, outcome=risk)
        expected = recommend(record(AVERAGE), moment, beyond).expected
        assert (expected["talk"].estimate, expected["walk"].estimate) == (0.0, 1.0)

    def test_a_number_that_is_no_risk_is_not_clipped(self, made, record, moment):
        told = recommend(record(AVERAGE), moment, made({}, value=(3.0, 4.0)))
        assert told.expected["walk"].estimate == pytest.approx(4.0)


@pytest.mark.parametrize(("verdict", "strength"), [("personalise", "established"), ("equipoise", "leaning")])
def test_nothing_is_established_where_the_study_showed_nothing(made, record, moment, verdict, strength):
    assert recommend(record(AVERAGE), moment, made({}, verdict=verdict)).strength == strength


def test_it_is_told_in_json_as_the_contract_says(made, record, moment):
    package = made({"severity": 0.6})
    told = recommend(record(AVERAGE), moment, package)
    data = json.loads(json.dumps(told.to_json()))
    assert list(data) == [
        "id", "arm", "strength", "abstained", "reason", "expected", "benefit", "comparable_n", "reasons",
    ]  # fmt: skip
    assert data["expected"]["walk"] == {
        "estimate": told.expected["walk"].estimate,
        "low": told.expected["walk"].low,
        "high": told.expected["walk"].high,
    }
    assert data["benefit"]["estimate"] == told.benefit.estimate
    assert data["reasons"] == list(told.reasons)
    nobody = recommend(record({}), moment, replace(package, name="other")).to_json()
    assert (nobody["arm"], nobody["abstained"], nobody["benefit"]) == (None, True, None)
