"""How far a person's own outcome may lie from the one expected: conformal, arm by arm.

Residuals of people whom the forecast had not seen (cross-conformal: Vovk 2015; Barber et al. 2021), each
weighted by 1 / P(arm | features), so that those who got an arm stand for everybody who might (Lei & Candès
2021). Kept are a few quantiles an arm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.trial import Floats, Ints

__all__ = ["Outcomes", "fit_outcomes"]

GRID = np.array([0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995])
"""Probabilities whose quantiles are kept."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """``quantiles`` (K, 15): of outcome minus expectation under each arm, at ``GRID``."""

    quantiles: Floats

    def around(self, level: float) -> Floats:
        """(K, 2) what to add to the expected outcome for the ends of an interval at ``level`` (.5 to .99)."""
        tail = (1.0 - level) / 2.0
        return np.array([np.interp([tail, 1.0 - tail], GRID, row) for row in self.quantiles])

    def to_json(self) -> dict[str, Any]:
        return {"quantiles": self.quantiles.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Outcomes":
        return cls(np.array(data["quantiles"], dtype=float))


def fit_outcomes(residual: Floats, arm: Ints, weight: Floats, arms: int) -> Outcomes:
    """``residual`` (n,): outcome minus what was expected out of fold; ``weight`` (n,): 1 / P(arm), or 0."""
    rows = []
    for k in range(arms):
        mine = (arm == k) & (weight > 0)
        values, own = residual[mine], weight[mine]
        low = -_upper(-values, own, 1.0 - GRID)
        rows.append(np.where(GRID < 0.5, low, _upper(values, own, GRID)))
    return Outcomes(np.array(rows))


def _upper(values: Floats, weight: Floats, probability: Floats) -> Floats:
    """Weighted quantiles that a new person of average weight stays below with at least ``probability``.

    That person counts as one more beyond all others; where so few are known, the largest value stands in.
    """
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / (weight.sum() + weight.mean())
    found: Floats = values[order][np.minimum(np.searchsorted(share, probability), len(values) - 1)]
    return found
