"""What is written can be read by others, and says of the synthetic that they are."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alleviate.instruments import INSTRUMENTS
from alleviate.intake.fhir import FORMAT, bundle
from alleviate.intake.reading import Context
from alleviate.records import Event, Kind, PatientRecord
from alleviate.records.synthetic import simulate

AT, LATER = datetime(2024, 5, 6, 9, tzinfo=UTC), datetime(2024, 5, 7, 9, tzinfo=UTC)


def event(code: str, number: float | None = None, text: str | None = None, **more: Any) -> Event:
    given = {
        "subject_id": "p1",
        "time": AT,
        "known_at": AT,
        "kind": "measurement",
        "entry": "Observation/1",
        **more,
    }
    return Event(code=code, numeric_value=number, text_value=text, **given)


def resources(*events: Event) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(json.dumps(bundle(PatientRecord(events[0].subject_id, events))))[
        "entry"
    ]
    return [one["resource"] for one in made]


def written(*events: Event) -> dict[str, Any]:
    person, resource = resources(*events)
    assert person == {"resourceType": "Patient", "id": events[0].subject_id}
    return resource


def test_a_measurement_is_an_observation_like_any_other() -> None:
    assert written(event("LOINC//8867-4", 70, "/min", known_at=LATER)) == {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-05-06T09:00:00+00:00",
        "issued": "2024-05-07T09:00:00+00:00",
        "valueQuantity": {"value": 70, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    }


def test_a_questionnaire_has_loinc_codes_in_the_order_of_the_form() -> None:
    phq9 = INSTRUMENTS["phq9"]
    given: dict[str, Any] = {"kind": "questionnaire", "entry": "QuestionnaireResponse/1"}
    answers = [event(item.code, 1, **given) for item in phq9.items]
    resource = written(event(phq9.total_code, 9, **given), *answers)
    assert resource["questionnaire"] == "http://loinc.org/q/44249-1"
    assert resource["authored"] == "2024-05-06T09:00:00+00:00"
    assert [item["linkId"] for item in resource["item"]] == [
        *(item.code.removeprefix("LOINC//") for item in phq9.items),
        "44261-6",
    ]
    assert resource["item"][0]["answer"] == [
        {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}}
    ]
    assert "extension" not in resource


def test_what_fhir_cannot_say_is_in_one_extension_of_ours() -> None:
    resource = written(event("LOINC//8867-4", 70), event("LOINC//8867-4", 71, time=AT - timedelta(days=1)))
    assert {one["url"] for one in resource["extension"]} == {"urn:alleviate:event"}
    odd = written(event("LOINC//8867-4", 70, kind="note"))
    assert odd["resourceType"] == "DocumentReference"


def test_refs_and_people_of_other_formats_stay_exact(tmp_path: Path) -> None:
    events = [event("LOINC//8867-4", 70, subject_id="north/ü", entry="scores.csv row 7")]
    person, resource = resources(*events)
    assert person["identifier"] == [{"system": "urn:alleviate:subject", "value": "north/ü"}]
    assert resource["subject"]["reference"] == f"Patient/{person['id']}"
    assert resource["identifier"] == [{"system": "urn:alleviate:entry", "value": "scores.csv row 7"}]
    FORMAT.write([PatientRecord("north/ü", events)], tmp_path)
    back = [e for item in FORMAT.read(tmp_path, Context(LATER)) for e in getattr(item, "events", ())]
    assert back == events


def test_events_on_their_own_are_given_a_ref_by_what_they_say() -> None:
    first, second = (written(event("LOINC//8867-4", value, entry="")) for value in (70, 71))
    assert first["id"] == written(event("LOINC//8867-4", 70, entry=""))["id"]
    assert first["id"] != second["id"]


def test_what_was_replaced_is_not_written() -> None:
    old = event("LOINC//8867-4", 70, known_until=LATER)
    assert written(old, event("LOINC//8867-4", 71, known_at=LATER))["valueQuantity"] == {"value": 71}


def test_files_are_by_type_and_the_same_each_time(tmp_path: Path) -> None:
    records = list(simulate(3, 1).records())
    first, second = tmp_path / "1", tmp_path / "2"
    names = [path.name for path in FORMAT.write(records, first)]  # type: ignore[misc]
    assert names[0] == "Patient.ndjson"
    assert set(names) == {path.name for path in first.iterdir()}
    FORMAT.write(records, second)  # type: ignore[misc]
    assert all((second / name).read_bytes() == (first / name).read_bytes() for name in names)


def test_every_resource_of_a_synthetic_person_says_so(tmp_path: Path) -> None:
    for path in FORMAT.write(simulate(2, 1).records(), tmp_path):  # type: ignore[misc]
        for line in path.read_text().splitlines():
            resource = json.loads(line)
            assert resource["meta"]["security"][0]["code"] == "HTEST"
            assert ("tag" in resource["meta"]) == (resource["resourceType"] == "Patient")


def test_a_synthetic_clinic_comes_back_equal_and_hardly_needs_our_extension(tmp_path: Path) -> None:
    records = {record.subject_id: record for record in simulate(12, 4).records()}
    FORMAT.write(records.values(), tmp_path)  # type: ignore[misc]
    found: dict[str, set[Event]] = {}
    for item in FORMAT.read(tmp_path, Context(datetime(2030, 1, 1, tzinfo=UTC))):
        for each in item.events:  # type: ignore[union-attr]
            found.setdefault(each.subject_id, set()).add(each)
    assert found == {
        id: {e for e in record.events if e.known_until is None} for id, record in records.items()
    }
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    extended = [
        line for line in lines if "urn:alleviate:event" in line and '"Goal"' not in line
    ]  # goals have days only
    assert len(extended) < len(lines) / 50


KINDS: list[tuple[Kind, str, list[tuple[str, float | None, str | None]]]] = [
    ("person", "Patient", [("MEDS_BIRTH", None, None), ("PERSON//sex", None, "female")]),
    ("condition", "Condition", [("ICD10//F32", None, "Depression"), ("CONDITION//severity", None, "mild")]),
    (
        "condition",
        "Condition",
        [("CODING//ICD10//F32", None, None), ("CONDITION//refuted", None, "Depression")],
    ),
    (
        "medication",
        "MedicationStatement",
        [("RxNorm//1", None, "Pill"), ("MEDICATION//status", None, "active")],
    ),
    ("procedure", "Procedure", [("SNOMED//1", None, "ECT")]),
    ("session", "Encounter", [("SESSION//missed", None, "CBT"), ("SESSION//therapist", None, "t1")]),
    ("session", "Encounter", [("SESSION//planned", 19900.0, "CBT")]),
    ("episode", "EpisodeOfCare", [("EPISODE//start", None, "CBT"), ("EPISODE//therapist", None, "t1")]),
    ("plan", "CarePlan", [("PLAN//activity", None, "Walk"), ("PLAN//status", None, "active")]),
    ("note", "DocumentReference", [("NOTE//progress", None, "Slept better.")]),
    ("preference", "Observation", [("PREFERENCE//treatment", None, "no tablets")]),
    ("genetic", "Observation", [("GENE//CYP2D6//diplotype", None, "*1/*4")]),
    ("sensor", "Observation", [("LOINC//55423-8", 8000.0, "/d")]),
    ("consent", "Consent", [("CONSENT//care", None, "permit"), ("CONSENT//research//note", None, "deny")]),
]


def test_each_kind_has_its_resource_and_needs_no_extension() -> None:
    at = datetime(2024, 5, 6, tzinfo=UTC)
    for kind, type, lines in KINDS:
        ref = f"{type}/{'p1' if kind == 'person' else '1'}"
        events = [event(*line, time=at, known_at=at, kind=kind, entry=ref) for line in lines]
        resource = resources(*events)[-1]
        assert resource["resourceType"] == type
        assert "extension" not in resource, (kind, resource)
