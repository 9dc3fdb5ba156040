"""Outcome models for yes or no and for counts: linear on the scale of log odds, or of the logarithm.

Iteratively reweighted least squares, its penalty chosen anew at each step by generalised cross-validation
(performance iteration: Gu 1992, J Comput Graph Stat 1:169). Outcomes that are signed so that larger is
better may be 0 and -1, or 0, -1, -2, …: the model is then of their size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alleviate.models.ridge import ridge_gcv
from alleviate.models.trial import Floats, Ints

__all__ = ["LinkedOutcome", "fit_log_linear_outcome", "fit_logistic_outcome"]

STEPS = 12
FURTHEST = 6.0
"""Log odds, and log distance from the mean count, stay within this: an arm without events is no infinity."""


@dataclass(frozen=True, slots=True)
class LinkedOutcome:
    """One slope per feature for all arms, and one level per arm, on the scale of ``mean``'s inverse."""

    centre: Floats
    scale: Floats
    slope: Floats
    level: Floats
    mean: Callable[[Floats], Floats]
    sign: float
    middle: float

    def predict(self, x: Floats) -> Floats:
        linear = ((x - self.centre) / self.scale @ self.slope)[:, None] + self.level
        return self.sign * self.mean(_near(linear, self.middle))


def _near(linear: Floats, middle: float) -> Floats:
    return np.clip(linear, middle - FURTHEST, middle + FURTHEST)


def _odds_to_chance(linear: Floats) -> Floats:
    chance: Floats = 1.0 / (1.0 + np.exp(-linear))
    return chance


def _exp(linear: Floats) -> Floats:
    raised: Floats = np.exp(linear)
    return raised


def fit_logistic_outcome(
    x: Floats, arm: Ints, y: Floats, arms: int, seed: int, weight: Floats | None = None
) -> LinkedOutcome:
    """Ridge logistic regression, the arms' levels not shrunk (``seed`` is not needed)."""
    return _fit(x, arm, y, arms, weight, _odds_to_chance, lambda mean: mean * (1.0 - mean), 0.0)


def fit_log_linear_outcome(
    x: Floats, arm: Ints, y: Floats, arms: int, seed: int, weight: Floats | None = None
) -> LinkedOutcome:
    """Ridge Poisson regression; right about the mean whatever the spread (``seed`` is not needed)."""
    middle = float(np.log(max(np.abs(y).mean(), 1e-3)))
    return _fit(x, arm, y, arms, weight, _exp, lambda mean: mean, middle)


def _fit(
    x: Floats,
    arm: Ints,
    y: Floats,
    arms: int,
    weight: Floats | None,
    mean: Callable[[Floats], Floats],
    variance: Callable[[Floats], Floats],
    middle: float,
) -> LinkedOutcome:
    sign = -1.0 if y.min() < 0 else 1.0
    size = sign * y
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    z, own = (x - centre) / scale, np.eye(arms)[arm]
    counts = np.ones(len(y)) if weight is None else weight / weight.mean()
    linear = np.full(len(y), middle)
    for _ in range(STEPS):
        expected = mean(linear)
        spread = variance(expected)
        root = np.sqrt(spread * counts)
        target = linear + (size - expected) / spread
        slope, level = ridge_gcv(z * root[:, None], own * root[:, None], target * root)
        before, linear = linear, _near(z @ slope + level[arm], middle)
        if np.abs(linear - before).max() < 1e-6:
            break
    return LinkedOutcome(centre, scale, slope, level, mean, sign, middle)
