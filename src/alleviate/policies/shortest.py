"""The shortest rule that does about as well as the best: within one standard error of the paired difference.

Breiman, Friedman, Olshen & Stone (1984, Classification and Regression Trees, section 3.4.3), for rules:
compared are cross-fitted values of the same people in the same splits.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from alleviate.models.trial import Floats
from alleviate.policies.gain import gain_over_arm
from alleviate.terms.estimates import Estimate, Z

__all__ = ["CHOSEN", "SHORT", "behind_best", "shortest"]

SHORT = ("none", "tree1", "sparse", "tree2")
"""Rules to be said in a sentence, from the shortest: one arm, one question, one or two moderators, three."""

CHOSEN = "chosen"
"""Whatever was chosen in each split."""


def behind_best(
    followed: Mapping[str, Floats], clusters: Sequence[object] | None = None
) -> dict[str, Estimate]:
    """V(best rule) - V(rule) of each rule, from everybody's scores under it, (R, n) for R repeats.

    The best is that of the highest mean, the first of equals: of it the difference is 0.
    """
    best = followed[max(followed, key=lambda name: float(np.mean(followed[name])))]
    return {name: gain_over_arm(best, own, clusters) for name, own in followed.items()}


def shortest(behind: Mapping[str, Estimate]) -> str:
    """The first, in the order of ``SHORT`` and then what was chosen, at most one standard error behind.

    A standard error is the interval's half-width over 1.96: of few clusters it is a little more than one.
    """
    order = [name for name in (*SHORT, CHOSEN) if name in behind]
    return next(
        name
        for name in order
        if behind[name].estimate <= (behind[name].high - behind[name].estimate) / Z or name == order[-1]
    )
