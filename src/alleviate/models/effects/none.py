"""No effect at all: nobody differs from anybody, so one arm serves all. What the others must beat."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alleviate.models.explanation import Question
from alleviate.models.trial import EffectData, Floats

__all__ = ["LEARNER", "NoEffect"]


@dataclass(frozen=True, slots=True)
class Constant:
    arms: int

    def predict(self, x: Floats) -> Floats:
        return np.zeros((len(x), self.arms))

    def contributions(self, question: Question) -> Floats:
        return np.zeros_like(question.x)

    def to_files(self) -> Mapping[str, bytes]:
        return {"effect.json": json.dumps({"arms": self.arms}).encode()}


@dataclass(frozen=True, slots=True)
class NoEffect:
    name: str = "none"
    description: str = "the same effect for everybody"
    complexity: int = 0

    def fit(self, data: EffectData, seed: int) -> Constant:
        return Constant(data.arms)

    def load(self, files: Mapping[str, bytes]) -> Constant:
        return Constant(json.loads(files["effect.json"])["arms"])


LEARNER = NoEffect()
