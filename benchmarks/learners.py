"""The learners of effects against each other: how far from the true effect, and in how long.

Each learns from the same cross-fitted data. The average differences of the arms are those of the scores for
all, so that what is compared is who gains more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np
import polars as pl

import problems
from alleviate.models.effects import LEARNERS
from alleviate.models.scores import balanced_folds, crossfit, effect_data, plan_nuisances, strata
from alleviate.models.trial import EffectData, Floats, Trial
from lines import markdown
from problems import Draw

__all__ = ["Cell", "effect_race", "prepared", "strong", "table"]

FRESH = 5000
"""People on whom effects are compared, none of whom was learned from."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One learner on one problem: root mean squared error of the arms' pairwise differences, seconds a fit.

    Both (seeds,). Seconds are of the processor, on one thread.
    """

    problem: str
    n: int
    learner: str
    error: Floats
    seconds: Floats


def strong(n: int, seed: int) -> Draw:
    """Two arms, p=20, assignment by features; an effect of SD 1.07 with two interactions, noise of SD 1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(n, 20))
    effect = 1.5 * np.sin(np.pi * x[:, 0] * x[:, 1]) + (x[:, 2] > 0.2) * (x[:, 3] < 0.3) + x[:, 4] ** 2
    chance = 0.1 + 0.8 / (1 + np.exp(-x[:, 0] - 0.5 * x[:, 2]))
    arm = (rng.uniform(size=n) < chance).astype(np.int64)
    level = np.maximum(x[:, 5] + x[:, 6], 0) + x[:, 0]
    mean = level[:, None] + np.array([-0.5, 0.5]) * effect[:, None]
    y = mean[np.arange(n), arm] + rng.standard_normal(n)
    return Draw(x, arm, y, np.column_stack([1 - chance, chance]), mean)


PROBLEMS = {
    "P1 linear": lambda n, seed: problems.p1("lin", n, seed),
    "P1 threshold": lambda n, seed: problems.p1("thr", n, seed),
    "P1 none": lambda n, seed: problems.p1("null", n, seed),
    "P2": problems.p2,
    "strong": strong,
}


def prepared(draw: Draw, seed: int) -> EffectData:
    """What the house gives its learners: nuisances chosen and fitted out of fold, chances known."""
    frame = pl.DataFrame({f"x{j}": column for j, column in enumerate(draw.x.T)})
    trial = Trial(frame, draw.arm, draw.y, draw.mean.shape[1], draw.probability)
    folds = balanced_folds(strata(trial), 5, np.random.default_rng(seed))
    plan = plan_nuisances(draw.x, trial, folds=folds, seed=seed)
    return effect_data(draw.x, crossfit(draw.x, trial, plan=plan, folds=folds, seed=seed), trial)


def effect_race(
    seeds: Iterable[int],
    names: Sequence[str] = tuple(name for name in LEARNERS if name != "bcf"),
    sizes: Sequence[int] = (500, 2000),
    asked: Sequence[str] = tuple(PROBLEMS),
) -> list[Cell]:
    """Every learner of ``names`` on every problem at every size, on the same draws."""
    cells: dict[tuple[str, int, str], list[tuple[float, float]]] = {}
    for seed in seeds:
        for problem in asked:
            fresh = PROBLEMS[problem](FRESH, seed + 10_000_000)
            truth = fresh.mean - fresh.mean.mean(axis=1, keepdims=True)
            for n in sizes:
                data = prepared(PROBLEMS[problem](n, seed), seed)
                average = data.scores.mean(axis=0) - data.scores.mean()
                for name in names:
                    start = process_time()
                    model = LEARNERS[name].fit(data, seed)
                    seconds = process_time() - start
                    found = model.predict(fresh.x) - model.predict(data.x).mean(axis=0) + average
                    # over all pairs of K arms, the squared differences average to 2/(K-1) Σ_k of the squares
                    squares = 2.0 / (data.arms - 1) * ((found - truth) ** 2).sum(axis=1)
                    cells.setdefault((problem, n, name), []).append((float(np.sqrt(squares.mean())), seconds))
    return [Cell(*key, *np.array(runs).T) for key, runs in cells.items()]


def table(cells: Sequence[Cell]) -> str:
    """Markdown: a row per problem and size, a column per learner: error ± standard error, median seconds."""
    names = list(dict.fromkeys(cell.learner for cell in cells))
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for cell in cells:
        spread = cell.error.std(ddof=1) / np.sqrt(len(cell.error)) if len(cell.error) > 1 else np.nan
        shown = f"{cell.error.mean():.3f} ± {spread:.3f} ({np.median(cell.seconds):.2f} s)"
        rows.setdefault((cell.problem, cell.n), {})[cell.learner] = shown
    return markdown(
        ["problem", "n", *names],
        [[problem, f"{n:,}", *(row.get(name, "") for name in names)] for (problem, n), row in rows.items()],
    )
