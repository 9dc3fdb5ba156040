"""Whether those with the higher outcome were foreseen higher: the area under the ROC curve, and its ordinal
kin.

Only people foreseen by the same model are compared. Over folds, a model's level runs against the fold's own
(the more events were held out, the fewer it learned from), so that without any predictor the pooled AUC
falls below .5 (Airola et al. 2011, Comput Stat Data Anal 55:1828); within folds it is .5.
"""

import numpy as np

from alleviate.models.performance.influence import OF_ORDER, Measured
from alleviate.models.performance.judged import Judged
from alleviate.models.trial import Floats, Ints

__all__ = ["concordance"]


def concordance(judged: Judged) -> Measured | str:
    """P(the higher outcome was foreseen higher | outcomes differ, same part), a tie counting half.

    The AUC for two levels; for more, as Harrell's c. Time O(n log n + n levels). A text says why there is
    none.
    """
    counted = np.flatnonzero(judged.weight > 0)
    level = np.unique(judged.y[counted], return_inverse=True)[1]
    part = np.unique(judged.parts[counted], return_inverse=True)[1]
    weight, p = judged.weight[counted], judged.p[counted]
    agreed, pairs = np.zeros(len(p)), np.zeros(len(p))
    order = np.argsort(part, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(part))[:-1]):
        agreed[rows], pairs[rows] = _compared(level[rows], p[rows], weight[rows], int(level.max()) + 1)
    total = float(weight @ pairs)
    if total <= 0:
        return "all people who could be compared have the same outcome"
    value = float(weight @ agreed) / total
    influence = np.zeros(len(judged))
    influence[counted] = 2 * weight * (agreed - value * pairs) / total
    # all in the right order, or all in the wrong one: the "rule of three" of those there are fewest of
    rare = np.bincount(level, weight) ** 2 / np.bincount(level, weight**2)
    least = 1.5 / float(rare.min()) if value in (0.0, 1.0) else 0.0
    return Measured(value, influence, "share", least, value - 0.5, influence, OF_ORDER)


def _compared(level: Ints, p: Floats, weight: Floats, levels: int) -> tuple[Floats, Floats]:
    """Of each person (n,): weight of those that they are ordered rightly with, and of those with another
    outcome."""
    order = np.argsort(p, kind="stable")
    ranked = p[order]
    held = np.zeros((len(p) + 1, levels))
    held[np.arange(1, len(p) + 1), level[order]] = weight[order]
    held = np.cumsum(held, axis=0)
    # of each level: foreseen lower, ties counting half
    lower = (held[np.searchsorted(ranked, p)] + held[np.searchsorted(ranked, p, side="right")]) / 2
    whole = held[-1]
    at = np.arange(len(p))
    below = np.cumsum(lower, axis=1)[at, level] - lower[at, level]
    above = (np.cumsum((whole - lower)[:, ::-1], axis=1)[:, ::-1])[at, level] - (whole - lower)[at, level]
    return below + above, whole.sum() - whole[level]
