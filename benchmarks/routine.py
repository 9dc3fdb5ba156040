"""Routine care with a known truth: naive, ours, oracle; and what bounds hold where a confounder is hidden."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from alleviate.models.propensities import crossfit_propensity
from alleviate.models.scores import (
    aipw,
    balanced_folds,
    crossfit,
    doubly_robust,
    plan_nuisances,
    stay_in_reach,
)
from alleviate.models.sensitivity import Scored, bounds
from alleviate.models.trial import Trial
from alleviate.models.trimming import cut_by_rule
from lines import Line, note

__all__ = ["lines"]

Floats = NDArray[np.float64]

FIRST = 0
SEEDS = 200
FOLDS = 5
GAMMA = 2.0


@dataclass(frozen=True, slots=True)
class Care:
    """``mean``, ``chances`` (n, 2): the truth given the features; ``effect`` (n,) given the hidden too."""

    x: Floats
    mean: Floats
    chances: Floats
    effect: Floats
    trial: Trial


def drawn(n: int, seed: int, gamma: float) -> Care:
    """Five features, two of which steer arm and outcome, one of them curved; effect 0.3 + 0.3 x_3.

    ``gamma`` > 1: besides, the odds of arm 1 are ``gamma`` or 1/``gamma`` times as high for one hidden half
    of the people, whose outcomes lie 0.5 above, or below. Knowing Y(k) tells the half but in part, so that it
    moves the odds by less than ``gamma``.
    """
    rng = np.random.default_rng(seed)
    x, secret = rng.normal(size=(n, 5)), rng.integers(0, 2, n) * 2.0 - 1.0
    base = x[:, 0] + 0.5 * x[:, 1] + 0.3 * np.abs(x[:, 0])
    effect = 0.3 + 0.3 * x[:, 2]
    logit = 0.8 * x[:, 0] - 0.6 * x[:, 1] + 0.4 * np.abs(x[:, 0]) - 0.3
    hidden = (gamma > 1.0) * secret
    own = 1 / (1 + np.exp(-(logit + np.log(gamma) * hidden)))
    arm = (rng.uniform(size=n) < own).astype(np.int64)
    both = [1 / (1 + np.exp(-(logit + sign * np.log(gamma)))) for sign in (-1.0, 1.0)]
    chance = (both[0] + both[1]) / 2.0
    y = base + arm * effect + 0.5 * hidden + rng.normal(size=n)
    frame = pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(x.T)})
    return Care(
        x,
        np.column_stack([base, base + effect]),
        np.column_stack([1 - chance, chance]),
        effect,
        Trial(frame, arm, y, 2),
    )


def judge(n: int, seed: int, gamma: float) -> tuple[Floats, Floats]:
    """Errors of naive, ours and oracle; whether naive, ours, oracle and the bounds held the truth."""
    with threadpool_limits(1):
        care = drawn(n, seed, gamma)
        folds = balanced_folds(care.trial.arm, FOLDS, np.random.default_rng(seed))
        before, _ = crossfit_propensity(care.x, care.trial.arm, 2, folds)
        kept = np.flatnonzero(cut_by_rule(before).keeps(before))
        x, trial = care.x[kept], care.trial.rows(kept)
        folds = balanced_folds(trial.arm, FOLDS, np.random.default_rng(seed + 1))
        plan = plan_nuisances(x, trial, folds=folds, seed=1)
        fit = crossfit(x, trial, plan=plan, folds=folds, seed=1)
        ours = doubly_robust(fit, trial)
        oracle = aipw(care.mean[kept], care.chances[kept], trial.arm, trial.y)
        scored = Scored(
            fit.expected,
            stay_in_reach(fit.probability, len(trial), False),
            trial.arm,
            trial.y,
            np.ones(len(trial)),
        )
        sides = bounds(scored, GAMMA)
    truth = float(care.effect[kept].mean())
    groups = [trial.y[trial.arm == k] for k in (0, 1)]
    naive = groups[1].mean() - groups[0].mean() - truth
    naive_se = np.sqrt(sum(group.var() / len(group) for group in groups))
    found, right = (scores[:, 1] - scores[:, 0] for scores in (ours, oracle))
    off = np.array([naive, found.mean() - truth, right.mean() - truth])
    errors = np.array([naive_se, _se(found), _se(right)])
    low, high = sides.low[:, 1] - sides.high[:, 0], sides.high[:, 1] - sides.low[:, 0]
    held = low.mean() - 1.96 * _se(low) <= truth <= high.mean() + 1.96 * _se(high)
    return off, np.append(np.abs(off) <= 1.96 * errors, held)


def _se(person: Floats) -> float:
    return float(person.std(ddof=1) / np.sqrt(len(person)))


def lines(asked: object) -> list[Line]:
    """``asked`` may say ``first`` (seed of the first study), ``scale`` (share of the studies), ``cores``."""
    first, scale = getattr(asked, "first", FIRST), getattr(asked, "scale", 1.0)
    seeds = range(first, first + max(20, round(SEEDS * scale)))
    result = []
    for n in (500, 2_000):
        for gamma in (1.0, GAMMA):
            run = Parallel(getattr(asked, "cores", 1))
            judged = run(delayed(judge)(n, seed, gamma) for seed in seeds)
            off, held = (np.array([pair[part] for pair in judged]) for part in (0, 1))
            bias, covered = off.mean(axis=0), held.mean(axis=0)
            names = ("naive", "ours", "oracle")
            found = "; ".join(
                f"{name} {b:+.3f}, {c:.0%}" for name, b, c in zip(names, bias, covered, strict=False)
            )
            if gamma == 1.0:
                what = f"routine care, n={n}: bias and coverage of the effect, {len(off)} studies"
                line = Line(what, "ours 93–97 %", found, bool(0.93 <= covered[1] <= 0.97))
            else:
                what = f"the same with a hidden confounder of {gamma:g}, n={n}: its bounds hold the truth"
                line = Line(what, "≥ 95 %", f"{covered[3]:.0%} ({found})", bool(covered[3] >= 0.95))
            result.append(line)
            note(f"{line.what}: {line.found}")
    return result
