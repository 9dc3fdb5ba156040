"""One row of an OMOP table as the events that it stands for."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite

from alleviate.intake.cells import CellError, event_of
from alleviate.intake.omop.cdm import OPERATORS, SEXES, TABLES
from alleviate.intake.omop.sources import Concept
from alleviate.intake.vocabularies import kind_of
from alleviate.records import Entry, Event
from alleviate.terms.codes import SEPARATOR, code

__all__ = ["Reader"]

UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""From when on a fact holds about somebody whose birth is unknown: a fixed moment, so that it stays."""

_OURS = re.compile(r"[A-Za-z][A-Za-z0-9_ +]*(?://[^/\s]+)+")
_Row = Mapping[str, str]
_Found = tuple[datetime, str, float | None, str | None]
"""Time, code, number, text."""


class Reader:
    """Turns rows (lower-case column → text, "" where empty) into entries. ``concepts`` looks a concept up,
    ``sites`` are the names of care sites by id.
    """

    def __init__(
        self, concepts: Callable[[str], Concept | None], sites: Mapping[str, str], now: datetime
    ) -> None:
        self._concepts, self._sites, self._now = concepts, sites, now

    def entry(self, table: str, row: _Row, subject_id: str) -> Entry:
        """The entry of a row. Raises CellError."""
        described = TABLES[table]
        id = row.get(described.id, "")
        if not id:
            raise CellError(described.id, "The id is missing.")
        ref = f"{table}/{id}"
        found = list(self._SAYS[table](self, table, row))
        kind = "person" if table == "person" else described.kind
        if table in ("measurement", "observation"):
            kind = kind_of(found[0][1]) if table == "observation" else kind
            kind = "questionnaire" if kind_of(found[0][1]) == "questionnaire" else kind
        events: list[Event] = []
        for time, name, number, text in found:
            try:
                events.append(event_of(subject_id, time, time, name, number, text, kind, ref, self._now))
            except CellError as error:
                raise CellError(_column(table, error.column), error.message) from None
        return Entry(subject_id, ref, kind, tuple(events))

    def _person(self, table: str, row: _Row) -> Iterator[_Found]:
        birth, text = _birth(row)
        if birth is not None:
            yield birth, "MEDS_BIRTH", None, text
        since = birth or UNKNOWN
        source = row.get("gender_source_value", "")
        sex = SEXES.get(_whole(row.get("gender_concept_id", "")), _SEX_WORDS.get(source.lower(), ""))
        if sex:
            yield since, "PERSON//sex", None, sex
        if row.get("person_source_value"):
            yield since, "PERSON//identifier//person_source_value", None, row["person_source_value"]
        site = self._sites.get(_whole(row.get("care_site_id", "")))
        if site:
            yield since, "PERSON//site", None, site

    def _death(self, table: str, row: _Row) -> Iterator[_Found]:
        yield _time(row, "death"), "MEDS_DEATH", None, row.get("cause_source_value") or None

    def _visit(self, table: str, row: _Row) -> Iterator[_Found]:
        start, end = _time(row, "visit_start"), _maybe(row, "visit_end")
        yield (
            start,
            "SESSION//attended",
            None,
            self._words(row, "visit_concept_id") or row.get("visit_source_value") or None,
        )
        if row.get("provider_id"):
            yield start, "SESSION//therapist", None, row["provider_id"]
        if end and end > start and row.get("visit_end_datetime"):
            yield end, "SESSION//minutes", (end - start).total_seconds() / 60, "min"

    def _course(self, table: str, row: _Row) -> Iterator[_Found]:
        """A condition or a medicine: from when, and until when if that has come."""
        described = TABLES[table]
        start, end = _time(row, described.start), _maybe(row, described.end)
        names = list(self._codes(row, described.name))
        yield start, names[0], None, self._words(row, f"{described.name}_concept_id")
        yield from ((start, code("CODING", *name.split(SEPARATOR)), None, None) for name in names[1:])
        if row.get("quantity"):
            number = _number(row, "quantity")
            yield start, "MEDICATION//dose", number, row.get("dose_unit_source_value") or None
        if end and start <= end <= self._now:
            yield end, f"{names[0]}{SEPARATOR}end", None, row.get("stop_reason") or None

    def _procedure(self, table: str, row: _Row) -> Iterator[_Found]:
        time = _time(row, "procedure")
        names = list(self._codes(row, "procedure"))
        yield time, names[0], None, self._words(row, "procedure_concept_id")
        yield from ((time, code("CODING", *name.split(SEPARATOR)), None, None) for name in names[1:])

    def _value(self, table: str, row: _Row) -> Iterator[_Found]:
        time = _time(row, table)
        number = _number(row, "value_as_number") if row.get("value_as_number") else None
        unit = row.get("unit_source_value") or self._code_of(row, "unit_concept_id") or None
        words = (
            row.get("value_as_string")
            or self._words(row, "value_as_concept_id")
            or row.get("value_source_value")
        )
        operator = OPERATORS.get(_whole(row.get("operator_concept_id", "")))
        if number is not None and operator:
            number, words = None, f"{operator}{number:g}" + (f" {unit}" if unit else "")
        text = unit if number is not None else words or None
        names = list(self._codes(row, table))
        yield time, names[0], number, text
        yield from ((time, code("CODING", *name.split(SEPARATOR)), None, None) for name in names[1:])

    def _note(self, table: str, row: _Row) -> Iterator[_Found]:
        title = (
            row.get("note_title") or row.get("note_source_value") or self._words(row, "note_class_concept_id")
        )
        yield _time(row, "note"), code("NOTE", title or "note"), None, row.get("note_text") or None

    def _episode(self, table: str, row: _Row) -> Iterator[_Found]:
        start, end = _time(row, "episode_start"), _maybe(row, "episode_end")
        about = self._words(row, "episode_object_concept_id") or self._words(row, "episode_concept_id")
        yield start, "EPISODE//start", None, row.get("episode_source_value") or about or None
        if end and start <= end <= self._now:
            yield end, "EPISODE//end", None, None

    _SAYS: Mapping[str, Callable[["Reader", str, _Row], Iterator[_Found]]] = {
        "person": _person,
        "death": _death,
        "visit_occurrence": _visit,
        "condition_occurrence": _course,
        "drug_exposure": _course,
        "procedure_occurrence": _procedure,
        "measurement": _value,
        "observation": _value,
        "note": _note,
        "episode": _episode,
    }

    def _codes(self, row: _Row, name: str) -> Iterator[str]:
        """What a row is about, by its concept, the source's concept, or the source's value; at least one."""
        found = [self._code_of(row, f"{name}_concept_id"), self._code_of(row, f"{name}_source_concept_id")]
        source = row.get(f"{name}_source_value", "")
        if not any(found) and _OURS.fullmatch(source):
            found = [source]
        if not any(found):
            concept = _whole(row.get(f"{name}_concept_id", ""))
            if concept in ("", "0"):
                concept = _whole(row.get(f"{name}_source_concept_id", ""))
            if concept not in ("", "0"):
                found = [code("OMOP", concept)]
            elif source:
                found = [code("OMOP", "source", source)]
            else:
                raise CellError(f"{name}_concept_id", "There is no concept and no source value.")
        yield from dict.fromkeys(filter(None, found))

    def _code_of(self, row: _Row, column: str) -> str:
        concept = self._looked_up(row, column)
        if concept is None or not concept.vocabulary or not concept.code:
            return ""
        return concept.code if column == "unit_concept_id" else code(concept.vocabulary, concept.code)

    def _words(self, row: _Row, column: str) -> str | None:
        concept = self._looked_up(row, column)
        return concept.name or None if concept else None

    def _looked_up(self, row: _Row, column: str) -> Concept | None:
        id = _whole(row.get(column, ""))
        return self._concepts(id) if id not in ("", "0") else None


