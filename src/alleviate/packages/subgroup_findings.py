"""What a study found of groups of people: the effect in each, corrected for having looked at all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from alleviate.terms.estimates import Estimate

__all__ = ["Subgroup", "SubgroupFindings"]


@dataclass(frozen=True, slots=True)
class Subgroup:
    """People with ``level`` of ``label``, such as "56 or less" of "age (years)"; ``feature`` is its column.

    ``n``: by arm. ``effect``: benefit of the best arm over ``against`` in them; ``interaction``: that less
    the benefit in the others; both in outcome units, positive is better, with simultaneous 95 % intervals.
    ``p``: of the interaction, corrected; ``p_alone``: had one looked at nothing else.
    """

    feature: str
    label: str
    level: str
    against: str
    n: Mapping[str, int]
    effect: Estimate
    interaction: Estimate
    p: float
    p_alone: float


@dataclass(frozen=True, slots=True)
class SubgroupFindings:
    """``groups``: the strongest, those of one feature and arm together. ``overall``: by the other arm.

    ``looked``: comparisons corrected for; ``characteristics``: features that they came from; ``by_rule``:
    also those whom a rule learned without them advises each arm; ``least``: people in every arm, inside and
    outside, that a group needs; ``too_few``: groups that had less.
    """

    best_arm: str
    overall: Mapping[str, Estimate]
    groups: tuple[Subgroup, ...]
    looked: int
    characteristics: int
    by_rule: bool
    least: int
    too_few: tuple[str, ...]
