"""From influence values to intervals: how much a measure would move if each person counted a little more.

A measure θ of weighted people has the influence ψᵢ = wᵢ ∂θ/∂wᵢ (n,), of sum 0; its variance is that of the
sum of ψ over independently drawn clusters within strata (Taylor linearisation: Binder 1983, Int Stat Rev
51:279; Deville 1999, Surv Methodol 25:193; without clusters, the infinitesimal jackknife).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logit, stdtrit

from alleviate.models.trial import Floats, Ints
from alleviate.terms.estimates import LEVEL, Estimate

__all__ = ["OF_LOSS", "OF_ORDER", "Measured", "Scale", "Spread", "interval", "spread", "spreads", "totals"]

Scale = Literal["plain", "share", "positive", "ratio"]
"""On which an interval is symmetric: the measure's own, its log odds, its own but never below 0, its
logarithm."""


OF_ORDER, OF_LOSS = 4.0, 2.0
"""``refit`` of measures of order and of mean losses: set by simulation (docs/methods/performance.md), so that
intervals of what a ridge learns cover, noise included."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure with the influence (n,) of each person; ``least``: standard error where nobody has any.

    ``gained``: how far it is from where it would be had nothing been learned, in its unit, and ``gain``
    (n,) the influences on that; ``refit``: how much their variance counts again where models differ from part
    to part.
    """

    value: float
    influence: Floats
    scale: Scale = "plain"
    least: float = 0.0
    gained: float = 0.0
    gain: Floats | None = None
    refit: float = 0.0


@dataclass(frozen=True, slots=True)
class Spread:
    """``error``: standard error; ``freedom``: degrees of freedom of its t distribution."""

    error: float
    freedom: float

    @property
    def quantile(self) -> float:
        return float(stdtrit(self.freedom, (1 + LEVEL) / 2))


def spread(influence: Floats, clusters: Ints | None = None, strata: Ints | None = None) -> Spread:
    """Of the sum of ``influence`` (n,), drawn by ``clusters`` within ``strata`` (n,), or by person.

    Degrees of freedom: clusters less strata; where people are drawn singly, Satterthwaite's, since a few
    people (the events) may make most of the variance.
    """
    return spreads(influence[:, None], clusters, strata)[0]


def spreads(influence: Floats, clusters: Ints | None = None, strata: Ints | None = None) -> list[Spread]:
    """Of each column of ``influence`` (n, k)."""
    drawn, freedom = totals(influence, clusters, strata)
    squares = drawn**2
    variance = squares.sum(axis=0)
    left = np.full(len(variance), freedom)
    if clusters is None:
        # squared, of the variance itself
        doubt = (squares**2).sum(axis=0) / np.maximum(variance**2, 1e-300) - 1 / len(squares)
        left = np.where(doubt > 0, np.minimum(freedom, np.maximum(1.0, 2 / np.maximum(doubt, 1e-9))), freedom)
    return [Spread(float(np.sqrt(v)), float(f)) for v, f in zip(variance, left, strict=True)]


def totals(influence: Floats, clusters: Ints | None, strata: Ints | None) -> tuple[Floats, float]:
    """(C, k) sums by cluster of ``influence`` (n, k), centred, so that their cross-products are its
    covariance;

    and degrees of freedom. A stratum with one cluster is compared with the mean of all clusters.
    """
    stratum = np.zeros(len(influence), dtype=np.int64)
    if strata is not None:
        stratum = np.unique(strata, return_inverse=True)[1].astype(np.int64)
    summed = influence
    if clusters is not None:
        cluster = np.unique(clusters, return_inverse=True)[1]
        code = stratum * (int(cluster.max()) + 1) + cluster
        order = np.argsort(code, kind="stable")
        starts = np.flatnonzero(np.diff(code[order], prepend=-1))
        summed, stratum = np.add.reduceat(influence[order], starts, axis=0), stratum[order][starts]
    size = np.bincount(stratum)
    if len(size) == 1 and len(summed) > 1:
        centred = np.sqrt(len(summed) / (len(summed) - 1)) * (summed - summed.mean(axis=0))
        return np.asarray(centred, dtype=float), float(len(summed) - 1)
    order = np.argsort(stratum, kind="stable")
    mean = np.add.reduceat(summed[order], np.cumsum(size) - size, axis=0) / size[:, None]
    alone = size == 1
    centre = np.where(alone[:, None], summed.mean(axis=0), mean)
    factor = np.where(alone, 1.0, size / np.maximum(size - 1, 1))
    centred = np.sqrt(factor)[stratum][:, None] * (summed - centre[stratum])
    return np.asarray(centred, dtype=float), float(max(1, len(summed) - len(size)))


def interval(value: float, found: Spread, scale: Scale = "plain") -> Estimate:
    """95 % interval of ``value`` on ``scale``; what rounding put outside the scale lies at its end."""
    half = found.quantile * found.error
    if (scale in ("positive", "share") and value < 0) or (scale == "share" and value > 1):
        value = round(value, 12) + 0.0  # no minus before a zero
    if scale == "ratio":
        width = half / value
        return Estimate(value, float(value * np.exp(-width)), float(value * np.exp(width)))
    if scale == "share" and 0 < value < 1:
        width = half / (value * (1 - value))
        centre = logit(value)
        return Estimate(
            value, min(value, float(expit(centre - width))), max(value, float(expit(centre + width)))
        )
    low, high = value - half, value + half
    if scale in ("positive", "share"):
        low = max(0.0, low)
    return Estimate(value, low, min(1.0, high) if scale == "share" else high)
