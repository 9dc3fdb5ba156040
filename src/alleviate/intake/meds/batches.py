"""The rows of MEDS files, batch by batch and checked: the columns, their types, and the order of subjects."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from alleviate.intake.meds.layout import COLUMNS
from alleviate.terms.errors import DataError

__all__ = ["REQUIRED", "Row", "check_columns", "check_order", "rows_of"]

ROWS_A_BATCH = 32_768
REQUIRED = ("subject_id", "time", "code")

_MOMENTS = ("time", "known_at", "known_until")
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999 in microseconds since 1970."""

_Check = tuple[str, Callable[[pl.DataType], bool]]
_MOMENT: _Check = ("moments", lambda kind: isinstance(kind, pl.Date | pl.Datetime))
_NUMBER: _Check = ("numbers", lambda kind: kind.is_numeric())
_TEXT: _Check = ("text", lambda kind: isinstance(kind, pl.String | pl.Categorical | pl.Enum))
_EXPECTED: dict[str, _Check] = {
    "subject_id": ("whole numbers or text", lambda kind: kind.is_integer() or isinstance(kind, pl.String)),
    **dict.fromkeys(_MOMENTS, _MOMENT),
    **dict.fromkeys(("numeric_value", "numeric_value_exact"), _NUMBER),
    **dict.fromkeys(("code", "text_value", "kind", "entry"), _TEXT),
}


class Row(NamedTuple):
    """One row of a file, ``line`` counted from 1; moments in UTC. ``broken`` names the column whose moment
    lies outside the calendar, "" where none does.
    """

    line: int
    subject_id: int | str | None
    time: datetime | None
    code: str | None
    numeric_value: float | None
    text_value: str | None
    known_at: datetime | None
    known_until: datetime | None
    kind: str | None
    entry: str | None
    broken: str


def rows_of(file: Path) -> Iterator[Row]:
    """All rows in the order of the file. Raises DataError where it is damaged."""
    line = 0
    with _undamaged(file), pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20) as parquet:
        names = [name for name in COLUMNS.names if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(ROWS_A_BATCH, columns=names):
            for cells in _plain(pl.DataFrame(pl.from_arrow(batch))).iter_rows():
                line += 1
                yield Row._make((line, *map(_in_utc, cells)))


def check_columns(file: Path) -> None:
    """Raise DataError unless the columns that MEDS requires are there, and known ones of fitting types."""
    with _undamaged(file):
        schema = pl.read_parquet_schema(file)
    for name in REQUIRED:
        if name not in schema:
            near = get_close_matches(name, schema, n=1)
            hint = f'Is it "{near[0]}"?' if near else f"It has {', '.join(schema)}."
            raise DataError(f'{file}: expected a column "{name}", found none.', hint=hint)
    for name, (what, fits) in _EXPECTED.items():
        if name in schema and schema[name] != pl.Null and not fits(schema[name]):
            raise DataError(
                f'{file}: expected {what} in the column "{name}", got {schema[name]}.',
                hint="See the schema of MEDS 0.4.",
            )


def check_order(files: Sequence[Path]) -> None:
    """Raise DataError unless each subject's rows lie together in one file: one at a time is in memory."""
    subject = pl.col("subject_id")
    columns = [pl.scan_parquet(file).select(subject.cast(pl.String)).drop_nulls() for file in files]
    runs = subject.ne_missing(subject.shift()).sum()
    for file, column in zip(files, columns, strict=True):
        with _undamaged(file):
            apart = _differ(column.select(runs, subject.n_unique().alias("subjects")))
        if apart:
            raise DataError(
                f"{file}: expected the rows of each subject together, found some apart.",
                hint="Sort the file by subject_id and time, as MEDS demands.",
            )
    if len(files) > 1:
        parts = [column.unique() for column in columns]
        if _differ(pl.concat(parts).select(pl.len(), subject.n_unique().alias("subjects"))):
            raise DataError(
                f"{files[0].parent}: expected each subject in one file only, found one in several.",
                hint="Write the shards anew, each subject in one of them, as MEDS demands.",
            )


@contextmanager
def _undamaged(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{file}: no Parquet file, or a damaged one ({reason}).", hint="Write it anew."
        ) from None


def _differ(counts: pl.LazyFrame) -> bool:
    found, expected = counts.collect(engine="streaming").row(0)
    return bool(found != expected)


def _in_utc(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _plain(batch: pl.DataFrame) -> pl.DataFrame:
    """The columns of a `Row` after its line, in its order; moments naive in UTC, absent columns null."""
    there = batch.columns
    batch = batch.select(
        pl.col(name) if name in there else pl.lit(None).alias(name) for name in COLUMNS.names
    )
    moments = [_moment(batch[name]) for name in _MOMENTS]
    sound = [moment.to_physical().is_between(_FIRST, _LAST).fill_null(True) for moment in moments]
    times = {moment.name: moment.set(~fits, None) for moment, fits in zip(moments, sound, strict=True)}
    broken = pl.lit("")
    for name, fits in zip(reversed(_MOMENTS), reversed(sound), strict=True):
        broken = pl.when(~fits).then(pl.lit(name)).otherwise(broken)
    subject = batch["subject_id"]
    return batch.select(
        subject if subject.dtype == pl.String else subject.cast(pl.Int64),
        times["time"],
        pl.col("code").cast(pl.String),
        _number(batch, "numeric_value_exact" in there),
        pl.col("text_value").cast(pl.String),
        times["known_at"],
        times["known_until"],
        pl.col("kind", "entry").cast(pl.String),
        broken.alias("broken"),
    )


def _moment(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def _number(batch: pl.DataFrame, exact: bool) -> pl.Series:
    """64 bits, NaN as missing. Of 32 bits the shortest decimal is what the source meant: 36.6."""
    column = batch["numeric_value"]
    if exact:
        column = batch["numeric_value_exact"].cast(pl.Float64).fill_null(column.cast(pl.Float64))
    elif column.dtype == pl.Float32:
        column = column.cast(pl.String)
    return column.cast(pl.Float64).fill_nan(None).alias("numeric_value")
