"""A record written as CSV and read again is the same record, and no spreadsheet runs what is in it."""

import csv
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from every_kind import NOW, collected, records, there_and_back
from hypothesis import given, settings

from alleviate.intake.csv import FORMAT
from alleviate.intake.reading import Context
from alleviate.records import EVENTS, Event, PatientRecord
from alleviate.terms.errors import DataError

MONDAY = datetime(2024, 5, 6, 9, tzinfo=UTC)


def note(text: str | None, number: float | None = None) -> Event:
    return Event("p1", MONDAY, MONDAY, "NOTE//progress", number, text, "note", "DocumentReference/1")


@settings(max_examples=40, deadline=None)
@given(records())
def test_export_then_import_is_the_identity(given_records):
    with tempfile.TemporaryDirectory() as folder:
        assert there_and_back(FORMAT, given_records, Path(folder)) == {r.subject_id: r for r in given_records}


@settings(max_examples=20, deadline=None)
@given(records())
def test_no_cell_with_words_begins_as_a_formula(given_records):
    with tempfile.TemporaryDirectory() as folder:
        [table, _] = FORMAT.write(given_records, Path(folder))
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    assert rows[0] == list(EVENTS)
    number = rows[0].index("numeric_value")
    cells = [cell for row in rows[1:] for place, cell in enumerate(row) if cell and place != number]
    assert [cell for cell in cells if cell[0] in "=+-@\t\r"] == []
    assert all(row[number] == "" or float(row[number]) is not None for row in rows[1:])


def test_a_negative_number_is_left_as_it_is(tmp_path):
    [table, _] = FORMAT.write([PatientRecord("p1", [note("-", -1.5)])], tmp_path)
    assert ",-1.5,'-,note," in table.read_text()


def test_the_table_alone_is_known_again_by_its_columns(tmp_path):
    record = PatientRecord("p1", [note("=1+1")])
    [table, mapping] = FORMAT.write([record], tmp_path)
    mapping.unlink()
    assert FORMAT.accepts(table)
    assert collected(FORMAT.read(table, Context(NOW))) == {"p1": record}


def test_what_a_correction_replaced_stays_at_home(tmp_path):
    old = replace(note("old"), known_until=MONDAY + timedelta(days=1))
    back = there_and_back(FORMAT, [PatientRecord("p1", [old, note("new")])], tmp_path)
    assert back == {"p1": PatientRecord("p1", [note("new")])}


def test_history_in_a_table_of_events_is_left_out(tmp_path):
    [table, _] = FORMAT.write([PatientRecord("p1", [note("old")])], tmp_path)
    table.write_text(table.read_text().rstrip() + "2024-06-01T00:00:00+00:00\n")
    assert collected(FORMAT.read(tmp_path, Context(NOW))) == {}


def test_an_export_is_not_written_over(tmp_path):
    FORMAT.write([], tmp_path)
    with pytest.raises(DataError, match="is there already"):
        FORMAT.write([], tmp_path)
