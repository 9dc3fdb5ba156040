"""Outcomes completed for those lost: Kaplan-Meier without features, and right if either model is."""

import numpy as np
import polars as pl
import pytest
from test_survival import kaplan_meier

from alleviate.models.censoring import fit_censoring
from alleviate.models.event_times import EventPlan, fit_event_times, plan_event_times
from alleviate.models.scores import (
    balanced_folds,
    crossfit,
    doubly_robust,
    effect_data,
    plan_nuisances,
    strata,
)
from alleviate.models.trial import Trial

HORIZON = 10.0


def rates(x):
    """(n, 2) hazards under each arm."""
    return np.exp(-2.2 + 0.5 * x[:, :1] - 0.3 * x[:, 1:2] + np.array([0.0, -0.4]) * (1 + 0.5 * x[:, :1]))


def truth(measure):
    lasting = rates(np.random.default_rng(1).normal(size=(200_000, 2)))
    every = (1 - np.exp(-lasting * HORIZON)) / lasting if measure == "mean" else np.exp(-lasting * HORIZON)
    return every.mean(axis=0)


def drawn(n, seed, measure="mean", *, dependent=True, rounded=None, sign=1):
    """Two arms by lot; those with a large first feature are lost sooner, and have the event sooner."""
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(n, 2)), rng.permutation(np.arange(n) % 2)
    time = rng.exponential(1 / rates(x))[np.arange(n), arm]
    loss = np.exp(-3.2 + 0.8 * x[:, 0] + 0.5 * arm) if dependent else np.full(n, 0.07)
    lost = rng.exponential(1 / loss)
    if rounded is not None:
        time, lost = np.ceil(time / rounded) * rounded, np.ceil(lost / rounded) * rounded
    known, followed = lost >= np.minimum(time, HORIZON), np.minimum(np.minimum(time, lost), HORIZON)
    y = followed if measure == "mean" else (time > HORIZON) * 1.0 - (sign < 0)
    y = sign * y if measure == "mean" else y
    return x, Trial(
        pl.DataFrame({"a": x[:, 0], "b": x[:, 1]}), arm, np.where(known, y, 0.0), 2, np.full((n, 2), 0.5),
        observed=known, followed=followed, kind="numeric" if measure == "mean" else "binary",
    )  # fmt: skip


def completed(x, trial, *, plan=None, lost=(None, None), bound=1e-9):
    plan = plan or EventPlan((None, None), HORIZON, -1.0 if trial.y.min() < 0 else 1.0)
    losses = fit_censoring(x, trial, lost).hazards
    return fit_event_times(x, trial, plan).completed(x, trial, losses, bound)


@pytest.mark.parametrize("rounded", [None, 1.0], ids=["exact times", "whole weeks"])
@pytest.mark.parametrize("sign", [1, -1])
def test_without_features_their_mean_is_kaplan_meiers_chance(rounded, sign):
    x, trial = drawn(300, 2, "free", rounded=rounded, sign=sign)
    event = trial.observed & (trial.y == (0 if sign > 0 else -1))
    found = completed(x, trial)
    for k in range(2):
        own = trial.arm == k
        free = kaplan_meier(trial.followed[own], event[own], HORIZON + 1, others_first=False)
        assert found[own].mean() == pytest.approx(free - (sign < 0), abs=1e-9)


@pytest.mark.parametrize("rounded", [None, 1.0], ids=["exact times", "whole weeks"])
@pytest.mark.parametrize("sign", [1, -1])
def test_without_features_their_mean_is_the_area_under_kaplan_meier(rounded, sign):
    x, trial = drawn(200, 3, rounded=rounded, sign=sign)
    found = completed(x, trial)
    for k in range(2):
        own = trial.arm == k
        time, event = trial.followed[own], (trial.observed & (trial.followed < HORIZON))[own]
        knots = np.unique([0.0, *time[event], HORIZON])
        heights = [kaplan_meier(time, event, t + 1e-9, others_first=False) for t in knots[:-1]]
        assert found[own].mean() == pytest.approx(sign * (np.diff(knots) @ heights), abs=1e-6)


def test_whoever_is_known_in_a_trial_that_loses_nobody_before_keeps_their_outcome():
    x, trial = drawn(100, 4)
    early = trial.observed & (trial.followed < trial.followed[~trial.observed].min())
    assert early.any()
    assert completed(x, trial)[early] == pytest.approx(trial.y[early])


def test_few_steps_are_close_to_all_of_them(monkeypatch):
    x, trial = drawn(2000, 5)
    every = completed(x, trial)
    monkeypatch.setattr("alleviate.models.event_times.MOST_STEPS", 60)
    assert completed(x, trial) == pytest.approx(every, abs=0.15)


def test_no_weight_exceeds_its_bound():
    x, trial = drawn(300, 6)
    free, bounded = completed(x, trial), completed(x, trial, bound=0.7)
    assert np.abs(bounded).max() < np.abs(free).max()
    assert np.abs(bounded).max() <= HORIZON * (2 / 0.7)


def test_an_arm_with_few_events_has_no_features_in_its_model():
    x, trial = drawn(60, 7)
    plan = plan_event_times(x, trial, balanced_folds(strata(trial), 5, np.random.default_rng(1)))
    events = plan.happened(trial)
    assert [chosen is None for chosen in plan.chosen] == [events[trial.arm == k].sum() < 10 for k in (0, 1)]
    assert (plan.horizon, plan.sign) == (HORIZON, 1.0)


def estimated(x, trial, seed):
    folds = balanced_folds(strata(trial), 5, np.random.default_rng(seed))
    plan = plan_nuisances(x, trial, folds=folds, seed=1, models=("linear",))
    return crossfit(x, trial, plan=plan, folds=folds, seed=1)


def test_learners_see_everybody_with_an_outcome_and_no_weights():
    x, trial = drawn(200, 8)
    fit = estimated(x, trial, 8)
    data = effect_data(x, fit, trial)
    assert (data.weight == 1).all()
    assert (data.y == fit.completed).all()
    own = np.arange(200), trial.arm
    assert data.scores[own] == pytest.approx(fit.expected[own] + (fit.completed - fit.expected[own]) / 0.5)


def test_averages_of_two_fits_average_completed_outcomes_too():
    x, trial = drawn(200, 8)
    one, other = estimated(x, trial, 1), estimated(x, trial, 2)
    assert ((one + other) / 2).completed == pytest.approx((one.completed + other.completed) / 2)


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["mean", "free"])
def test_loss_that_depends_on_the_features_does_not_bias_and_intervals_cover(measure):
    right = truth(measure)
    off, covered, naive = [], [], []
    for seed in range(15):
        x, trial = drawn(400, 200 + seed, measure)
        scores = doubly_robust(estimated(x, trial, seed), trial)
        error = scores.std(axis=0, ddof=1) / np.sqrt(400)
        off.append(scores.mean(axis=0) - right)
        covered.append(np.abs(off[-1]) < 1.96 * error)
        naive.append([trial.y[trial.observed & (trial.arm == k)].mean() - right[k] for k in (0, 1)])
    spread = np.std(off, axis=0)
    assert (np.abs(np.mean(off, axis=0)) < 3 * spread / np.sqrt(15)).all()
    assert np.mean(covered) >= 0.83  # .95 but for chance: 30 intervals
    assert np.mean(naive, axis=0)[1] < -spread[1]
