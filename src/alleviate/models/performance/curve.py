"""Calibration without a form assumed: what came, smoothed over what was foreseen.

Local straight lines with tricube weights over the nearest ``SPAN`` of people (loess of degree 1: Cleveland
1979, J Am Stat Assoc 74:829, without his robust rounds). The integrated calibration index is the mean of |p
− loess(p)|, E50 and E90 its quantiles (Austin & Steyerberg 2019, Stat Med 38:4051).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.performance.influence import Measured, interval, spread, spreads
from alleviate.models.performance.judged import Judged, same_people
from alleviate.models.trial import Floats, Ints
from alleviate.terms.estimates import Estimate

__all__ = ["CalibrationCurve", "calibration_curve", "calibration_index"]

SPAN = 0.75
"""Share of people (by weight) that each local line sees."""

BINS = 400
"""People are gathered into so many groups of equal weight, by what was foreseen, where predictions differ
more."""

POINTS = 50


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """``observed`` at each of ``foreseen`` (G,), with 95 % intervals point by point.

    ``ici``, ``e50``, ``e90``: mean, median and ninth decile of |foreseen − smoothed| over people, in the
    unit of the outcome. ``by_chance``: what ``ici`` would be on average for these people were the model
    perfectly calibrated.
    """

    foreseen: tuple[float, ...]
    observed: tuple[Estimate, ...]
    ici: Estimate
    e50: float
    e90: float
    by_chance: float


@dataclass(frozen=True, slots=True)
class _Binned:
    """Groups of equal prediction, or nearly: ``x`` (M,) their prediction, ``weight`` (M,), ``y`` (M,) mean
    outcome.

    ``of`` (n,): the group of each person.
    """

    x: Floats
    weight: Floats
    y: Floats
    of: Ints


@dataclass(frozen=True, slots=True)
class _Smooth:
    """Local lines at G points: ``pull`` (G, M) of a unit of weight in each group, ``line`` (G, M) their
    values."""

    level: Floats
    pull: Floats
    line: Floats


def calibration_curve(repeats: Sequence[Judged], points: int = POINTS) -> CalibrationCurve:
    """At ``points`` from the first to the 99th percentile of what was foreseen. Averaged over repeats."""
    same_people(repeats)
    foreseen = np.concatenate([judged.p for judged in repeats])
    at = np.unique(np.quantile(foreseen, np.linspace(0.01, 0.99, points)))
    levels, influence = np.zeros(len(at)), np.zeros((len(repeats[0]), len(at)))
    quantiles, chance = np.zeros(2), 0.0
    for judged in repeats:
        groups = _binned(judged)
        smooth = _smoothed(at, groups)
        levels += smooth.level / len(repeats)
        pulled = smooth.pull.T[groups.of] * (judged.y[:, None] - smooth.line.T[groups.of])
        influence += judged.weight[:, None] * pulled / len(repeats)
        own = _smoothed(groups.x, groups)
        gap = np.abs(own.level - groups.x)
        order = np.argsort(gap)
        share = np.cumsum(groups.weight[order]) / groups.weight.sum()
        last = len(order) - 1
        ranks = [min(int(np.searchsorted(share, q - 1e-12)), last) for q in (0.5, 0.9)]
        quantiles += gap[order][ranks] / len(repeats)
        chance += _by_chance(judged, groups, own) / len(repeats)
    first = repeats[0]
    doubts = spreads(influence, first.clusters, first.strata)
    observed = tuple(
        _bounded(interval(float(level), doubt), first.of_risk)
        for level, doubt in zip(levels, doubts, strict=True)
    )
    indices = [calibration_index(judged) for judged in repeats]
    ici = interval(
        float(np.mean([index.value for index in indices])),
        spread(np.mean([index.influence for index in indices], axis=0), first.clusters, first.strata),
        "positive",
    )
    return CalibrationCurve(
        tuple(at.tolist()), observed, ici, float(quantiles[0]), float(quantiles[1]), float(chance)
    )


def calibration_index(judged: Judged) -> Measured:
    """Mean over people of |foreseen − smoothed|, with influences that know how the curve itself would
    move."""
    groups = _binned(judged)
    smooth = _smoothed(groups.x, groups)
    gap = smooth.level - groups.x
    total = groups.weight.sum()
    value = float(groups.weight @ np.abs(gap) / total)
    pull = (np.sign(gap) * groups.weight / total)[:, None] * smooth.pull
    moved = judged.y * pull.sum(axis=0)[groups.of] - (pull * smooth.line).sum(axis=0)[groups.of]
    return Measured(value, judged.weight * ((np.abs(gap)[groups.of] - value) / total + moved), "positive")


def _bounded(found: Estimate, share: bool) -> Estimate:
    """A share and its interval between 0 and 1: a local line may run out of them."""
    if not share:
        return found
    low, middle, high = np.clip([found.low, found.estimate, found.high], 0.0, 1.0).tolist()
    return Estimate(middle, low, high)


def _binned(judged: Judged) -> _Binned:
    values, of = np.unique(judged.p, return_inverse=True)
    if len(values) > BINS:
        weight = np.bincount(of, judged.weight)
        middle = (np.cumsum(weight) - weight / 2) / weight.sum()
        of = np.unique(np.minimum((middle * BINS).astype(np.int64), BINS - 1), return_inverse=True)[1][of]
    weight = np.bincount(of, judged.weight)
    kept = weight > 0
    of = np.maximum(np.cumsum(kept) - 1, 0)[of]  # people of no weight go along with the group before
    safe = np.asarray(weight[kept], dtype=float)
    x = np.bincount(of, judged.weight * judged.p) / safe
    return _Binned(x, safe, np.bincount(of, judged.weight * judged.y) / safe, np.asarray(of, dtype=np.int64))


def _smoothed(at: Floats, groups: _Binned) -> _Smooth:
    apart = groups.x - at[:, None]
    far = np.abs(apart)
    order = np.argsort(far, axis=1)
    seen = np.cumsum(groups.weight[order], axis=1)
    last = np.minimum((seen < SPAN * groups.weight.sum() * (1 - 1e-12)).sum(axis=1), len(groups.x) - 1)
    radius = np.take_along_axis(far, order[np.arange(len(at)), last][:, None], axis=1)
    near = np.take_along_axis(far, order[:, :1], axis=1)
    radius = np.where(radius > near * (1 + 1e-9), radius, 2 * near + 1e-12)  # most people foreseen alike
    kernel = np.maximum(1 - (far / radius) ** 3, 0.0) ** 3
    mass = kernel * groups.weight
    level, lean, square = mass.sum(axis=1), (mass * apart).sum(axis=1), (mass * apart**2).sum(axis=1)
    sloped = square * level - lean**2 > 1e-9 * square * level
    tilt = np.where(sloped, lean / np.where(square > 0, square, 1.0), 0.0)
    pull = kernel * (1 - apart * tilt[:, None]) / (level - tilt * lean)[:, None]
    height = (pull * groups.weight) @ groups.y
    gain = (mass * apart) @ groups.y - height * lean
    slope = np.where(sloped, gain / np.where(square > 0, square, 1.0), 0.0)
    return _Smooth(height, pull, height[:, None] + slope[:, None] * apart)


def _by_chance(judged: Judged, groups: _Binned, smooth: _Smooth) -> float:
    """E|smoothed − foreseen| where outcomes vary around what was foreseen: √(2/π) of its standard error, on
    average."""
    if judged.of_risk:
        variance = judged.p * (1 - judged.p)
    else:
        variance = (judged.y - judged.p) ** 2
    error2 = smooth.pull**2 @ np.bincount(groups.of, judged.weight**2 * variance)
    return float(np.sqrt(2 / np.pi) * np.average(np.sqrt(error2), weights=groups.weight))
