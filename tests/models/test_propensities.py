"""Ridge or trees for the chances of treatment: trees only where clearly better; kept without pickle."""

import json

import numpy as np
import pytest

from alleviate.models.propensities import (
    PropensityPlan,
    choose_propensity,
    crossfit_propensity,
    fit_chances,
    restore_chances,
)


def drawn(n, seed, shape, arms=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    signal = {
        "fair": 0 * x[:, 0],
        "line": x[:, 0],
        "corner": 2.5 * np.where(x[:, 0] * x[:, 1] > 0, 1.0, -1.0),
    }
    logits = signal[shape][:, None] * np.linspace(-0.5, 0.5, arms)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    arm = (rng.uniform(size=n)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    return x, arm, chances, np.arange(n) % 5


@pytest.mark.parametrize("shape", ["fair", "line"])
def test_ridge_stays_where_trees_are_not_better(shape):
    x, arm, _, folds = drawn(1000, 1, shape)
    assert choose_propensity(x, arm, 2, folds).rounds == 0


@pytest.mark.parametrize("arms", [2, 3])
def test_trees_find_what_no_line_tells(arms):
    x, arm, chances, folds = drawn(2000, 2, "corner", arms)
    found, final = crossfit_propensity(x, arm, arms, folds)
    assert choose_propensity(x, arm, arms, folds).rounds > 0
    assert np.abs(found - chances).mean() < 0.08 < np.abs(chances - 1 / arms).mean()
    assert final.predict(x).sum(axis=1) == pytest.approx(np.ones(2000))


def test_few_people_are_not_given_to_trees():
    x, arm, _, folds = drawn(300, 3, "corner")
    assert choose_propensity(x, arm, 2, folds).rounds == 0


def test_very_many_compete_on_a_part(monkeypatch):
    monkeypatch.setattr("alleviate.models.propensities.MOST_BOOSTED", 1500)
    x, arm, _, folds = drawn(4000, 4, "corner")
    assert choose_propensity(x, arm, 2, folds).rounds > 0


@pytest.mark.parametrize("rounds", [0, 20])
def test_what_is_read_back_predicts_the_same(rounds):
    x, arm, _, _ = drawn(600, 5, "line", 3)
    fitted = fit_chances(x, arm, 3, PropensityPlan(0.01, 0.8, rounds))
    again = restore_chances(json.loads(json.dumps(fitted.to_json())))
    assert (again.predict(x) == fitted.predict(x)).all()


def test_a_slope_of_0_leaves_the_shares():
    x, arm, _, _ = drawn(600, 6, "line", 3)
    found = fit_chances(x, arm, 3, PropensityPlan(0.01, 0.0, 20)).predict(x)
    assert found == pytest.approx(np.tile(np.bincount(arm) / 600, (600, 1)))


def test_the_same_people_give_the_same_chances():
    x, arm, _, folds = drawn(800, 7, "corner")
    first, second = (crossfit_propensity(x, arm, 2, folds)[0] for _ in range(2))
    assert (first == second).all()
