"""A table of one event a row as entries; rows that follow each other and have the same id are one entry."""

from collections.abc import Iterator

from alleviate.intake.cells import CellError, event_of
from alleviate.intake.csv.rows import Line
from alleviate.intake.csv.sheet import Row, Sheet
from alleviate.intake.csv.values import value_of
from alleviate.intake.reading import Item, Refusal
from alleviate.intake.vocabularies import kind_of
from alleviate.records import Entry, Event
from alleviate.terms.codes import SEPARATOR

__all__ = ["long"]


def long(sheet: Sheet, lines: Iterator[Line]) -> Iterator[Item]:
    """Entries and refusals. An entry is refused as a whole, at its first bad row."""
    open_as: tuple[str, str] | None = None
    events: list[Event] = []
    refusal: Refusal | None = None
    for line in lines:
        key, found = _read(sheet, line)
        if key is None or key != open_as:
            yield from _closed(events, refusal)
            open_as, events, refusal = key, [], None
        if isinstance(found, Event) and events and found.kind != events[0].kind:
            reason = f'Expected "{events[0].kind}" as in the row before with this id, got "{found.kind}".'
            found = sheet.refusal(line, CellError(sheet.column("kind"), reason))
        if isinstance(found, Refusal):
            refusal = refusal or found
        elif found is not None:
            events.append(found)
    yield from _closed(events, refusal)


def _closed(events: list[Event], refusal: Refusal | None) -> Iterator[Item]:
    if refusal is not None:
        yield refusal
    elif events:
        yield Entry(events[0].subject_id, events[0].entry, events[0].kind, tuple(events))


def _read(sheet: Sheet, line: Line) -> tuple[tuple[str, str] | None, Event | Refusal | None]:
    """Whose entry the row is a part of (None: only itself), and its event; None where it was replaced."""
    key = None
    try:
        row = sheet.row(line)
        key = (row.subject_id, row.id) if row.id else None
        if sheet.cell(line, "known_until") is not None:
            return key, None
        return key, _event(sheet, line, row)
    except CellError as error:
        return key, sheet.refusal(line, error)


def _event(sheet: Sheet, line: Line, row: Row) -> Event:
    given = sheet.cell(line, "code")
    if given is None:
        raise CellError(sheet.column("code"), "The code is missing.")
    code, number, text, kind = _meant(sheet, line, given)
    kind = sheet.cell(line, "kind") or kind
    entry = sheet.named(row) if row.id else sheet.ref(row, code)
    try:
        return event_of(
            row.subject_id, row.time, row.known_at, code, number, text, kind, entry, sheet.context.now
        )
    except CellError as error:
        raise CellError(sheet.column(_KEYS.get(error.column, error.column)), error.message) from None


_KEYS = {"numeric_value": "number", "text_value": "text"}


def _meant(sheet: Sheet, line: Line, given: str) -> tuple[str, float | None, str | None, str]:
    """Code, number, text and kind of a row, by the translation of its code or by its columns."""
    meaning = sheet.mapping.meanings.get(given)
    if meaning is not None:
        for key in ("value", "number", "text"):
            cell = sheet.cell(line, key)
            if cell is not None and cell not in meaning.missing:
                code, number, text = value_of(cell, meaning, sheet.writing, sheet.column(key))
                return (
                    code,
                    number,
                    text if number is None else sheet.cell(line, "unit") or text,
                    meaning.kind,
                )
        raise CellError(sheet.column("value"), "The value is missing.")
    code = _code(sheet, given)
    number, text = _number(sheet, line), sheet.cell(line, "text")
    value = sheet.cell(line, "value")
    if value is not None:
        number = sheet.writing.number(value) if number is None else number
        text = value if number is None else text
    if number is not None and text is None:
        text = sheet.cell(line, "unit")
    return code, number, text, kind_of(code)


def _number(sheet: Sheet, line: Line) -> float | None:
    cell = sheet.cell(line, "number")
    number = None if cell is None else sheet.writing.number(cell)
    if cell is not None and number is None:
        raise CellError(sheet.column("number"), f"Expected a number, got {cell[:40]!r}.")
    return number


def _code(sheet: Sheet, given: str) -> str:
    vocabulary = sheet.mapping.layout.vocabulary
    if SEPARATOR in given or (vocabulary is None and given in _PLAIN):
        return given
    if vocabulary is not None:
        return f"{vocabulary}{SEPARATOR}{given.replace('/', '%2F')}"
    reason = f'There is no translation of "{given[:40]}": add it under [codes] in the mapping.'
    raise CellError(sheet.column("code"), reason)


_PLAIN = frozenset({"MEDS_BIRTH", "MEDS_DEATH"})
