"""``alleviate synthetic``: the same bytes for the same seed, marked as synthetic, whole or not at all."""

import errno
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from alleviate.cli import main
from alleviate.cli.synthetic import CLAIMS, README, TRUTH
from alleviate.intake.fhir import FORMAT
from alleviate.intake.reading import Context
from alleviate.records import Entry, PatientRecord
from alleviate.records.synthetic import simulate

NEXT_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ARGUMENTS = ("synthetic", "--patients", "15", "--seed", "5", "--out")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "clinic"
    assert main([*ARGUMENTS, str(made)]) == 0
    return made


def test_what_is_written_reads_as_the_same_records(folder: Path) -> None:
    events: dict[str, list] = {}
    for file in sorted(folder.glob("*.ndjson")):
        for item in FORMAT.read(file, Context(NEXT_YEAR)):
            if isinstance(item, Entry):
                events.setdefault(item.subject_id, []).extend(item.events)
    for record in simulate(15, 5).records():
        standing = [event for event in record.events if event.known_until is None]
        assert PatientRecord(record.subject_id, events[record.subject_id]) == PatientRecord(
            record.subject_id, standing
        )


def test_every_resource_is_labelled_as_test_data(folder: Path) -> None:
    for file in folder.glob("*.ndjson"):
        for line in file.read_text().splitlines():
            assert json.loads(line)["meta"]["security"][0]["code"] == "HTEST"


def test_the_truth_and_a_warning_lie_beside_it(folder: Path) -> None:
    clinic = simulate(15, 5)
    assert pl.read_parquet(folder / TRUTH).equals(clinic.truth())
    assert pl.read_parquet(folder / CLAIMS).equals(clinic.claims())
    words = (folder / README).read_text()
    assert words.startswith("SYNTHETIC DATA. Nobody in these files is or was a person.")
    assert "--patients 15 --seed 5" in words


def test_the_same_seed_gives_the_same_bytes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main([*ARGUMENTS, str(tmp_path / "empty"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == sorted(path.name for path in folder.iterdir())
    assert (told["patients"], told["seed"]) == (15, 5)
    assert told["events"] == sum(len(record.events) for record in simulate(15, 5).records())
    for file in folder.iterdir():
        assert (tmp_path / "empty" / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_folder_in_use_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for taken in (tmp_path, tmp_path / "thesis.txt"):
        assert main([*ARGUMENTS, str(taken)]) == 2
        assert f"{taken} is there and not an empty folder." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_when_writing_fails_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(records: object, folder: Path) -> None:
        folder.mkdir()
        (folder / "Patient.ndjson").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("alleviate.cli.synthetic.write", fail)
    assert main([*ARGUMENTS, str(tmp_path / "clinic")]) == 2
    assert "clinic cannot be written: No space left on device." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_progress_is_shown_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("alleviate.cli.screen.err", Console(file=shown, force_terminal=True))
    assert main([*ARGUMENTS, str(tmp_path / "clinic")]) == 0
    assert "Writing people" in shown.getvalue()
