"""The gain over the best arm: the least of the gains over each, since nobody knows which is best."""

import numpy as np
import pytest

from alleviate.policies.gain import gain_over_arm, gain_over_best
from alleviate.policies.value import mean_with_interval
from alleviate.terms.estimates import Estimate


def test_the_gain_is_the_least_of_the_gains_over_each_arm():
    found = gain_over_best([Estimate(0.3, 0.1, 0.5), Estimate(0.2, -0.4, 0.8)])
    assert found == Estimate(0.2, -0.4, 0.5)


def test_one_arm_for_everybody_cannot_gain():
    scores = np.random.default_rng(1).normal(size=(2, 3, 50))
    found = gain_over_best([gain_over_arm(scores[1], scores[k]) for k in (0, 1)])
    assert found.high == 0
    assert found.low <= found.estimate <= 0


def test_a_person_counts_by_the_mean_over_splits():
    """Two splits that give the arm to other halves of the people: each person gains half of their gain."""
    effect = np.random.default_rng(2).normal(0.5, 1, 100)
    half = np.arange(100) < 50
    rule, arm = np.where([half, ~half], effect, 0.0), np.zeros((2, 100))
    between = mean_with_interval(rule).estimate - rule.mean(axis=1)
    error = np.sqrt(np.var(effect / 2, ddof=1) / 100 + np.mean(between**2))
    found = gain_over_arm(rule, arm)
    assert found.estimate == pytest.approx(effect.mean() / 2)
    assert found.high - found.estimate == pytest.approx(1.959964 * error, rel=1e-6)


@pytest.mark.parametrize("lead", [0.0, 0.05, 0.15, 0.6])
@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_the_interval_covers_whichever_arm_is_best_and_however_close(lead, share):
    """A fixed rule gives arm 1, better by ``lead``, to a share of the people; 2000 trials of 200."""
    rng, covered, above = np.random.default_rng(50_000), [], []
    for _ in range(2000):
        scores = rng.normal([[0.0], [lead]], 1.5, (2, 200))
        rule = np.where(np.arange(200) < share * 200, scores[1], scores[0])
        found = gain_over_best([gain_over_arm(rule[None], scores[k][None]) for k in (0, 1)])
        truth = -(1 - share) * lead
        covered.append(found.low <= truth <= found.high)
        above.append(found.low > truth)
    assert np.mean(covered) >= 0.93
    assert np.mean(above) <= 0.04
    if share < 1 and lead > 0.5:  # else the interval ends at the truth itself, or the arms tie
        assert np.mean(covered) <= 0.965
