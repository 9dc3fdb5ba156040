"""Ridge-penalised regression (le Cessie & van Houwelingen 1992), averaged over penalties."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alleviate.models.prognosis.additive import fit_additive, tune_additive
from alleviate.models.prognosis.bases import Basis, design_of
from alleviate.models.prognosis.contract import Budget, Design, Predictor, Tuned
from alleviate.models.prognosis.curves import Curves
from alleviate.models.trial import Ints

__all__ = ["CANDIDATE", "Ridge"]


def lines(design: Design, family: str) -> Basis:
    return design_of(design, family, bends=False)


@dataclass(frozen=True, slots=True)
class Ridge:
    name: str = "ridge"
    words: str = "ridge-penalised regression"
    simple: bool = True

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        return tune_additive(design, folds, lines, budget)

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Predictor:
        return fit_additive(design, lines, settings["start"])

    def restore(self, data: Mapping[str, Any]) -> Predictor:
        return Curves.from_json(data)


CANDIDATE = Ridge()
