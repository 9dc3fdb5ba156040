"""Cells of a long table as numbers, moments and answers: what does not fit is null, never an error."""

from datetime import datetime

import polars as pl

from alleviate.intake.tables import Table
from alleviate.intake.tables.columns import DATE, DECIMAL_COMMA

__all__ = ["dates", "mostly_dates", "numbers", "weeks_since_1970", "yes"]

_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (a date in a file has no zone)
_MICROSECONDS_A_WEEK = 7 * 86_400 * 1e6


def numbers(table: Table, column: str) -> pl.Series:
    """Finite numbers, null elsewhere."""
    values = table.frame[column]
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        found = values.cast(pl.Float64)
    else:
        text = table.text(column)
        pointed = text.str.replace(DECIMAL_COMMA, "${1}.${2}") if table.decimal_comma else text
        found = pointed.cast(pl.Float64, strict=False)
    return found.to_frame().select(pl.when(pl.nth(0).is_finite()).then(pl.nth(0))).to_series()


def mostly_dates(table: Table, column: str) -> bool:
    """Whether most of what is there looks like dates."""
    values = table.frame[column].drop_nulls()
    if values.dtype in (pl.Date, pl.Datetime):
        return True
    return values.dtype == pl.String and len(values) > 0 and bool(values.str.contains(DATE).mean() >= 0.5)  # type: ignore[operator]


def dates(table: Table, column: str) -> pl.Series:
    """Weeks since 1970-01-01, null where it is no date; a zone behind the time of day is left out."""
    values = table.frame[column]
    if values.dtype in (pl.Date, pl.Datetime):
        moments = values.cast(pl.Datetime("us"))
    else:
        text = pl.nth(0).cast(pl.String).str.replace(" ", "T").str.replace(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", "")
        day = text.str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
        timed = [text.str.to_datetime(form, strict=False, time_unit="us") for form in _FORMATS]
        moments = values.to_frame().select(pl.coalesce(*timed, day)).to_series()
    since = (moments - _EPOCH).dt.total_microseconds().cast(pl.Float64)
    return since / _MICROSECONDS_A_WEEK


def weeks_since_1970(moment: datetime) -> float:
    """Of a moment with a zone."""
    return moment.timestamp() * 1e6 / _MICROSECONDS_A_WEEK


def yes(table: Table, column: str) -> pl.Series:
    """Whether a cell says yes (yes, true, y, t, 1)."""
    return table.text(column).str.to_lowercase().is_in(["yes", "true", "y", "t", "1"]).fill_null(False)
