"""Estimated probabilities of treatment: proper, calibrated out of fold, and silent in a fair trial."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from alleviate.models.propensity import choose_penalty, fit_propensity, truncate, truncation_bound
from alleviate.models.scores import NuisancePlan, balanced_folds, crossfit
from alleviate.models.trial import Trial


def observed(n, seed, arms=2, strength=1.0, p=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * 3 + 50
    logits = strength * ((x - 50) / 3)[:, :1] * np.linspace(-0.5, 0.5, arms)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    arm = (rng.uniform(size=n)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    return x, arm, chances


def out_of_fold(x, arm, arms):
    folds = balanced_folds(arm, 5, np.random.default_rng(0))
    penalty, slope = choose_penalty(x, arm, arms, folds)
    plan = NuisancePlan("ridge", penalty, slope)
    trial = Trial(pl.DataFrame({"row": np.arange(len(arm))}), arm, arm * 1.0, arms)
    return crossfit(x, trial, plan=plan, folds=folds, seed=1).probability


@pytest.mark.parametrize("arms", [2, 3, 4])
def test_each_persons_probabilities_sum_to_1(arms):
    x, arm, _ = observed(300, 1, arms)
    probability = fit_propensity(x, arm, arms, 0.1, 1.0).predict(x * 10)
    assert probability.shape == (300, arms)
    assert probability.sum(axis=1) == pytest.approx(np.ones(300))
    assert (probability >= 0).all()


@pytest.mark.parametrize("arms", [2, 3])
def test_they_come_close_to_the_truth(arms):
    x, arm, chances = observed(4000, 2, arms, strength=2.0)
    assert np.abs(out_of_fold(x, arm, arms) - chances).mean() < 0.02


@pytest.mark.parametrize("strength", [0.5, 1.0, 3.0])
def test_they_are_calibrated_out_of_fold(strength):
    x, arm, _ = observed(2000, 3, strength=strength, p=10)
    chance = out_of_fold(x, arm, 2)[:, 1]
    logit = np.log(chance / (1 - chance))[:, None]
    assert LogisticRegression(C=np.inf).fit(logit, arm).coef_[0, 0] == pytest.approx(1.0, abs=0.15)
    for fifth in np.array_split(np.argsort(chance), 5):
        assert chance[fifth].mean() == pytest.approx(arm[fifth].mean(), abs=0.06)


def test_in_a_fair_trial_the_features_tell_almost_nothing():
    for seed in range(2):
        x, arm, _ = observed(150, seed, strength=0.0, p=10)
        plain = LogisticRegression(C=np.inf, max_iter=1000).fit(x, arm).predict_proba(x)[:, 1].std()
        assert out_of_fold(x, arm, 2)[:, 1].std() < plain / 2


def test_a_slope_of_0_gives_everybody_the_same():
    x, arm, _ = observed(200, 4, 3)
    probability = fit_propensity(x, arm, 3, 1e-4, 0.0).predict(x)
    assert (probability == probability[0]).all()
    assert probability[0] == pytest.approx(np.bincount(arm) / 200, abs=0.01)


def test_the_slope_stretches_the_signal_and_not_the_level():
    x, arm, _ = observed(500, 5)
    once, twice = (fit_propensity(x, arm, 2, 0.1, slope) for slope in (1.0, 2.0))
    middle, unit = x.mean(axis=0)[None], x[:1]
    level = np.log(once.predict(middle))
    assert np.log(twice.predict(middle)) == pytest.approx(level)
    ratio = [np.diff(np.log(model.predict(unit)) - level)[0, 0] for model in (once, twice)]
    assert ratio[1] == pytest.approx(2 * ratio[0])


@pytest.mark.parametrize("arms", [2, 3])
def test_without_features_they_are_the_shares_of_the_arms(arms):
    arm = np.array([0] * 50 + [1] * 30 + [arms - 1] * 20)
    shares = np.bincount(arm) / 100
    assert fit_propensity(np.empty((100, 0)), arm, arms, 0.1, 1.0).predict(np.empty((2, 0))) == pytest.approx(
        np.array([shares, shares])
    )
    assert out_of_fold(np.empty((100, 0)), arm, arms) == pytest.approx(np.tile(shares, (100, 1)), abs=0.02)


@pytest.mark.parametrize(
    ("n", "bound"),
    [
        (10, 0.2),
        (100, 5 / (10 * np.log(100))),
        (899, 5 / (899**0.5 * np.log(899))),
        (10_000, 5 / (100 * np.log(10_000))),
    ],
)
def test_the_bound_on_small_probabilities_is_that_of_gruber_and_others(n, bound):
    assert truncation_bound(n) == pytest.approx(min(bound, 0.2))


def test_the_published_example_of_the_bound():
    assert truncation_bound(1000) == pytest.approx(0.0229, abs=5e-5)


def test_only_what_is_below_the_bound_is_raised_to_it():
    assert truncate(np.array([[0.01, 0.99], [0.3, 0.7]]), 0.05).tolist() == [[0.05, 0.99], [0.3, 0.7]]
