"""How good predictions are: every measure with its interval, over repeats of a cross-validation.

Each measure is computed per repeat and averaged. Its standard error comes from the people, not from people ×
repeats: influences (n,) are averaged over repeats, then summed as the people were drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alleviate.models.performance.influence import Measured, Spread, interval, spread
from alleviate.models.performance.judged import Judged, same_people
from alleviate.models.performance.measures import measured
from alleviate.terms.estimates import Estimate

__all__ = ["Assessment", "assessed", "average", "averaged", "performance", "uncertainty"]

CLEAR = 4.0
"""Standard errors of what was gained from which on it matters little that models differ from part to part."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """``measures``: by name, with 95 % intervals. ``left_out``: name → why it cannot be told."""

    measures: Mapping[str, Estimate]
    left_out: Mapping[str, str]


def performance(repeats: Sequence[Judged]) -> dict[str, Estimate]:
    """Each measure that can be told; :func:`assessed` says why another cannot. Raises InputError."""
    return dict(assessed(repeats).measures)


def assessed(repeats: Sequence[Judged]) -> Assessment:
    """``repeats``: the same people in the same order, one for each repeat of the cross-validation, at least
    one."""
    found = averaged(repeats)
    return Assessment(
        {
            name: interval(m.value, uncertainty(m, repeats[0]), m.scale)
            for name, m in found.items()
            if isinstance(m, Measured)
        },
        {name: m for name, m in found.items() if isinstance(m, str)},
    )


def averaged(repeats: Sequence[Judged]) -> dict[str, Measured | str]:
    """Each measure and its influences, averaged over repeats; left out unless it can be told in each of
    them."""
    same_people(repeats)
    each = [measured(judged) for judged in repeats]
    return {name: average([one[name] for one in each]) for name in each[0]}


def average(found: Sequence[Measured | str]) -> Measured | str:
    """One measure of the same people over repeats, or why one of them lacks it."""
    reason = next((one for one in found if isinstance(one, str)), None)
    if reason is not None:
        return reason
    known = [one for one in found if isinstance(one, Measured)]
    gains = [one.gain for one in known if one.gain is not None]
    return Measured(
        float(np.mean([one.value for one in known])),
        np.mean([one.influence for one in known], axis=0),
        known[0].scale,
        min(one.least for one in known),
        float(np.mean([one.gained for one in known])),
        None if not gains else np.mean(gains, axis=0),
        known[0].refit,
    )


def uncertainty(found: Measured, design: Judged) -> Spread:
    """Standard error of a measure, by the clusters and strata of ``design``.

    Where parts were foreseen by models of their own, those models would have come out otherwise for other
    people, and each person taught those who foresaw the rest: influences that take predictions as given
    miss this (Bates, Hastie & Tibshirani 2024, J Am Stat Assoc 119:1434). Where nothing can be learned the
    variance is at least twice theirs, as of a degenerate U-statistic; the better the models know, the less
    it matters. Added is ``refit`` s² / (1 + (gained / (``CLEAR`` s))²), with s the standard error of
    what was gained.
    """
    people = spread(found.influence, design.clusters, design.strata)
    error = max(people.error, found.least)
    if found.gain is not None and design.refitted:
        own = spread(found.gain, design.clusters, design.strata).error
        if own > 0:
            again = found.refit * own**2 / (1 + (found.gained / (CLEAR * own)) ** 2)
            error = float(np.sqrt(error**2 + again))
    return Spread(error, people.freedom)
