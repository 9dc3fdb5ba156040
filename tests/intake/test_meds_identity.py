"""A record written as MEDS and read again is the same record, and what is written is MEDS."""

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from every_kind import NOW, collected, records, there_and_back
from hypothesis import given, settings
from meds import CodeMetadataSchema, DataSchema, DatasetMetadataSchema

from alleviate.intake.meds import FORMAT, ShardWriter, write_stream, writing
from alleviate.intake.reading import Context
from alleviate.records import Entry, Event, PatientRecord
from alleviate.terms.errors import DataError

MONDAY = datetime(2024, 5, 6, 9, tzinfo=UTC)


def entry(subject_id: str, number: int, value: float | None = 1.5, days: int = 0) -> Entry:
    time, ref = MONDAY + timedelta(days=days), f"Observation/{number}"
    event = Event(subject_id, time, time, "LOINC//8867-4", value, "/min", entry=ref)
    return Entry(subject_id, ref, "measurement", (event,))


def stored(folder: Path) -> list[pl.DataFrame]:
    return [pl.read_parquet(file) for file in sorted((folder / "data").glob("*.parquet"))]


@settings(max_examples=40, deadline=None)
@given(records())
def test_export_then_import_is_the_identity(given_records):
    with tempfile.TemporaryDirectory() as folder:
        assert there_and_back(FORMAT, given_records, Path(folder)) == {r.subject_id: r for r in given_records}


@settings(max_examples=20, deadline=None)
@given(records())
def test_what_is_written_is_valid_by_the_official_schemas(given_records):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = FORMAT.write(given_records, folder)
        assert sorted(written) == sorted(path for path in folder.rglob("*") if path.is_file())
        for file in (folder / "data").glob("*.parquet"):
            DataSchema.validate(pq.read_table(file))
            rows = pl.read_parquet(file).select("subject_id", "time")
            assert rows.rows() == sorted(rows.rows())
        CodeMetadataSchema.validate(pq.read_table(folder / "metadata/codes.parquet"))
        DatasetMetadataSchema.validate(json.loads((folder / "metadata/dataset.json").read_text()))


def test_what_a_correction_replaced_stays_at_home(tmp_path):
    new = entry("p1", 1).events[0]
    old = replace(new, numeric_value=9.0, known_until=MONDAY + timedelta(days=1))
    back = there_and_back(FORMAT, [PatientRecord("p1", [old, new])], tmp_path)
    assert back == {"p1": PatientRecord("p1", [new])}


def test_a_stream_in_any_order_is_sorted_into_shards_of_whole_subjects(tmp_path, monkeypatch):
    for name, small in {"SUBJECTS_A_SHARD": 3, "HEAPS": 2, "EVENTS_A_BATCH": 7, "BYTES_A_PASS": 700}.items():
        monkeypatch.setattr(writing, name, small)
    given_entries = [entry(f"p{number * 7 % 10}", number, days=-number) for number in range(50)]
    write_stream(iter(given_entries), tmp_path)
    shards = stored(tmp_path)
    subjects = [set(shard["subject_id"]) for shard in shards]
    assert max(map(len, subjects)) <= 3
    assert len(shards) >= 4
    assert sum(map(len, subjects)) == len(set.union(*subjects)) == 10
    assert all(shard.select("subject_id", "time").rows() == sorted(shard.select("subject_id", "time").rows())
               for shard in shards)  # fmt: skip
    assert sum(len(record.events) for record in collected(FORMAT.read(tmp_path, Context(NOW))).values()) == 50
    assert not list(tmp_path.rglob(".*")), "nothing unsorted is left behind"


def test_of_an_entry_given_twice_the_last_version_is_written(tmp_path):
    write_stream([entry("p1", 1, 5.0), entry("p1", 2, 6.0), entry("p1", 1, 7.0)], tmp_path)
    [shard] = stored(tmp_path)
    assert sorted(shard["numeric_value"]) == [6.0, 7.0]


def test_a_number_that_32_bits_cannot_hold_is_kept_beside(tmp_path):
    write_stream(
        [entry("p1", 1, 36.6), entry("p1", 2, 14.0), entry("p1", 3, 1e300), entry("p1", 4, None)], tmp_path
    )
    [shard] = stored(tmp_path)
    assert shard["numeric_value"].to_list() == [pytest.approx(36.6), 14.0, None, None]
    assert shard["numeric_value_exact"].to_list() == [36.6, None, 1e300, None]


def test_nothing_to_write_is_a_dataset_without_events(tmp_path):
    assert [path.name for path in ShardWriter(tmp_path).close()] == [
        "dataset.json",
        "codes.parquet",
        "subjects.parquet",
    ]


def test_a_folder_with_a_dataset_is_left_alone(tmp_path):
    write_stream([entry("p1", 1)], tmp_path)
    with pytest.raises(DataError, match="there is a MEDS dataset already"):
        ShardWriter(tmp_path)
