"""Ridge on the few columns that are chosen again and again."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from alleviate.models.prognosis.additive import fit_additive
from alleviate.models.prognosis.bases import Basis, design_of
from alleviate.models.prognosis.contract import Budget, Design, Predictor, Tuned
from alleviate.models.prognosis.curves import Curves
from alleviate.models.prognosis.stability import frequencies
from alleviate.models.trial import Floats, Ints

__all__ = ["CANDIDATE", "Selected"]

STABLE = 0.6
"""A column is kept that at least this share of the half samples chose; the most chosen one always."""


def _lines(design: Design, family: str, *, columns: tuple[int, ...]) -> Basis:
    return design_of(design, family, bends=False, columns=columns)


def _kept(frequency: Floats) -> tuple[int, ...]:
    least = min(STABLE, float(frequency.max(initial=0.0)))
    return tuple(int(j) for j in np.flatnonzero((frequency >= least) & (frequency > 0)))


@dataclass(frozen=True, slots=True)
class Selected:
    name: str = "selected"
    words: str = "ridge-penalised regression on stably selected columns"
    simple: bool = True

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        """Each fold's people are foreseen by columns that the others selected."""
        frequency = frequencies(design, seed)
        held_out = np.zeros(len(design.y))
        for fold in np.unique(folds):
            rest, own = design.take(np.flatnonzero(folds != fold)), folds == fold
            shape = partial(_lines, columns=_kept(frequencies(rest, seed)))
            held_out[own] = fit_additive(rest, shape).linear(design.x[own])
        return Tuned({"frequency": frequency.tolist()}, held_out)

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Predictor:
        shape = partial(_lines, columns=_kept(np.array(settings["frequency"], dtype=float)))
        return fit_additive(design, shape)

    def restore(self, data: Mapping[str, Any]) -> Predictor:
        return Curves.from_json(data)


CANDIDATE = Selected()
