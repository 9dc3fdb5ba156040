"""No predictors: everybody's risk, or mean, is that of all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.prognosis.contract import Budget, Design, Predictor, Tuned
from alleviate.models.prognosis.curves import Curve, Curves
from alleviate.models.prognosis.losses import average
from alleviate.models.trial import Ints

__all__ = ["CANDIDATE", "NoPredictors"]


@dataclass(frozen=True, slots=True)
class NoPredictors:
    name: str = "none"
    words: str = "no predictors: the average for everybody"
    simple: bool = True

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        held_out = np.zeros(len(design.y))
        for fold in np.unique(folds):
            held_out[folds == fold] = average(design.take(np.flatnonzero(folds != fold)))
        return Tuned({}, held_out)

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Predictor:
        nothing = Curve(np.zeros(1), np.zeros(1))
        return Curves(average(design), (nothing,) * len(design.columns), 1.0)

    def restore(self, data: Mapping[str, Any]) -> Predictor:
        return Curves.from_json(data)


CANDIDATE = NoPredictors()
