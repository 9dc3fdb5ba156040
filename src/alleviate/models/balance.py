"""Whether weighting makes the arms alike: standardised differences of each feature, and what weights cost.

Each arm is compared with everybody: (mean in the arm - mean of all) / SD of all, K arms alike, before and
after weighting by 1 / e(arm got) (McCaffrey et al. 2013, Stat Med 32:3388). Nothing here looks at an outcome.
"""

from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import Floats, Ints

__all__ = ["Balance", "balance", "effective_size"]


@dataclass(frozen=True, slots=True)
class Balance:
    """``before``, ``after`` (p, K): standardised differences. ``effective`` (K,): people left by weights."""

    before: Floats
    after: Floats
    effective: Floats


def effective_size(weight: Floats) -> float:
    """(Σw)² / Σw²: as many people, equally weighted, would tell as much (Kish 1965). 0 for nobody."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def balance(x: Floats, arm: Ints, probability: Floats) -> Balance:
    """Of encoded features ``x`` (n, p), arms (n,) and chances (n, K) > 0. A constant column differs by 0."""
    n, k = probability.shape
    centre, spread = x.mean(axis=0), x.std(axis=0)
    z = (x - centre) / np.where(spread > 1e-12, spread, 1.0)
    got = np.eye(k)[arm]
    weight = got / probability[np.arange(n), arm][:, None]
    return Balance(
        before=z.T @ got / got.sum(axis=0),
        after=z.T @ weight / weight.sum(axis=0),
        effective=np.array([effective_size(weight[arm == j, j]) for j in range(k)]),
    )
