"""Recalibration: the least that is needed, and none where none is shown to be."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from alleviate.models.performance.judged import Judged, log_odds
from alleviate.models.performance.recalibration import Recalibration, fitted, recalibrated


def judged(n=400, seed=11_000, level=0.0, slope=1.0, bend=0.0, clusters=None):
    """What was foreseen is off by ``level`` + (``slope`` − 1) · log odds + ``bend`` · log odds²."""
    rng = np.random.default_rng(seed)
    linear = rng.normal(-0.5, 1.3, n)
    truth = level + slope * linear + bend * linear**2
    return Judged((rng.random(n) < expit(truth)).astype(float), expit(linear), np.ones(n), clusters=clusters)


@pytest.mark.parametrize(
    ("off", "form"),
    [
        ({}, "none"),
        ({"level": 0.8}, "level"),
        ({"level": 0.5, "slope": 0.5}, "slope"),
        ({"bend": 0.15}, "bend"),
    ],
)
def test_as_much_is_chosen_as_the_model_is_wrong(off, form):
    found = recalibrated(judged(3000, **off), seed=1)
    assert found.chosen.form == form
    assert found.offered == (form != "none")
    if form != "none":
        assert found.gain["log_loss"].low > 0
        assert found.gain["brier"].low > 0


def test_level_and_slope_are_those_of_logistic_regression():
    people = judged(level=0.5, slope=0.6)
    x = log_odds(people.p)
    plain = sm.GLM(people.y, sm.add_constant(x), family=sm.families.Binomial()).fit()
    assert fitted(people, "slope").apply(people.p) == pytest.approx(plain.fittedvalues)
    level = sm.GLM(people.y, np.ones(400), family=sm.families.Binomial(), offset=x).fit()
    assert fitted(people, "level").apply(people.p) == pytest.approx(level.fittedvalues)
    assert fitted(people, "none").apply(people.p) is people.p


@pytest.mark.slow
def test_a_model_that_is_right_is_left_as_it_is_95_times_in_100():
    kept = sum(recalibrated(judged(200, seed), 1).chosen.form == "none" for seed in range(11_100, 11_200))
    assert kept >= 90


def test_chances_are_those_of_walds_test_by_statsmodels():
    people = judged(1500, level=0.1)
    found = recalibrated(people, 1)
    assert list(found.chances) == ["none", "level", "slope"]
    x = log_odds(people.p)
    a, b, c = np.quantile(x, (0.1, 0.5, 0.9))
    cut = lambda k: np.maximum(x - k, 0) ** 3  # noqa: E731
    bend = (cut(a) - cut(b) * (c - a) / (c - b) + cut(c) * (b - a) / (c - b)) / (c - a) ** 2
    design = np.stack([np.ones(1500), x, bend], axis=1)
    model = sm.GLM(people.y, design, family=sm.families.Binomial(), offset=x).fit(cov_type="HC0")
    assert found.chances["none"] == pytest.approx(
        float(model.wald_test(np.eye(3), scalar=True).pvalue), abs=0.01
    )
    assert found.chances["slope"] == pytest.approx(float(model.pvalues[2]), abs=0.01)


def test_twins_are_no_more_witnesses_and_share_a_fold():
    people = judged(300, level=0.25)
    twins = Judged(
        np.repeat(people.y, 2), np.repeat(people.p, 2), np.ones(600), clusters=np.repeat(range(300), 2)
    )
    assert recalibrated(twins, 1).chances == pytest.approx(recalibrated(people, 1).chances, abs=1e-6)
    strata = np.repeat(np.arange(300) % 2, 2)
    designed = Judged(twins.y, twins.p, twins.weight, clusters=twins.clusters, strata=strata)
    assert recalibrated(designed, 1).chances.keys() == {"none", "level", "slope"}


def test_numbers_are_recalibrated_by_a_line():
    rng = np.random.default_rng(11_001)
    p = rng.normal(20, 4, 600)
    people = Judged(3 + 0.7 * p + rng.normal(0, 2, 600), p, np.ones(600), kind="numeric")
    found = recalibrated(people, 1)
    assert found.chosen.form == "slope"
    intercept, slope = sm.OLS(people.y, sm.add_constant(p)).fit().params
    assert found.chosen.apply(np.array([0.0, 50.0])) == pytest.approx([intercept, intercept + 50 * slope])
    assert found.gain["rmse"].low > 0


def test_a_bend_that_would_turn_people_round_is_held_level():
    people = judged(3000, bend=0.5)
    found = fitted(people, "bend")
    p = found.apply(people.p)
    assert ((people.y - p) ** 2).mean() < ((people.y - people.p) ** 2).mean()
    assert p.mean() == pytest.approx(people.y.mean(), abs=0.02)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["level", "slope", "bend"]))
def test_nobody_of_higher_risk_comes_out_lower_and_risks_stay_risks(seed, form):
    found = fitted(judged(80, seed, bend=-0.3), form)
    moved = found.apply(np.linspace(0, 1, 200))
    assert (np.diff(moved) >= -1e-12).all()
    assert ((moved >= 0) & (moved <= 1)).all()


def test_what_cannot_be_told_is_not_changed():
    y = np.array([0.0, 1.0] * 20)
    same = Judged(y, np.full(40, 0.2), np.ones(40))
    assert fitted(same, "bend").form == "level"
    assert recalibrated(same, 1).chances.keys() == {"none"}
    nobody = Judged(np.zeros(40), np.linspace(0.1, 0.5, 40), np.ones(40))
    assert fitted(nobody, "slope").form == "none"
    found = recalibrated(nobody, 1)
    assert (found.chosen.form, found.offered) == ("none", False)
    numbers = Judged(y, np.full(40, 0.2), np.ones(40), kind="numeric")
    assert fitted(numbers, "slope").form == "level"


def test_it_is_kept_as_plain_values():
    found = fitted(judged(level=0.5), "bend")
    back = Recalibration.from_json(found.to_json())
    assert back == found
