"""A number as a person should see it: with its interval."""

from dataclasses import dataclass
from math import isfinite

__all__ = ["LEVEL", "Estimate", "Z"]

LEVEL = 0.95
"""Nominal coverage of every interval that Alleviate shows."""

Z = 1.959963984540054
"""Standard normal quantile of ``(1 + LEVEL) / 2``."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point estimate with a 95 % interval, ``low <= estimate <= high``, all finite, in one unit."""

    estimate: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.low <= self.estimate <= self.high and isfinite(self.low) and isfinite(self.high):
            return
        if not all(map(isfinite, (self.estimate, self.low, self.high))):
            raise ValueError(f"an estimate must be finite, got {self}")
        raise ValueError(f"expected low <= estimate <= high, got {self}")

    @classmethod
    def from_se(cls, estimate: float, se: float) -> "Estimate":
        """Normal interval ``estimate ± Z · se``; ``se >= 0``."""
        estimate, se = float(estimate), float(se)
        return cls(estimate, estimate - Z * se, estimate + Z * se)

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def __neg__(self) -> "Estimate":
        return Estimate(-self.estimate, -self.high, -self.low)
