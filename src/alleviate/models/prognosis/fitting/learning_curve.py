"""How the error on new people falls with the number learned from, and what twice as many would bring.

Along an inverse power law, error = a + b n^-c (Figueroa et al. 2012; Viering & Loog 2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.fitting.refits import Foresee
from alleviate.models.prognosis.losses import losses
from alleviate.models.prognosis.people import Loss
from alleviate.models.trial import Floats, Ints

__all__ = ["SHARES", "CurvePoint", "LearningCurve", "learning_curve"]

SHARES = (0.2, 0.35, 0.5, 0.7, 1.0)

EXPONENTS = np.linspace(0.25, 1.5, 26)
"""How fast error falls: 1 where only chance is left to average out, less where ever more can be found."""

DRAWS = 500
"""Quantiles of each slope."""

FEWEST = 3
"""Folds that were gone through, at least, for a doubt to be told."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Mean loss on people not seen, its standard error over the folds (``None`` of one), and on the

    ``people`` learned from."""

    people: int
    held_out: float
    standard_error: float | None
    apparent: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """``points`` by number of people.

    ``twice``: how much the loss would fall with twice the people, with the ends of its 95 % interval;
    ``floor``: what it would fall to with endless ones. ``None``: nothing to tell it by.
    """

    points: tuple[CurvePoint, ...]
    twice: tuple[float, float, float] | None
    floor: float | None


def learning_curve(
    foresee: Foresee,
    y: Floats,
    weight: Floats,
    loss: Loss,
    folds: Ints,
    seed: int,
    budget: Budget,
    shares: Sequence[float] = SHARES,
) -> LearningCurve:
    """Learn from ``shares`` of the people outside each fold, nested one in the other, and foretell the fold.

    ``y``, ``weight``, ``folds`` (n,). Fold by fold, so that what is cut short has all shares of fewer folds.
    """
    rng = np.random.default_rng([seed, 23])
    sizes: list[list[int]] = []
    held: list[list[float]] = []
    own: list[list[float]] = []
    order = rng.permutation(len(y))
    for fold in np.unique(folds):
        if held and budget.spent():
            break
        rest, test = order[folds[order] != fold], np.flatnonzero(folds == fold)
        rows = [_spread(rest, y, share, loss) for share in shares]
        told = [(foresee(train, test), foresee(train, train)) for train in rows]
        sizes.append([len(train) for train in rows])
        held.append([_mean(y, new, weight, test, loss) for new, _ in told])
        own.append([_mean(y, seen, weight, train, loss) for (_, seen), train in zip(told, rows, strict=True)])
    at, found = np.mean(sizes, axis=0), np.array(held)
    several = len(found) > 1
    error = found.std(axis=0, ddof=1 if several else 0) / np.sqrt(len(found))
    points = tuple(
        CurvePoint(round(float(n)), float(mean), float(se) if several else None, float(seen))
        for n, mean, se, seen in zip(at, found.mean(axis=0), error, np.mean(own, axis=0), strict=True)
    )
    if len(found) < FEWEST:
        return LearningCurve(points, None, None)
    return LearningCurve(points, *_beyond(at, found, len(y)))


def _spread(rest: Ints, y: Floats, share: float, loss: Loss) -> Ints:
    """The first ``share`` of ``rest``; of a yes or no, the same share of either."""
    if loss == "numeric":
        return np.sort(rest[: max(2, round(share * len(rest)))])
    sides = [rest[(y[rest] > 0.5) == side] for side in (False, True)]
    return np.sort(np.concatenate([side[: max(2, round(share * len(side)))] for side in sides]))


def _mean(y: Floats, linear: Floats, weight: Floats, rows: Ints, loss: Loss) -> float:
    return float(np.average(losses(y[rows], linear, loss), weights=weight[rows]))


def _beyond(at: Floats, found: Floats, people: int) -> tuple[tuple[float, float, float], float]:
    """The fall from ``people`` to twice as many with its interval, and the floor, from (F, S) losses.

    For each exponent the folds' own slopes b on n^-c, each fold with a level of its own: their mean and its
    standard error (t, F - 1). Exponents count by how well they fit the mean curve; b < 0 counts as 0.
    """
    mean = found.mean(axis=0)
    middle = found - found.mean(axis=1, keepdims=True)
    noise = middle - middle.mean(axis=0)
    scatter = np.maximum((noise**2).mean(axis=0) / len(found), 1e-18 + 1e-6 * mean.var())
    pull = 1.0 / scatter
    quantiles = t.ppf((np.arange(DRAWS) + 0.5) / DRAWS, len(found) - 1)
    drawn, floors, chances = [], [], []
    for exponent in EXPONENTS:
        powers = at**-exponent
        centred = powers - np.average(powers, weights=pull)
        slopes = (found * pull) @ centred / (pull @ centred**2)
        slope, error = float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))
        level = np.average(mean - slope * powers, weights=pull)
        chances.append(-0.5 * float(pull @ (mean - level - slope * powers) ** 2))
        gain = people**-exponent * (1.0 - 2.0**-exponent)
        drawn.append(np.maximum(slope + error * quantiles, 0.0) * gain)
        floors.append(float(level))
    chance = np.exp(np.array(chances) - max(chances))
    chance /= chance.sum()
    falls, weights = np.concatenate(drawn), np.repeat(chance / DRAWS, DRAWS)
    order = np.argsort(falls)
    ends = np.interp([0.025, 0.5, 0.975], np.cumsum(weights[order]), falls[order])
    return (float(ends[1]), float(ends[0]), float(ends[2])), float(chance @ np.array(floors))
