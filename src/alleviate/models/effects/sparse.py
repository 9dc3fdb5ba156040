"""Sparse R-learner: few features moderate, by a line or a threshold; all such models are averaged.

Y - m(x) = Σ_k (1{A = k} - e_k(x)) (a_k + f_k(x)) + noise as in the ridge R-learner, but f is a moderator or
two of ``alleviate.models.moderators`` rather than a slope for everything, or nothing at all (Bayesian model
averaging, Hoeting, Madigan, Raftery & Volinsky 1999; multiplicity in the prior, Scott & Berger 2010).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alleviate.models.explanation import Question
from alleviate.models.moderator_terms import Terms
from alleviate.models.moderators import average_models
from alleviate.models.trial import EffectData, Floats, Ints, contrasts

__all__ = ["LEARNER", "SparseEffect", "SparseModel"]

ROWS = 4096
"""People predicted at a time: bounds the memory."""


@dataclass(frozen=True, slots=True)
class SparseModel:
    """The average of all models, as in ``moderators.Average``.

    ``inclusion`` (p,): posterior chance that a feature moderates; ``no_signal``: the posterior chance that
    nobody differs.
    """

    terms: Terms
    mean: Floats
    pairs: Ints
    blocks: Floats
    no_signal: float
    inclusion: Floats

    @property
    def arms(self) -> int:
        return int(self.mean.shape[1]) + 1

    def predict(self, x: Floats) -> Floats:
        result = np.empty((len(x), self.arms))
        back = self.mean @ contrasts(self.arms).T
        for start in range(0, len(x), ROWS):
            rows = slice(start, start + ROWS)
            result[rows] = self.terms.values(x[rows]) @ back
        return result

    def contributions(self, question: Question) -> Floats:
        result = np.empty_like(question.x)
        slopes = self.mean @ contrasts(self.arms).T
        for start in range(0, len(result), ROWS):
            rows = slice(start, start + ROWS)
            weights = question.weights[rows] @ slopes.T
            result[rows] = self.terms.contributions(question.x[rows], weights)
        return result

    def variance(self, x: Floats, weights: Floats, imputed: Floats) -> Floats:
        """(n,) posterior variance of Σ_k weights_k·effect_k(x); ``imputed`` (n, p): 1 where a value lacks.

        A term of a missing feature has variance 1: its coefficient's second moment is added.
        """
        difference = weights @ contrasts(self.arms)
        moments = np.einsum("a,iab,b->i", difference, self.blocks, difference)
        left, right = self.pairs.T
        alone = np.zeros(len(self.terms))
        np.add.at(alone, left[left == right], moments[left == right])
        result = np.empty(len(x))
        for start in range(0, len(x), ROWS):
            rows = slice(start, start + ROWS)
            z = self.terms.values(x[rows])
            second = (z[:, left] * z[:, right]) @ moments
            known = np.maximum(second - (z @ (self.mean @ difference)) ** 2, 0.0)
            result[rows] = known + self.terms.using(imputed[rows]) @ alone
        return result

    def to_files(self) -> Mapping[str, bytes]:
        data = {
            "terms": self.terms.to_json(),
            "mean": self.mean.ravel().tolist(),
            "pairs": self.pairs.ravel().tolist(),
            "blocks": self.blocks.ravel().tolist(),
            "no_signal": self.no_signal,
            "inclusion": self.inclusion.tolist(),
            "arms": self.arms,
        }
        return {"effect.json": json.dumps(data).encode()}


@dataclass(frozen=True, slots=True)
class SparseEffect:
    name: str = "sparse"
    description: str = "effects by few features, lines or thresholds, the likeliest models averaged"
    complexity: int = 1

    def fit(self, data: EffectData, seed: int) -> SparseModel:
        treated = (np.eye(data.arms)[data.arm] - data.probability) @ contrasts(data.arms)
        found = average_models(data.x, treated, data.residual, data.weight)
        return SparseModel(found.terms, found.mean, found.pairs, found.blocks, found.nobody, found.inclusion)

    def load(self, files: Mapping[str, bytes]) -> SparseModel:
        data = json.loads(files["effect.json"])
        q = data["arms"] - 1
        return SparseModel(
            Terms.from_json(data["terms"]),
            np.array(data["mean"], dtype=float).reshape(-1, q),
            np.array(data["pairs"], dtype=np.int64).reshape(-1, 2),
            np.array(data["blocks"], dtype=float).reshape(-1, q, q),
            float(data["no_signal"]),
            np.array(data["inclusion"], dtype=float),
        )


LEARNER = SparseEffect()
