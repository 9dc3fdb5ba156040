"""An additive model of smooth curves (Eilers & Marx 1996): what bends is penalised apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alleviate.models.prognosis.additive import fit_additive, tune_additive
from alleviate.models.prognosis.bases import Basis, design_of
from alleviate.models.prognosis.contract import Budget, Design, Predictor, Tuned
from alleviate.models.prognosis.curves import Curves
from alleviate.models.trial import Ints

__all__ = ["CANDIDATE", "Spline"]


def smooth(design: Design, family: str) -> Basis:
    return design_of(design, family, bends=True)


@dataclass(frozen=True, slots=True)
class Spline:
    name: str = "spline"
    words: str = "additive model of smooth curves"
    simple: bool = True

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        return tune_additive(design, folds, smooth, budget)

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Predictor:
        return fit_additive(design, smooth, settings["start"])

    def restore(self, data: Mapping[str, Any]) -> Predictor:
        return Curves.from_json(data)


CANDIDATE = Spline()
