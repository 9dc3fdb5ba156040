"""The scale that scores live on: its ends, its grid, which way is better, and what change counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr

from alleviate.models.trial import Floats
from alleviate.terms.errors import InputError

__all__ = ["Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """Scores lie in ``low`` … ``high``, in steps of ``step`` (0: any number between).

    A change by ``reliable`` or more towards ``better`` is an improvement, away from it a worsening. A score
    is read as a latent normal number, rounded to the grid and held at the ends (a tobit with two ends).
    """

    low: float
    high: float
    better: Literal["lower", "higher"]
    reliable: float
    step: float = 0.0

    def __post_init__(self) -> None:
        if not (self.low < self.high and self.reliable > 0 and self.step >= 0):
            raise InputError(
                f"A scale from {self.low} to {self.high} cannot have a reliable change of {self.reliable} "
                f"and steps of {self.step}.",
                hint="The low end lies below the high end; a reliable change is above 0, a step 0 or more.",
            )

    def below(self, mean: Floats, sd: Floats, cut: Floats) -> Floats:
        """P(score ≤ ``cut``) for a latent normal number: 0 below the low end, 1 from the high end on."""
        inside = ndtr((cut + self.step / 2 - mean) / sd)
        return np.where(cut < self.low, 0.0, np.where(cut >= self.high, 1.0, inside))

    def above(self, mean: Floats, sd: Floats, cut: Floats) -> Floats:
        """P(score ≥ ``cut``)."""
        inside = ndtr((mean - cut + self.step / 2) / sd)
        return np.where(cut > self.high, 0.0, np.where(cut <= self.low, 1.0, inside))

    def change(self, mean: Floats, sd: Floats, start: Floats) -> tuple[Floats, Floats]:
        """P(improvement) and P(worsening) from ``start`` to a score whose latent number is N(mean, sd²)."""
        fall = self.below(mean, sd, start - self.reliable)
        rise = self.above(mean, sd, start + self.reliable)
        return (fall, rise) if self.better == "lower" else (rise, fall)

    def improved(self, start: Floats, end: Floats) -> Floats:
        """1.0 where the change is reliably for the better, NaN where the end is not known."""
        gain = start - end if self.better == "lower" else end - start
        return np.where(np.isfinite(end), gain >= self.reliable - 1e-9, np.nan)

    def worsened(self, start: Floats, end: Floats) -> Floats:
        """1.0 where the change is reliably for the worse, NaN where the end is not known."""
        return self.improved(end, np.where(np.isfinite(end), start, np.nan))

    def clip(self, value: Floats) -> Floats:
        """Held at both ends: the score to expect where ``value`` is the mean of a curve fitted to scores that

        were held there themselves. (The mean of a tobit around it would count the ends twice.)"""
        return np.asarray(np.clip(value, self.low, self.high))

    def distance(self, mean: Floats, sd: Floats, score: Floats) -> Floats:
        """How many SDs the nearest latent number that shows as ``score`` lies from the mean: 0 where a score

        at an end has its mean beyond that end."""
        off = (score - mean) / sd
        off = np.where(score <= self.low, np.minimum(off, 0.0), off)
        return np.abs(np.where(score >= self.high, np.maximum(off, 0.0), off))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Scale":
        return cls(**data)
