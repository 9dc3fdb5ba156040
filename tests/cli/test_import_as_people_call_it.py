"""``alleviate import`` as people call it: folders of all sorts, what the shell makes of *, files of Excel."""

import json
import os
from pathlib import Path

import pytest

from alleviate.cli import main

PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "male"}
MEDICINE = {
    "resourceType": "Medication",
    "id": "m1",
    "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "36437"}]},
}
ORDER = {
    "resourceType": "MedicationRequest",
    "id": "r1",
    "status": "active",
    "intent": "order",
    "medicationReference": {"reference": "Medication/m1"},
    "subject": {"reference": "Patient/p1"},
    "authoredOn": "2024-05-06",
}
FORM = {
    "resourceType": "Questionnaire",
    "id": "form",
    "status": "active",
    "item": [{"linkId": "a", "type": "integer", "code": [{"system": "http://loinc.org", "code": "44259-0"}]}],
}
ANSWER = {
    "resourceType": "QuestionnaireResponse",
    "id": "q1",
    "status": "completed",
    "questionnaire": "Questionnaire/form",
    "subject": {"reference": "Patient/p1"},
    "authored": "2024-05-06T09:00:00Z",
    "item": [{"linkId": "a", "answer": [{"valueInteger": 3}]}],
}
SHEET = "Patient;Datum;PHQ9_1;Gewicht (kg);Größe\nA1;06.05.2023;1;71,5;1,80\nA2;07.05.2023;0;80,2;1,75\n"


def written(folder: Path, **resources: dict) -> list[str]:
    for name, resource in resources.items():
        (folder / f"{name}.ndjson").write_text(json.dumps(resource) + "\n")
    return [str(folder / f"{name}.ndjson") for name in resources]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / ".home"))
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / ".clinic.vault"))
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    assert main(["vault", "init"]) == 0

    def run(*arguments: str, code: int = 0):
        capsys.readouterr()
        assert main([*arguments, "--json"]) == code
        printed = capsys.readouterr()
        return printed.err.replace("\n", " ") if code else json.loads(printed.out)

    return run


def test_files_named_one_by_one_find_each_other_s_parts(run, tmp_path: Path) -> None:
    """What a shell makes of ``*.ndjson``, whatever the order."""
    found = run("import", *written(tmp_path, order=ORDER, answer=ANSWER, medicine=MEDICINE, form=FORM))
    assert (found["stored"], found["rejected"], found["warnings"]) == (3, [], [])
    view = run("patient", "show", "p1")
    assert [each["code"] for each in view["treatments"]] == ["RxNorm//36437"]
    assert [(each["instrument"], each["items"]) for each in view["questionnaires"]] == [("phq9", {"3": 3.0})]


def test_the_same_file_twice_is_known_already(run, tmp_path: Path) -> None:
    found = run("import", *written(tmp_path, p=PATIENT) * 2)
    assert (found["stored"], found["unchanged"]) == (1, 1)


def test_a_mixed_folder_says_what_it_left_out_and_leaves_hidden_files_alone(run, tmp_path: Path) -> None:
    mixed = tmp_path / "from the clinic"
    (mixed / ".git").mkdir(parents=True)
    written(mixed, patient=PATIENT)
    written(mixed / ".git", other={**PATIENT, "id": "hidden"})
    (mixed / ".hidden.json").write_text(json.dumps({**PATIENT, "id": "hidden"}))
    (mixed / "visits.csv").write_text("id,date,phq9_total\n1,2023-05-06,7\n")
    (mixed / "README.txt").write_text("Hello")
    found = run("import", str(mixed))
    assert (found["stored"], found["patients"]) == (1, 1)
    assert [(Path(place["file"]).name, place["reason"]) for place in found["warnings"]] == [
        ("visits.csv", "It was left out: this folder is read as FHIR. Import it by itself.")
    ]


