"""A table as it was found, with the place of every row, so that an error can point at it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import polars as pl

from alleviate.terms.errors import DataError

__all__ = ["MISSING", "Table", "quoted", "table_of"]

MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "None", ".", "Missing", "Not answered"})
"""Texts that stand for "no value", after blanks around them are cut off."""

SHOWN = 5
"""So many lines or values are named in an error; the rest are counted."""

LONGEST = 40
"""Longer texts are cut in an error."""


def quoted(text: str) -> str:
    """A value from a file as an error shows it: in quotes, on one line, cut when it is long."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'"{text}"' if len(text) <= LONGEST else f'"{text[:LONGEST]}…"'


@dataclass(frozen=True, slots=True)
class Table:
    """All columns and rows of one source; texts are stripped and missing markers are null.

    ``source``: display name. ``frame``: text columns (CSV) or as stored (Parquet, datasets). ``lines``: where
    each row stands in the file, counted in ``place`` ("line" for CSV, else "row", from 1).
    ``decimal_comma``: numbers may be written ``1,5``. ``warnings``: what a reader should know of the reading.
    """

    source: str
    frame: pl.DataFrame
    lines: tuple[int, ...]
    place: Literal["line", "row"] = "row"
    decimal_comma: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        return self.frame.columns

    @property
    def fingerprint(self) -> str:
        """SHA-256 of names and values in their order, the same for the same content."""
        return _fingerprint(self.frame)

    def where(self, rows: Iterable[int]) -> str:
        """``lines 3, 7 and 12``: where these rows (from 0) stand in the file, the first few of them."""
        found = [self.lines[row] for row in rows]
        named, rest = [str(line) for line in found[:SHOWN]], len(found) - SHOWN
        if rest > 0:
            named.append(f"{rest} more")
        words = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
        return f"{self.place}{'s' if len(found) > 1 else ''} {words}"

    def require(self, columns: Iterable[str]) -> None:
        """Raises ``DataError`` for the first of ``columns`` that is not there, and names the nearest one."""
        for column in columns:
            if column not in self.columns:
                lower = {name.lower(): name for name in self.columns}
                near = get_close_matches(column.lower(), lower, n=1, cutoff=0.5)
                there = f"It has {_listed(self.columns)}."
                hint = f"Did you mean {quoted(lower[near[0]])}?" if near else there
                raise DataError(f"{self.source}: expected a column {quoted(column)}, found none.", hint=hint)

    def text(self, column: str) -> pl.Series:
        """Values as found, as text (whole numbers without ``.0``), for ids, arms and sites."""
        self.require([column])
        return as_text(self.frame[column])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(quoted(name) for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more columns"


def table_of(
    frame: pl.DataFrame,
    source: str,
    *,
    lines: Sequence[int] | None = None,
    place: Literal["line", "row"] = "row",
    decimal_comma: bool = False,
    warnings: tuple[str, ...] = (),
) -> Table:
    """A ``Table`` from any frame: texts are stripped, missing markers and NaN become null.

    Raises ``DataError`` where there are no columns or no rows.
    """
    if frame.width == 0 or frame.height == 0:
        what = "no columns" if frame.width == 0 else "a header but no rows"
        raise DataError(f"{source}: expected one row a person, found {what}.", hint="Is it the right file?")
    clean = frame.select(_clean(pl.nth(i), dtype) for i, dtype in enumerate(frame.dtypes))
    return Table(source, clean, tuple(lines or range(1, frame.height + 1)), place, decimal_comma, warnings)


def _clean(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        stripped = column.cast(pl.String).str.strip_chars()
        return pl.when(~stripped.is_in(list(MISSING))).then(stripped)
    return column.fill_nan(None) if dtype.is_float() else column


def as_text(column: pl.Series) -> pl.Series:
    """As text; a whole number is written without ``.0``, whatever the type it was stored in."""
    return column.to_frame().select(text_of(pl.nth(0), column.dtype)).to_series()


def text_of(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """``as_text`` as an expression."""
    if not dtype.is_float():
        return column.cast(pl.String)
    # numbers beyond 2^53 are no whole numbers that a person would have typed
    whole = column.is_finite() & (column == column.round()) & (column.abs() < 2**53)
    integers = pl.when(whole).then(column).cast(pl.Int64).cast(pl.String)
    return pl.coalesce(integers, column.cast(pl.String))


def _fingerprint(frame: pl.DataFrame) -> str:
    """Every part is preceded by its length, so that no two contents give the same bytes."""
    digest = hashlib.sha256(b"alleviate table 1")
    for column in frame:
        if isinstance(column.dtype, (pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary)):
            text = pl.Series([None if x is None else repr(x) for x in column.to_list()], dtype=pl.String)
        elif column.dtype.is_float():  # polars may change how it writes a number
            text = pl.Series([None if x is None else float(x).hex() for x in column], dtype=pl.String)
        else:
            text = column.cast(pl.String)
        name, cells = column.name.encode(), "".join(text.fill_null("").to_list()).encode()
        lengths = text.str.len_bytes().cast(pl.Int64).fill_null(-1)
        for part in (name, ",".join(map(str, lengths)).encode(), cells):
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
    return digest.hexdigest()
