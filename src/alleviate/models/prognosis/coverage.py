"""Whether intervals and sets hold what they promise: on the whole, and in each group large enough to tell."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from alleviate.models.prognosis.cutoffs import LARGE, Groups, members
from alleviate.models.ridge import effective
from alleviate.models.trial import Bools, Floats
from alleviate.terms.estimates import Z

__all__ = ["Covered", "covered"]


@dataclass(frozen=True, slots=True)
class Covered:
    """Of ``n`` people, the ``share`` whose outcome was covered, and its 95 % interval (Wilson 1927).

    ``column`` and ``group`` are empty for everybody together.
    """

    column: str
    group: str
    n: int
    share: float
    low: float
    high: float


def covered(
    held: Bools, weight: Floats, groups: Groups | None = None, least: int = LARGE
) -> tuple[Covered, ...]:
    """Judge ``held`` (n,), whether each person's outcome was covered, where nothing was fitted to them.

    First everybody, then the groups of at least ``least`` people. ``weight`` (n,) ≥ 0.
    """
    known = weight > 0
    found = [_covered("", "", held[known], weight[known])]
    for column, labels in (groups or {}).items():
        for name, here in members(labels).items():
            if (here & known).sum() >= least:
                found.append(_covered(column, name, held[here & known], weight[here & known]))
    return tuple(found)


def _covered(column: str, group: str, held: Bools, weight: Floats) -> Covered:
    share = min(1.0, float(np.average(held, weights=weight)))  # rounding may reach beyond
    n = float(effective(weight).sum())
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = max(0.0, min(middle - reach, share)), min(1.0, max(middle + reach, share))
    return Covered(column, group, len(held), share, low, high)