def test_an_export_of_nothing_is_an_export(run, tmp_path: Path) -> None:
    (tmp_path / "Goal.ndjson").touch()
    assert run("import", str(tmp_path / "Goal.ndjson"))["read"] == 0


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("all.zip", b"PK\x03\x04", "Unpack it"),
        ("sheet.xlsx", b"PK\x03\x04", "Save the sheet as CSV"),
        ("bundle.xml", b"<Bundle/>", "FHIR is read as JSON"),
        ("package.json", b'{"name": "x"}', "whose resources say their resourceType"),
        ("utf16.json", json.dumps(PATIENT).encode("utf-16"), "JSON in UTF-8"),
        ("nothing.json", b"", "is empty"),
        ("notes.txt", b"Hello", "Name its format with --format"),
    ],
)
def test_what_is_not_read_says_what_to_do(run, tmp_path: Path, name: str, content: bytes, hint: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert hint in run("import", str(tmp_path / name), code=2)


def test_a_file_without_the_right_to_read_it(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (locked,) = written(tmp_path, locked=PATIENT)
    Path(locked).chmod(0)
    if os.access(locked, os.R_OK):  # the superuser may read everything: somebody else is asked about
        monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).samefile(locked))
    assert "may not be read by you" in run("import", locked, code=2)


@pytest.mark.parametrize(
    ("encoding", "before"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-8-sig", "sep=;\n"), ("cp1252", ""), ("utf-16", "")],
)
def test_a_sheet_of_excel_is_read_as_drafted(run, tmp_path: Path, encoding: str, before: str) -> None:
    sheet = tmp_path / "my sheet.csv"
    sheet.write_bytes((before + SHEET).replace("\n", "\r\n").encode(encoding))
    assert main(["mapping", "new", str(sheet)]) == 0
    found = run("import", str(sheet))
    assert (found["stored"], found["rejected"], found["warnings"]) == (4, [], [])
    (measured,) = run("patient", "show", "A1")["measurements"]
    assert (measured["value"], measured["unit"]) == (71.5, "kg")
    assert measured["parts"] == [{"code": "LOCAL//Größe", "value": 1.8}]


def test_what_is_next_can_be_copied_into_a_shell(run, tmp_path: Path, capsys) -> None:
    (tmp_path / "my sheet.csv").write_text(SHEET)
    main(["mapping", "new", str(tmp_path / "my sheet.csv")])
    assert f"alleviate import '{tmp_path / 'my sheet.csv'}'\n" in capsys.readouterr().out


def test_a_word_for_sex_that_nobody_explained_is_left_out(run, tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text(
        '[table]\nshape = "wide"\nsubject = "id"\nmoment = "2024-01-01"\n'
        '[columns]\nsex = { code = "PERSON//sex", answers = { 1 = "male" } }\n'
    )
    (tmp_path / "people.csv").write_text("id,sex\na,1\nb,2\nc,Female\n")
    found = run("import", str(tmp_path / "people.csv"))
    assert [(place["line"], place["field"]) for place in found["warnings"]] == [(3, "sex")]
    assert [run("patient", "show", id)["demographics"]["sex"] for id in "ac"] == ["male", "female"]


def test_a_total_that_the_questionnaire_cannot_have_is_kept_as_stated_only(run, tmp_path: Path) -> None:
    total = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-05-06",
        "valueInteger": 31,
    }
    found = run("import", *written(tmp_path, total=total))
    assert [place["reason"] for place in found["warnings"]] == ["The stated total 31 lies outside 0 to 27."]
    (shown,) = run("patient", "show", "p1")["questionnaires"]
    assert (shown["total"], shown["stated"]) == (None, 31)


def test_the_parts_of_a_measurement_are_shown(run, tmp_path: Path, capsys) -> None:
    def part(code: str, value: int) -> dict:
        coding = {"coding": [{"system": "http://loinc.org", "code": code}]}
        return {"code": coding, "valueQuantity": {"value": value, "unit": "mm[Hg]"}}

    pressure = {
        "resourceType": "Observation",
        "id": "bp",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-05-06",
        "component": [part("8480-6", 120), part("8462-4", 80)],
    }
    run("import", *written(tmp_path, pressure=pressure))
    assert main(["patient", "show", "p1"]) == 0
    shown = capsys.readouterr().out
    assert "LOINC//85354-9; 80 mm[Hg] LOINC//8462-4; 120 mm[Hg] LOINC//8480-6" in " ".join(shown.split())
