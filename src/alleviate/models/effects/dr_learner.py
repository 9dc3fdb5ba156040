"""DR-learner: regress each arm's doubly robust scores on the features (Kennedy 2023, EJS 17:3008)."""

from collections.abc import Mapping
from dataclasses import dataclass

from alleviate.models.effects.t_learner import ArmModels
from alleviate.models.regressors import AveragedRidge, Factory, regress
from alleviate.models.trial import EffectData

__all__ = ["LEARNER", "DRLearner"]


@dataclass(frozen=True, slots=True)
class DRLearner:
    """``regressor`` makes the regression of an arm's scores from a seed. Scores hold the weights already."""

    regressor: Factory = AveragedRidge
    name: str = "dr_learner"
    description: str = "a ridge regression on doubly robust scores (DR-learner)"
    complexity: int = 4

    def fit(self, data: EffectData, seed: int) -> ArmModels:
        centred = data.scores - data.scores.mean(axis=1, keepdims=True)
        return ArmModels(tuple(regress(self.regressor, seed, data.x, score) for score in centred.T))

    def load(self, files: Mapping[str, bytes]) -> ArmModels:
        return ArmModels.from_files(files)


LEARNER = DRLearner()
