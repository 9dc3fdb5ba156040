"""Columns beside the scores: what was known at intake, and further measures taken along."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from alleviate.features import Feature, FeatureSpec, schema
from alleviate.instruments import Instrument
from alleviate.intake.tables import Table
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Floats
from alleviate.studies.courses.cells import mostly_dates, numbers, yes
from alleviate.studies.courses.rows import ID, PLAIN, Rows, item_columns
from alleviate.studies.courses.words import shown, worded
from alleviate.terms.codes import code

__all__ = ["Beside", "beside", "further_of", "intake_of", "unfit"]

MOSTLY = 0.8
"""A column with at least this share of numbers is one of numbers."""
VARIES = 0.1
"""A number that differs within at least this share of people is a measure taken along, else one of intake."""
NAMES = 0.9
"""A text that differs in so large a share of people names them, and tells nothing of others."""


@dataclass(frozen=True, slots=True)
class Beside:
    """``spec`` of intake, ``further`` measures, and what is to be said of columns that are neither."""

    spec: FeatureSpec
    further: tuple[str, ...]
    warnings: tuple[str, ...]


def beside(rows: Rows, instrument: Instrument) -> Beside:
    """What the columns of a table are, by their values."""
    table, used = rows.table, rows.used
    taken = {*PLAIN, *item_columns(table, instrument).values()}
    features, further, out = [], [], []
    for name in [column for column in table.columns if column not in taken]:
        match _role(table, used, name):
            case "further":
                further.append(name)
            case "nothing":
                out.append(name)
            case kind:
                features.append(Feature(name, code("COURSE", name), kind))
    told = [f"Left out: {', '.join(map(quoted, out))} (dates, names, counts of time, or without a value)."]
    return Beside(FeatureSpec(tuple(features)), tuple(further), tuple(told if out else ()))


def _role(
    table: Table, used: pl.DataFrame, name: str
) -> Literal["further", "nothing", "number", "boolean", "category"]:
    text = table.text(name).gather(used["row"])
    known = text.drop_nulls()
    if known.is_empty() or mostly_dates(table, name):
        return "nothing"
    value = numbers(table, name).gather(used["row"])
    if value.is_not_null().sum() >= MOSTLY * len(known):
        return _of_numbers(used.select(ID, "at", value=value))
    if known.str.to_lowercase().is_in(["yes", "no", "true", "false", "y", "n", "t", "f"]).all():
        return "boolean"
    firsts = used.select(ID, value=text).drop_nulls().group_by(ID).agg(pl.col("value").first())["value"]
    return "nothing" if len(firsts) >= 20 and firsts.n_unique() >= NAMES * len(firsts) else "category"


def _of_numbers(values: pl.DataFrame) -> Literal["further", "nothing", "number"]:
    """Whether a number stays the same within people, moves with them, or counts their visits."""
    steps = values.drop_nulls().with_columns(step=pl.col("value").diff().over(ID))
    several = steps.group_by(ID).agg(n=pl.len(), varies=(pl.col("step").fill_null(0.0) != 0).any())
    several = several.filter(pl.col("n") > 1)
    if several.is_empty() or (several["varies"].mean() or 0.0) < VARIES:  # type: ignore[operator]
        return "number"
    return "nothing" if bool((steps["step"].drop_nulls() > 0).all()) else "further"


def intake_of(table: Table, spec: FeatureSpec) -> pl.DataFrame:
    """A line a row of the table; what is lacking or does not fit is null."""
    columns = {feature.name: _values(table, feature) for feature in spec.features}
    return pl.DataFrame(columns, schema=schema(spec))


def _values(table: Table, feature: Feature) -> pl.Series:
    if feature.name not in table.columns:
        return pl.repeat(None, len(table.frame), dtype=pl.String, eager=True)
    if feature.kind == "number":
        return numbers(table, feature.name)
    text = table.text(feature.name)
    if feature.kind == "category":
        return text
    said = text.str.to_lowercase().is_in(["yes", "no", "true", "false", "y", "n", "t", "f", "1", "0"])
    return pl.DataFrame({"a": yes(table, feature.name), "b": said}).select(pl.when("b").then("a")).to_series()


def further_of(table: Table, names: tuple[str, ...]) -> Floats:
    """(rows, M), NaN where not taken."""
    n = len(table.frame)
    columns = [
        numbers(table, name).fill_null(float("nan")).to_numpy()
        if name in table.columns
        else np.full(n, np.nan)
        for name in names
    ]
    return np.column_stack(columns) if columns else np.empty((n, 0))


def unfit(table: Table, spec: FeatureSpec) -> pl.Series:
    """(rows,) a note on the first cell of intake that does not fit its kind, else null."""
    values, notes = intake_of(table, spec), []
    for feature in spec.features:
        if feature.kind != "category" and feature.name in table.columns:
            text = pl.lit(table.text(feature.name))
            wrong = text.is_not_null() & pl.lit(values[feature.name]).is_null()
            words = worded("note", "feature", shown(text), column=feature.name, kind=_KINDS[feature.kind])
            notes.append(pl.when(wrong).then(words))
    nothing = pl.repeat(None, len(table.frame), dtype=pl.String, eager=True)
    return values.select(pl.coalesce(notes)).to_series() if notes else nothing


_KINDS = {"number": "number", "boolean": "yes or no"}
