"""A clinic's records, from files into the vault, back out, and gone: as a new user would."""

import json
from pathlib import Path

import polars as pl
import pytest

from alleviate.cli import main

PATIENTS = 12


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinic") / "synthetic"
    assert main(["synthetic", "--patients", str(PATIENTS), "--seed", "3", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "clinic.vault"))
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    assert main(["vault", "init"]) == 0
    return tmp_path / "clinic.vault"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str) -> dict:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return json.loads(printed.out)

    return run


def test_the_contract_of_import(vault: Path, clinic: Path, run) -> None:
    first = run("import", str(clinic))
    assert list(first) == [
        *("files", "read", "stored", "unchanged", "superseded", "rejected", "warnings", "patients", "seconds")
    ]
    assert first["rejected"] == []
    assert first["patients"] == PATIENTS
    assert first["read"] == first["stored"] + first["unchanged"] + first["superseded"]
    again = run("import", str(clinic))
    assert (again["stored"], again["superseded"]) == (0, 0)
    assert again["unchanged"] == again["read"] == first["read"]


def test_a_record_is_shown_with_its_questionnaires(vault: Path, clinic: Path, run) -> None:
    run("import", str(clinic))
    id = pl.read_parquet(clinic / "truth.parquet")["subject_id"][0]
    view = run("patient", "show", id)
    assert view["demographics"]["synthetic"] == "yes"
    depression = [filled for filled in view["questionnaires"] if filled["instrument"] == "phq9"]
    assert depression
    for filled in depression:
        assert {"instrument", "time", "items", "total", "severity", "flags"} <= filled.keys()
        assert filled["total"] == sum(filled["items"].values())
    assert view["treatments"]


def test_a_correction_supersedes_and_a_bad_line_is_explained(
    vault: Path, clinic: Path, run, tmp_path: Path
) -> None:
    run("import", str(clinic))
    lines = (clinic / "Observation.ndjson").read_text().splitlines()
    wrong = json.loads(lines[0])
    wrong["valueQuantity"] = {"value": 77.5, "unit": "kg"}
    broken = dict(json.loads(lines[1]), subject=None, id="broken")
    corrected = tmp_path / "corrected.ndjson"
    corrected.write_text("\n".join([json.dumps(wrong), json.dumps(broken), "{", lines[2]]) + "\n")
    result = run("import", str(corrected))
    assert (result["read"], result["superseded"], result["unchanged"]) == (4, 1, 1)
    assert [(place["line"], place["field"]) for place in result["rejected"]] == [
        (2, "Observation.subject"),
        (3, ""),
    ]


@pytest.mark.parametrize("format", ["fhir", "omop", "meds", "csv"])
def test_what_goes_out_comes_back_the_same(
    vault: Path, clinic: Path, run, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("import", str(clinic))
    truth = pl.read_parquet(clinic / "truth.parquet")
    before = {id: run("patient", "show", id) for id in truth["subject_id"]}
    run("export", "--format", format, "--out", str(tmp_path / format))
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "second.vault"))
    assert main(["vault", "init"]) == 0
    back = run("import", str(tmp_path / format), "--format", format)
    assert back["rejected"] == []
    after = {id: run("patient", "show", id) for id in truth["subject_id"]}
    for view in (*before.values(), *after.values()):
        view.pop("corrections")  # what was replaced before the export stays in the first vault
    assert after == before


def test_a_person_is_handed_their_record_and_erased(vault: Path, clinic: Path, run, tmp_path: Path) -> None:
    run("import", str(clinic))
    id = pl.read_parquet(clinic / "truth.parquet")["subject_id"][1]
    assert run("patient", "export", id, "--out", str(tmp_path / "mine"))["files"]
    proof = run("patient", "erase", id, "--yes")
    assert proof
    assert main(["patient", "show", id]) == 2
    verified = run("audit", "verify")
    assert verified


