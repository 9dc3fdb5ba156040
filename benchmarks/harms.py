"""Benefit against a harm, the truth known: what weighing gains, whether limits hold and intervals cover."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from alleviate.models.trial import Trial
from alleviate.policies.limits import assigned, barred_by
from alleviate.policies.selection import learn_rule
from alleviate.policies.utility import Preferences
from alleviate.studies.evaluation import evaluate_learning
from lines import Line, note

__all__ = ["Traded", "lines", "traded"]

Floats = NDArray[np.float64]

FIRST, SEEDS, N = 0, 40, 1000
WEIGHT, LIMIT = 1.5, 0.3
NAMES = ("none", "sparse", "ridge")
FRESH = 20_000


@dataclass(frozen=True, slots=True)
class Traded:
    """A trial in which the second arm helps (most those with a high x1) and drives some out (a high x2).

    ``mean`` and ``harm`` (n, 2): true expectations of the outcome, larger is better, and of dropout.
    """

    trial: Trial
    mean: Floats
    harm: Floats

    def utility(self, weight: float) -> Floats:
        return self.mean - weight * self.harm


def traded(n: int, seed: int, *, lost: bool = False) -> Traded:
    """``lost``: the outcome of whoever drops out is unknown."""
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(n, 6)), rng.permutation(np.arange(n) % 2)
    mean = 0.4 * x[:, [2]] + np.column_stack([np.zeros(n), 0.25 + 0.3 * x[:, 0]])
    harm = np.column_stack([np.full(n, 0.12), 1 / (1 + np.exp(1.0 - 1.0 * x[:, 1]))])
    taken = np.arange(n), arm
    dropped = rng.uniform(size=n) < harm[taken]
    y = mean[taken] + 0.8 * rng.normal(size=n)
    known = ~dropped if lost else np.ones(n, dtype=np.bool_)
    trial = Trial(
        pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(x.T)}),
        arm,
        np.where(known, y, 0.0),
        2,
        np.full((n, 2), 0.5),
        observed=known if lost else None,
        harms=dropped[:, None].astype(float),
    )
    return Traded(trial, mean, harm)


def _run(seed: int, lost: bool) -> Floats:
    """Regret of the weighed and of the plain rule and of the best arm; excess over the limit; coverage."""
    weights, limits = Preferences((WEIGHT,), (np.inf,)), Preferences((WEIGHT,), (LIMIT,))
    with threadpool_limits(1):
        made, fresh = traded(N, seed, lost=lost), traded(FRESH, 777_777)
        root, rows = np.random.SeedSequence(seed), np.arange(FRESH)
        truth = fresh.utility(WEIGHT)
        careful = learn_rule(made.trial, NAMES, root, limits)
        x = careful.forecaster.encoder.transform(fresh.trial.features).x
        preference = careful.forecaster.differences(x)
        plain = learn_rule(made.trial, NAMES, root).forecaster.differences(x).argmax(axis=1)
        best = truth.max(axis=1).mean()
        regret = [best - truth[rows, arm].mean() for arm in (preference.argmax(axis=1), plain)]
        regret.append(best - truth.mean(axis=0).max())
        expected = np.array([h.level(x)[:, None] + h.differences(x) for h in careful.harms])
        arm = assigned(preference, expected, limits.limits)
        within = ~barred_by(expected, limits.limits).all(axis=1)
        given = fresh.harm[rows, arm][within]
        found = evaluate_learning(
            made.trial, NAMES, folds=5, repeats=1, seed=seed, preferences=weights, probe=None
        )
        true = fresh.harm.mean(axis=0)
        covered = [e.low <= t <= e.high for e, t in zip(found.harms[0].arms, true, strict=True)]
    return np.array([*regret, float(given.mean()), float((given > LIMIT + 0.05).mean()), *covered])


def lines(asked: object) -> list[Line]:
    """``asked`` may say ``first`` (seed of the first trial), ``scale`` (share of the trials), ``cores``."""
    first, scale = getattr(asked, "first", FIRST), getattr(asked, "scale", 1.0)
    seeds = range(first, first + max(5, round(SEEDS * scale)))
    result = []
    for lost in (False, True):
        run = Parallel(getattr(asked, "cores", 1))
        found = np.array(run(delayed(_run)(seed, lost) for seed in seeds))
        regret, naive, single, harm, beyond = found[:, :5].mean(axis=0)
        covered = float(found[:, 5:].mean())
        told = f"{len(found)} trials, n={N}" + (", outcome lost with dropout" if lost else "")
        result += [
            Line(
                f"benefit less {WEIGHT:g} × dropout: regret of the weighed rule ({told})",
                "below the rule that disregards dropout, and the best single arm",
                f"{regret:.3f} against {naive:.3f} and {single:.3f}",
                bool(regret < min(naive, single)),
            ),
            Line(
                f"limit of {LIMIT:.0%} dropout a person: true dropout of those advised ({told})",
                "mean below the limit; true risk over it by 5 points in under 10 %",
                f"mean {harm:.1%}, {beyond:.1%} of them over",
                bool(harm < LIMIT and beyond < 0.1),
            ),
            Line(
                f"95 % intervals of each arm's dropout cover ({told})",
                "90–99 % (of few trials)",
                f"{covered:.0%}",
                bool(0.90 <= covered <= 0.99),
            ),
        ]
        for line in result[-3:]:
            note(f"{line.what}: {line.found}")
    return result
