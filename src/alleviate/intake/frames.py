"""A table with one line a person, as records that were known at one moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError

__all__ = ["records_from_frame"]


def records_from_frame(
    frame: pl.DataFrame, codes: Mapping[str, str], ids: Sequence[str], moment: datetime
) -> list[PatientRecord]:
    """One record a row: an event for each value that is not null, which happened and was known at ``moment``.

    ``codes``: column → code of its events; a column that the frame lacks gives no events, one that has no
    code is left out. Float64 (dates as days since 1970-01-01) goes into numeric_value, Boolean too as 1 and
    0, String into text_value. ``ids``: subject_id of each row. ``moment`` in UTC. Raises DataError.
    """
    if len(ids) != frame.height:
        raise DataError(f"{frame.height} rows came with {len(ids)} ids.", hint="Give one id a row.")
    used = [(code, _values(frame[name])) for name, code in codes.items() if name in frame.columns]
    return [
        PatientRecord(
            subject_id,
            [
                Event(subject_id, moment, moment, code, *value)
                for code, values in used
                if (value := values[row]) is not None
            ],
        )
        for row, subject_id in enumerate(ids)
    ]


def _values(column: pl.Series) -> list[tuple[float | None, str | None] | None]:
    """Per row numeric_value and text_value, or None where the value is null."""
    if column.dtype == pl.String:
        return [None if text is None else (None, text) for text in column]
    if column.dtype not in (pl.Float64, pl.Boolean):
        raise DataError(
            f'Column "{column.name}" must be Float64, Boolean or String, got {column.dtype}.',
            hint="Convert it first; a date to days since 1970-01-01.",
        )
    numbers = column.cast(pl.Float64)
    odd = [row + 1 for row in (~numbers.is_finite()).fill_null(False).arg_true().head(5)]
    if odd:
        raise DataError(
            f'Column "{column.name}" must be finite; rows {", ".join(map(str, odd))} are not.',
            hint="Leave missing values out (null).",
        )
    return [None if number is None else (number, None) for number in numbers]
