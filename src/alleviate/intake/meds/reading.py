"""A MEDS dataset as entries: one subject in memory at a time, whatever the size of the dataset.

A dataset of ours says in ``entry`` what each event came in. In one of others each row is an entry by itself,
named by a digest of its subject, time and code, and of how many such rows came before: reading it twice gives
the same entries, and another value is a correction.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from alleviate.intake.cells import CellError, event_of
from alleviate.intake.meds.batches import REQUIRED, Row, check_columns, check_order, rows_of
from alleviate.intake.meds.layout import DATASET, SUBJECTS, shards
from alleviate.intake.reading import Context, Item, Refusal
from alleviate.intake.vocabularies import kind_of
from alleviate.records import Entry, Event
from alleviate.terms.errors import DataError

__all__ = ["accepts", "read"]

UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""When a static event of somebody without any time "happened": a fixed moment, so that it stays the same."""

_Seen = Counter[tuple[datetime | None, str | None]]


def accepts(path: Path) -> bool:
    """Whether the path is a MEDS dataset's folder or a Parquet file with the columns that MEDS requires."""
    if (path / DATASET).exists():
        return True
    first = next(iter(shards(path)), None)
    if first is None or first.suffix != ".parquet":
        return False
    try:
        return set(REQUIRED) <= set(pq.read_schema(first).names)
    except (OSError, pa.ArrowException):
        return False


def read(path: Path, context: Context) -> Iterator[Item]:
    """Entries subject by subject, in the order of the files; what is replaced (``known_until``) is left out.

    An event without a time holds from birth, else from the subject's first event, else from 1970. Raises
    DataError where a file is no MEDS: damaged, without a column, or a subject's rows lie apart.
    """
    files = shards(path)
    if not files and not (path / DATASET).exists():
        raise DataError(f"{path}: there are no Parquet files in data/.", hint="Name a MEDS dataset's folder.")
    for file in files:
        check_columns(file)
    check_order(files)
    names = _names(path / SUBJECTS)
    for file in files:
        for number, rows in groupby(rows_of(file), key=attrgetter("subject_id")):
            if number in (None, ""):
                for row in rows:
                    yield Refusal(str(file), row.line, "subject_id", "The subject is missing.")
            else:
                subject_id = context.subject(names.get(number, str(number)))
                yield from _subject(str(file), subject_id, list(rows), context.now)


def _subject(file: str, subject_id: str, rows: list[Row], now: datetime) -> Iterator[Item]:
    static = _start(rows)
    parts: dict[str, list[Row]] = {}
    seen: _Seen = Counter()
    for row in rows:
        if row.known_until is None:
            parts.setdefault(row.entry or _digest(subject_id, row, seen), []).append(row)
    for ref, part in parts.items():
        events: list[Event] = []
        for row in part:
            try:
                events.append(_event(subject_id, ref, row, part[0], static, now))
            except CellError as error:
                yield Refusal(file, row.line, error.column, error.message)
                break
        else:
            yield Entry(subject_id, ref, events[0].kind, tuple(events))


def _event(subject_id: str, ref: str, row: Row, first: Row, static: datetime, now: datetime) -> Event:
    if row.broken:
        raise CellError(row.broken, "The moment lies outside the years 1 to 9999.")
    if row.kind != first.kind:
        raise CellError("kind", f'Expected "{first.kind}" as in row {first.line}, got "{row.kind}".')
    time = row.time or static
    kind = row.kind or kind_of(first.code or "")
    return event_of(
        subject_id, time, row.known_at or time, row.code, row.numeric_value, row.text_value, kind, ref, now
    )


def _start(rows: list[Row]) -> datetime:
    births = [row.time for row in rows if row.time and row.code == "MEDS_BIRTH"]
    return min(births or [row.time for row in rows if row.time], default=UNKNOWN)


def _digest(subject_id: str, row: Row, seen: _Seen) -> str:
    seen[row.time, row.code] += 1
    parts = (subject_id, row.time and row.time.isoformat(), row.code, seen[row.time, row.code])
    return f"meds/{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"


def _names(file: Path) -> Mapping[int | str | None, str]:
    """The sources' ids of the subjects, where the dataset says them."""
    if not file.exists():
        return {}
    try:
        return dict(pl.read_parquet(file, columns=["subject_id", "id"]).drop_nulls().iter_rows())
    except (OSError, pl.exceptions.PolarsError):
        raise DataError(
            f"{file}: expected the columns subject_id and id.", hint="Remove it to go by the numbers."
        ) from None
