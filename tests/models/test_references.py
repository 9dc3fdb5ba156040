"""Other assumptions about unknown outcomes: each estimate is of what it says, by a known truth."""

import numpy as np
import polars as pl
import pytest

from alleviate.models.references import reference_scores
from alleviate.models.scores import balanced_folds, plan_nuisances, strata
from alleviate.models.trial import Trial


def drawn(n, seed, arms=2):
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(n, 2)), rng.permutation(np.arange(n) % arms)
    mean = x[:, :1] + np.arange(arms) * (1.0 + 0.5 * x[:, 1:])
    chance = 1 / (1 + np.exp(-(1.0 + 0.8 * x[:, :1] - 0.8 * np.arange(arms))))
    y, known = mean[np.arange(n), arm] + rng.normal(size=n), rng.uniform(size=n) < chance[np.arange(n), arm]
    frame, chances = pl.DataFrame({"a": x[:, 0], "b": x[:, 1]}), np.full((n, arms), 1 / arms)
    return x, Trial(frame, arm, np.where(known, y, 0.0), arms, chances, observed=known), mean, chance


def scored(x, trial, reference=0):
    folds = balanced_folds(strata(trial), 5, np.random.default_rng(1))
    plan = plan_nuisances(x, trial, folds=folds, seed=1, models=("linear", "ridge"))
    return reference_scores(x, trial, plan=plan, folds=folds, seed=1, reference=reference)


@pytest.mark.slow
@pytest.mark.parametrize("arms", [2, 3])
def test_each_is_unbiased_for_what_it_says(arms):
    _, _, mean, chance = drawn(300_000, 1, arms)
    wanted = {
        "alike": mean.mean(axis=0),
        "jump": (chance * mean + (1 - chance) * mean[:, :1]).mean(axis=0),
        "lost": (1 - chance).mean(axis=0),
    }
    off = {name: [] for name in wanted}
    for seed in range(6):
        x, trial, _, _ = drawn(400, 100 + seed, arms)
        found = scored(x, trial)
        for name, right in wanted.items():
            off[name].append(getattr(found, name).mean(axis=0) - right)
    for name, errors in off.items():
        assert (np.abs(np.mean(errors, axis=0)) < 4 * np.std(errors, axis=0, ddof=1) / np.sqrt(6)).all(), name


def test_people_of_the_reference_arm_jump_nowhere():
    x, trial, _, _ = drawn(300, 2)
    found = scored(x, trial)
    assert found.jump[:, 0] == pytest.approx(found.alike[:, 0])


def test_a_shift_of_all_unknown_outcomes_moves_an_arm_by_the_share_lost():
    x, trial, _, _ = drawn(2000, 3)
    lost = scored(x, trial).lost
    for k in range(2):
        own = trial.arm == k
        assert lost[:, k].mean() == pytest.approx(1 - trial.observed[own].mean(), abs=0.02)


def test_without_a_reference_nobody_jumps():
    x, trial, _, _ = drawn(200, 4)
    assert scored(x, trial, reference=None).jump is None
