"""Records as a long CSV, one event a row, and the mapping that reads it back exactly.

A spreadsheet runs what begins with ``=``: such texts get a ``'`` before them, and so do those that have one,
and the empty text (nothing at all is no text). Reading takes it away again.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from alleviate.records import EVENTS, Event, PatientRecord
from alleviate.terms.errors import DataError

__all__ = ["EVENTS_FILE", "EVENTS_MAPPING", "row_of", "write"]

EVENTS_FILE = "events.csv"

EVENTS_MAPPING = """\
# What the columns of events.csv mean: one event a row. See docs/mapping.md.

[table]
shape = "long"
name = ""                # the entries have names of their own
delimiter = ","
defused = true           # a text that a spreadsheet would run has a ' before it
subject = "subject_id"
time = "time"
known_at = "known_at"
known_until = "known_until"
entry = "entry"
kind = "kind"
code = "code"
number = "numeric_value"
text = "text_value"
"""

RUN = "=+-@\t\r'"


def write(records: Iterable[PatientRecord], folder: Path) -> list[Path]:
    """Write what stands in the records as events.csv, and its mapping. Raises DataError where one is."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / EVENTS_FILE, (folder / EVENTS_FILE).with_suffix(".toml")]
    try:
        with paths[0].open("x", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(EVENTS)
            for record in records:
                standing = (event for event in record.events if event.known_until is None)
                out.writerows(map(row_of, sorted(standing, key=lambda event: event.entry)))
    except FileExistsError:
        raise DataError(f"{paths[0]} is there already.", hint="Name another folder, or remove it.") from None
    paths[1].write_text(EVENTS_MAPPING, encoding="utf-8")
    return paths


def row_of(event: Event) -> list[str | None]:
    """The cells of an event, in the order of `EVENTS`; texts defused, None where there is nothing."""
    number = event.numeric_value
    return [
        _defused(event.subject_id),
        event.time.isoformat(),
        event.known_at.isoformat(),
        _defused(event.code),
        None if number is None else repr(number),
        None if event.text_value is None else _defused(event.text_value),
        event.kind,
        _defused(event.entry) if event.entry else None,
        None,
    ]


def _defused(text: str) -> str:
    return f"'{text}" if not text or text[0] in RUN else text
