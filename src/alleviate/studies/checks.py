"""Refuses what would make a study look better than it is: leaked outcomes, and arms that a feature decides."""

import numpy as np
import polars as pl
from scipy.stats import rankdata

from alleviate.intake.tables import Table
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import DataError

__all__ = ["refuse_leaks", "refuse_separation"]

NEARLY = 0.98
"""Rank correlation with the outcome, or share of its variance between categories, at which a feature is the outcome."""

FEWEST_FOR_LEAK = 20
LARGE_LEVEL = 5
"""A category counts as evidence only with at least this many people."""


def refuse_leaks(table: Table, features: pl.DataFrame, y: Floats, outcome: str) -> None:
    """A feature that nearly equals the outcome is refused. ``y`` (n,) with NaN where missing."""
    for name in features.columns:
        share = _agreement(features[name], y)
        if share >= NEARLY:
            raise DataError(
                f"{table.source}: the feature {quoted(name)} nearly equals the outcome {quoted(outcome)} "
                f"(agreement {share:.3f}): it cannot be known when the treatment is chosen.",
                hint=f"Take {quoted(name)} out of [features] include, or list it under known_after.",
            )


def _agreement(column: pl.Series, y: Floats) -> float:
    if column.dtype == pl.String:
        codes = column.rank("dense").cast(pl.Float64).to_numpy(writable=True)
        both = np.isfinite(codes) & np.isfinite(y)
        groups, index, counts = np.unique(codes[both], return_inverse=True, return_counts=True)
        if both.sum() < FEWEST_FOR_LEAK or len(groups) < 2 or counts.min() < LARGE_LEVEL:
            return 0.0
        means = np.bincount(index, weights=y[both]) / counts
        total = float(((y[both] - y[both].mean()) ** 2).sum())
        return 1.0 - float(((y[both] - means[index]) ** 2).sum()) / total if total > 0 else 0.0
    x = column.cast(pl.Int32).cast(pl.Float64) if column.dtype == pl.Date else column.cast(pl.Float64)
    values = x.to_numpy(writable=True)
    both = np.isfinite(values) & np.isfinite(y)
    if both.sum() < FEWEST_FOR_LEAK:
        return 0.0
    a, b = rankdata(values[both]), rankdata(y[both])
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return abs(float(np.corrcoef(a, b)[0, 1]))


def refuse_separation(table: Table, features: pl.DataFrame, arm: Ints, arms: tuple[str, ...]) -> None:
    """An arm that one feature decides is refused: nobody like its people got anything else, so nothing can be compared."""
    known = arm >= 0
    for name in features.columns:
        column = features[name].filter(pl.Series(known))
        decided = _decided(column, arm[known], len(arms))
        if decided is not None:
            raise DataError(
                f"{table.source}: the feature {quoted(name)} alone decides who got {quoted(arms[decided])}: "
                "nobody alike got another arm, so the arms cannot be compared.",
                hint=f"Take {quoted(name)} out of the features if it is the treatment by another name; else compare other arms.",
            )


def _decided(column: pl.Series, arm: Ints, arms: int) -> int | None:
    """The arm whose people are exactly those of some values, or of one side of a cut; ``None`` where there is none."""
    present = column.is_not_null().to_numpy()
    if column.dtype == pl.String or column.dtype == pl.Boolean:
        codes = column.cast(pl.String).rank("dense").to_numpy(writable=True)[present]
        _, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
        # an id-like column, each value once, decides nothing
        if len(counts) < 2 or np.median(counts) < LARGE_LEVEL:
            return None
        table = np.zeros((len(counts), arms))
        np.add.at(table, (index, arm[present]), 1)
        pure = (table > 0).sum(axis=1) == 1
        for k in range(arms):
            holding = table[:, k] > 0
            if holding.any() and not holding.all() and pure[holding].all():
                return k
        return None
    x = column.cast(pl.Int32).cast(pl.Float64) if column.dtype == pl.Date else column
    values = x.to_numpy(writable=True)[present]
    for k in range(arms):
        inside, outside = values[arm[present] == k], values[arm[present] != k]
        if len(inside) and len(outside) and (inside.max() < outside.min() or inside.min() > outside.max()):
            return k
    return None
