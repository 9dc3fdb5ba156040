"""What each column holds (numbers, categories, yes/no, dates): decided, parsed, or refused with the lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from alleviate.intake.tables.table import SHOWN, Table, as_text, quoted
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
    found: dict[str, Kind] = {}
    columns: list[pl.Series] = []
    for name in names:
        column = table.frame[name]
        found[name] = given.get(name) or _suggested(table, column)
        columns.append(_parsed(table, column, found[name]))
    return TypedTable(table, pl.DataFrame(columns), found)


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
    return _with_point(values, decimal_comma).str.contains(NUMBER) | values.str.contains(INFINITE)


def _with_point(values: pl.Series, decimal_comma: bool) -> pl.Series:
    return values.str.replace(DECIMAL_COMMA, "${1}.${2}") if decimal_comma else values


def _parsed(table: Table, column: pl.Series, kind: Kind) -> pl.Series:
    if kind == "category":
        return as_text(column)
    parse = {"number": _numbers, "boolean": _booleans, "date": _dates}[kind]
    values = parse(column, table.decimal_comma)
    unfit = (values.is_null() & column.is_not_null()).arg_true().to_list()
    if unfit:
        texts = as_text(column)
        shown = ", ".join(dict.fromkeys(quoted(texts[row]) for row in unfit[:SHOWN]))
        raise DataError(
            f"{table.source}: column {quoted(column.name)}: expected {EXPECTED[kind]}, "
            f"got {shown} ({table.where(unfit)}).",
            hint="Correct these cells or leave them empty."
            + (" If the column is a category, write words in all its cells." if kind == "number" else ""),
        )
    if kind == "number":
        infinite = values.is_infinite().fill_null(False).arg_true().to_list()
        if infinite:
            raise DataError(
                f"{table.source}: column {quoted(column.name)}: expected finite numbers, "
                f"got an infinite one ({table.where(infinite)}).",
                hint="Correct these cells or leave them empty.",
            )
    return values


def _numbers(column: pl.Series, decimal_comma: bool) -> pl.Series:
    if column.dtype == pl.String:
        pointed = _with_point(column, decimal_comma)
        number = pointed.str.contains(NUMBER) | column.str.contains(INFINITE)
        return pointed.set(~number.fill_null(True), None).cast(pl.Float64, strict=False)
    if column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
        return column.cast(pl.Float64).fill_nan(None)
    return _none_fits(column, pl.Float64())


def _booleans(column: pl.Series, _: bool) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    lower = as_text(column).str.to_lowercase()
    true, false = lower.is_in([*TRUE, "1"]), lower.is_in([*FALSE, "0"])
    return true.set(~(true | false), None)


def _dates(column: pl.Series, _: bool) -> pl.Series:
    if column.dtype == pl.String:
        iso = column.set(~column.str.contains(DATE).fill_null(True), None)
        return iso.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if column.dtype in (pl.Date, pl.Datetime, pl.Null):
        return column.cast(pl.Date)
    return _none_fits(column, pl.Date())


def _none_fits(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    return pl.Series(column.name, [None] * len(column), dtype=dtype)
