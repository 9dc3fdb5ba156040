"""Records as OMOP CDM 5.4: plain tables for everybody, and beside them one of ours that says all exactly.

Without a vocabulary at hand a concept is 0 and the code stands in ``…_source_value``, cut to fit.
"""

import csv
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from alleviate.intake.csv.writing import row_of
from alleviate.intake.omop.cdm import EHR, EVENTS_TABLE, LAST_IDS_TABLE, OUTPATIENT, SEXES, TABLES
from alleviate.records import EVENTS, Event, PatientRecord
from alleviate.terms.codes import SEPARATOR
from alleviate.terms.errors import DataError

__all__ = ["write"]

LONGEST = 50
"""So many characters has a ``…_source_value``; ``value_as_string`` has ten more."""

END = f"{SEPARATOR}end"
CONCEPTS = {sex: concept for concept, sex in SEXES.items()}
STARTS = {
    "condition": "condition_occurrence",
    "medication": "drug_exposure",
    "procedure": "procedure_occurrence",
    "session": "visit_occurrence",
    "episode": "episode",
    "note": "note",
}
"""Into which table the event goes that an entry of this kind is about; others go by their value."""

ABOUT = ("CONDITION", "MEDICATION", "PROCEDURE", "SESSION", "EPISODE", "CODING")
"""Codes that say more about an entry than what it is."""


