"""Explainable boosting machine (Lou et al. 2013; Nori et al. 2019), by interpret-core: the extra ``ebm``.

Bounded hard (its defaults take over a minute), and kept as plain tables of our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from alleviate.models.prognosis.apart import chosen_apart
from alleviate.models.prognosis.contract import Budget, Design, Tuned
from alleviate.models.prognosis.losses import average
from alleviate.models.prognosis.tables import Table, Tables
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["CANDIDATE", "ExplainableBoosting"]

PAIRS = (0, 3)
"""Most tables of two columns, as tried."""

BOUNDS: dict[str, Any] = {
    "outer_bags": 2,
    "max_rounds": 300,
    "learning_rate": 0.05,
    "max_bins": 32,
    "max_interaction_bins": 8,
    "n_jobs": 1,
}

FEWEST = 10
"""With fewer people than this, or one kind of outcome only, none is fitted: the average is foreseen."""


def _required() -> Any:
    """Found only when asked for: it is an extra, and brings libraries that nothing else needs."""
    try:
        return import_module("interpret.glassbox")
    except ImportError:
        raise InputError(
            "The candidate 'ebm' needs the package interpret-core, which is not installed.",
            hint="Run: pip install 'alleviate[ebm]', or leave 'ebm' out of [learning] candidates.",
        ) from None


@dataclass(frozen=True, slots=True)
class ExplainableBoosting:
    name: str = "ebm"
    words: str = "an explainable boosting machine"
    simple: bool = False

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        found: list[Floats] = []
        for pairs in PAIRS:
            if found and budget.spent():
                break
            settings, held_out = {"pairs": pairs}, np.zeros(len(design.y))
            for fold in np.unique(folds):
                rest, own = np.flatnonzero(folds != fold), folds == fold
                held_out[own] = self.fit(design.take(rest), settings, seed).linear(design.x[own])
            found.append(held_out)
        best, held_out = chosen_apart(design, np.stack(found), folds)
        return Tuned({"pairs": PAIRS[best]}, held_out)

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Tables:
        glassbox = _required()
        counted = design.take(np.flatnonzero(design.weight > 0))
        if len(counted.y) < FEWEST or not design.columns or np.ptp(counted.y) == 0.0:
            return Tables(average(design), ())
        binary = design.loss == "binary"
        make = glassbox.ExplainableBoostingClassifier if binary else glassbox.ExplainableBoostingRegressor
        model = make(
            **BOUNDS,
            interactions=settings["pairs"],
            feature_types=["continuous"] * len(design.columns),
            random_state=seed % 2**31,
        )
        y = counted.y.astype(int) if binary else counted.y
        model.fit(counted.x, y, sample_weight=counted.weight)
        tables = tuple(
            _table(columns, scores, model.bins_)
            for columns, scores in zip(model.term_features_, model.term_scores_, strict=True)
        )
        return Tables(float(np.ravel(model.intercept_)[0]), tuple(each for each in tables if each.steps))

    def restore(self, data: Mapping[str, Any]) -> Tables:
        return Tables.from_json(data)


def _table(columns: tuple[int, ...], scores: Any, bins: Any) -> Table:
    """interpret keeps cuts by how many columns a table has, and outer rows for gaps and for the unknown."""
    cuts = tuple(
        np.asarray(bins[column][min(len(columns), len(bins[column])) - 1], dtype=float) for column in columns
    )
    inner = (slice(1, -1),) * len(columns)
    return Table(tuple(map(int, columns)), cuts, np.asarray(scores, dtype=float)[inner])


CANDIDATE = ExplainableBoosting()
