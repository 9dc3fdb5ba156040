"""X-learner: each person's own effect imputed from the other arms, then regressed (Künzel et al. 2019).

In arm a, Y - μ_j(x) is the effect of a over j in that person, μ_j the T-learner's outcome under arm j, which
those people did not teach; its regression is h_aj. The effect of a over j is the mean of h_aj and -h_ja, each
weighted by the chance of the arm that it did not learn from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from alleviate.models.effects.t_learner import TLearner
from alleviate.models.explanation import Question
from alleviate.models.regressors import AveragedRidge, Factory, Kept, regress, restore
from alleviate.models.trial import EffectData, Floats

__all__ = ["LEARNER", "PairModels", "XLearner"]


@dataclass(frozen=True, slots=True)
class PairModels:
    """``models``: h_aj by ordered pairs of arms (``permutations``); ``share`` (K,) of each arm."""

    models: tuple[Kept, ...]
    share: Floats

    def predict(self, x: Floats) -> Floats:
        k = len(self.share)
        effects = np.zeros((len(x), k))
        for (a, j), model in zip(permutations(range(k), 2), self.models, strict=True):
            gain = self._trust(a, j) * model.predict(x)
            effects[:, a] += gain
            effects[:, j] -= gain
        return effects

    def _trust(self, a: int, j: int) -> float:
        """How much h_aj counts for the effects of a and, turned, of j."""
        return float(self.share[j] / (self.share[a] + self.share[j]) / len(self.share))

    def contributions(self, question: Question) -> Floats:
        result, weights = np.zeros_like(question.x), question.weights
        for (a, j), model in zip(permutations(range(len(self.share)), 2), self.models, strict=True):
            counts = self._trust(a, j) * (weights[:, a] - weights[:, j])
            result += counts[:, None] * model.contributions(question.x, question.mean)
        return result

    def to_files(self) -> Mapping[str, bytes]:
        data = {"share": self.share.tolist(), "pairs": [model.to_json() for model in self.models]}
        return {"effect.json": json.dumps(data).encode()}


@dataclass(frozen=True, slots=True)
class XLearner:
    """``regressor`` makes the regression of imputed effects from a seed."""

    regressor: Factory = AveragedRidge
    name: str = "x_learner"
    description: str = "a ridge regression on imputed effects (X-learner)"
    complexity: int = 4

    def fit(self, data: EffectData, seed: int) -> PairModels:
        arms, models = TLearner(self.regressor).fit(data, seed).models, []
        for a, j in permutations(range(data.arms), 2):
            given = data.arm == a
            imputed = data.residual[given] - arms[j].predict(data.x[given])
            models.append(regress(self.regressor, seed, data.x[given], imputed, data.weight[given]))
        return PairModels(tuple(models), data.probability.mean(axis=0))

    def load(self, files: Mapping[str, bytes]) -> PairModels:
        data = json.loads(files["effect.json"])
        return PairModels(
            tuple(restore(model) for model in data["pairs"]), np.array(data["share"], dtype=float)
        )


LEARNER = XLearner()
