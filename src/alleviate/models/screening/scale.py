"""One variable on a normal scale: each value that people have becomes the mean of its slice of a normal.

A variable with few values (an answer from 0 to 3) is a normal one seen through slices (Olsson 1979,
Psychometrika 44:443). The mean of a slice is kept, and what a slice hides (``hidden``) is added back where a
probability is wanted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from alleviate.models.trial import Floats

__all__ = ["Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """``values`` (v,) rising; ``ends`` (v,) the upper end of each one's slice, the last one finite too;

    ``means`` (v,) of the slices; ``hidden``: the mean variance within them.
    """

    values: Floats
    ends: Floats
    means: Floats
    hidden: float

    @classmethod
    def fit(cls, x: Floats, weight: Floats) -> "Scale":
        """Of the known among ``x`` (n,), NaN where missing; half a person lies beyond either end."""
        known = np.isfinite(x)
        values, place = np.unique(x[known], return_inverse=True)
        if not len(values):
            return cls(np.zeros(0), np.zeros(0), np.zeros(0), 0.0)
        mass = np.bincount(place, weights=weight[known], minlength=len(values))
        people = max(1.0, mass.sum())
        share = (np.cumsum(mass) / mass.sum()).clip(0.0, 1.0)
        ends = norm.ppf(np.minimum(share, 1.0 - 0.5 / (people + 1.0)))
        cuts = np.concatenate([[-np.inf], norm.ppf(share[:-1]), [np.inf]])
        size = np.diff(norm.cdf(cuts))
        density = norm.pdf(cuts)
        means = (density[:-1] - density[1:]) / size
        return cls(values, ends, means, float(max(0.0, 1.0 - (size * means**2).sum())))

    def place(self, x: Floats) -> Floats:
        """``x`` (n,) on the normal scale: NaN stays; between values in between, beyond the ends at an end."""
        if len(self.values) == 0:
            return np.full(len(x), np.nan)
        return np.where(np.isfinite(x), np.interp(x, self.values, self.means), np.nan)

    def cut(self, threshold: float) -> float:
        """Where on the normal scale the values from ``threshold`` on begin."""
        below = int(np.searchsorted(self.values, threshold, side="left"))
        return -self.ends[-1].item() if below == 0 else float(self.ends[below - 1])

    def to_json(self) -> dict[str, Any]:
        return {
            "values": self.values.tolist(),
            "ends": self.ends.tolist(),
            "means": self.means.tolist(),
            "hidden": self.hidden,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Scale":
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError."""
        values, ends, means = (np.array(data[name], dtype=float) for name in ("values", "ends", "means"))
        return cls(values, ends, means, float(data["hidden"]))
