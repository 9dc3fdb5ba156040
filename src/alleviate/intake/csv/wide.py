"""A table of one visit or person a row as entries: one for each questionnaire and other kind in the row."""

from collections.abc import Iterator
from dataclasses import replace

from alleviate.instruments import Instrument
from alleviate.intake.cells import CellError, event_of
from alleviate.intake.csv.mapping import Meaning
from alleviate.intake.csv.rows import Line
from alleviate.intake.csv.sheet import Row, Sheet
from alleviate.intake.csv.values import value_of
from alleviate.intake.reading import Caution, Item, Refusal
from alleviate.records import Entry, Event
from alleviate.terms.codes import SEPARATOR

__all__ = ["wide"]

_Cells = dict[str, tuple[Meaning, Event]]
"""The events of an entry by the column that they come from."""


def wide(sheet: Sheet, lines: Iterator[Line]) -> Iterator[Item]:
    """Entries; refusals of rows without a subject, a time or any value; cautions about other cells, left out.

    Who a person is comes from the first row about them, and from each where it is another than before.
    """
    columns = [(sheet.names.index(name), name, meaning) for name, meaning in sheet.mapping.meanings.items()]
    people: dict[str, int] = {}
    for line in lines:
        try:
            row = sheet.row(line)
        except CellError as error:
            yield sheet.refusal(line, error)
            continue
        groups: dict[str, _Cells] = {}
        for place, name, meaning in columns:
            text = sheet.writing.cell(line.cells[place])
            if text is None or text in meaning.missing:
                continue
            try:
                event = _event(sheet, row, text, meaning, name)
            except CellError as error:
                yield Caution(sheet.file, line.number, name, f"{error.message} It was left out.")
            else:
                groups.setdefault(meaning.group, {})[name] = (meaning, event)
        if not groups:
            yield Refusal(sheet.file, line.number, "", "The row holds no value that can be used.")
        person = groups.get("person")
        if person is not None:
            facts = hash(
                tuple((event.code, event.numeric_value, event.text_value) for _, event in person.values())
            )
            if people.get(row.subject_id) == facts:
                del groups["person"]
            people[row.subject_id] = facts
        for group, cells in groups.items():
            yield from _entry(sheet, line, row, group, cells)


def _event(sheet: Sheet, row: Row, text: str, meaning: Meaning, name: str) -> Event:
    code, number, words = value_of(text, meaning, sheet.writing, name)
    time, known_at = row.time, row.known_at
    if code == "MEDS_BIRTH":
        time, known_at = sheet.writing.moment(text, name, meaning.written)
        number, words = None, text if known_at > time else None
    try:
        return event_of(
            row.subject_id,
            time,
            known_at,
            code,
            number,
            words,
            meaning.kind,
            row.id or "-",
            sheet.context.now,
        )
    except CellError as error:
        raise CellError(name, error.message) from None


def _entry(sheet: Sheet, line: Line, row: Row, group: str, cells: _Cells) -> Iterator[Item]:
    ref = f"{sheet.named(row)}/{group}" if row.id else sheet.ref(row, group)
    meanings = [meaning for meaning, _ in cells.values()]
    instrument = meanings[0].instrument
    events = [event for _, event in cells.values()]
    if instrument is not None:
        asked = sum(
            meaning.group == group and meaning.item is not None for meaning in sheet.mapping.meanings.values()
        )
        events, cautions = _totalled(instrument, cells, row, complete=asked == len(instrument.items))
        for name, reason in cautions:
            yield Caution(sheet.file, line.number, name, reason)
    yield Entry(row.subject_id, ref, meanings[0].kind, tuple(replace(event, entry=ref) for event in events))


def _totalled(
    instrument: Instrument, cells: _Cells, row: Row, *, complete: bool
) -> tuple[list[Event], list[tuple[str, str]]]:
    """The answers, then the total that they make; a stated one that differs is kept as such, with a caution.

    Without answers the stated total is the total. A table that lacks an item has none.
    """
    answers = {m.item.id: e.numeric_value for m, e in cells.values() if m.item is not None}
    events = [event for meaning, event in cells.values() if meaning.item is not None]
    stated = next(((name, event) for name, (m, event) in cells.items() if m.item is None), None)
    score = instrument.score(answers) if answers and complete else None
    total = score.total if score else None
    if total is not None:
        events.append(
            Event(
                row.subject_id,
                row.time,
                row.known_at,
                instrument.total_code,
                total,
                None,
                "questionnaire",
                "-",
            )
        )
    if stated is None:
        return events, []
    name, event = stated
    number, (low, high) = event.numeric_value, instrument.range
    if total is not None:
        reason = f"The stated total is {number:g}, but the items make {total:g}."
        right = number == total
    elif number is None or not low <= number <= high:
        reason = f"The stated total {number:g} lies outside {low:g} to {high:g}."
        right = False
    elif answers:
        why = score.reason if score else "the table lacks items"
        reason = f"The stated total {number:g} cannot be checked: {why}."
        right = False
    else:
        return [event], []
    if right:
        return events, []
    return [*events, replace(event, code=f"STATED{SEPARATOR}{event.code}")], [(name, reason)]
