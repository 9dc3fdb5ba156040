"""Decisions in turn: what the learned regime is worth, and how often intervals hold where one does nothing.

Alone: ``python benchmarks/stages.py --first 50000 --trials 200``.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from alleviate.policies.stages import Regime, learn_regime, q_learning
from alleviate.studies.stage_evaluation import evaluate_stages
from alleviate.terms.estimates import Estimate
from lines import Line, note
from problems_staged import StagedDraw, family, family_effect, p3

__all__ = ["lines"]

CANDIDATES = ("none", "ridge", "tree1")
REPEATS = 3
"""Of the cross-fitting; a study of fewer than 2,000 people makes 10. Intervals from one split are too short
where no arm is best, since then the parts' rules never settle and their errors go together."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One trial: whether the value, and the effect of the first stage, were covered; a gain claimed."""

    value: bool
    effect: bool
    claimed: bool


def lines(asked: argparse.Namespace) -> list[Line]:
    """``asked``: ``trials`` of each problem, ``first`` seed, ``cores``."""
    seeds = range(asked.first, asked.first + asked.trials)
    cores = getattr(asked, "cores", os.cpu_count() or 1)
    result = _values(seeds[: max(20, asked.trials // 4)], cores)
    for kind, words in (("null", "the second stage does nothing"), ("half", "it does nothing for half")):
        judged = Parallel(cores)(delayed(_covered)(kind, 300, seed) for seed in seeds)
        for name, what in (("value", "value of the regime"), ("effect", "effect of the first stage")):
            share = float(np.mean([getattr(one, name) for one in judged]))
            holds = bool(0.93 <= share <= 0.97)
            text = f"{words}, n=300: {what} covered, {len(judged)} seeds"
            result.append(Line(text, "93–97 %", f"{share:.1%}", holds))
        claimed = sum(one.claimed for one in judged)
        text = f"{words}: a gain over the best sequence claimed"
        result.append(Line(text, "≤ 5 %", f"{claimed} of {len(judged)}", claimed <= 0.05 * len(judged)))
        note(result[-1].what)
    return result


def _values(seeds: Sequence[int], cores: int) -> list[Line]:
    """P3, n=1000: of the optimum's value, and beside it the plain twin's."""
    found = np.array(Parallel(cores)(delayed(_worth)(seed) for seed in seeds))
    ours, plain = found.mean(axis=0)
    what = f"P3, n=1000: share of the optimum's value, {len(seeds)} seeds"
    return [
        Line(what, "≥ 99 %", f"{ours:.2%} (worst {found[:, 0].min():.2%})", bool(ours >= 0.99)),
        Line("— Q-learning by least squares", "for the record", f"{plain:.2%}", None),
    ]


def _worth(seed: int) -> tuple[float, float]:
    with threadpool_limits(1):
        draw = p3(1000, seed)
        regime = learn_regime(draw.trial, CANDIDATES, np.random.SeedSequence(seed))
        plain = q_learning(draw.trial)
        return draw.value(regime.assign) / draw.optimum, draw.value(plain.assign) / draw.optimum


def _covered(kind: str, n: int, seed: int) -> Judged:
    draw = family(kind, n, seed)
    found = evaluate_stages(draw.trial, CANDIDATES, folds=5, repeats=REPEATS, seed=seed, probe=_truth(draw))
    value, effect = found.whole.rule, found.stages[0].contrasts[1][0]
    # the effect is that of the first stage with the best second one, not with the one that was learned
    claimed = found.whole.gain_over_best.low > 0
    return Judged(_in(value, found.probed[0]), _in(effect, family_effect(kind)), claimed)


def _truth(draw: StagedDraw) -> Callable[[Regime, tuple[int, ...]], tuple[float, ...]]:
    return lambda regime, best: (draw.value(regime.policy(best)),)


def _in(interval: Estimate, truth: float) -> bool:
    return interval.low <= truth <= interval.high


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200, help="of each problem")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    for line in lines(parser.parse_args()):
        print(f"{line.what}: {line.found} (asked {line.asked}: {line.holds})")
