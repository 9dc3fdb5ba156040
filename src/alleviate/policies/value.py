"""The honest value of a rule: what the outcome would have been had everybody followed it, with its interval.

V(π) = E[Y(π(X))] is estimated by the mean of Γ_i,π(i)(x_i): scores and rule both learned without person i
(Athey & Wager 2021). Repeats of the cross-fitting are averaged person by person before the standard error
is taken.
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
    """Mean of one number a person, with its normal 95 % interval; clustered by ``clusters`` where given."""
    n = len(person)
    deviation = person - person.mean()
    if clusters is None:
        error = np.sqrt((deviation**2).sum() / (n - 1) / n)
    else:
        _, index = np.unique(np.asarray(clusters), return_inverse=True)
        sums = np.bincount(index, weights=deviation)
        g = len(sums)
        error = np.sqrt((sums**2).sum() * g / (g - 1)) / n
    return Estimate.from_se(float(person.mean()), float(error))
