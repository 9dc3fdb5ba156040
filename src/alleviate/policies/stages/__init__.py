"""Several treatment decisions in turn: learn a rule for each, and value them together."""

from alleviate.policies.stages.plain import PlainRegime, q_learning
from alleviate.policies.stages.regime import Regime, assigned, learn_regime, one_arm
from alleviate.policies.stages.scores import Scored, score
from alleviate.policies.stages.trial import Policy, StagedTrial, StageTable

__all__ = [
    "PlainRegime",
    "Policy",
    "Regime",
    "Scored",
    "StageTable",
    "StagedTrial",
    "assigned",
    "learn_regime",
    "one_arm",
    "q_learning",
    "score",
]
