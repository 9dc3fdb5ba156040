"""Unknown outcomes and events in time with a known truth: bias, coverage, and what dropping people does."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from alleviate.models.references import reference_scores
from alleviate.models.scores import balanced_folds, crossfit, doubly_robust, plan_nuisances, strata
from alleviate.models.trial import Trial
from lines import Line, note

__all__ = ["lines"]

Floats = NDArray[np.float64]

HORIZON = 10.0
MANY = 400_000
FIRST = 0
SEEDS = 400
N = 500
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """Of one trial: estimates less the truth, whether intervals covered it, and what dropping the lost gives.

    Each (3,): the two arms' values and their difference.
    """

    off: Floats
    covered: NDArray[np.bool_]
    dropped: Floats


def hazards(x: Floats) -> Floats:
    """(n, 2) of an event that treatment delays, more so for those with a small first feature."""
    return np.exp(-2.2 + 0.5 * x[:, :1] - 0.3 * x[:, 1:2] + np.array([0.0, -0.4]) * (1 + 0.5 * x[:, :1]))


def timed(measure: str, dependent: bool) -> Callable[[int], tuple[Floats, Trial]]:
    """40 % lost before the event or the horizon: at random, or those sooner who have the event sooner."""

    def draw(seed: int) -> tuple[Floats, Trial]:
        rng = np.random.default_rng(seed)
        x, arm = rng.normal(size=(N, 5)), rng.permutation(np.arange(N) % 2)
        time = rng.exponential(1 / hazards(x))[np.arange(N), arm]
        loss = np.exp(-3.2 + 0.8 * x[:, 0] + 0.5 * arm) if dependent else np.full(N, 0.07)
        lost = rng.exponential(1 / loss)
        known, followed = lost >= np.minimum(time, HORIZON), np.minimum(np.minimum(time, lost), HORIZON)
        y = followed if measure == "mean" else (time > HORIZON) * 1.0
        trial = as_trial(x, arm, y, known)
        return x, replace(trial, followed=followed, kind="numeric" if measure == "mean" else "binary")

    return draw


def timed_truth(measure: str) -> Floats:
    rate = hazards(np.random.default_rng(987_654_321).normal(size=(MANY, 5)))
    lasting = np.exp(-rate * HORIZON)
    return (lasting if measure == "free" else (1 - lasting) / rate).mean(axis=0)


def plain_parts(x: Floats) -> tuple[Floats, Floats]:
    """(n, 2) mean outcome under each arm and chance that it is known."""
    mean = np.column_stack([x[:, 0], 0.5 + x[:, 0] + 0.5 * x[:, 1]])
    return mean, 1 / (1 + np.exp(-(1.0 + 0.8 * x[:, :1] - np.array([0.0, 0.8]))))


def plain(seed: int) -> tuple[Floats, Trial]:
    """A third drop out, those with bad prospects first, and more of the second arm."""
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(N, 5)), rng.permutation(np.arange(N) % 2)
    mean, chance = (part[np.arange(N), arm] for part in plain_parts(x))
    return x, as_trial(x, arm, mean + rng.normal(size=N), rng.uniform(size=N) < chance)


def plain_truth(jump: bool) -> Floats:
    mean, chance = plain_parts(np.random.default_rng(987_654_321).normal(size=(MANY, 5)))
    after = mean[:, :1] if jump else mean
    return (chance * mean + (1 - chance) * after).mean(axis=0)


def as_trial(x: Floats, arm: NDArray[np.int64], y: Floats, known: NDArray[np.bool_]) -> Trial:
    frame = pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(x.T)})
    return Trial(frame, arm, np.where(known, y, 0.0), 2, np.full((len(x), 2), 0.5), observed=known)


def judge(draw: Callable[[int], tuple[Floats, Trial]], truth: Floats, seed: int, jump: bool) -> Judged:
    with threadpool_limits(1):
        x, trial = draw(seed)
        folds = balanced_folds(strata(trial), FOLDS, np.random.default_rng(seed))
        plan = plan_nuisances(x, trial, folds=folds, seed=1, models=("linear", "ridge"))
        if jump:
            found = reference_scores(x, trial, plan=plan, folds=folds, seed=1, reference=0).jump
            assert found is not None
        else:
            found = doubly_robust(crossfit(x, trial, plan=plan, folds=folds, seed=1), trial)
    wanted = np.append(truth, truth[1] - truth[0])
    person = np.column_stack([found, found[:, 1] - found[:, 0]])
    off = person.mean(axis=0) - wanted
    known = [trial.y[trial.observed & (trial.arm == k)].mean() for k in (0, 1)]
    dropped = np.array([*known, known[1] - known[0]]) - wanted
    return Judged(off, np.abs(off) < 1.96 * person.std(axis=0, ddof=1) / np.sqrt(N), dropped)


def lines(asked: object) -> list[Line]:
    """``asked`` may say ``first`` (seed of the first trial), ``scale`` (share of the trials), ``cores``."""
    first, scale = getattr(asked, "first", FIRST), getattr(asked, "scale", 1.0)
    seeds = range(first, first + max(20, round(SEEDS * scale)))
    cases = {
        "mean event-free time to 10, lost at random": (timed("mean", False), timed_truth("mean"), False),
        "the same, who is lost depends on x and arm": (timed("mean", True), timed_truth("mean"), False),
        "no event by 10, lost at random": (timed("free", False), timed_truth("free"), False),
        "none by 10, who is lost depends on both": (timed("free", True), timed_truth("free"), False),
        "outcome unknown for a third, by features and arm": (plain, plain_truth(False), False),
        "the same, jump to reference": (plain, plain_truth(True), True),
    }
    result = []
    for name, (draw, truth, jump) in cases.items():
        run = Parallel(getattr(asked, "cores", 1))
        judged = run(delayed(judge)(draw, truth, seed, jump) for seed in seeds)
        off, dropped = (np.array([getattr(j, part) for j in judged]) for part in ("off", "dropped"))
        covered = float(np.mean([j.covered for j in judged]))
        error = off.std(axis=0, ddof=1) / np.sqrt(len(off))
        unbiased = bool((np.abs(off.mean(axis=0)) < 4 * error).all())
        shown = ", ".join(f"{m:+.3f} ± {e:.3f}" for m, e in zip(off.mean(axis=0), error, strict=True))
        naive = ", ".join(f"{m:+.3f}" for m in dropped.mean(axis=0))
        found = f"{covered:.1%}; bias {shown} (dropping them: {naive})"
        what = f"{name}: values and difference covered, {len(off)} trials, n={N}"
        result.append(Line(what, "93–97 %, no bias", found, bool(0.93 <= covered <= 0.97) and unbiased))
        note(f"{what}: {found}")
    return result
