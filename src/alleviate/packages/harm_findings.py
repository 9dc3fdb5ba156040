"""What a study found of harms: under the rule and each arm, against limits, and what avoiding them costs."""

from collections.abc import Mapping
from dataclasses import dataclass

from alleviate.terms.estimates import Estimate

__all__ = ["FrontierPoint", "HarmFinding", "HarmFindings"]


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """The rule at one ``weight``: what outcome and harm would be, each in its units, and who gets what."""

    weight: float
    outcome: Estimate
    harm: Estimate
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HarmFinding:
    """One harm, in its own units. ``value``: under "rule", "best_arm" and each arm.

    ``known``: people of each arm of whom it is known; ``barred``: share of the people for whom an arm is
    expected to exceed the ``limit``. ``frontier``: rules by weight, from none on; ``at``: the weight of it
    that is stated, or ``natural`` where none is (one SD of it is worth one of the outcome). Against the rule
    that disregards it, the rule at ``at`` gives up ``given_up`` of the outcome and avoids ``avoided`` of the
    harm; positive is more given up, more avoided.
    """

    name: str
    label: str
    unit: str
    better: str
    binary: bool
    weight: float | None
    limit: float | None
    known: Mapping[str, int]
    value: Mapping[str, Estimate]
    barred: Mapping[str, float]
    frontier: tuple[FrontierPoint, ...]
    at: float
    natural: float
    given_up: Estimate
    avoided: Estimate


@dataclass(frozen=True, slots=True)
class HarmFindings:
    """``utility``: outcome with the weighed harms counted in, in its units and direction, under "rule",
    "best_arm" and each arm; ``None`` where no harm has a weight. ``stuck``: share of the people for whom
    every arm is expected to exceed a limit.
    """

    harms: tuple[HarmFinding, ...]
    utility: Mapping[str, Estimate] | None
    stuck: float
