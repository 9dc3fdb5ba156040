"""Who gains more, and from which arm: one learner a file, all behind `EffectLearner`."""

from alleviate.models.effects.bcf import BayesianCausalForest
from alleviate.models.effects.boosted import BoostedEffect
from alleviate.models.effects.contract import EffectLearner, EffectModel
from alleviate.models.effects.none import NoEffect
from alleviate.models.effects.ridge import RidgeEffect

__all__ = [
    "LEARNERS",
    "BayesianCausalForest",
    "BoostedEffect",
    "EffectLearner",
    "EffectModel",
    "NoEffect",
    "RidgeEffect",
]

LEARNERS: dict[str, EffectLearner] = {
    learner.name: learner for learner in (NoEffect(), RidgeEffect(), BoostedEffect(), BayesianCausalForest())
}
"""Every learner by its name in a study file, from the simplest."""
