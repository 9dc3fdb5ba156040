"""The honest value of a rule: what the outcome would have been had everybody followed it, with its interval.

V(π) = E[Y(π(X))] is estimated by the mean of Γ_i,π(i)(x_i): scores and rule both learned without person i
(Athey & Wager 2021). Another split of the people gives another estimate: that spread is part of the doubt.
"""

from collections.abc import Sequence

import numpy as np

from alleviate.models.trial import Floats, Ints
from alleviate.terms.estimates import Estimate

__all__ = ["mean_with_interval", "scores_under"]


def scores_under(scores: Floats, assigned: Ints) -> Floats:
    """(n,) the score of each person under the arm assigned: Γ_i,assigned(i) from (n, K) and (n,)."""
    return scores[np.arange(len(assigned)), assigned]


def mean_with_interval(person: Floats, clusters: Sequence[object] | None = None) -> Estimate:
    """Mean of one number a person, with its normal 95 % interval; clustered by ``clusters`` where given.

    ``person`` is (n,), or (R, n) for R repeats of the cross-fitting: then the estimate is their mean and its
    variance the mean of σ_r² + (θ_r - θ)², each repeat's own variance and its distance from the rest
    (Chernozhukov et al. 2018, section 3.4, who take medians): where splits disagree the interval widens.
    """
    repeats = np.atleast_2d(person)
    each = repeats.mean(axis=1)
    variance = np.array([_variance(row, clusters) for row in repeats])
    error = np.sqrt((variance + (each - each.mean()) ** 2).mean())
    return Estimate.from_se(float(each.mean()), float(error))


def _variance(person: Floats, clusters: Sequence[object] | None) -> float:
    n = len(person)
    deviation = person - person.mean()
    if clusters is None:
        return float((deviation**2).sum()) / (n - 1) / n
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(index, weights=deviation)
    g = len(sums)
    return float((sums**2).sum()) * g / (g - 1) / n**2
