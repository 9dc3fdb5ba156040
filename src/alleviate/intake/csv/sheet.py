"""A table with its mapping while it is read: who and when a row is about, and what its entry is called."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from alleviate.intake.cells import CellError, past
from alleviate.intake.csv.mapping import Mapping
from alleviate.intake.csv.rows import Line
from alleviate.intake.csv.values import Writing
from alleviate.intake.reading import Context, Refusal
from alleviate.intake.tables.table import quoted
from alleviate.terms.errors import DataError

__all__ = ["Row", "Sheet"]


class Row(NamedTuple):
    """Of one line who it is about, when, and its id in the table ("" without one); times in UTC."""

    subject_id: str
    time: datetime
    known_at: datetime
    id: str


class Sheet:
    """``file`` as given; ``names`` are its columns. Raises DataError where the mapping does not fit."""

    def __init__(self, file: str, mapping: Mapping, names: Sequence[str], context: Context) -> None:
        layout = mapping.layout
        self.file, self.mapping, self.names, self.context = file, mapping, names, context
        self.writing = Writing(layout)
        self._columns = layout.columns
        self._places = {key: names.index(name) for key, name in self._columns.items()}
        self._last: dict[str, tuple[tuple[object, ...], int]] = {}
        self._moment = self._stated(layout.moment, "moment")
        self._zero = self._stated(layout.day_zero, "day_zero")

    def _stated(self, date: str | None, key: str) -> tuple[datetime, datetime] | None:
        try:
            return None if date is None else self.writing.moment(date, key)
        except CellError as error:
            raise DataError(
                f"{self.mapping.source}: table.{key}: {error.message}", hint="As 2024-05-06."
            ) from None

    def cell(self, line: Line, key: str) -> str | None:
        """The text in the column that ``[table]`` names for ``key``; None where it is missing or unnamed."""
        place = self._places.get(key)
        return None if place is None else self.writing.cell(line.cells[place])

    def column(self, key: str) -> str:
        """The name of that column, for a message."""
        return self._columns.get(key, key)

    def row(self, line: Line) -> Row:
        """Raises CellError where the line cannot be read, or the subject or a time of it."""
        if line.reason:
            raise CellError("", line.reason)
        subject = self.cell(line, "subject")
        if subject is None:
            raise CellError(self.column("subject"), "The subject is missing.")
        time, known = self._moment or self._time(line)
        told = self.cell(line, "known_at")
        if told is not None:
            known = max(known, self._at(told, "known_at")[0])
        past(known, self.context.now, self.column("time"))
        return Row(self.context.subject(subject), time, known, self.cell(line, "entry") or "")

    def _time(self, line: Line) -> tuple[datetime, datetime]:
        text = self.cell(line, "time")
        if text is None:
            raise CellError(self.column("time"), "The time is missing.")
        return self._at(text, "time")

    def _at(self, text: str, key: str) -> tuple[datetime, datetime]:
        """The moment that a cell names, or so many days after the day zero."""
        if self._zero is None:
            return self.writing.moment(text, self.column(key))
        days = self.writing.number(text)
        try:
            moment = self._zero[0] + timedelta(days=float("nan") if days is None else days)
        except (ValueError, OverflowError):
            raise CellError(self.column(key), f"Expected a number of days, got {quoted(text)}.") from None
        return moment, moment

    def ref(self, row: Row, part: str) -> str:
        """The name of an entry without an id: a digest of table, person, time and ``part``, and of how many
        of the same came right before.
        """
        key = (self.mapping.layout.name, row.subject_id, row.time, part)
        last, times = self._last.get(part, (key, 0))
        times = times + 1 if key == last else 1
        self._last[part] = key, times
        return f"row/{blake2b(repr((*key, times)).encode(), digest_size=16).hexdigest()}"

    def named(self, row: Row) -> str:
        """The id of a row as the name of an entry: with that of the table, for other tables have ids too."""
        name = self.mapping.layout.name
        return f"{name}/{row.id}" if name else row.id

    def refusal(self, line: Line, error: CellError) -> Refusal:
        """What is wrong with a line."""
        return Refusal(self.file, line.number, error.column, error.message)
