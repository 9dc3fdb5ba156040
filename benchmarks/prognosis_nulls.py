"""Where there is nothing to foresee, that is what is found; a feature that is the outcome is refused."""

from collections.abc import Callable

import numpy as np
import polars as pl
from joblib import Parallel, delayed

from alleviate.models.performance.performance import performance
from alleviate.models.prognosis.people import People
from alleviate.models.trial import Floats
from alleviate.studies.prognosis.checks import leaks
from alleviate.studies.prognosis.evaluation import evaluated, learn_step, outer_folds, tasks_of
from alleviate.studies.prognosis.steps import Steps
from alleviate.studies.rules import table_from
from alleviate.terms.errors import DataError
from alleviate.terms.prognosis_study import PREDICTORS
from lines import Line

__all__ = ["lines", "noise", "refused"]

COLUMNS = 10
SIZES = (100, 200, 400)
LEAKED: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "a copy of the outcome, 1 in 500 wrong": lambda y, rng: np.where(rng.random(len(y)) < 0.002, 1 - y, y),
    "a number measured when the outcome came": lambda y, rng: 5 * y + rng.normal(size=len(y)),
    "a date recorded of those with the event only": lambda y, rng: np.where(
        y == 1, rng.normal(size=len(y)), np.nan
    ),
}


def noise(seed: int, n: int, repeats: int) -> tuple[bool, str]:
    """Whether the AUC's interval covers .5, and the model chosen, where the outcome is a coin's."""
    rng = np.random.default_rng([seed, n])
    columns = {f"x{j}": rng.normal(size=n) for j in range(COLUMNS)} | {"g": rng.choice(["a", "b", "c"], n)}
    y = (rng.random(n) < 0.35).astype(float)
    people = People(pl.DataFrame(columns), y, "binary", np.ones(n))
    tasks = tasks_of(outer_folds(people, 5, repeats, seed, None), seed)
    done = {i: learn_step(people, PREDICTORS, None, None, *task) for i, task in enumerate(tasks)}
    found = evaluated(people, Steps(done, len(tasks)), tasks)
    auc = performance(found.repeats)["auc"]
    return bool(auc.low <= 0.5 <= auc.high), str(found.final["chosen"])


def refused(seed: int, leak: Callable[[Floats, np.random.Generator], Floats], n: int = 300) -> bool:
    """Whether a study with this feature is refused, the others being noise."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.35).astype(float)
    features = pl.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "leak": leak(y, rng)})
    try:
        leaks(table_from(features.with_columns(y=y)), features.fill_nan(None), y, None, "y")
    except DataError:
        return True
    return False


def lines(seeds: int, first: int, cores: int, repeats: int = 2) -> list[Line]:
    """``seeds``: data sets, shared among the sizes."""
    every = range(first, first + seeds)
    drawn = Parallel(cores)(delayed(noise)(seed, SIZES[seed % len(SIZES)], repeats) for seed in every)
    covered, none = sum(held for held, _ in drawn), sum(chosen == "none" for _, chosen in drawn)
    what = f"pure noise, {seeds} data sets of {', '.join(map(str, SIZES))} people"
    caught = {words: sum(refused(seed, leak) for seed in every) for words, leak in LEAKED.items()}
    return [
        Line(f"{what}: AUC's interval covers .5", "≥ 93 %", f"{covered}", covered >= 0.93 * seeds),
        Line(f"{what}: no predictors chosen", "≥ 90 %", f"{none}", none >= 0.9 * seeds),
        *(
            Line(f"leak caught: {words}", "always", f"{count} of {seeds}", count == seeds)
            for words, count in caught.items()
        ),
    ]
