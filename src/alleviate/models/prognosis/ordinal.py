"""From a score to the chance of each ordered level: proportional odds (McCullagh, J R Stat Soc B 1980)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from alleviate.models.trial import Floats

__all__ = ["ProportionalOdds"]


@dataclass(frozen=True, slots=True)
class ProportionalOdds:
    """P(level > k | score) = expit(``slope``·score − ``thresholds``_k); ``thresholds`` (L − 1,) ascending."""

    thresholds: Floats
    slope: float

    @classmethod
    def fit(cls, score: Floats, y: Floats, weight: Floats, levels: int) -> "ProportionalOdds":
        """By maximum likelihood on held-out scores, half a person added to each level.

        Without slope, if the score says nothing or points the wrong way.
        """
        level = y.astype(int)
        share = np.array([weight[level == k].sum() + 0.5 for k in range(levels)])
        above = 1.0 - np.cumsum(share / share.sum())[:-1]
        start = -np.log(above / (1.0 - above))
        spread = float(np.sqrt(np.cov(score, aweights=weight)))
        if spread < 1e-9:
            return cls(start, 0.0)
        centre = float(np.average(score, weights=weight))
        z = (score - centre) / spread

        def unpacked(at: Floats) -> tuple[Floats, float]:
            return np.concatenate([at[:1], at[0] + np.cumsum(np.exp(at[1:-1]))]), float(at[-1])

        def badness(at: Floats) -> float:
            chance = _chances(z, *unpacked(at))
            own = np.log(np.maximum(chance[np.arange(len(z)), level], 1e-12))
            prior = 0.5 * np.log(np.maximum(chance.mean(axis=0), 1e-12)).sum()
            return -float(weight @ own) - float(prior) + 0.01 * float(at[-1] ** 2)

        gaps = np.log(np.maximum(np.diff(start), 1e-3))
        found = minimize(badness, np.concatenate([start[:1], gaps, [0.5]]), method="BFGS").x
        thresholds, slope = unpacked(found)
        if slope <= 0.0:
            return cls(start, 0.0)
        return cls(thresholds + slope * centre / spread, slope / spread)

    def probabilities(self, score: Floats) -> Floats:
        """(n, L), rows summing to 1."""
        return _chances(score, self.thresholds, self.slope)

    def to_json(self) -> dict[str, Any]:
        return {"thresholds": self.thresholds.tolist(), "slope": self.slope}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ProportionalOdds":
        return cls(np.array(data["thresholds"], dtype=float), float(data["slope"]))


def _chances(score: Floats, thresholds: Floats, slope: float) -> Floats:
    above = expit(slope * score[:, None] - thresholds)
    ends = np.column_stack([np.ones(len(score)), above, np.zeros(len(score))])
    return np.asarray(ends[:, :-1] - ends[:, 1:], dtype=float)
