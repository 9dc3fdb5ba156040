"""What a study found of unknown outcomes: how many, how others were weighed, and what they may hide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alleviate.terms.estimates import Estimate

__all__ = ["Assumption", "MissingFindings", "Tipping", "Unknown"]

Assumption = Literal["alike", "jump", "worst", "best"]
"""Of unknown outcomes. ``alike``: as those of people alike in the same arm; ``jump``: as under usual care;
``worst``, ``best``: an important difference worse, or better, than those of people alike, and in a comparison
worse in the arm that is ahead and better in the other, or the reverse."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Of one arm: ``people`` in all, how many ``unknown``; and of the known the weights 1/P(known).

    ``effective``: as many equally weighted people would tell as much (Kish: (Σw)²/Σw²). ``truncated``: people
    whose chance of being known lay below the bound.
    """

    people: int
    unknown: int
    lowest: float
    median: float
    highest: float
    effective: float
    truncated: int


@dataclass(frozen=True, slots=True)
class Tipping:
    """How much worse than those of people alike the unknown outcomes of the arm that is ahead must be (> 0).

    In outcome units. ``interval``: until the 95 % interval reaches 0; ``estimate``: until the estimate does.
    """

    interval: float
    estimate: float


@dataclass(frozen=True, slots=True)
class MissingFindings:
    """``unknown`` by arm. ``values`` (outcome units) and ``contrasts`` (of the best arm over each other) by
    assumption, then arm; ``gain`` (of the rule over the best arm) by assumption, where it was worked out.

    ``tipping``: of each contrast whose interval lies above 0 and whose best arm lost somebody. ``shift``: the
    important difference. ``reference``: the arm jumped to. ``in_time``: events in time, lost to follow-up.
    ``bound``: least chance of being known that was divided by.
    """

    unknown: Mapping[str, Unknown]
    values: Mapping[str, Mapping[str, Estimate]]
    contrasts: Mapping[str, Mapping[str, Estimate]]
    gain: Mapping[str, Estimate]
    tipping: Mapping[str, Tipping]
    shift: float
    bound: float
    reference: str | None
    in_time: bool
