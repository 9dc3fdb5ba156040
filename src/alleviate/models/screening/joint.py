"""A normal distribution of several variables out of rows with gaps, and what known ones say of the rest.

By EM (Dempster, Laird & Rubin 1977; Little & Rubin, Statistical Analysis with Missing Data, ch. 11): what is
missing depends on what is known, and on nothing else. Rows enter as sums by pattern of gaps, so that a step
costs patterns, not rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.trial import Bools, Floats

__all__ = ["Joint", "Told", "fit_joint"]

STEPS = 200
STILL = 1e-4
"""EM ends when no mean, variance or covariance (of variables with SD near 1) moves more than this."""


@dataclass(frozen=True, slots=True)
class Told:
    """What known variables say of all: ``mean`` (n, p), ``covariance`` (p, p), 0 where known.

    ``weights`` (p, p): how much each known variable moves each mean, a line for each variable told of.
    """

    mean: Floats
    covariance: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Joint:
    """``mean`` (p,), ``covariance`` (p, p)."""

    mean: Floats
    covariance: Floats

    def told(self, z: Floats, known: Bools) -> Told:
        """Of rows ``z`` (n, p) in which exactly the variables ``known`` (p,) are known."""
        o = np.flatnonzero(known)
        weights = np.zeros_like(self.covariance)
        if len(o):
            weights[:, o] = np.linalg.solve(self.covariance[np.ix_(o, o)], self.covariance[o]).T
        away = np.where(known, z - self.mean, 0.0)
        left = self.covariance - weights @ self.covariance
        left[o, :] = 0.0
        left[:, o] = 0.0
        return Told(self.mean + away @ weights.T, (left + left.T) / 2, weights)

    def to_json(self) -> dict[str, Any]:
        return {"mean": self.mean.tolist(), "covariance": self.covariance.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Joint":
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError."""
        return cls(np.array(data["mean"], dtype=float), np.array(data["covariance"], dtype=float))


def fit_joint(z: Floats, weight: Floats, start: Joint | None = None) -> Joint:
    """Of ``z`` (n, p), NaN where missing, with row weights (n,) ≥ 0.

    Held towards variables that have nothing to do with each other, as if p + 1 such rows had been seen too:
    few people, or two variables hardly ever known together, then say little rather than too much.
    """
    p = z.shape[1]
    there = np.isfinite(z)
    filled = np.where(there, z, 0.0)
    mass = weight @ there
    mean = weight @ filled / np.maximum(mass, 1e-12)
    variance = weight @ np.where(there, (filled - mean) ** 2, 0.0) / np.maximum(mass, 1e-12)
    variance = np.where(mass > 0, np.maximum(variance, 1e-3), 1.0)
    patterns, member = np.unique(there, axis=0, return_inverse=True)
    sums = []
    for i, known in enumerate(patterns):
        rows = np.flatnonzero(member.ravel() == i)
        part, w = filled[rows], weight[rows]
        sums.append((known, float(w.sum()), w @ part, (part * w[:, None]).T @ part))
    found = start or Joint(mean, np.diag(variance))
    prior = (p + 1.0) * np.diag(variance)
    total = weight.sum()
    for _ in range(STEPS):
        first, second = np.zeros(p), np.zeros((p, p))
        for known, n, s, t in sums:
            told = found.told(np.zeros((1, p)), known)
            base, a = told.mean[0], told.weights.copy()
            base[known], a[known] = 0.0, np.eye(p)[known]
            fitted = a @ s
            first += n * base + fitted
            cross = np.outer(base, fitted)
            second += n * np.outer(base, base) + cross + cross.T + a @ t @ a.T + n * told.covariance
        mean = first / total
        covariance = (second - total * np.outer(mean, mean) + prior) / (total + p + 1.0)
        moved = max(np.abs(mean - found.mean).max(), np.abs(covariance - found.covariance).max())
        found = Joint(mean, (covariance + covariance.T) / 2)
        if moved < STILL:
            break
    return found
