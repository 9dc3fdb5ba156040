"""The events of many people as one table, and back."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl

from alleviate.records.event import Event
from alleviate.records.kinds import KINDS
from alleviate.records.record import PatientRecord

__all__ = ["EVENTS", "frame_of", "records_of"]

_MOMENT = pl.Datetime("us", "UTC")

EVENTS = pl.Schema(
    {
        "subject_id": pl.String(),
        "time": _MOMENT,
        "known_at": _MOMENT,
        "code": pl.String(),
        "numeric_value": pl.Float64(),
        "text_value": pl.String(),
        "kind": pl.Enum(KINDS),
        "entry": pl.String(),
        "known_until": _MOMENT,
    }
)
"""The columns of a table of events: those of `Event`, in its order."""


def frame_of(records: Iterable[PatientRecord]) -> pl.DataFrame:
    """One line an event, in the order of the records and of their events."""
    rows = [tuple(getattr(event, name) for name in EVENTS) for record in records for event in record.events]
    return pl.DataFrame(rows, schema=EVENTS, orient="row")


def records_of(frame: pl.DataFrame) -> Iterator[PatientRecord]:
    """The inverse of `frame_of`: a record a person, in order of first appearance. Raises DataError."""
    for (subject_id,), part in frame.select(EVENTS.names()).group_by("subject_id", maintain_order=True):
        yield PatientRecord(str(subject_id), [Event(*_in_utc(row)) for row in part.iter_rows()])


def _in_utc(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Polars gives moments with a zone named UTC; ours is ``datetime.UTC``."""
    return tuple(value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in row)
