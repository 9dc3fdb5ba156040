"""Do the intervals of one person's forecast cover? New people, the truth about each known, at nominal 90 %.

Runs are kept as lines of JSON, so that a stopped run goes on: `python benchmarks/persons.py --trials 20`.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from alleviate.models.forecaster import Forecasts
from alleviate.models.trial import Trial
from alleviate.policies.choice import choose_arms
from alleviate.policies.selection import learn_rule
from alleviate.terms.study import CANDIDATES
from lines import RESULTS, Line, note, written
from problems import P1_EFFECTS, Draw, p1, p2
from problems_own import curved, dropout, level, routine, strong

__all__ = ["CELLS", "Covered", "judge_persons", "lines"]

KEPT = RESULTS / "persons-cache.jsonl"
LEVEL = 0.90
NEW, NEW_SEED = 1_000, 987_654_321
MISSING = 0.30
"""Share of the features that are struck out, at random, to see whether intervals then widen enough."""

CELLS: dict[str, tuple[Callable[[int, int], Draw], int]] = {
    **{f"P1 {name}, n={n}": (partial(p1, name), n) for name in P1_EFFECTS for n in (200, 500, 1000)},
    "P2, n=1000": (p2, 1000),
    "curved, n=500": (curved, 500),
    "curved, n=1000": (curved, 1000),
    "routine care, n=1000": (routine, 1000),
    "dropout, n=600": (dropout, 600),
    "strong, n=2000": (strong, 2000),
    "level, n=500": (level, 500),
}

NOBODY_DIFFERS = ("P1 null", "level")
"""Problems in which intervals must be too wide: no data can show that nobody differs."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Shares of new people whose interval holds the truth, and what else there is to know of a run.

    ``benefit`` of each arm over each other, ``advised`` over next best, ``expected`` outcome under each
    arm, ``own`` outcome under the arm they got, ``blind``: benefit, features missing. ``width`` and ``error``
    (root mean square) of the benefit; ``established``: called so, at 95 %; ``harmed``: so and wrongly.
    """

    benefit: float
    advised: float
    expected: float
    own: float
    blind: float
    width: float
    error: float
    established: float
    harmed: float
    chosen: str


@lru_cache(maxsize=32)
def new_people(cell: str) -> Draw:
    return CELLS[cell][0](NEW, NEW_SEED)


def _frame(draw: Draw) -> pl.DataFrame:
    return pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(draw.x.T)})


def _pairs(forecasts: Forecasts, truth: np.ndarray) -> tuple[float, float, float]:
    """Share of all pairs of arms covered, mean width, root mean squared error, of those who can be judged."""
    judged = np.array([problem is None for problem in forecasts.problems])
    inside, widths, squares = [], [], []
    for a in range(truth.shape[1]):
        for b in range(a):
            arms = np.full(len(truth), a), np.full(len(truth), b)
            benefit, low, high = forecasts.benefit(*arms, LEVEL)
            true = truth[:, a] - truth[:, b]
            inside.append(((low <= true) & (true <= high))[judged])
            widths.append((high - low)[judged])
            squares.append(((benefit - true) ** 2)[judged])
    return float(np.mean(inside)), float(np.mean(widths)), float(np.sqrt(np.mean(squares)))


def judge_persons(cell: str, seed: int) -> Covered:
    """Learn from one draw as `alleviate learn` does, and forecast for new people."""
    drawn, n = CELLS[cell]
    draw, new = drawn(n, seed), new_people(cell)
    arms = draw.mean.shape[1]
    trial = Trial(
        _frame(draw), draw.arm, draw.y, arms, draw.probability, observed=draw.observed, clusters=draw.site
    )
    people, rows = _frame(new), np.arange(NEW)
    gone = np.random.default_rng(seed + NEW_SEED).uniform(size=new.x.shape) < MISSING
    struck = people.select(
        pl.when(pl.Series(~gone[:, j])).then(pl.col(name)).alias(name)
        for j, name in enumerate(people.columns)
    )
    with threadpool_limits(1):
        learned = learn_rule(trial, CANDIDATES, np.random.SeedSequence([seed, 1]))
        forecasts, blind = (learned.forecaster.forecast(frame) for frame in (people, struck))
    choices = choose_arms(forecasts, best_arm=learned.best_arm, verdict="personalise")
    first, second = np.maximum(choices.arm, 0), choices.second
    judged = choices.arm >= 0
    true = new.mean[rows, first] - new.mean[rows, second]
    _, low, high = forecasts.benefit(first, second, LEVEL)
    bottom, top = forecasts.expectation(LEVEL)
    ends = forecasts.own_outcome(LEVEL)
    assert ends is not None
    seen = judged if new.observed is None else judged & new.observed
    own = (ends[0][rows, new.arm] <= new.y) & (new.y <= ends[1][rows, new.arm])
    shown = judged & np.array([strength == "established" for strength in choices.strength])
    benefit, width, error = _pairs(forecasts, new.mean)
    return Covered(
        benefit=benefit,
        advised=float(((low <= true) & (true <= high))[judged].mean()),
        expected=float(((bottom <= new.mean) & (new.mean <= top))[judged].mean()),
        own=float(own[seen].mean()),
        blind=_pairs(blind, new.mean)[0],
        width=width,
        error=error,
        established=float(shown.mean()),
        harmed=float((shown & (true < 0)).mean()),
        chosen=learned.chosen,
    )


def _kept(path: Path) -> dict[tuple[str, int], Covered]:
    found = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            run = json.loads(line)
            found[run.pop("cell"), run.pop("seed")] = Covered(**run)
    return found


def _judged(cells: Sequence[str], seeds: Sequence[int], path: Path) -> dict[tuple[str, int], Covered]:
    found = _kept(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for seed in seeds:
            for cell in cells:
                if (cell, seed) not in found:
                    found[cell, seed] = judge_persons(cell, seed)
                    run = {"cell": cell, "seed": seed, **asdict(found[cell, seed])}
                    file.write(json.dumps(run) + "\n")
                    file.flush()
            note(f"persons: seed {seed}")
    return {(cell, seed): found[cell, seed] for cell in cells for seed in seeds}


def _line(cell: str, runs: Sequence[Covered]) -> Line:
    def mean(name: str) -> float:
        return float(np.mean([getattr(run, name) for run in runs]))

    error = np.std([run.benefit for run in runs], ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.nan
    found = (
        f"{mean('benefit'):.1%} ± {error:.1%}, advised over next best {mean('advised'):.1%}, "
        f"features missing {mean('blind'):.1%}; expected outcome {mean('expected'):.1%}; "
        f"own outcome {mean('own'):.1%}; width {mean('width'):.2f}, error {mean('error'):.2f}; "
        f"established {mean('established'):.1%}, wrongly {mean('harmed'):.1%}"
    )
    if cell.startswith(NOBODY_DIFFERS):
        return Line(f"persons: {cell}", "≥ 88 %: nobody differs", found, mean("benefit") >= 0.88)
    return Line(f"persons: {cell}", "88 to 92 %", found, 0.88 <= mean("benefit") <= 0.92)


def lines(asked: argparse.Namespace) -> list[Line]:
    """Coverage of the benefit's intervals at nominal 90 %, cell by cell; ``asked``: ``trials``, ``first``."""
    seeds = range(asked.first, asked.first + asked.trials)
    cells = [cell for cell in CELLS if getattr(asked, "only", None) is None or asked.only in cell]
    runs = _judged(cells, seeds, KEPT)
    return [_line(cell, [runs[cell, seed] for seed in seeds]) for cell in cells]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20, help="draws of each problem")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", help="cells whose name contains this")
    chosen = parser.parse_args()
    settings = {"nominal": "90 %", "trials": chosen.trials, "first seed": chosen.first}
    written("persons", "Intervals of one person's forecast", lines(chosen), settings)