def test_nothing_is_overwritten(vault: Path, clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--out", str(clinic)]) == 2
    assert "empty folder" in capsys.readouterr().err


UNDATED = {
    "resourceType": "Condition",
    "id": "c1",
    "subject": {"reference": "Patient/p1"},
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "F32.1"}]},
    "onsetDateTime": "2024-01-05",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]
    },
}


def test_an_end_without_a_date_is_no_correction_when_it_is_read_again(
    vault: Path, run, tmp_path: Path
) -> None:
    """It carries the moment of the import, which is another each time."""
    (tmp_path / "Condition.ndjson").write_text(json.dumps(UNDATED) + "\n")
    assert run("import", str(tmp_path / "Condition.ndjson"))["stored"] == 1
    (first,) = run("patient", "show", "p1")["conditions"]
    again = run("import", str(tmp_path / "Condition.ndjson"))
    assert (again["unchanged"], again["superseded"]) == (1, 0)
    assert run("patient", "show", "p1")["conditions"] == [first]


STUDY = """
[study]
name = "clinic"

[data]
vault = true

[cohort]
start = "EPISODE//start"
outcome = { of = "phq9", take = "last", from = "4w", to = "52w" }

[treatment]
column = "treatment"
assignment = "observational"

[outcome]
column = "phq9_after"
better = "lower"
important = 2

[features]
phq9 = { of = "phq9" }
gad7 = { of = "gad7" }
age = { take = "age" }

[validation]
folds = 2
repeats = 1
"""


@pytest.mark.slow
def test_a_study_of_the_vault_advises_a_person_of_the_vault(
    vault: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, run
) -> None:
    records = tmp_path_factory.mktemp("many") / "records"
    run("synthetic", "--patients", "400", "--seed", "4", "--out", str(records))
    run("import", str(records))
    (tmp_path / "clinic.toml").write_text(STUDY)
    learned = run("learn", str(tmp_path / "clinic.toml"), "--out", str(tmp_path / "rule"), "--workers", "1")
    assert learned["n"] > 150
    assert set(learned["arms"]) >= {"CBT", "Sertraline"} or len(learned["arms"]) >= 3
    somebody = pl.read_parquet(records / "truth.parquet")["subject_id"][0]
    (advice,) = run("advise", learned["package"], "--patient", somebody)
    assert advice["id"] == somebody
    assert advice["abstained"] or advice["arm"] in learned["arms"]
    shown = run("audit", "show", "--last", "3")
    assert shown


def test_the_same_by_another_format_is_no_correction(vault: Path, clinic: Path, run, tmp_path: Path) -> None:
    run("import", str(clinic))
    run("export", "--format", "csv", "--out", str(tmp_path / "csv"))
    again = run("import", str(tmp_path / "csv"))
    assert (again["stored"], again["superseded"]) == (0, 0)


def test_of_a_thousand_with_a_hundred_bad_the_good_are_kept_and_each_bad_one_is_explained(
    vault: Path, run, tmp_path: Path
) -> None:
    def line(number: int) -> str:
        weight = {
            "resourceType": "Observation",
            "id": f"w{number}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": {"reference": f"Patient/p{number % 50}"},
            "effectiveDateTime": "2024-05-06",
            "valueQuantity": {"value": 60 + number % 40, "unit": "kg"},
        }
        match number % 40:
            case 0:
                del weight["subject"]
            case 10:
                weight["effectiveDateTime"] = "yesterday"
            case 20:
                weight["valueQuantity"] = {"value": "heavy"}
            case 30:
                return json.dumps(weight)[:-1]
        return json.dumps(weight)

    (tmp_path / "Observation.ndjson").write_text("".join(f"{line(number)}\n" for number in range(1000)))
    result = run("import", str(tmp_path / "Observation.ndjson"))
    assert (result["read"], result["stored"], len(result["rejected"])) == (1000, 900, 100)
    assert [place["line"] for place in result["rejected"]] == list(range(1, 1000, 10))
    fields = ["Observation.subject", "Observation.effectiveDateTime", "Observation.valueQuantity.value", ""]
    assert [place["field"] for place in result["rejected"][:4]] == fields
    assert all(place["reason"].endswith(".") for place in result["rejected"])
