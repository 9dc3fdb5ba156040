"""A long table of answers (one line a score or an answer) as records."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from alleviate.instruments import INSTRUMENTS
from alleviate.intake.tables import Table
from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError

__all__ = ["records_in"]

COLUMNS = ("id", "time", "instrument", "score")
YEAR = timedelta(days=365.25)
SEXES = {
    "female": "female",
    "f": "female",
    "male": "male",
    "m": "male",
    "other": "other",
    "unknown": "unknown",
}


def records_in(table: Table) -> list[PatientRecord]:
    """A record a person, in order of first appearance. Raises DataError with the line.

    Columns ``id, time, instrument, score``; ``item`` where the score is an answer and no total; and, if
    known, ``age``, ``sex``, ``language`` and ``diagnoses`` (ICD-10 codes with a semicolon between, as known
    before that line's time).
    """
    table.require(COLUMNS)
    names = [*COLUMNS, *(n for n in ("item", "age", "sex", "language", "diagnoses") if n in table.columns)]
    columns = {name: table.text(name).to_list() for name in names}
    events: dict[str, list[Event]] = defaultdict(list)
    for row in range(table.frame.height):
        _Line(table, row, {name: values[row] for name, values in columns.items()}).add_to(events)
    if not events:
        raise DataError(f"{table.source}: expected answers, found no line.", hint="Give one line a score.")
    return [PatientRecord(id, _once(found)) for id, found in events.items()]


class _Line:
    """One line of the table, and where it stands."""

    def __init__(self, table: Table, row: int, cells: dict[str, str | None]) -> None:
        self.table, self.row, self.cells = table, row, cells

    def add_to(self, events: dict[str, list[Event]]) -> None:
        id, when = self._needed("id"), self._time()
        events[id].append(self._answer(id, when))
        born = when
        if (age := self._number("age")) is not None:
            if not 0 <= age <= 125:
                self._refuse("an age from 0 to 125", "age")
            born = when - age * YEAR
            events[id].append(Event(id, born, born, "MEDS_BIRTH", kind="person"))
        if sex := self.cells.get("sex"):
            if sex.lower() not in SEXES:
                self._refuse("female, male, other or unknown", "sex")
            events[id].append(Event(id, born, born, "PERSON//sex", None, SEXES[sex.lower()], "person"))
        if language := self.cells.get("language"):
            events[id].append(Event(id, born, born, "PERSON//language", None, language, "person"))
        for code in filter(None, ((self.cells.get("diagnoses") or "").replace(" ", "").split(";"))):
            before = when - timedelta(seconds=1)
            events[id].append(Event(id, before, before, f"ICD10//{code}", kind="condition"))

    def _answer(self, id: str, when: datetime) -> Event:
        name = self._needed("instrument")
        instrument = INSTRUMENTS.get(name.lower())
        if instrument is None:
            self._refuse(f"an instrument ({', '.join(INSTRUMENTS)})", "instrument")
        score = self._number("score")
        if score is None:
            self._refuse("a score", "score")
        code, item = instrument.total_code, self.cells.get("item")
        if item:
            asked = instrument.item(item)
            if asked is None:
                self._refuse(f"an item of the {instrument.abbreviation}", "item")
            instrument.check(asked, score)
            code = asked.code
        elif instrument.total != "sum":
            self._refuse(f"the item, since the {instrument.abbreviation} has no total", "item")
        else:
            low, high = instrument.range
            if not low <= score <= high:
                self._refuse(f"a total from {low:g} to {high:g}", "score")
        entry = f"Form/{name.lower()}/{when.isoformat()}"
        return Event(id, when, when, code, score, kind="questionnaire", entry=entry)

    def _needed(self, column: str) -> str:
        return self.cells[column] or self._refuse("a value", column)

    def _number(self, column: str) -> float | None:
        text = self.cells.get(column)
        if text is None:
            return None
        try:
            value = float(text.replace(",", ".") if self.table.decimal_comma else text)
        except ValueError:
            value = float("nan")
        return value if abs(value) < 1e6 else self._refuse("a number", column)

    def _time(self) -> datetime:
        text = self._needed("time")
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self._refuse("a date or time such as 2024-05-06", "time")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)

    def _refuse(self, expected: str, column: str) -> NoReturn:
        raise DataError(
            f"{self.table.source}, {self.table.where([self.row])}: expected {expected} in {column!r}, got "
            f"{self.cells.get(column)!r}.",
            hint="See docs/screening.md for the columns.",
        )


def _once(events: list[Event]) -> list[Event]:
    """What each line says again of the person, once: the birth of the first line counts."""
    kept: dict[tuple[object, ...], Event] = {}
    for event in events:
        key = (event.code,) if event.kind == "person" else (event.code, event.time, event.numeric_value)
        kept.setdefault(key, event)
    return list(kept.values())
