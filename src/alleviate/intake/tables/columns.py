"""What each column holds (numbers, categories, yes/no, dates): decided, parsed, or refused with the lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from alleviate.intake.tables.table import SHOWN, Table, as_text, quoted, text_of
from alleviate.terms.errors import DataError

__all__ = ["Kind", "TypedTable", "typed"]

Kind = Literal["number", "category", "boolean", "date"]

MOSTLY = 0.8
"""A text column with at least this share of numbers, but not only numbers, is a mistake."""

NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
DECIMAL_COMMA = r"^([+-]?[0-9]*),([0-9]+(?:[eE][+-]?[0-9]+)?)$"
INFINITE = r"(?i)^[+-]?inf(?:inity)?$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?$"
TRUE = ["yes", "true", "y", "t"]
FALSE = ["no", "false", "n", "f"]

EXPECTED = {
    "number": "numbers",
    "boolean": "yes or no",
    "date": "dates like 2024-05-31",
}


@dataclass(frozen=True, slots=True)
class TypedTable:
    """``frame``: number → Float64, category → String, boolean → Boolean, date → Date; ``kinds`` name them."""

    table: Table
    frame: pl.DataFrame
    kinds: Mapping[str, Kind]


def typed(
    table: Table, *, kinds: Mapping[str, str] | None = None, only: Sequence[str] | None = None
) -> TypedTable:
    """Columns of ``only`` (default: all), parsed as ``kinds`` says, else as their values suggest.

    ``kinds`` may name columns that the table lacks: they stay absent. 0/1 are numbers unless it says boolean.

    Raises ``DataError``, which names column, lines and values: a column of ``only`` is absent; a column of
    numbers holds a few texts; a value does not fit the kind asked for; a number is infinite; a stored type is
    none of ours.
    """
    names = list(table.frame.columns if only is None else dict.fromkeys(only))
    table.require(names)
    given = {name: _kind(kind) for name, kind in (kinds or {}).items()}
    source = table.frame.select(pl.nth([table.columns.index(name) for name in names]))
    found = {name: given.get(name) or _suggested(table, source[name]) for name in names}
    frame = source.select(
        _parsed(pl.nth(i), dtype, found[name], table.decimal_comma).alias(name)
        for i, (name, dtype) in enumerate(source.schema.items())
    )
    _refuse_unfit(table, source, frame, found)
    return TypedTable(table, frame, found)


def _kind(kind: str) -> Kind:
    for known in get_args(Kind):
        if kind == known:
            return known  # type: ignore[no-any-return]
    raise ValueError(f"expected a kind out of {get_args(Kind)}, got {kind!r}")


def _suggested(table: Table, column: pl.Series) -> Kind:
    dtype = column.dtype
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    if dtype not in (pl.String, pl.Null):
        raise DataError(
            f"{table.source}: column {quoted(column.name)}: expected numbers, texts, yes/no or dates, "
            f"got {dtype}.",
            hint="Store the column as one of these, or leave it out.",
        )
    values = column.drop_nulls().cast(pl.String)
    if values.is_empty():
        return "category"
    numbers = int(_looks_like_a_number(values, table.decimal_comma).sum())
    if numbers >= MOSTLY * len(values):
        return "number"
    if values.str.contains(DATE).all():
        return "date"
    return "boolean" if values.str.to_lowercase().is_in(TRUE + FALSE).all() else "category"


def _looks_like_a_number(values: pl.Series, decimal_comma: bool) -> pl.Series:
    pointed = values.str.replace(DECIMAL_COMMA, "${1}.${2}") if decimal_comma else values
    return pointed.str.contains(NUMBER) | values.str.contains(INFINITE)


def _parsed(column: pl.Expr, dtype: pl.DataType, kind: Kind, decimal_comma: bool) -> pl.Expr:
    """Null where a value does not fit. An expression, so that a query parses all columns."""
    match kind:
        case "category":
            return text_of(column, dtype)
        case "number":
            return _numbers(column, dtype, decimal_comma)
        case "boolean":
            return _booleans(column, dtype)
        case _:
            return _dates(column, dtype)


def _refuse_unfit(table: Table, source: pl.DataFrame, frame: pl.DataFrame, kinds: Mapping[str, Kind]) -> None:
    """Raises ``DataError`` for the first column that has a value which its kind could not hold."""
    lost = [
        after > before
        for after, before in zip(frame.null_count().row(0), source.null_count().row(0), strict=True)
    ]
    numbers = [i for i, kind in enumerate(kinds.values()) if kind == "number"]
    endless = frame.select(pl.nth(numbers).is_infinite().any()).row(0) if numbers else ()
    infinite = dict(zip(numbers, endless, strict=True))
    for i, (name, kind) in enumerate(kinds.items()):
        if lost[i]:
            unfit = (frame[name].is_null() & source[name].is_not_null()).arg_true().to_list()
            texts = as_text(source[name])
            shown = ", ".join(dict.fromkeys(quoted(texts[row]) for row in unfit[:SHOWN]))
            raise DataError(
                f"{table.source}: column {quoted(name)}: expected {EXPECTED[kind]}, "
                f"got {shown} ({table.where(unfit)}).",
                hint="Correct these cells or leave them empty."
                + (" If the column is a category, write words in all its cells." if kind == "number" else ""),
            )
        if infinite.get(i):
            rows = frame[name].is_infinite().fill_null(False).arg_true().to_list()
            raise DataError(
                f"{table.source}: column {quoted(name)}: expected finite numbers, "
                f"got an infinite one ({table.where(rows)}).",
                hint="Correct these cells or leave them empty.",
            )


def _numbers(column: pl.Expr, dtype: pl.DataType, decimal_comma: bool) -> pl.Expr:
    if dtype == pl.String:
        pointed = column.str.replace(DECIMAL_COMMA, "${1}.${2}") if decimal_comma else column
        number = pointed.str.contains(NUMBER) | column.str.contains(INFINITE)
        return pl.when(number).then(pointed).cast(pl.Float64, strict=False)
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        return column.cast(pl.Float64).fill_nan(None)
    return pl.repeat(None, pl.len(), dtype=pl.Float64())


def _booleans(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return column
    lower = text_of(column, dtype).str.to_lowercase()
    true, false = lower.is_in([*TRUE, "1"]), lower.is_in([*FALSE, "0"])
    return pl.when(true | false).then(true)


def _dates(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        iso = pl.when(column.str.contains(DATE)).then(column)
        return iso.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if dtype in (pl.Date, pl.Datetime, pl.Null):
        return column.cast(pl.Date)
    return pl.repeat(None, pl.len(), dtype=pl.Date())
