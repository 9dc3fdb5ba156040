"""A table for science: one row a course of treatment, of those who consent, that names nobody.

No name, no id, no date, no words: ages in bands, a quarter of a year for the start. What many rows together
would tell of one person (site, age, sex) is left out where fewer than five people share it.
"""

import io
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import polars as pl

from alleviate.clinic.mine.export import safe
from alleviate.clinic.officers.spells import spells_of
from alleviate.oversight.service import Spell
from alleviate.oversight.suppression import SMALLEST
from alleviate.records import Kind, PatientRecord, records_of
from alleviate.vault import Access

__all__ = ["COLUMNS", "KINDS", "as_csv", "as_parquet", "deidentified"]

KINDS: tuple[Kind, ...] = ("person", "questionnaire", "measurement", "condition", "session", "episode")
"""What is read: no notes, no documents, no goals, no genes."""

COLUMNS: dict[str, Any] = {
    "age_band": pl.String,
    "sex": pl.String,
    "site": pl.String,
    "diagnosis": pl.String,
    "treatment": pl.String,
    "step": pl.Int64,
    "began": pl.String,
    "waited_weeks": pl.Int64,
    "contacts": pl.Int64,
    "ended": pl.String,
    "phq9_first": pl.Float64,
    "phq9_last": pl.Float64,
    "gad7_first": pl.Float64,
    "gad7_last": pl.Float64,
    "recovered": pl.Boolean,
    "reliably_improved": pl.Boolean,
}
"""Each column's type; what the page says of it stands beside."""

_ENDS = ("completed", "dropped out", "referred on", "moved away", "died")
_YEAR = 365.25
_YOUNGEST, _OLDEST = 18, 85
_WHO = ("age_band", "sex", "site")


def deidentified(access: Access, now: datetime) -> pl.DataFrame:
    """Of everybody who consents to research, in no order that says anything: one event "read" a person."""
    rows: list[tuple[int, dict[str, Any]]] = []
    people = sorted(records_of(access.frame(kinds=KINDS)), key=lambda record: record.subject_id)
    for number, record in enumerate(people):
        rows += [(number, _row(record, spell)) for spell in spells_of(number, record) if spell.since]
    _blurred(rows)
    return pl.DataFrame([row for _, row in rows], schema=COLUMNS, orient="row")


def as_csv(table: pl.DataFrame) -> bytes:
    """With text that no spreadsheet takes for a formula."""
    text = pl.selectors.string()
    defused = table.with_columns(text.map_elements(safe, return_dtype=pl.String))
    return defused.write_csv().encode()


def as_parquet(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def _row(record: PatientRecord, spell: Spell) -> dict[str, Any]:
    said = {event.code: event for event in record.events if event.kind == "person"}
    birth, start = said.get("MEDS_BIRTH"), spell.since
    assert start is not None
    sex = said.get("PERSON//sex")
    depression, anxiety, outcome = spell.pair(spell.depression), spell.pair(spell.anxiety), spell.outcome
    return {
        "age_band": _band((start - birth.time).days / _YEAR) if birth else None,
        "sex": sex.text_value if sex else None,
        "site": spell.site or None,
        "diagnosis": _diagnosis(record, start),
        "treatment": spell.treatment or None,
        "step": min(spell.turn, 3),
        "began": f"{start.year}-Q{(start.month + 2) // 3}",
        "waited_weeks": None if spell.waited is None else round(spell.waited / 7),
        "contacts": spell.contacts,
        # A source may write anything here, names too: what is not of the list is "other".
        "ended": None if spell.until is None else spell.reason if spell.reason in _ENDS else "other",
        "phq9_first": depression[0],
        "phq9_last": depression[1],
        "gad7_first": anxiety[0],
        "gad7_last": anxiety[1],
        "recovered": outcome.recovery,
        "reliably_improved": outcome.reliable_improvement,
    }


def _band(age: float) -> str:
    if age < _YOUNGEST:
        return "under 18"
    if age >= _OLDEST:
        return "85 and over"
    first = _YOUNGEST if age < 25 else 10 * int((age - 25) // 10) + 25
    return f"{first} to {24 if first == _YOUNGEST else first + 9}"


def _diagnosis(record: PatientRecord, start: datetime) -> str | None:
    """The first three signs of the ICD-10 code that was known last at the start, as F32."""
    known = [
        event.code.split("//")[1][:3]
        for event in record.events
        if event.kind == "condition"
        and event.code.startswith(("ICD10//", "ICD10CM//"))
        and not event.code.endswith("//end")
        and event.known_at <= start
    ]
    return known[-1] if known else None


def _blurred(rows: list[tuple[int, dict[str, Any]]]) -> None:
    """Leave out who somebody is, where fewer than five people are alike: the site first, then all of it."""
    for hidden in (("site",), _WHO):
        alike = _alike(rows)
        for _, row in rows:
            if alike[_key(row)] < SMALLEST:
                row.update(dict.fromkeys(hidden))
    for name in ("diagnosis", "treatment"):
        people = Counter(value for value, _ in {(row[name], person) for person, row in rows})
        for _, row in rows:
            if people[row[name]] < SMALLEST:
                row[name] = None


def _alike(rows: Iterable[tuple[int, dict[str, Any]]]) -> Counter[tuple[Any, ...]]:
    """People, not rows, by what identifies them."""
    return Counter(key for key, _ in {(_key(row), person) for person, row in rows})


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _WHO)
