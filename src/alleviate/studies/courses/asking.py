"""What the person who learns courses asks for."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alleviate.features import FeatureSpec
from alleviate.packages.course import Following
from alleviate.terms.errors import InputError

__all__ = ["EPISODE_GAP", "Asked"]

EPISODE_GAP = 26.0
"""Weeks without a score after which a new episode begins, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person who learns asks for. ``end``: planned end, where the table does not give it.

    ``reliable``: points of a reliable change, where none is published or another is wanted.
    """

    instrument: str
    per_100: float = 20.0
    per: Literal["session", "patient"] = "patient"
    end: float | None = None
    reliable: float | None = None
    episode_gap: float = EPISODE_GAP
    seed: int = 1

    def __post_init__(self) -> None:
        for name, value in (("--end", self.end), ("--reliable", self.reliable), ("--gap", self.episode_gap)):
            if value is not None and not (np.isfinite(value) and value > 0):
                raise InputError(f"{name} must be above 0, got {value:g}.", hint="Leave it out, or mend it.")
        if not 0 < self.per_100 < 100:
            raise InputError(
                f"{self.per_100:g} alerts per 100 patients cannot be.",
                hint="Ask for more than 0, less than 100.",
            )

    def following(self, unit: Literal["weeks", "sessions"]) -> Following:
        gap = self.episode_gap if unit == "weeks" else None
        return Following(self.instrument, self.reliable, unit, gap, FeatureSpec(()), ())
