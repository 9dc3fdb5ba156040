"""Coverage of the intervals of gain, value, arms and contrasts, on simulated trials with known truth.

``python benchmarks/gains.py --trials 100 --first 0``: what was judged is kept, so that a run that was stopped
goes on. The kept lines belong to one state of the engine: begin a file anew (``--kept``) when it changes.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from alleviate.models.trial import Trial
from alleviate.policies.selection import Learned, learn_rule
from alleviate.studies.evaluation import evaluate_learning
from alleviate.terms.estimates import Estimate
from alleviate.terms.study import CANDIDATES
from lines import RESULTS, Line, note, written
from problems import Draw, p1, p2

__all__ = ["CELLS", "Judged", "judge", "lines"]

CELLS = [(problem, n) for problem in ("null", "lin", "thr") for n in (200, 500, 1000)]
CELLS += [("P2", 1000), ("P2", 2000)]

MANY = 20_000
TRUTH_SEED = 987_654_321
LOW, HIGH = 0.93, 0.97
NEAR = 1e-3
"""Truths are means over ``MANY`` people: a rule that differs from one arm for a handful has a gain of ±.0001,
which no trial can tell from 0."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Which intervals of one trial held the truth. ``above``, ``below``: the gain's lies above, below it.

    The truth is the mean true value of the folds' rules less that of the truly best arm; ``packaged``: it
    also held that of the one rule learned from everybody. ``claimed``: the gain's interval lies above 0;
    ``one_arm``: it ends at 0, since the rules gave everybody one arm.
    """

    problem: str
    n: int
    seed: int
    above: bool
    below: bool
    packaged: bool
    claimed: bool
    one_arm: bool
    rule: bool
    arms: tuple[bool, ...]
    contrasts: tuple[bool, ...]


@lru_cache(maxsize=4)
def truth(problem: str) -> Draw:
    return p2(MANY, TRUTH_SEED) if problem == "P2" else p1(problem, MANY, TRUTH_SEED)


def frame(x: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(x.T)})


def holds(found: Estimate, value: float) -> bool:
    return bool(found.low - NEAR <= value <= found.high + NEAR)


def judge(
    problem: str, n: int, seed: int, *, folds: int, repeats: int, names: Sequence[str] = CANDIDATES
) -> Judged:
    """Learn from ``n`` people as `alleviate learn` does, and compare with the truth."""
    draw = p2(n, seed) if problem == "P2" else p1(problem, n, seed)
    new, k = truth(problem), draw.mean.shape[1]
    people, arms = frame(new.x), new.mean.mean(axis=0)
    trial = Trial(frame(draw.x), draw.arm, draw.y, k, draw.probability)

    def worth(learned: Learned) -> tuple[float]:
        x = learned.forecaster.encoder.transform(people).x
        return (new.value(learned.forecaster.differences(x).argmax(axis=1)),)

    with threadpool_limits(1):
        found = evaluate_learning(trial, names, folds=folds, repeats=repeats, seed=seed, probe=worth)
        packaged = worth(learn_rule(trial, names, np.random.SeedSequence([seed, 1])))[0] - arms.max()
    gain, true = found.gain_over_best, found.probed[0] - float(arms.max())
    return Judged(
        problem,
        n,
        seed,
        above=bool(gain.low > true + NEAR),
        below=bool(gain.high < true - NEAR),
        packaged=holds(gain, float(packaged)),
        claimed=gain.low > 0,
        one_arm=gain.high == 0,
        rule=holds(found.rule, found.probed[0]),
        arms=tuple(holds(e, float(v)) for e, v in zip(found.arms, arms, strict=True)),
        contrasts=tuple(
            holds(found.contrasts[a][b], float(arms[a] - arms[b])) for a in range(k) for b in range(a)
        ),
    )


def lines(asked: argparse.Namespace) -> list[Line]:
    """``asked``: trials, first, folds, repeats, workers, kept (a path)."""
    kept = _read(asked.kept)
    wanted = [(p, n, asked.first + i) for i in range(asked.trials) for p, n in CELLS]
    todo = [cell for cell in wanted if cell not in kept]
    run = Parallel(n_jobs=asked.workers, return_as="generator_unordered")
    jobs = (delayed(judge)(*cell, folds=asked.folds, repeats=asked.repeats) for cell in todo)
    for done, judged in enumerate(run(jobs), start=1):
        with asked.kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(judged)) + "\n")
        kept[judged.problem, judged.n, judged.seed] = judged
        note(f"{done} of {len(todo)}: {judged.problem}, n={judged.n}, seed {judged.seed}")
    return [line for p, n in CELLS for line in _cell([kept[c] for c in wanted if c[:2] == (p, n)])]


def _cell(judged: Sequence[Judged]) -> list[Line]:
    name = f"{judged[0].problem if judged[0].problem == 'P2' else 'P1 ' + judged[0].problem}, n={judged[0].n}"
    above, below = (np.array([getattr(j, side) for j in judged]) for side in ("above", "below"))
    claimed = float(np.mean([j.claimed for j in judged]))
    tells = f"above {above.mean():.1%}, below {below.mean():.1%}"
    tells += f", the packaged rule's {np.mean([j.packaged for j in judged]):.1%}"
    tells += f"; one arm for all in {np.mean([j.one_arm for j in judged]):.0%}"
    found = [_covered(f"{name}: gain over the best arm", ~(above | below), tells)]
    found += [
        _covered(f"{name}: {what}", np.array([getattr(j, what) for j in judged]).ravel())
        for what in ("rule", "arms", "contrasts")
    ]
    if judged[0].problem == "null":
        found.append(Line(f"{name}: a gain is claimed", "≤ 5 %", f"{claimed:.1%}", claimed <= 0.05))
    else:
        found.append(Line(f"{name}: a gain is claimed", "", f"{claimed:.1%}", None))
    return found


def _covered(what: str, covered: np.ndarray, tells: str = "") -> Line:
    """Judged with the simulation's own error: two standard errors either side."""
    share = float(covered.mean())
    slack = 2 * np.sqrt(0.95 * 0.05 / len(covered))
    text = f"{share:.1%} ± {slack / 2:.1%}" + (f" ({tells})" if tells else "")
    return Line(what, "93–97 %", text, bool(LOW - slack <= share <= HIGH + slack))


def _read(path: Path) -> dict[tuple[str, int, int], Judged]:
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [
        Judged(**{**row, "arms": tuple(row["arms"]), "contrasts": tuple(row["contrasts"])}) for row in rows
    ]
    return {(j.problem, j.n, j.seed): j for j in found}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first trial")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=RESULTS / "gains-cache.jsonl")
    given = parser.parse_args()
    settings = {"trials": given.trials, "first": given.first, "folds": given.folds, "repeats": given.repeats}
    written("gains", "Intervals of the gain and the values", lines(given), settings)
