"""Who is comparable at all: people who might have got each arm, by a rule that looks at no outcome.

The variance of any estimate is driven by the mean of 1/e_1(x) + … + 1/e_K(x) over those kept, divided by
their share. It is least if those are kept in whom the sum is at most λ = 2 · its mean over those kept;
everybody, where even the largest sum is at most twice the mean. Two arms: Crump, Hotz, Imbens & Mitnik 2009
(Biometrika 96:187), where the sum is 1/(e(1 - e)); K arms: Yang et al. 2016 (Biometrics 72:1055). A study may
name a least chance instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.encoding import Encoder
from alleviate.models.propensities import Chances, restore_chances
from alleviate.models.trial import Bools, Floats, Ints

__all__ = ["Cut", "Reach", "Trimmed", "cut_by_rule", "cut_by_share"]


@dataclass(frozen=True, slots=True)
class Cut:
    """People stay in whom every chance is at least ``least``, and the sum of 1/chances at most ``most``."""

    least: float
    most: float

    def keeps(self, probability: Floats) -> Bools:
        """(n, K) chances → (n,) who stays."""
        return np.asarray((probability.min(axis=1) >= self.least) & (_sums(probability) <= self.most))


def _sums(probability: Floats) -> Floats:
    return np.asarray((1.0 / np.maximum(probability, 1e-12)).sum(axis=1))


def cut_by_share(least: float) -> Cut:
    """Nobody with a chance of some arm below ``least``."""
    return Cut(least, np.inf)


def cut_by_rule(probability: Floats) -> Cut:
    """The optimal cut for cross-fitted chances (n, K)."""
    sums = np.sort(_sums(probability))
    means = sums.cumsum() / np.arange(1, len(sums) + 1)
    variances = means / np.arange(1, len(sums) + 1)  # up to a constant
    return Cut(0.0, float(2.0 * means[variances.argmin()]))


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a rule may speak of: chances as learned before anyone was left out, and the cut."""

    encoder: Encoder
    propensity: Chances
    cut: Cut

    def problems(self, frame: pl.DataFrame) -> list[str | None]:
        """For each row of features why it lies outside, or ``None``."""
        chances = self.propensity.predict(self.encoder.transform(frame).x)
        least = chances.min(axis=1)
        return [
            None
            if inside
            else "outside the overlap of the arms: of people like this, next to nobody "
            f"({'under 1%' if chance < 0.01 else f'{chance:.0%}'}) got one of them"
            for inside, chance in zip(self.cut.keeps(chances), least, strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        most = self.cut.most if np.isfinite(self.cut.most) else None
        return {
            "encoder": self.encoder.to_json(),
            "propensity": self.propensity.to_json(),
            "least": self.cut.least,
            "most": most,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Reach":
        most = np.inf if data["most"] is None else float(data["most"])
        return cls(
            Encoder.from_json(data["encoder"]),
            restore_chances(data["propensity"]),
            Cut(float(data["least"]), most),
        )


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Left out: features of m people ``outside``, ``arm`` (m,). ``least``: lowest chance of those kept."""

    reach: Reach
    outside: pl.DataFrame
    arm: Ints
    least: float
