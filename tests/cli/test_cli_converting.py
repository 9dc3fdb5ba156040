"""``alleviate convert``: what it prints, for people and for programs."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from alleviate.cli.converting import convert
from alleviate.terms.errors import DataError

GOOD = {
    "resourceType": "Observation",
    "id": "1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
    "subject": {"reference": "Patient/7"},
    "effectiveDateTime": "2024-05-06T09:00:00Z",
    "valueInteger": 12,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """One resource that can be read, and eleven that cannot."""
    path = tmp_path / "all.ndjson"
    path.write_text("\n".join([json.dumps(GOOD), *["{"] * 11]))
    return path


def run(*arguments: str | Path) -> tuple[str, str]:
    app = typer.Typer()
    app.command()(convert)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception:
        raise result.exception
    return result.stdout, result.stderr


def test_programs_read_the_keys_that_import_prints(source: Path, tmp_path: Path) -> None:
    printed, _ = run(source, "--to", "meds", "--out", tmp_path / "out", "--source", "north", "--json")
    told = json.loads(printed)
    assert told.pop("seconds") >= 0
    assert {Path(path).exists() for path in told.pop("written")} == {True}
    rejected = told.pop("rejected")
    assert len(rejected) == 11
    assert rejected[0].keys() == {"file", "line", "field", "reason"}
    assert (rejected[0]["file"], rejected[0]["line"]) == (str(source), 2)
    assert told == {
        "files": 1,
        "read": 12,
        "stored": 1,
        "unchanged": 0,
        "superseded": 0,
        "warnings": [],
        "patients": 1,
        "format": "meds",
    }


def test_people_read_three_lines_and_the_first_refusals(source: Path, tmp_path: Path) -> None:
    printed, complained = run(source, "--from", "fhir", "--to", "csv", "--out", tmp_path / "out")
    assert printed.startswith("Read: 12 from 1 files, 1 people, in ")
    assert "Refused: 11; read with a warning: 0" in printed
    assert f"{source}:2: It is not JSON" in complained
    assert complained.count("It is not JSON") == 10
    assert "… and 1 more: add --json to read them all." in complained


@pytest.mark.parametrize("option", ["--to", "--from"])
def test_an_unknown_format_is_named(source: Path, tmp_path: Path, option: str) -> None:
    others = {"--to": "meds", "--from": "fhir"} | {option: "medds"}
    with pytest.raises(DataError, match="A format must be one of"):
        run(source, *(part for pair in others.items() for part in pair), "--out", tmp_path / "out")
