"""The honest value of a rule: what the outcome would have been had everybody followed it, with its interval.

V(π) = E[Y(π(X))] is estimated by the mean of Γ_i,π(i)(x_i): scores and rule both learned without person i
(Athey & Wager 2021). Another split of the people gives another estimate: that spread is part of the doubt.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError
from alleviate.terms.estimates import LEVEL, Estimate, Z

__all__ = ["mean_with_interval", "scores_under"]


def scores_under(scores: Floats, assigned: Ints) -> Floats:
    """(n,) the score of each person under the arm assigned: Γ_i,assigned(i) from (n, K) and (n,)."""
    return scores[np.arange(len(assigned)), assigned]


def mean_with_interval(
    person: Floats, clusters: Sequence[object] | None = None, *, averaged: bool = False
) -> Estimate:
    """Mean of one number a person, with its 95 % interval; by ``clusters`` (n,), two or more, where given.

    ``person`` is (n,), or (R, n) for R repeats of the cross-fitting: then the estimate is their mean and its
    variance the mean of σ_r² + (θ_r - θ)², each repeat's own variance and its distance from the rest
    (Chernozhukov et al. 2018, section 3.4, who take medians): where splits disagree the interval widens.
    ``averaged``: in place of the mean σ_r² the variance of people's means over repeats, which is smaller.

    People alone: normal. Clusters: the variance is CR2 and the interval that of a t distribution with the
    degrees of freedom of Bell & McCaffrey (2002, Survey Methodology 28:169; Imbens & Kolesár 2016, Rev Econ
    Stat 98:701): G - 1 for G clusters of one size, fewer where a few hold most of the people.
    """
    repeats = np.atleast_2d(person)
    each = repeats.mean(axis=1)
    deviation = repeats - each[:, None]
    if averaged:
        deviation = deviation.mean(axis=0, keepdims=True)
    if clusters is None:
        n = repeats.shape[1]
        variance, quantile = (deviation**2).sum(axis=1) / (n - 1) / n, Z
    else:
        variance, freedom = _clustered(deviation, clusters)
        quantile = float(stdtrit(freedom, (1 + LEVEL) / 2))
    half = quantile * float(np.sqrt(variance.mean() + each.var()))
    centre = float(each.mean())
    return Estimate(centre, centre - half, centre + half)


def _clustered(deviation: Floats, clusters: Sequence[object]) -> tuple[Floats, float]:
    """CR2 variance of the mean of each row, (R,), and its degrees of freedom.

    A cluster with share w of the people sees its own deviations shrunk by 1 - w, since it moves the mean.
    """
    _, index, sizes = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise InputError(
            f"Expected two clusters (sites) or more to tell how much they differ, got {len(sizes)}.",
            hint="Leave the site out.",
        )
    share = sizes / len(index)
    sums = np.array([np.bincount(index, weights=row) for row in deviation]) / len(index)
    inflation = 1 / (1 - share)
    spread = np.sqrt(inflation[:, None] * inflation) * (np.diag(share) - np.outer(share, share))
    return (sums**2 * inflation).sum(axis=1), float(np.trace(spread) ** 2 / (spread**2).sum())