_SEX_WORDS = {"m": "male", "male": "male", "f": "female", "female": "female"}


def _column(table: str, field: str) -> str:
    """Which column of the table a field of an event came from."""
    described = TABLES[table]
    if field in ("time", "known_at"):
        return f"{described.start}_date" if described.start else "birth_datetime"
    return f"{described.name}_source_value" if field == "code" else field


def _whole(text: str) -> str:
    """An id that a table of floats has written as 8507.0."""
    return text.removesuffix(".0")


def _birth(row: _Row) -> tuple[datetime | None, str | None]:
    """When somebody was born, and what of it is known where not the day."""
    if row.get("birth_datetime"):
        return _moment(row["birth_datetime"], "birth_datetime"), None
    year, month, day = (_whole(row.get(f"{part}_of_birth", "")) for part in ("year", "month", "day"))
    if year in ("", "0"):
        return None, None
    try:
        birth = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    except ValueError:
        raise CellError("year_of_birth", f"There is no day {year}-{month}-{day}.") from None
    text = None if day and month else f"{birth:%Y-%m}" if month else f"{birth:%Y}"
    return birth, text


def _time(row: _Row, prefix: str) -> datetime:
    found = _maybe(row, prefix)
    if found is None:
        raise CellError(f"{prefix}_date", "The date is missing.")
    return found


def _maybe(row: _Row, prefix: str) -> datetime | None:
    for column in (f"{prefix}_datetime", f"{prefix}_date"):
        if row.get(column):
            return _moment(row[column], column)
    return None


def _moment(text: str, column: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CellError(
            column, f'Expected a date or a moment as 2024-05-06 09:30, got "{text[:40]}".'
        ) from None


def _number(row: _Row, column: str) -> float:
    try:
        number = float(row[column])
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise CellError(column, f'Expected a number, got "{row[column][:40]}".')
    return number
