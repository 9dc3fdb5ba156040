"""What competes to become the rule, and how strong its evidence must be."""

from alleviate.models.effects import LEARNERS, EffectLearner
from alleviate.policies.tree_effects import TreeEffect

__all__ = ["CANDIDATES", "DEFAULT_GATE", "RIVAL_GATE", "gate"]

CANDIDATES: dict[str, EffectLearner] = {
    learner.name: learner
    for learner in sorted(
        (*LEARNERS.values(), TreeEffect(1), TreeEffect(2)), key=lambda found: found.complexity
    )
}
"""Every candidate by its name in a study file, from the simplest to explain."""

DEFAULT_GATE = 1.0
"""Corrected standard errors by which the calibration slope of the default learner (ridge) must exceed 0.

Out of fold that slope is negative on average where nobody differs, so that few null trials pass:
`make bench` counts them.
"""

RIVAL_GATE = 2.7
"""The same for every other learner: together they must not add much to that error."""


def gate(name: str) -> float:
    """What the z value of candidate ``name`` must exceed before its rule may differ from one arm for all."""
    return DEFAULT_GATE if name == "ridge" else RIVAL_GATE
