"""What competes to become the rule, and how strong its evidence must be."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from alleviate.models.effects import LEARNERS, EffectLearner, EffectModel
from alleviate.policies.super_learner import BlendReader
from alleviate.policies.tree_effects import TreeEffect

__all__ = ["BLEND", "CANDIDATES", "GATE", "NO_SIGNAL", "RULES", "SHOWN", "Rule", "competing"]

CANDIDATES: dict[str, EffectLearner] = {
    learner.name: learner
    for learner in sorted(
        (*LEARNERS.values(), TreeEffect(1), TreeEffect(2)), key=lambda found: found.complexity
    )
}
"""Every candidate by its name in a study file, from the simplest to explain."""


class Rule(Protocol):
    """What may be chosen: a learner, or a blend of some."""

    @property
    def description(self) -> str: ...

    def load(self, files: Mapping[str, bytes]) -> EffectModel: ...


BLEND = "blend"

RULES: dict[str, Rule] = {**CANDIDATES, BLEND: BlendReader(CANDIDATES)}
"""Everything that a package may hold, by name, from the simplest to explain."""

SHOWN = frozenset(name for name, learner in CANDIDATES.items() if learner.complexity <= 3) | {BLEND}
"""Rules worth showing alone where others compete: what can be told in words, and the blend."""

NO_SIGNAL = 1 / 3
"""Chance that nobody differs, had it been even before, below which the simplest candidate tells people apart.

That is odds of two to one, chosen on P1 with seeds from 10,000 on: see docs/methods/super-learner.md.
"""

GATE = 2.7
"""Corrected standard errors by which the calibration slope of any other rule must exceed 0."""


def competing(names: Sequence[str]) -> tuple[str, ...]:
    """The rules that ``names`` of a study make: "none" always, and a blend where two can be blended."""
    asked = {name for name in names if name in CANDIDATES} | {"none"}
    return tuple(name for name in RULES if name in asked or (name == BLEND and len(asked) > 2))
