"""Hidden confounding: bounds that a known confounder reaches and never passes, published E-values."""

import numpy as np
import pytest
from scipy.stats import norm

from alleviate.models.scores import aipw
from alleviate.models.sensitivity import Scored, bounds, e_value, e_value_of_means, odds_moved


def hidden(n, gamma, seed, binary=False):
    """Of those who did not get arm 1 more would have fared well there, by all that ``gamma`` allows.

    Among the untreated the law of Y(1) is that of the treated, tilted by Γ above its quantile Γ/(Γ + 1) and
    by 1/Γ below (of a risk p: min(Γ p, 1 - (1 - p)/Γ)); the truth is worked out from it.
    """
    rng = np.random.default_rng(seed)
    x, u, other = rng.normal(size=(3, n))
    e = 1 / (1 + np.exp(-0.5 * x))
    arm = (rng.uniform(size=n) < e).astype(np.int64)
    if binary:
        risk = 0.15
        mean = np.tile([norm.sf(1), risk], (n, 1))
        y = np.where(arm == 1, u > norm.isf(risk), other > 1) * 1.0
        truth = e * risk + (1 - e) * min(gamma * risk, 1 - (1 - risk) / gamma)
    else:
        mean = np.column_stack([x, x])
        y = x + np.where(arm == 1, u, other)
        tail = norm.pdf(norm.ppf(gamma / (gamma + 1)))  # E[u; u above the quantile]
        truth = x + (1 - e) * (gamma - 1 / gamma) * tail
    return Scored(mean, np.column_stack([1 - e, e]), arm, y, np.ones(n), binary), float(truth.mean())


@pytest.mark.parametrize("binary", [False, True])
def test_without_a_confounder_they_are_the_doubly_robust_scores(binary):
    data, _ = hidden(500, 1.0, 1, binary)
    found = bounds(data, 1.0)
    wanted = aipw(data.expected, data.probability, data.arm, data.y)
    assert found.low == pytest.approx(wanted)
    assert found.high == pytest.approx(wanted)


@pytest.mark.parametrize("gamma", [1.5, 3.0])
@pytest.mark.parametrize("binary", [False, True])
def test_the_worst_confounder_reaches_the_bound(gamma, binary):
    data, truth = hidden(200_000, gamma, 2, binary)
    assert bounds(data, gamma).high[:, 1].mean() == pytest.approx(truth, abs=0.01)


def test_intervals_hold_the_truth_at_the_true_strength():
    held = 0
    for seed in range(10_000, 10_100):
        data, truth = hidden(500, 2.0, seed)
        high = bounds(data, 2.0).high[:, 1]
        held += truth <= high.mean() + 1.96 * high.std() / np.sqrt(500)
    assert held >= 95


def test_they_widen_as_the_confounder_grows():
    data, _ = hidden(2_000, 2.0, 3)
    sides = [bounds(data, gamma) for gamma in (1.0, 1.2, 1.6, 2.5, 5.0)]
    assert (np.diff([s.high.mean(axis=0) for s in sides], axis=0) > 0).all()
    assert (np.diff([s.low.mean(axis=0) for s in sides], axis=0) < 0).all()


def test_turning_the_outcome_round_turns_the_bounds_round():
    data, _ = hidden(300, 2.0, 4)
    turned = Scored(-data.expected, data.probability, data.arm, -data.y, data.weight)
    assert bounds(turned, 2.0).high == pytest.approx(-bounds(data, 2.0).low)


def test_an_expectation_that_is_off_is_put_right_where_the_chances_are_right():
    data, truth = hidden(200_000, 2.0, 5)
    shifted = Scored(data.expected + 0.5, data.probability, data.arm, data.y, data.weight)
    assert bounds(shifted, 2.0).high[:, 1].mean() == pytest.approx(truth, abs=0.02)


def test_a_risk_never_leaves_0_to_1_however_strong_the_confounder():
    data, _ = hidden(50_000, 2.0, 6, binary=True)
    sides = bounds(data, 500.0)
    assert sides.high.mean(axis=0).max() < 1.01
    assert sides.low.mean(axis=0).min() > -0.01


def test_unknown_outcomes_are_weighed():
    data, truth = hidden(200_000, 2.0, 7)
    known = np.random.default_rng(8).uniform(size=200_000) < 0.5
    lossy = Scored(data.expected, data.probability, data.arm, data.y * known, known / 0.5)
    assert bounds(lossy, 2.0).high[:, 1].mean() == pytest.approx(truth, abs=0.02)


@pytest.mark.parametrize(("ratio", "published"), [(3.9, 7.26), (1.8, 3.0), (1 / 3.9, 7.26), (1.0, 1.0)])
def test_published_e_values(ratio, published):
    """VanderWeele & Ding 2017: bottle feeding and infant death, RR 3.9 (interval from 1.8)."""
    assert e_value(ratio) == pytest.approx(published, abs=0.005)


def test_the_e_value_of_means_takes_a_sd_for_a_ratio_of_2_48():
    assert e_value_of_means(-2.0, 4.0) == pytest.approx(e_value(np.exp(0.455)))
    assert e_value_of_means(0.0, 4.0) == 1.0


def test_odds_are_moved_by_as_much_as_the_odds_ratio_says():
    with_it = np.array([[0.5, 0.5]] * 10)
    without = np.array([[0.25, 0.75]] * 10)
    assert odds_moved(with_it, without) == pytest.approx(3.0)
    assert odds_moved(with_it, with_it) == pytest.approx(1.0)
