"""Net benefit: against its formula written out, and where a model is shown to be of use."""

import numpy as np
import pytest
from scipy.special import expit

from alleviate.models.performance.benefit import THRESHOLDS, decision_curve
from alleviate.models.performance.judged import Judged
from alleviate.terms.errors import InputError


def judged(n=400, seed=10_400, informative=1.5):
    rng = np.random.default_rng(seed)
    linear = informative * rng.normal(size=n) - 1
    return Judged((rng.random(n) < expit(linear)).astype(float), expit(linear), rng.uniform(0.5, 2, n))


def test_net_benefit_is_true_positives_less_false_ones_at_the_odds_of_the_threshold():
    people = judged()
    curve = decision_curve([people], (0.1, 0.3, 0.6))
    w = people.weight / people.weight.sum()
    for t, model, everyone in zip(curve.thresholds, curve.model, curve.everyone, strict=True):
        hits = w @ ((people.p >= t) * people.y)
        alarms = w @ ((people.p >= t) * (1 - people.y))
        assert model.estimate == pytest.approx(hits - alarms * t / (1 - t))
        prevalence = w @ people.y
        assert everyone.estimate == pytest.approx(prevalence - (1 - prevalence) * t / (1 - t))


def test_the_gain_is_over_the_better_of_treating_all_and_none():
    curve = decision_curve([judged()])
    for model, everyone, gain in zip(curve.model, curve.everyone, curve.gain, strict=True):
        assert gain.estimate == pytest.approx(model.estimate - max(everyone.estimate, 0))
    assert len(curve.thresholds) == len(THRESHOLDS) == 99


def test_a_good_model_is_useful_over_a_stretch_and_noise_nowhere():
    stretch = decision_curve([judged(2000)]).useful
    assert stretch
    assert stretch[0][0] < 0.3 < stretch[-1][1]
    rng = np.random.default_rng(10_401)
    noise = [
        decision_curve(
            [Judged((rng.random(300) < 0.3).astype(float), rng.beta(3, 7, 300), np.ones(300))], (0.2, 0.3)
        )
        for _ in range(40)
    ]
    assert sum(bool(curve.useful) for curve in noise) <= 2


def test_intervals_cover_at_a_threshold():
    truth = decision_curve([judged(200_000)], (0.25,)).gain[0].estimate
    found = [decision_curve([judged(200, seed)], (0.25,)).gain[0] for seed in range(10_500, 10_600)]
    assert sum(one.low <= truth <= one.high for one in found) >= 90


def test_what_has_no_net_benefit_is_refused():
    with pytest.raises(InputError, match="rising thresholds"):
        decision_curve([judged(50)], (0.3, 0.2))
    with pytest.raises(InputError, match="Expected risks"):
        decision_curve([Judged(np.ones(3), np.ones(3), np.ones(3), kind="numeric")])
