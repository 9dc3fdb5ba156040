"""Records from one format into another: the same for any number of processes, every refusal in its place."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alleviate.intake import conversion, parts
from alleviate.intake.conversion import convert
from alleviate.intake.formats import FORMATS
from alleviate.intake.reading import Context
from alleviate.terms.errors import DataError, InputError

NOW = datetime(2024, 6, 1, tzinfo=UTC)
CONTEXT = Context(NOW)
MEDS = FORMATS["meds"]


def observation(number: int, person: int, *, value: float = 1, day: int = 1) -> bytes:
    return json.dumps(
        {
            "resourceType": "Observation",
            "id": str(number),
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": {"reference": f"Patient/{person}"},
            "effectiveDateTime": f"2024-05-{day:02}T09:00:00Z",
            "valueQuantity": {"value": value, "unit": "kg"},
        }
    ).encode()


BAD_DATE = observation(1, 1).replace(b"2024-05-01", b"2024-13-01")
LINES = st.one_of(
    st.builds(
        observation,
        st.integers(0, 20),
        st.integers(0, 5),
        value=st.integers(0, 9) | st.just(0.1),
        day=st.integers(1, 28),
    ),
    st.sampled_from(
        [
            *(b"", b"  ", b"{", b"[]", b'{"resourceType":"Device","id":"1"}', BAD_DATE),
            b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":'
            + observation(99, 9)
            + b"}]}",
            b'{"resourceType":"Questionnaire","id":"q","status":"active"}',
        ]
    ),
)


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small file is cut into many."""
    monkeypatch.setattr(parts, "RANGE", 700)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the ranges by the same function, but here: starting processes takes seconds, not milliseconds."""

    def at_once(ranges: Any, files: Any, context: Context, workers: int) -> Iterator[Any]:
        parts._begin(list(files), context)
        return (parts._read_range(some) for some in ranges)

    monkeypatch.setattr(conversion, "at_once", at_once)


def events(folder: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(file) for file in sorted((folder / "data").glob("*.parquet"))])


def both_ways(source: Path, folder: Path) -> tuple[conversion.Conversion, conversion.Conversion]:
    return (
        convert([source], MEDS, folder / "one", CONTEXT, workers=1),
        convert([source], MEDS, folder / "many", CONTEXT, workers=3),
    )


def assert_same(one: conversion.Conversion, many: conversion.Conversion, folder: Path) -> None:
    assert [path.relative_to(folder / "one") for path in one.written] == [
        path.relative_to(folder / "many") for path in many.written
    ]
    for path in one.written:
        if path.suffix == ".parquet":
            twin = folder / "many" / path.relative_to(folder / "one")
            assert pl.read_parquet(path).equals(pl.read_parquet(twin))
    for name in ("files", "read", "stored", "superseded", "rejected", "warnings", "patients"):
        assert getattr(one, name) == getattr(many, name), name


@pytest.mark.usefixtures("small_ranges", "in_this_process")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(LINES, max_size=25), min_size=1, max_size=2), end=st.booleans())
def test_ranges_give_what_the_whole_gives(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[bytes]], end: bool
) -> None:
    folder = tmp_path_factory.mktemp("same")
    source = folder / "source"
    source.mkdir()
    (source / "0.ndjson").write_bytes(observation(1000, 1) + b"\n")
    for number, lines in enumerate(files, 1):
        (source / f"{number}.ndjson").write_bytes(b"\n".join(lines) + b"\n" * end)
    assert_same(*both_ways(source, folder), folder)


@pytest.mark.slow
@pytest.mark.usefixtures("small_ranges")
def test_processes_give_what_one_gives(tmp_path: Path) -> None:
    """With real processes; they are told the ranges, so that the small ones reach them."""
    source = tmp_path / "all.ndjson"
    lines = [observation(number, number % 7, value=number / 10, day=1 + number % 28) for number in range(300)]
    lines[41], lines[250] = b"{", BAD_DATE
    source.write_bytes(b"\n".join(lines))
    one, many = both_ways(source, tmp_path)
    assert_same(one, many, tmp_path)
    assert [(place.file, place.line) for place in many.rejected] == [(str(source), 42), (str(source), 251)]
    assert (many.read, many.stored, many.patients) == (300, 298, 7)


@pytest.mark.usefixtures("small_ranges", "in_this_process")
def test_a_mark_at_the_beginning_and_carriage_returns_are_no_matter(tmp_path: Path) -> None:
    lines = [observation(number, 1) for number in range(20)]
    (tmp_path / "a.ndjson").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    one, many = both_ways(tmp_path / "a.ndjson", tmp_path)
    assert_same(one, many, tmp_path)
    assert many.rejected == ()


@pytest.mark.usefixtures("small_ranges", "in_this_process")
@pytest.mark.parametrize(
    ("length", "reason"),
    [(1_200, "The line is longer than"), (20_000, "It is not JSON")],
    ids=["long", "endless"],
)
def test_a_line_that_is_too_long_is_refused_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, reason: str
) -> None:
    """An endless one keeps the file from being cut, so that no process has to hold it."""
    monkeypatch.setattr(parts, "LONGEST_LINE", 1_000)
    source = tmp_path / "a.ndjson"
    lines = [observation(number, 1) for number in range(6)]
    source.write_bytes(b"\n".join([*lines[:3], b"x" * length, *lines[3:]]))
    done = convert([source], MEDS, tmp_path / "out", CONTEXT, workers=3)
    assert [(place.line, place.reason.startswith(reason)) for place in done.rejected] == [(4, True)]
    assert done.stored == 6


def test_of_a_resource_given_again_the_last_version_stands(tmp_path: Path) -> None:
    source = tmp_path / "a.ndjson"
    source.write_bytes(
        b"\n".join([observation(1, 1, value=70), observation(2, 1), observation(1, 1, value=71)])
    )
    done = convert([source], MEDS, tmp_path / "out", CONTEXT)
    assert (done.read, done.stored, done.superseded) == (3, 2, 1)
    found = events(tmp_path / "out").filter(pl.col("entry") == "Observation/1")
    assert found["numeric_value"].to_list() == [71.0]


@pytest.mark.parametrize("to", ["fhir", "csv", "omop"])
def test_what_goes_into_another_format_comes_back_as_events(tmp_path: Path, to: str) -> None:
    """By way of the other format the same events of the same people, whatever number MEDS gives them."""
    source = tmp_path / "a.ndjson"
    source.write_bytes(
        b"\n".join(observation(number, number % 3, value=60 + number, day=1 + number) for number in range(12))
    )
    convert([source], FORMATS[to], tmp_path / to, CONTEXT)
    done = convert([tmp_path / to], MEDS, tmp_path / "back", CONTEXT, format=FORMATS[to])
    convert([source], MEDS, tmp_path / "straight", CONTEXT)
    assert done.rejected == ()

    def told(folder: Path) -> pl.DataFrame:
        people = pl.read_parquet(folder / "metadata" / "subjects.parquet")
        named = events(folder).join(people, on="subject_id").select("id", "time", "code", "numeric_value")
        return named.filter(pl.col("code") == "LOINC//29463-7").sort("id", "time")

    assert told(tmp_path / "back").equals(told(tmp_path / "straight"))
    assert len(told(tmp_path / "back")) == 12


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError):
        convert([tmp_path / "a.parquet"], MEDS, tmp_path / "out", CONTEXT, format=MEDS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_a_folder_with_files_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(observation(1, 1))
    with pytest.raises(DataError, match="Expected a new or empty folder"):
        convert([tmp_path / "a.ndjson"], MEDS, tmp_path, CONTEXT)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(observation(1, 1))
    with pytest.raises(InputError, match=r"a.ndjson.*[Nn]ot a directory|File exists"):
        convert([tmp_path / "a.ndjson"], MEDS, tmp_path / "a.ndjson" / "out", CONTEXT)


def test_a_process_that_reads_does_not_load_pandas(tmp_path: Path) -> None:
    """Where it is installed, pyarrow would: 50 MB a process."""
    (tmp_path / "a.ndjson").write_bytes(observation(1, 1))
    program = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from alleviate.intake import parts
from alleviate.intake.reading import Context
file = Path({str(tmp_path / "a.ndjson")!r})
parts._born([file], Context(datetime(2024, 6, 1, tzinfo=UTC)))
(some,) = parts.ranges_of([file])
print(parts._read_range(some).stored, "pandas" in sys.modules)
"""
    there = {**os.environ, "PYTHONPATH": str(Path(parts.__file__).parents[2])}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, env=there, check=True)
    assert run.stdout.split() == [b"1", b"False"]


def test_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(observation(1, 1))
    told: list[tuple[int, int, str]] = []
    convert(
        [tmp_path / "a.ndjson"], FORMATS["csv"], tmp_path / "out", CONTEXT, progress=lambda *x: told.append(x)
    )
    assert told == [(1, 1, "Reading a.ndjson"), (1, 1, f"Writing {FORMATS['csv'].title}")]


def test_a_format_that_is_only_read_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is read, not written"):
        convert([tmp_path], replace(MEDS, write=None), tmp_path / "out", CONTEXT, format=MEDS)


@pytest.mark.slow
@pytest.mark.usefixtures("small_ranges")
def test_a_process_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tmp_path / "all.ndjson"
    source.write_bytes(b"\n".join(observation(number, 1) for number in range(2000)))

    def kill(*_: object) -> None:
        for task in Path("/proc/self/task").iterdir():
            for child in (task / "children").read_text().split():
                if b"popen_loky" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)

    with pytest.raises(InputError, match="was ended from outside"):
        convert([source], MEDS, tmp_path / "out", CONTEXT, workers=2, progress=kill)
    assert list(tmp_path.iterdir()) == [source]
