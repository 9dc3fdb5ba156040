"""T-learner: a regression in each arm, and their differences (Künzel et al. 2019, PNAS 116:4156).

Each arm's regression is of what the expectation over the arms leaves, so that shrinking it shrinks what
differs between arms and not what all people share.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alleviate.models.explanation import Question
from alleviate.models.regressors import AveragedRidge, Factory, Kept, regress, restore
from alleviate.models.trial import EffectData, Floats

__all__ = ["LEARNER", "ArmModels", "TLearner"]


@dataclass(frozen=True, slots=True)
class ArmModels:
    """One regression per arm; the effects are their differences from their mean."""

    models: tuple[Kept, ...]

    def predict(self, x: Floats) -> Floats:
        each = np.column_stack([model.predict(x) for model in self.models])
        centred: Floats = each - each.mean(axis=1, keepdims=True)
        return centred

    def contributions(self, question: Question) -> Floats:
        result = np.zeros_like(question.x)
        for weight, model in zip(question.weights.T, self.models, strict=True):
            result += weight[:, None] * model.contributions(question.x, question.mean)
        return result

    def to_files(self) -> Mapping[str, bytes]:
        return {"effect.json": json.dumps({"arms": [model.to_json() for model in self.models]}).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "ArmModels":
        return cls(tuple(restore(model) for model in json.loads(files["effect.json"])["arms"]))


@dataclass(frozen=True, slots=True)
class TLearner:
    """``regressor`` makes the regression of an arm from a seed: any that ``regressors`` can keep."""

    regressor: Factory = AveragedRidge
    name: str = "t_learner"
    description: str = "a ridge regression in each arm, and their differences (T-learner)"
    complexity: int = 4

    def fit(self, data: EffectData, seed: int) -> ArmModels:
        given = [data.arm == k for k in range(data.arms)]
        return ArmModels(
            tuple(
                regress(self.regressor, seed, data.x[arm], data.residual[arm], data.weight[arm])
                for arm in given
            )
        )

    def load(self, files: Mapping[str, bytes]) -> ArmModels:
        return ArmModels.from_files(files)


LEARNER = TLearner()
