"""What a cell of a table must be to enter a record; a cell that is not says which column and why."""

from datetime import datetime, timedelta
from math import isfinite

from alleviate.records import KINDS, Event, Kind
from alleviate.terms.codes import check_code
from alleviate.terms.errors import DataError

__all__ = ["CellError", "event_of", "past"]

AHEAD = timedelta(days=1)
"""Clocks differ and days begin at other hours elsewhere; more than this ahead of the import is a mistake."""


class CellError(DataError):
    """One cell cannot be used: ``column`` names it, the message is the reason as one sentence."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def past(moment: datetime, now: datetime, column: str) -> datetime:
    """``moment`` if it does not lie more than a day ahead of ``now``. Raises CellError."""
    if moment - now > AHEAD:
        raise CellError(column, f"{moment:%Y-%m-%d %H:%M} UTC lies ahead of the import.")
    return moment


def event_of(
    subject_id: str,
    time: datetime,
    known_at: datetime,
    code: str | None,
    number: float | None,
    text: str | None,
    kind: str,
    entry: str,
    now: datetime,
) -> Event:
    """The event that a row describes, every cell checked against `Event`'s rules. Raises CellError.

    The names of the columns are those of a table of events.
    """
    if not code:
        raise CellError("code", "The code is missing.")
    try:
        check_code(code)
    except DataError as error:
        raise CellError("code", str(error)) from None
    if number is not None and not isfinite(number):
        raise CellError("numeric_value", f"Expected a finite number, got {number}.")
    past(time, now, "time")
    if past(known_at, now, "known_at") < time:
        raise CellError("known_at", f"It is said to be known at {known_at}, before it happened at {time}.")
    return Event(subject_id, time, known_at, code, number, text, kind_from(kind), entry)


def kind_from(text: str) -> Kind:
    """The kind of that name. Raises CellError."""
    for kind in KINDS:
        if kind == text:
            return kind
    raise CellError("kind", f'Expected one of {", ".join(KINDS)}; got "{text}".')
