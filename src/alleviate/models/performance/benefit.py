"""Is it worth acting on: net benefit over the thresholds at which people would act (decision curves).

At threshold t one treats who is foreseen at t or above, and a false alarm costs t/(1 − t) of a hit (Vickers
& Elkin 2006, Med Decis Making 26:565). Treating nobody is worth 0, treating all π − (1 − π) t/(1 − t).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.performance.influence import interval, spreads
from alleviate.models.performance.judged import Judged, same_people
from alleviate.models.trial import Floats
from alleviate.terms.errors import InputError
from alleviate.terms.estimates import Estimate

__all__ = ["THRESHOLDS", "DecisionCurve", "decision_curve", "net_benefit"]

BLOCK = 16
"""Thresholds worked on at once."""

THRESHOLDS = tuple((np.arange(1, 100) / 100).tolist())


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """At each of ``thresholds`` (T,): net benefit, in true positives per person, of the ``model`` and of
    treating

    ``everyone``, and the ``gain`` of the model over the better of treating everyone and nobody. ``useful``:
    stretches of neighbouring thresholds, lowest and highest, where the interval of the gain lies above 0.
    """

    thresholds: tuple[float, ...]
    model: tuple[Estimate, ...]
    everyone: tuple[Estimate, ...]
    gain: tuple[Estimate, ...]
    useful: tuple[tuple[float, float], ...]


def net_benefit(y: Floats, treated: Floats, threshold: Floats | float) -> Floats:
    """What each person adds, ``treated`` in this share of repeats: 1 for a hit, −t/(1 − t) for a false alarm.

    Shapes as they broadcast: (n,) and one threshold, or (n, 1), (n, T) and (T,).
    """
    odds = threshold / (1 - threshold)
    return np.asarray(treated * (y - (1 - y) * odds), dtype=float)


def decision_curve(repeats: Sequence[Judged], thresholds: Sequence[float] = THRESHOLDS) -> DecisionCurve:
    """``thresholds`` above 0 and below 1, rising. Raises InputError."""
    same_people(repeats)
    first = repeats[0]
    rising = np.asarray(thresholds, dtype=float)
    if not first.of_risk or not ((rising > 0) & (rising < 1)).all() or (np.diff(rising) <= 0).any():
        raise InputError(
            "Expected risks, and rising thresholds between 0 and 1, for a decision curve.",
            hint="Other outcomes have no net benefit: look at their calibration.",
        )
    model, everyone, gain = [], [], []
    for block in np.array_split(rising, max(1, len(rising) // BLOCK)):
        treated = np.mean([judged.p[:, None] >= block for judged in repeats], axis=0)
        by_model = net_benefit(first.y[:, None], treated, block)
        by_all = net_benefit(first.y[:, None], np.ones((1, len(block))), block)
        over_none, all_over_none, over_all = (
            _means(values, first) for values in (by_model, by_all, by_model - by_all)
        )
        model += over_none
        everyone += all_over_none
        gain += list(map(_over_both, over_none, over_all))
    return DecisionCurve(
        tuple(rising.tolist()), tuple(model), tuple(everyone), tuple(gain), _stretches(rising, gain)
    )


def _over_both(over_none: Estimate, over_all: Estimate) -> Estimate:
    """Over the better of the two by these data; where they are about as good, the lower end must clear
    both."""
    over = min(over_none, over_all, key=lambda one: one.estimate)
    return Estimate(over.estimate, min(over_none.low, over_all.low), over.high)


def _means(values: Floats, design: Judged) -> list[Estimate]:
    """Of each column of ``values`` (n, T)."""
    share = design.weight / design.weight.sum()
    means = share @ values
    found = spreads(share[:, None] * (values - means), design.clusters, design.strata)
    return [interval(float(mean), one) for mean, one in zip(means, found, strict=True)]


def _stretches(thresholds: Floats, gain: Sequence[Estimate]) -> tuple[tuple[float, float], ...]:
    shown = np.array([0, *(one.low > 0 for one in gain), 0])
    starts, ends = np.flatnonzero(np.diff(shown) == 1), np.flatnonzero(np.diff(shown) == -1) - 1
    return tuple((float(thresholds[a]), float(thresholds[b])) for a, b in zip(starts, ends, strict=True))
