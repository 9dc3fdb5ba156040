"""How what is foreseen goes with one feature: its shape, on the outcome's own scale, with doubt.

Numbers: accumulated local effects (Apley & Zhu, J R Stat Soc B 2020): between two values next to each other,
the mean difference over the people who lie between them, summed up. So nobody is asked about at a value far
from their own, and for an additive model on its own scale the shape is exact. Levels have no order: the mean
over all people of what is foreseen if they had it. Both less their mean over people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from alleviate.models.prognosis.deep.sequences import EVENTS
from alleviate.models.prognosis.explained.importance import over_models
from alleviate.models.prognosis.explained.scale import outcome
from alleviate.models.prognosis.explained.values import Value, with_values
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.trial import Floats
from alleviate.terms.estimates import Estimate

__all__ = ["Shape", "shapes"]

POINTS = 12
"""Most values of a number at which its shape is told."""

PEOPLE = 600
"""Most people by whom shapes are told."""

FEWEST = 5
"""A level that fewer people have is not told of."""


@dataclass(frozen=True, slots=True)
class Shape:
    """``values`` from the lowest, or levels; ``people``: how many lie nearest to each, or have it.

    ``effect``: difference to the mean person, on the outcome's own scale."""

    feature: str
    values: tuple[Value, ...]
    people: tuple[int, ...]
    effect: tuple[Estimate, ...]


def shapes(
    model: PrognosisModel, others: Sequence[PrognosisModel], frame: pl.DataFrame, folds: int, seed: int
) -> tuple[Shape, ...]:
    """Of each feature that ``model`` uses, among people ``frame``; the intervals are from ``others``,

    models of (repeated) cross-validation with ``folds`` folds (fewer than two: no width)."""
    rng = np.random.default_rng([seed, 23])
    if len(frame) > PEOPLE:
        frame = frame[np.sort(rng.permutation(len(frame))[:PEOPLE])]
    return tuple(
        shape
        for feature in model.features_kept
        if feature != EVENTS and (shape := _shape(model, others, frame, feature, folds)) is not None
    )


def _shape(
    model: PrognosisModel, others: Sequence[PrognosisModel], frame: pl.DataFrame, feature: str, folds: int
) -> Shape | None:
    column = frame[feature]
    known = frame.filter(column.is_not_null())
    own = column.drop_nulls()
    if model.encoder.kinds[feature] == "number":
        return _line(model, others, known, own.cast(pl.Float64).to_numpy(), feature, folds)
    levels = [level for level in sorted(own.unique().to_list()) if (own == level).sum() >= FEWEST]
    if len(levels) < 2:
        return None
    people = np.array([int((own == level).sum()) for level in levels])

    def effect(each: PrognosisModel) -> Floats:
        x = each.encode(known).x
        every = (with_values(each, x, feature, [level] * len(x)) for level in levels)
        return np.array([outcome(each, each.linear(those)).mean() for those in every])

    return _doubted(feature, levels, people, effect(model), [effect(each) for each in others], folds)


def _line(
    model: PrognosisModel,
    others: Sequence[PrognosisModel],
    known: pl.DataFrame,
    own: Floats,
    feature: str,
    folds: int,
) -> Shape | None:
    grid = np.unique(own)
    if len(grid) > POINTS:
        grid = np.unique(np.quantile(own, np.linspace(0.0, 1.0, POINTS), method="nearest"))
    if len(grid) < 2:
        return None
    between = np.clip(np.searchsorted(grid, own, side="left"), 1, len(grid) - 1)
    nearest = np.abs(own[:, None] - grid).argmin(axis=1)

    def effect(each: PrognosisModel) -> Floats:
        x, steps = each.encode(known).x, np.zeros(len(grid))
        for k in range(1, len(grid)):
            some = x[between == k]
            if not len(some):
                continue
            low, high = (
                outcome(each, each.linear(with_values(each, some, feature, [value] * len(some))))
                for value in grid[k - 1 : k + 1].tolist()
            )
            steps[k] = (high - low).mean()
        return steps.cumsum()

    people = np.bincount(nearest, minlength=len(grid))
    return _doubted(feature, grid.tolist(), people, effect(model), [effect(each) for each in others], folds)


def _doubted(
    feature: str,
    values: Sequence[Value],
    people: np.ndarray,
    effect: Floats,
    others: Sequence[Floats],
    folds: int,
) -> Shape:
    effect, *rest = (own - np.average(own, weights=people) for own in (effect, *others))
    estimates: list[Estimate] = []
    for k, value in enumerate(effect.tolist()):
        reach = 0.0
        if len(rest) > 1:
            spread = over_models(np.array([own[k] for own in rest]), folds)
            reach = (spread.high - spread.low) / 2.0
        estimates.append(Estimate(value, value - reach, value + reach))
    return Shape(feature, tuple(values), tuple(people.tolist()), tuple(estimates))
