"""Refuses what would make a study look better than it is: leaked outcomes, arms that a feature decides."""

import numpy as np
import polars as pl
from scipy.stats import rankdata

from alleviate.intake.tables import Table
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import DataError

__all__ = ["refuse_leaks", "refuse_separation"]

NEARLY = 0.98
"""Rank correlation with the outcome, or share of its variance, from which a feature is the outcome itself."""

FEWEST_FOR_LEAK = 20
LARGE_LEVEL = 5
"""A category counts as evidence only with at least this many people."""


def refuse_leaks(table: Table, features: pl.DataFrame, y: Floats, outcome: str) -> None:
    """A feature that nearly equals the outcome is refused. ``y`` (n,) with NaN where missing."""
    for name in features.columns:
        share = _agreement(features[name], y)
        if share >= NEARLY:
            raise DataError(
                f"{table.source}: expected features known before treatment, but {quoted(name)} nearly equals "
                f"the outcome {quoted(outcome)} (agreement {share:.3f}).",
                hint=f"Take {quoted(name)} out of [features] include, or list it under known_after.",
            )


def _agreement(column: pl.Series, y: Floats) -> float:
    """From 0 (none) to 1: the share of the variance of y between categories, or the rank correlation."""
    people = pl.DataFrame({"x": column, "y": y}).filter(pl.col("x").is_not_null() & pl.col("y").is_finite())
    if column.dtype == pl.String:
        people = people.filter(pl.len().over("x") >= LARGE_LEVEL)
    if len(people) < FEWEST_FOR_LEAK:
        return 0.0
    if column.dtype == pl.String:
        shown, own = people.select(pl.col("y").mean().over("x"))["y"].to_numpy(), people["y"].to_numpy()
        return float(shown.var() / own.var()) if own.std() > 0 else 0.0
    x, own = (rankdata(people[name].to_physical().cast(pl.Float64).to_numpy()) for name in ("x", "y"))
    return abs(float(np.corrcoef(x, own)[0, 1])) if x.std() > 0 and own.std() > 0 else 0.0


def refuse_separation(table: Table, features: pl.DataFrame, arm: Ints, arms: tuple[str, ...]) -> None:
    """An arm that one feature decides is refused: nobody like its people got anything else to compare with.

    ``arm`` (n,) is -1 where unknown.
    """
    known = arm >= 0
    for name in features.columns:
        decided = _decided(features[name].filter(known), arm[known], len(arms))
        if decided is not None:
            raise DataError(
                f"{table.source}: expected people alike in different arms, but the feature {quoted(name)} "
                f"alone decides who got {quoted(arms[decided])}.",
                hint=f"Take {quoted(name)} out if it is the treatment by another name; else compare others.",
            )


def _decided(column: pl.Series, arm: Ints, arms: int) -> int | None:
    """The arm whose people are exactly those of some values, on one side of a cut, or without a value."""
    gone = column.is_null().to_numpy()
    ordered = column.dtype not in (pl.String, pl.Boolean)
    values = column.cast(pl.String) if column.dtype == pl.Boolean else column
    code = values.rank("dense").drop_nulls().to_numpy()
    for k in range(arms):
        own = arm == k
        if (gone == own).all() or (gone != own).all():
            return k
        inside, outside = code[own[~gone]], code[~own[~gone]]
        if min(len(inside), len(outside)) < LARGE_LEVEL or np.isin(inside, outside).any():
            continue
        # values that are each met once or twice are apart by chance
        frequent = np.median(np.bincount(code)[1:]) >= LARGE_LEVEL
        if frequent or (ordered and (inside.max() < outside.min() or inside.min() > outside.max())):
            return k
    return None
