"""The rows of a table, one at a time, each with its line; a row that is none says why."""

import csv
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from alleviate.intake.tables.table import as_text
from alleviate.terms.errors import DataError

__all__ = ["DELIMITERS", "Line", "delimiter_of", "is_parquet", "lines_of"]

DELIMITERS = ("\t", ";", ",")
_SAID = re.compile(r'"?sep=([;,|\t])"?\r?\n', re.IGNORECASE)
"""A first line by which Excel is told the delimiter."""

LONGEST = 1 << 24
"""A line or a cell may have so many characters (a long note has a hundred thousand)."""

FEWEST, TIMES = 100_000_000, 200
"""A .gz that swells to more than this many characters and times its size is no table."""

ROWS_A_BATCH = 16_384

csv.field_size_limit(LONGEST)


class Line(NamedTuple):
    """``number``: the line of the file on which the row starts, or its number in a Parquet file (from 1).

    ``reason`` says why there are no cells, "" where there are.
    """

    number: int
    cells: list[str]
    reason: str = ""


def is_parquet(path: Path) -> bool:
    """Whether the file's name says that it is a Parquet file."""
    return path.suffix == ".parquet"


def lines_of(path: Path, encoding: str = "utf-8", delimiter: str | None = None) -> Iterator[Line]:
    """The header first, then every row that is not wholly empty, all with as many cells or a reason.

    Raises DataError where the file cannot be read as a table at all.
    """
    return _parquet(path) if is_parquet(path) else _text(path, encoding, delimiter)


def delimiter_of(path: Path, encoding: str = "utf-8") -> str:
    """The one that the first line has most of."""
    with _opened(path, encoding) as file:
        first = file.readline(LONGEST)
    if said := _SAID.fullmatch(first):
        return said[1]
    return max(reversed(DELIMITERS), key=first.count)


def _text(path: Path, encoding: str, delimiter: str | None) -> Iterator[Line]:
    width = 0
    with _opened(path, encoding) as file:
        reader = csv.reader(
            _pieces(file, path), delimiter=delimiter or delimiter_of(path, encoding), strict=True
        )
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                yield Line(number, [], f"This is not CSV ({error}).")
                continue
            if not any(cells) or (number == 1 and "".join(cells) == "sep="):
                continue
            reason = ""
            if any("\udc80" <= letter <= "\udcff" for letter in "".join(cells)):
                reason = f"It is not {encoding}: say encoding in the mapping."
            elif width and len(cells) != width:
                reason = f"Expected {width} cells as in the header, got {len(cells)}."
            width = width or len(cells)
            yield Line(number, [] if reason else cells, reason)
    if not width:
        raise DataError(f"{path}: the file is empty.", hint="Is it the right file?")


def _pieces(file: TextIO, path: Path) -> Iterator[str]:
    """Lines; one without end comes in pieces, so that memory stays bounded."""
    most, read = max(FEWEST, TIMES * path.stat().st_size), 0
    while piece := file.readline(LONGEST):
        read += len(piece)
        if read > most:
            raise DataError(f"{path}: it swells to more than {most:,} characters.", hint="This is no table.")
        yield piece


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[TextIO]:
    """The text of a file, unpacked; a byte that the encoding lacks is kept as a lone surrogate."""
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    try:
        with (
            gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw,
            io.TextIOWrapper(raw, encoding, "surrogateescape", newline="") as text,
        ):
            yield text
    except (OSError, EOFError, UnicodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}).", hint="Check the file and its encoding."
        ) from None


def _parquet(path: Path) -> Iterator[Line]:
    number = 0
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as parquet:
            yield Line(0, parquet.schema_arrow.names)
            for batch in parquet.iter_batches(ROWS_A_BATCH):
                frame = pl.DataFrame(pl.from_arrow(batch))
                for cells in frame.select(as_text(column).fill_null("") for column in frame).iter_rows():
                    number += 1
                    yield Line(number, list(cells))
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{path}: no Parquet table, or a damaged one ({reason}).", hint="Write it anew."
        ) from None
