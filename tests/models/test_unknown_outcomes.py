"""Scores where some outcomes are unknown: known ones like them count for more, nobody's own data leak in."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from alleviate.models.censoring import fit_censoring, plan_censoring
from alleviate.models.outcome import OUTCOME_MODELS
from alleviate.models.propensity import choose_penalty, fit_propensity, truncation_bound
from alleviate.models.scores import (
    NuisancePlan,
    balanced_folds,
    completed,
    crossfit,
    doubly_robust,
    effect_data,
    plan_nuisances,
    strata,
    weights,
)
from alleviate.models.trial import Trial


def drawn(n, seed, arms=2, lost=1.0):
    """Those with bad prospects drop out first, and more of them from the last arm. The true means too."""
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(n, 2)), rng.permutation(np.arange(n) % arms)
    mean = x[:, :1] + np.arange(arms) * 0.5
    y = mean[np.arange(n), arm] + rng.normal(size=n)
    chance = 1 / (1 + np.exp(-(1.0 + 1.2 * x[:, 0] - 0.8 * arm) / lost))
    known = rng.uniform(size=n) < chance
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1]})
    chances = np.full((n, arms), 1 / arms)
    return x, Trial(frame, arm, np.where(known, y, 0.0), arms, chances, observed=known)


def folds_of(trial, seed=1, folds=5):
    return balanced_folds(strata(trial), folds, np.random.default_rng(seed))


def fitted(x, trial, **plan):
    folds = folds_of(trial)
    plan = plan_nuisances(x, trial, folds=folds, seed=1, models=("linear",), **plan)
    return crossfit(x, trial, plan=plan, folds=folds, seed=1)


@pytest.mark.parametrize("arms", [2, 3])
def test_scores_and_weights_are_those_of_a_loop_written_by_hand(arms):
    x, trial = drawn(200, 1, arms)
    fit, bound = fitted(x, trial), truncation_bound(200)
    scores, weight = doubly_robust(fit, trial), weights(fit, trial)
    for i in range(200):
        a = trial.arm[i]
        assert weight[i] == pytest.approx(trial.observed[i] / max(fit.known[i], bound))
        for k in range(arms):
            correction = arms * weight[i] * (trial.y[i] - fit.expected[i, k]) if k == a else 0.0
            assert scores[i, k] == pytest.approx(fit.expected[i, k] + correction)


def test_folds_share_out_the_known_and_the_unknown_of_each_arm():
    _, trial = drawn(230, 2, 3)
    folds = folds_of(trial)
    for k in range(3):
        for known in (True, False):
            sizes = np.bincount(folds[(trial.arm == k) & (trial.observed == known)], minlength=5)
            assert sizes.max() - sizes.min() <= 1


def test_the_chance_of_being_known_is_a_logistic_regression_of_each_arm():
    x, trial = drawn(400, 3)
    folds = folds_of(trial)
    plan = plan_censoring(x, trial, folds)
    model = fit_censoring(x, trial, plan)
    for k in range(2):
        own = trial.arm == k
        known = trial.observed[own].astype(np.int64)
        assert plan[k] == choose_penalty(x[own], known, 2, folds[own])
        expected = fit_propensity(x[own], known, 2, *plan[k]).predict(x)[:, 1]
        assert model.chances(x)[:, k] == pytest.approx(expected)
        assert model.predict(x, trial)[own] == pytest.approx(expected[own])


def test_where_few_of_an_arm_are_lost_features_do_not_enter():
    x, trial = drawn(100, 4)
    observed = np.arange(100) >= 3
    few = replace(trial, observed=observed, arm=np.arange(100) % 2)
    plan = plan_censoring(x, few, folds_of(few))
    assert plan == (None, None)
    known = fit_censoring(x, few, plan).predict(x, few)
    assert known == pytest.approx(np.where(few.arm == 0, 48 / 50, 49 / 50))


def test_nobodys_own_outcome_or_loss_enters_what_is_said_of_him():
    x, trial = drawn(160, 5)
    folds = folds_of(trial)
    plan = NuisancePlan("ridge", censoring=((0.1, 1.0), (0.1, 1.0)))
    before = crossfit(x, trial, plan=plan, folds=folds, seed=1)
    known, y = trial.observed.copy(), trial.y.copy()
    known[7], y[7] = not known[7], 1000.0
    changed = replace(trial, observed=known, y=np.where(known, y, 0.0))
    after, own = crossfit(x, changed, plan=plan, folds=folds, seed=1), folds == folds[7]
    assert (after.expected[own] == before.expected[own]).all()
    assert (after.known[own] == before.known[own]).all()
    assert (after.known[~own] != before.known[~own]).any()


def test_unknown_outcomes_are_no_zeros():
    x, trial = drawn(300, 6)
    fit = fitted(x, trial)
    absurd = replace(trial, y=np.where(trial.observed, trial.y, 1e6))
    assert doubly_robust(fitted(x, absurd), absurd) == pytest.approx(doubly_robust(fit, trial))


@pytest.mark.parametrize("name", OUTCOME_MODELS)
def test_weights_count_in_every_outcome_model(name):
    """Errors have the weighted mean 0, where the plain mean of the outcome lies elsewhere."""
    rng = np.random.default_rng(7)
    x, arm = rng.normal(size=(400, 2)), np.arange(400) % 2
    y = np.minimum(rng.poisson(np.exp(0.3 * x[:, 0])), 1) * 1.0
    weight = np.where(y > 0, 3.0, 1.0)
    own = OUTCOME_MODELS[name](x, arm, y, 2, 1, weight).predict(x)[np.arange(400), arm]
    assert np.average(y, weights=weight) > y.mean() + 0.15
    assert np.average(y - own, weights=weight) == pytest.approx(0.0, abs=0.02 if "boosted" in name else 1e-3)


@pytest.mark.parametrize("name", ["linear", "logistic"])
def test_a_weight_of_two_is_a_person_twice(name):
    rng = np.random.default_rng(7)
    x, arm = rng.normal(size=(2000, 2)), np.arange(2000) % 2
    y = (rng.uniform(size=2000) < 1 / (1 + np.exp(-x[:, 0]))) * 1.0
    weight = rng.integers(1, 3, 2000)
    twice = np.repeat(np.arange(2000), weight)
    weighed = OUTCOME_MODELS[name](x, arm, y, 2, 1, weight.astype(float)).predict(x)
    repeated = OUTCOME_MODELS[name](x[twice], arm[twice], y[twice], 2, 1).predict(x)
    assert weighed == pytest.approx(repeated, abs=0.01)


@pytest.mark.slow
def test_people_like_the_lost_count_for_more_and_dropping_them_would_mislead():
    right, off, naive = np.array([0.0, 0.5]), [], []
    for seed in range(8):
        x, trial = drawn(400, 100 + seed)
        off.append(doubly_robust(fitted(x, trial), trial).mean(axis=0) - right)
        naive.append([trial.y[trial.observed & (trial.arm == k)].mean() - right[k] for k in (0, 1)])
    error = np.std(off, axis=0, ddof=1) / np.sqrt(8)
    assert (np.abs(np.mean(off, axis=0)) < 3.5 * error).all()
    assert (np.mean(naive, axis=0) > 0.15).all()


def test_right_means_where_the_outcome_model_is_wrong_but_the_weights_are_right():
    x, trial = drawn(60_000, 8)
    chance = 1 / (1 + np.exp(-(1.0 + 1.2 * x[:, 0] - 0.8 * trial.arm)))
    fit = replace(fitted(x[:200], trial.rows(np.arange(200))), expected=np.full((60_000, 2), 3.0),
                  probability=trial.probability, known=chance)  # fmt: skip
    assert doubly_robust(fit, trial).mean(axis=0) == pytest.approx([0.0, 0.5], abs=0.06)


def test_completed_outcomes_have_the_mean_of_the_true_ones_in_each_arm():
    x, trial = drawn(4000, 9)
    found = completed(fitted(x, trial), trial)
    assert [found[trial.arm == k].mean() for k in (0, 1)] == pytest.approx([0.0, 0.5], abs=0.12)


def test_a_complete_trial_is_as_it_was_before_there_were_weights():
    x, trial = drawn(120, 10)
    whole = replace(trial, observed=None, y=np.random.default_rng(1).normal(size=120))
    fit = fitted(x, whole)
    assert (fit.known == 1).all()
    assert completed(fit, whole) is whole.y
    data = effect_data(x, fit, whole)
    assert (data.weight == 1).all()
    everyone = replace(whole, observed=np.full(120, True))
    assert (doubly_robust(fitted(x, everyone), everyone) == data.scores).all()


def test_without_features_the_weights_are_the_shares():
    _, trial = drawn(300, 11)
    x = np.empty((300, 0))
    fit = fitted(x, trial)
    for k in range(2):
        own = trial.arm == k
        assert fit.known[own] == pytest.approx(np.full(own.sum(), trial.observed[own].mean()), abs=0.03)