def write(records: Iterable[PatientRecord], folder: Path) -> list[Path]:
    """Write what stands in the records as CSV files. Raises DataError where the folder has some already."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [*TABLES, EVENTS_TABLE, LAST_IDS_TABLE]
    paths = {name: folder / f"{name}.csv" for name in names}
    there = next((path for path in paths.values() if path.exists()), None)
    if there is not None:
        raise DataError(f"{there} is there already.", hint="Name another folder, or remove it first.")
    with ExitStack() as open_files:
        files = {
            name: open_files.enter_context(path.open("w", encoding="utf-8", newline=""))
            for name, path in paths.items()
        }
        out = _Out({name: csv.DictWriter(files[name], table.columns) for name, table in TABLES.items()})
        exact = csv.writer(files[EVENTS_TABLE])
        exact.writerow(EVENTS)
        for record in records:
            standing = [event for event in record.events if event.known_until is None]
            out.person(record.subject_id, standing)
            for _, events in groupby(sorted(standing, key=attrgetter("entry")), key=attrgetter("entry")):
                entry = list(events)
                out.entry(entry)
                exact.writerows(map(row_of, entry))
        last = csv.writer(files[LAST_IDS_TABLE])
        last.writerow(["table_name", "last_id"])
        last.writerows(out.last_ids.items())
    return list(paths.values())


class _Out:
    """The plain tables being written; ``last_ids`` counts their rows."""

    def __init__(self, writers: dict[str, Any]) -> None:
        self.last_ids = Counter(dict.fromkeys(writers, 0))
        self._writers = writers
        self._person = 0
        for writer in writers.values():
            writer.writeheader()

    def person(self, subject_id: str, events: list[Event]) -> None:
        """The rows of person, observation_period and death."""
        self._person += 1
        birth = next((event for event in events if event.code == "MEDS_BIRTH"), None)
        sex = next((event.text_value or "" for event in events if event.code == "PERSON//sex"), "")
        known = len(birth.text_value.split("-")) if birth and birth.text_value else 3
        self._row(
            "person",
            gender_concept_id=CONCEPTS.get(sex, "0"),
            year_of_birth=birth.time.year if birth else 0,
            month_of_birth=birth.time.month if birth and known > 1 else "",
            day_of_birth=birth.time.day if birth and known > 2 else "",
            race_concept_id=0,
            ethnicity_concept_id=0,
            person_source_value=subject_id[:LONGEST],
            gender_source_value=sex[:LONGEST],
        )
        lived = [event.time for event in events if event.kind != "person"] or [event.time for event in events]
        if lived:
            span = {"observation_period_start_date": min(lived), "observation_period_end_date": max(lived)}
            self._row(
                "observation_period",
                period_type_concept_id=EHR,
                **{key: _day(at) for key, at in span.items()},
            )
        death = next((event for event in events if event.code == "MEDS_DEATH"), None)
        if death:
            self._writers["death"].writerow({
                "person_id": self._person, **_moment("death", death.time), "death_type_concept_id": EHR
            })  # fmt: skip
            self.last_ids["death"] = self._person

    def entry(self, events: list[Event]) -> None:
        """The rows of an entry: what it is about with its start and end, and what else is said of it."""
        if events[0].kind == "person":
            return
        ends = {event.code.removesuffix(END): event for event in events if event.code.endswith(END)}
        used: set[str] = set()
        for event in events:
            table = STARTS.get(event.kind)
            if table is not None and _is_start(event) and event.code not in used:
                used.add(event.code)
                self._start(
                    table,
                    event,
                    ends.get(event.code) or (ends.get("EPISODE") if table == "episode" else None),
                )
            elif not (event.code.endswith(END) and event.kind in STARTS):
                self._value(event)

    def _start(self, table: str, event: Event, end: Event | None) -> None:
        described = TABLES[table]
        prefix = described.name
        values = _moment(described.start, event.time)
        if table == "note":
            title = event.code.removeprefix(f"NOTE{SEPARATOR}")
            zero = dict.fromkeys(("note_class_concept_id", "encoding_concept_id", "language_concept_id"), 0)
            self._row(
                table,
                **values,
                **zero,
                note_type_concept_id=EHR,
                note_title=title[:250],
                note_text=event.text_value or "",
            )
            return
        until = end.time if end and end.time >= event.time else None
        if described.end:
            needed = event.time if table in ("visit_occurrence", "drug_exposure") else None
            values |= _moment(described.end, until or needed)
        if table == "drug_exposure" and end and end.text_value:
            values["stop_reason"] = end.text_value[:20]
        if table == "episode":
            values["episode_object_concept_id"] = 0
        source = event.text_value if table in ("visit_occurrence", "episode") else event.code
        values |= {
            f"{prefix}_concept_id": OUTPATIENT if table == "visit_occurrence" else 0,
            f"{prefix}_type_concept_id": EHR,
            f"{prefix}_source_value": (source or "")[:LONGEST],
        }
        self._row(table, **values)

    def _value(self, event: Event) -> None:
        number, text = event.numeric_value, event.text_value or ""
        measured = event.kind in ("questionnaire", "measurement", "sensor", "genetic") and number is not None
        table = "measurement" if measured else "observation"
        values = {
            **_moment(table, event.time),
            f"{table}_concept_id": 0,
            f"{table}_type_concept_id": EHR,
            f"{table}_source_value": event.code[:LONGEST],
            "value_as_number": "" if number is None else repr(number),
            "unit_source_value" if number is not None else "value_source_value": text[:LONGEST],
        }
        if number is None:
            values["value_as_string"] = text[: LONGEST + 10]
        self._row(table, **values)

    def _row(self, table: str, **values: object) -> None:
        self.last_ids[table] += 1
        self._writers[table].writerow(
            {"person_id": self._person, **values, TABLES[table].id: self.last_ids[table]}
        )


def _is_start(event: Event) -> bool:
    first, _, rest = event.code.partition(SEPARATOR)
    if event.kind in ("session", "episode"):
        return (event.kind, rest) in (("session", "attended"), ("episode", "start"))
    return first not in ABOUT and not event.code.endswith(END)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _moment(prefix: str, moment: datetime | None) -> dict[str, object]:
    """The columns of a date and of a moment, the latter without a zone as the model has it (ours are UTC)."""
    if moment is None:
        return {}
    naive = moment.replace(tzinfo=None)
    return {f"{prefix}_date": _day(moment), f"{prefix}_datetime": naive.isoformat(sep=" ")}
