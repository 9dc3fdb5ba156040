"""Intervals for a person's own outcome: quantiles of residuals, weighted by the chance of the arm."""

import json

import numpy as np
import pytest

from alleviate.models.uncertainty import Outcomes, fit_outcomes
from alleviate.models.uncertainty.outcomes import GRID


def test_of_equal_weights_the_ends_are_the_conformal_order_statistics():
    """n = 199: the upper end at 90 % is the ⌈.95 · 200⌉ = 190th smallest, the lower the 10th."""
    residual = np.random.default_rng(1).permutation(np.arange(1.0, 200.0))
    found = fit_outcomes(residual, np.zeros(199, dtype=int), np.ones(199), 1)
    assert found.around(0.90)[0] == pytest.approx([10.0, 190.0])


def test_turned_round_they_are_turned_round():
    rng = np.random.default_rng(2)
    residual, arm, weight = rng.gamma(1.0, size=301), np.arange(301) % 2, rng.uniform(0.5, 2, size=301)
    one, other = fit_outcomes(residual, arm, weight, 2), fit_outcomes(-residual, arm, weight, 2)
    low, high = one.around(0.8).T
    assert -other.around(0.8)[:, ::-1] == pytest.approx(np.column_stack([low, high]))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_they_cover_new_people_in_each_arm_even_where_arms_were_given_by_the_features(level):
    """The spread depends on x, and so does the arm: weights by 1 / P(arm | x) set it right."""
    rng = np.random.default_rng(3)
    n = 20_000
    x = rng.uniform(size=n)
    chance = np.column_stack([0.2 + 0.6 * x, 0.8 - 0.6 * x])
    arm = (rng.uniform(size=n) > chance[:, 0]).astype(int)
    residual = (0.2 + 2 * x) * rng.normal(size=n)
    found = fit_outcomes(residual, arm, 1 / chance[np.arange(n), arm], 2)
    new = rng.uniform(size=n)
    outcome = (0.2 + 2 * new) * rng.normal(size=n)
    for low, high in found.around(level):
        assert np.mean((low <= outcome) & (outcome <= high)) == pytest.approx(level, abs=0.02)


def test_unknown_outcomes_do_not_count():
    residual, weight = np.array([1.0, 2.0, 3.0, 1e9]), np.array([1.0, 1.0, 1.0, 0.0])
    assert fit_outcomes(residual, np.zeros(4, dtype=int), weight, 1).quantiles.max() == 3.0


def test_ends_move_apart_with_the_level_and_json_keeps_them():
    rng = np.random.default_rng(4)
    found = fit_outcomes(rng.normal(size=90), np.arange(90) % 3, np.ones(90), 3)
    assert found.quantiles.shape == (3, len(GRID))
    widths = [np.ptp(found.around(level), axis=1) for level in (0.5, 0.7, 0.9, 0.95, 0.99)]
    assert (np.diff(widths, axis=0) >= 0).all()
    again = Outcomes.from_json(json.loads(json.dumps(found.to_json())))
    assert (again.quantiles == found.quantiles).all()
