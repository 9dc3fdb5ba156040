"""What each type of resource becomes, as docs/record.md writes it."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from alleviate.intake.reading import Caution, Refusal
from alleviate.records import Entry

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
WHO = {"reference": "Patient/1"}


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)


def concept(system: str, code: str, words: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], "text": words}


def entry(items: list[Any]) -> Entry:
    (found,) = [item for item in items if isinstance(item, Entry)]
    return found


def table(items: list[Any]) -> dict[str, tuple[Any, ...]]:
    """Of each code: number or words, the day it happened, and the day it was known where that is another."""
    found: dict[str, tuple[Any, ...]] = {}
    for event in entry(items).events:
        value = event.text_value if event.numeric_value is None else event.numeric_value
        later = () if event.known_at == event.time else (str(event.known_at.date()),)
        found[event.code] = (value, str(event.time.date()), *later)
    return found


def cautions(items: list[Any]) -> str:
    return "\n".join(item.reason for item in items if isinstance(item, Caution))


def refusal(items: list[Any]) -> str:
    (found,) = [item for item in items if isinstance(item, Refusal)]
    return f"{found.field}: {found.reason}"


PATIENT = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"lastUpdated": "2024-05-06T12:00:00Z"},
    "identifier": [{"system": "urn:mrn", "value": "7"}, {"value": "8"}],
    "name": [{"use": "old", "family": "Before"}, {"use": "official", "family": "Now", "given": ["A", "B"]}],
    "telecom": [{"system": "phone", "value": "0"}, {"system": "email", "value": "a@b"},
                {"system": "fax", "value": "1"}],
    "gender": "female",
    "birthDate": "1970-05",
    "address": [{"line": ["Street 1"], "city": "Town", "postalCode": "1"}],
    "maritalStatus": concept("urn:m", "M", "Married"),
    "communication": [{"language": {"coding": [{"code": "fr"}]}},
                      {"language": {"coding": [{"code": "de"}]}, "preferred": True}],
    "managingOrganization": {"reference": "Organization/north"},
    "deceasedDateTime": "2023-02-03",
    "link": [{"other": {"reference": "Patient/2"}, "type": "replaced-by"}],
}  # fmt: skip


def test_a_patient(reads: Any) -> None:
    items = reads(PATIENT)
    assert entry(items).changed_at == NOON
    assert table(items) == {
        "MEDS_BIRTH": ("1970-05", "1970-05-01", "1970-05-31"),
        "PERSON//sex": ("female", "1970-05-01", "1970-05-31"),
        "PERSON//family": ("Now", "1970-05-01", "1970-05-31"),
        "PERSON//given": ("A B", "1970-05-01", "1970-05-31"),
        "PERSON//phone": ("0", "1970-05-01", "1970-05-31"),
        "PERSON//email": ("a@b", "1970-05-01", "1970-05-31"),
        "PERSON//address": ("Street 1, 1, Town", "1970-05-01", "1970-05-31"),
        "PERSON//language": ("de", "1970-05-01", "1970-05-31"),
        "PERSON//identifier//urn:mrn": ("7", "1970-05-01", "1970-05-31"),
        "PERSON//identifier//local": ("8", "1970-05-01", "1970-05-31"),
        "PERSON//marital": ("Married", "2024-05-06"),
        "PERSON//site": ("north", "2024-05-06"),
        "MEDS_DEATH": (None, "2023-02-03"),
    }
    assert "replaced by Patient/2" in cautions(items)


def test_a_patient_of_whom_little_is_known(reads: Any) -> None:
    items = reads(
        {
            "resourceType": "Patient",
            "id": "1",
            "gender": "male",
            "name": [{"text": "One Name"}],
            "deceasedBoolean": True,
        }
    )
    assert table(items) == {
        "PERSON//sex": ("male", "1900-01-01"),
        "PERSON//family": ("One Name", "1900-01-01"),
        "MEDS_DEATH": (None, "2026-01-01"),
    }
    assert "gender" in refusal(reads({"resourceType": "Patient", "id": "1", "gender": "F"}))
    animal = [{"url": "http://hl7.org/fhir/StructureDefinition/patient-animal"}]
    assert "an animal" in refusal(reads({"resourceType": "Patient", "id": "1", "extension": animal}))


def observation(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "1-8"}]},
        "subject": WHO,
        "effectiveDateTime": "2024-05-06",
        **more,
    }


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        ({"valueQuantity": {"value": 5, "system": "http://unitsofmeasure.org", "code": "mg/L"}}, 5, "mg/L"),
        ({"valueQuantity": {"value": 5, "unit": "drops"}}, 5, "drops"),
        ({"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg/L"}}, None, "<5 mg/L"),
        ({"valueQuantity": {"unit": "mg/L"}}, None, None),
        ({"valueCodeableConcept": concept(SNOMED, "1", "Negative")}, None, "Negative"),
        ({"valueCodeableConcept": {"coding": [{"code": "x", "display": "X ray"}]}}, None, "X ray"),
        ({"valueCodeableConcept": {"coding": [{"code": "x"}]}}, None, "x"),
        ({"valueString": "blue"}, None, "blue"),
        ({"valueBoolean": True}, 1, None),
        ({"valueInteger": 3}, 3, None),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "mg"}}}, None, "1 to 2 mg"),
        ({"valueRange": {"low": {"value": 1}}}, None, "from 1"),
        ({"valueRange": {"high": {"value": 1}}}, None, "up to 1"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, None, "1:128"),
        ({"valueTime": "10:30:00"}, None, "10:30:00"),
        ({"valueDateTime": "1970-01-03"}, 2, None),
        ({"valueDateTime": "1970-01-01T12:00:00Z"}, 0.5, None),
        ({"valuePeriod": {"start": "2024", "end": "2025"}}, None, "2024/2025"),
        ({"valuePeriod": {"start": "2024"}}, None, "2024/.."),
        ({"valueSampledData": {"data": "1 2 3"}}, None, None),
        ({"dataAbsentReason": concept("urn:x", "unknown", "Unknown")}, None, None),
    ],
)  # fmt: skip
def test_every_value_of_an_observation(
    reads: Any, value: Any, number: float | None, text: str | None
) -> None:
    (event,) = entry(reads(observation(**value))).events
    assert (event.code, event.numeric_value, event.text_value) == ("LOINC//1-8", number, text)


def test_what_is_lost_of_a_value_is_said(reads: Any) -> None:
    assert '"<5 mg" is kept as words' in cautions(
        reads(observation(valueQuantity={"value": 5, "comparator": "<", "unit": "mg"}))
    )
    assert "series of samples was left out" in cautions(reads(observation(valueSampledData={})))


def test_the_parts_of_a_blood_pressure_are_one_entry(reads: Any) -> None:
    def part(code: str, **more: Any) -> dict[str, Any]:
        return {
            "code": {"coding": [{"system": LOINC, "code": code}, {"system": SNOMED, "code": "2"}]},
            **more,
        }

    items = reads(
        observation(
            component=[
                part("8480-6", valueQuantity={"value": 107, "unit": "mmHg"}),
                part("8462-4", dataAbsentReason={}),
            ]
        )
    )
    assert table(items) == {
        "LOINC//1-8": (None, "2024-05-06"),
        "LOINC//8480-6": (107, "2024-05-06"),
        "LOINC//8462-4": (None, "2024-05-06"),
        "CODING//SNOMED//2": (None, "2024-05-06"),
    }


@pytest.mark.parametrize(
    ("times", "time", "known"),
    [
        ({"effectiveDateTime": "2024"}, "2024-01-01", "2024-12-31"),
        ({"effectiveDateTime": "2024-02"}, "2024-02-01", "2024-02-29"),
        ({"effectiveDateTime": "2024-05-06T01:00:00+02:00"}, "2024-05-05T23:00", "2024-05-05T23:00"),
        ({"effectiveInstant": "2024-05-06T12:00:00.5Z"}, "2024-05-06T12:00:00.5", "2024-05-06T12:00:00.5"),
        ({"effectivePeriod": {"start": "2024-05-01", "end": "2024-05-03"}}, "2024-05-01", "2024-05-03"),
        ({"effectivePeriod": {"end": "2024-05-03"}}, "2024-05-03", "2024-05-03"),
        ({"effectiveTiming": {"event": ["2024-05-03"]}}, "2024-05-03", "2024-05-03"),
        ({"issued": "2024-05-07T00:00:00Z"}, "2024-05-07", "2024-05-07"),
        ({"effectiveDateTime": "2024-05-06", "issued": "2024-05-07T00:00:00Z"}, "2024-05-06", "2024-05-07"),
        ({"effectiveDateTime": "2024-05-06", "issued": "2024-05-01T00:00:00Z"}, "2024-05-06", "2024-05-06"),
    ],
)
def test_when_it_was_and_when_it_was_known(reads: Any, times: Any, time: str, known: str) -> None:
    source = {**observation(valueInteger=1), "effectiveDateTime": None, **times}
    (event,) = entry(reads({key: value for key, value in source.items() if value})).events
    assert (event.time, event.known_at) == (day(time), day(known))


def test_a_year_that_is_not_over_is_known_at_the_import(reads: Any) -> None:
    now = datetime(2024, 6, 1, tzinfo=UTC)
    (event,) = entry(reads(observation(effectiveDateTime="2024", valueInteger=1), now=now)).events
    assert (event.time, event.known_at) == (day("2024-01-01"), now)


@pytest.mark.parametrize(
    ("concept", "codes"),
    [
        (
            {"coding": [{"system": "urn:x", "code": "a/b"}, {"system": SNOMED, "code": "1"}]},
            ["SNOMED//1", "CODING//urn:x//a%2Fb"],
        ),
        ({"coding": [{"system": "http://x/y", "code": "1"}]}, ["http:%2F%2Fx%2Fy//1"]),
        ({"coding": [{"code": "1"}]}, ["LOCAL//1"]),
        ({"coding": [{"display": "No code"}]}, ["TEXT//No code"]),
        ({"text": "Only words"}, ["TEXT//Only words"]),
        ({"coding": [{"system": "http://snomed.info/sct/900000000000207008", "code": "1"}]}, ["SNOMED//1"]),
        ({"coding": [{"system": "urn:oid:2.16.840.1.113883.6.1", "code": "1-8"}]}, ["LOINC//1-8"]),
    ],
)  # fmt: skip
def test_codes(reads: Any, concept: Any, codes: list[str]) -> None:
    assert [event.code for event in entry(reads(observation(code=concept, valueInteger=1))).events] == codes


CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


@pytest.mark.parametrize(
    ("more", "kind", "code"),
    [
        ({"category": [{"coding": [{"system": CATEGORY, "code": "survey"}]}]}, "questionnaire", "LOINC//1-8"),
        ({"category": [{"coding": [{"system": CATEGORY, "code": "activity"}]}]}, "sensor", "LOINC//1-8"),
        (
            {"category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}]},
            "measurement",
            "LOINC//1-8",
        ),
        ({"code": concept(LOINC, "44261-6", "Total")}, "questionnaire", "LOINC//44261-6"),
        ({"code": concept(LOINC, "75773-2", "Wishes")}, "preference", "PREFERENCE//treatment"),
        (
            {
                "code": concept(LOINC, "84413-4", "Genotype"),
                "component": [
                    {"code": concept(LOINC, "48018-6", "Gene"), "valueCodeableConcept": {"text": "CYP2D6"}}
                ],
            },
            "genetic",
            "GENE//CYP2D6//diplotype",
        ),
    ],
)
def test_the_kind_of_an_observation(reads: Any, more: Any, kind: str, code: str) -> None:
    found = entry(reads(observation(valueInteger=1, **more)))
    assert (found.kind, [event.code for event in found.events]) == (kind, [code])


def test_a_coded_answer_to_an_item_is_its_value(reads: Any) -> None:
    answer = {"coding": [{"system": LOINC, "code": "LA6570-1"}]}
    items = reads(observation(code=concept(LOINC, "44260-8", "Item 9"), valueCodeableConcept=answer))
    assert table(items) == {"LOINC//44260-8": (2, "2024-05-06")}


def test_no_result_is_an_entry_without_events(reads: Any) -> None:
    items = reads(observation(status="cancelled"))
    assert entry(items).events == ()
    assert "no result" in cautions(items)


ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "1",
    "status": "finished",
    "class": {"code": "AMB", "display": "ambulatory"},
    "subject": WHO,
    "period": {"start": "2024-05-06T12:00:00Z", "end": "2024-05-06T12:50:00Z"},
    "participant": [
        {"individual": {"reference": "Practitioner/t1"}},
        {"individual": {"reference": "RelatedPerson/mother"}},
        {"individual": {"display": "Dr. B"}},
        {"individual": {}},
        {},
    ],
    "episodeOfCare": [{"reference": "EpisodeOfCare/e1"}],
}


def test_a_session(reads: Any) -> None:
    items = reads(ENCOUNTER)
    said = [(e.code, e.numeric_value, e.text_value, e.known_at.minute) for e in entry(items).events]
    assert said == [
        ("SESSION//attended", None, "ambulatory", 0),
        ("SESSION//therapist", None, "t1", 0),
        ("SESSION//therapist", None, "Dr. B", 0),
        ("SESSION//minutes", 50, None, 50),
        ("SESSION//episode", None, "EpisodeOfCare/e1", 0),
    ]
    assert "not named" in cautions(items)


@pytest.mark.parametrize(
    ("more", "code", "number", "time"),
    [
        ({"status": "cancelled"}, "SESSION//cancelled", None, "2024-05-06"),
        (
            {"status": "cancelled", "reasonCode": [{"coding": [{"system": SNOMED, "code": "281399006"}]}]},
            "SESSION//missed",
            None,
            "2024-05-06",
        ),
        ({"status": "planned", "period": {"start": "2026-02-03"}}, "SESSION//planned", 20487, "2026-01-01"),
        (
            {"status": "cancelled", "period": {"start": "2026-02-03"}},
            "SESSION//cancelled",
            20487,
            "2026-01-01",
        ),
        (
            {"status": "planned", "period": None, "meta": {"lastUpdated": "2024-04-01T00:00:00Z"}},
            "SESSION//planned",
            None,
            "2024-04-01",
        ),
    ],
)
def test_a_session_that_was_not(reads: Any, more: Any, code: str, number: float | None, time: str) -> None:
    source = {**ENCOUNTER, "participant": [], "episodeOfCare": [], **more}
    (event,) = entry(reads(source)).events
    assert (event.code, event.numeric_value, str(event.time.date())) == (code, number, time)


def test_sessions_that_cannot_be_told(reads: Any) -> None:
    assert "does not say when" in refusal(reads({**ENCOUNTER, "period": {}}))
    assert "status" in refusal(reads({**ENCOUNTER, "status": "odd"}))
    backwards = {"start": "2024-05-06T12:00:00Z", "end": "2024-05-06T11:00:00Z"}
    assert "ends before it starts" in refusal(reads({**ENCOUNTER, "period": backwards}))


def test_minutes_by_length(reads: Any) -> None:
    items = reads({**ENCOUNTER, "period": {"start": "2024-05-06"}, "length": {"value": 2, "code": "h"}})
    (minutes,) = [event for event in entry(items).events if event.code == "SESSION//minutes"]
    assert (minutes.numeric_value, minutes.known_at) == (120, datetime(2024, 5, 6, 2, tzinfo=UTC))


def test_a_course_of_treatment(reads: Any) -> None:
    source = {
        "resourceType": "EpisodeOfCare",
        "id": "1",
        "status": "finished",
        "patient": WHO,
        "type": [{"text": "CBT"}],
        "careManager": {"reference": "Practitioner/t1"},
        "period": {"start": "2024-01-01", "end": "2024-05-06"},
    }
    assert table(reads(source)) == {
        "EPISODE//start": ("CBT", "2024-01-01"),
        "EPISODE//therapist": ("t1", "2024-01-01"),
        "EPISODE//end": ("completed", "2024-05-06"),
    }
    assert "EPISODE//end" not in table(
        reads({**source, "period": {"start": "2024-01-01", "end": "2027-01-01"}})
    )
    assert "when it began" in refusal(reads({**source, "period": {}}))
    assert entry(reads({**source, "status": "waitlist"})).events == ()


CONDITION = {
    "resourceType": "Condition",
    "id": "1",
    "subject": WHO,
    "clinicalStatus": {"coding": [{"code": "resolved"}]},
    "verificationStatus": {"coding": [{"code": "confirmed"}]},
    "severity": {"text": "mild"},
    "code": {
        "coding": [
            {"system": "http://hl7.org/fhir/sid/icd-10", "code": "F32.0"},
            {"system": SNOMED, "code": "1"},
        ],
        "text": "Depression",
    },
    "onsetDateTime": "2024-01",
    "recordedDate": "2024-03-01",
    "abatementDateTime": "2024-05-06",
}


def test_a_condition(reads: Any) -> None:
    known = ("2024-01-01", "2024-03-01")
    assert table(reads(CONDITION)) == {
        "ICD10//F32.0": ("Depression", *known),
        "CODING//SNOMED//1": (None, *known),
        "CONDITION//verification": ("confirmed", *known),
        "CONDITION//severity": ("mild", *known),
        "ICD10//F32.0//end": (None, "2024-05-06"),
    }


def test_a_condition_that_was_ruled_out_or_ended_some_time(reads: Any) -> None:
    refuted = {**CONDITION, "verificationStatus": {"coding": [{"code": "refuted"}]}}
    assert table(reads(refuted))["CONDITION//refuted"] == ("Depression", "2024-01-01", "2024-03-01")
    assert "ICD10//F32.0" not in table(reads(refuted))
    ended = {key: value for key, value in CONDITION.items() if key != "abatementDateTime"}
    assert table(reads(ended))["ICD10//F32.0//end"] == (None, "2026-01-01")
    dateless = {key: value for key, value in ended.items() if key not in {"onsetDateTime", "recordedDate"}}
    assert "Condition.onsetDateTime: It says neither when it began" in refusal(reads(dateless))


def medicine(type: str, **more: Any) -> dict[str, Any]:
    named = {
        "medicationCodeableConcept": concept(
            "http://www.nlm.nih.gov/research/umls/rxnorm", "36437", "Sertraline"
        )
    }
    return {"resourceType": type, "id": "1", "subject": WHO, "status": "active", **named, **more}


def test_medicines(reads: Any) -> None:
    dose = [{"doseAndRate": [{"doseQuantity": {"value": 50, "unit": "mg"}}]}]
    ordered = medicine("MedicationRequest", authoredOn="2024-05-06", intent="order", dosageInstruction=dose)
    assert table(reads(ordered)) == {
        "RxNorm//36437": ("Sertraline", "2024-05-06"),
        "MEDICATION//dose": (50, "2024-05-06"),
        "MEDICATION//status": ("active", "2024-05-06"),
    }
    taken = medicine(
        "MedicationStatement",
        status="stopped",
        statusReason=[{"text": "nausea"}],
        effectivePeriod={"start": "2024-01-01", "end": "2024-05-06"},
        dateAsserted="2024-03-01",
        dosage=[{"text": "one a day"}],
    )
    assert table(reads(taken)) == {
        "RxNorm//36437": ("Sertraline", "2024-01-01", "2024-03-01"),
        "MEDICATION//dose": ("one a day", "2024-01-01", "2024-03-01"),
        "RxNorm//36437//end": ("nausea", "2024-05-06"),
        "MEDICATION//status": ("stopped", "2024-05-06"),
    }


def test_that_a_medicine_was_stopped_is_not_known_when_it_began(reads: Any) -> None:
    stopped = medicine(
        "MedicationRequest",
        authoredOn="2024-05-06",
        status="stopped",
        meta={"lastUpdated": "2024-07-01T00:00:00Z"},
    )
    assert table(reads(stopped)) == {
        "RxNorm//36437": ("Sertraline", "2024-05-06"),
        "RxNorm//36437//end": (None, "2024-07-01"),
        "MEDICATION//status": ("stopped", "2024-07-01"),
    }


def test_a_medicine_not_taken_does_not_begin(reads: Any) -> None:
    said = table(reads(medicine("MedicationStatement", status="not-taken", effectiveDateTime="2024-05-06")))
    assert said == {
        "CODING//RxNorm//36437": (None, "2024-05-06"),
        "MEDICATION//status": ("not-taken", "2024-05-06"),
    }


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"doNotPerform": True}, "doNotPerform: It says that the medicine is not to be given"),
        ({"intent": "proposal"}, "intent: It is a proposal"),
        ({"authoredOn": None}, "authoredOn: It does not say when"),
        ({"medicationCodeableConcept": None}, "medicationCodeableConcept: It does not say which"),
        (
            {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/9"}},
            "medicationReference: Medication/9 is not here",
        ),
    ],
)
def test_orders_that_are_none(reads: Any, more: Any, reason: str) -> None:
    source = medicine("MedicationRequest", **{"authoredOn": "2024-05-06", "intent": "order", **more})
    assert reason in refusal(reads({key: value for key, value in source.items() if value is not None}))


def test_a_medicine_that_stands_in_its_own_resource(reads: Any) -> None:
    drug = {"resourceType": "Medication", "id": "d1", "code": concept(SNOMED, "5", "Pill")}
    mixture = {
        "resourceType": "Medication",
        "id": "d1",
        "ingredient": [
            {"itemCodeableConcept": concept(SNOMED, "6", "Salt")},
            {"itemCodeableConcept": concept(SNOMED, "7", "Water")},
        ],
    }
    order = {
        "resourceType": "MedicationRequest",
        "id": "1",
        "subject": WHO,
        "authoredOn": "2024-05-06",
        "status": "active",
    }
    beside = {**order, "medicationReference": {"reference": "Medication/d1"}}
    assert "SNOMED//5" in table(reads(drug, beside))
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": beside}, {"resource": drug}],
    }
    assert "SNOMED//5" in table(reads(bundle, name="b.json"))
    within = {**order, "medicationReference": {"reference": "#d1"}, "contained": [mixture]}
    assert list(table(reads(within)))[:3] == ["TEXT//Salt + Water", "CODING//SNOMED//6", "CODING//SNOMED//7"]
    named = reads({**order, "medicationReference": {"reference": "Medication/x", "display": "Pill"}})
    assert "TEXT//Pill" in table(named)
    assert "only its name is known" in cautions(named)


def test_procedures(reads: Any) -> None:
    source = {
        "resourceType": "Procedure",
        "id": "1",
        "subject": WHO,
        "status": "completed",
        "code": concept(SNOMED, "1", "ECT"),
    }
    assert table(reads({**source, "performedDateTime": "2024-05-06"})) == {"SNOMED//1": ("ECT", "2024-05-06")}
    stopped = {**source, "status": "stopped", "performedPeriod": {"start": "2024-05-06"}}
    assert table(reads(stopped)) == {
        "SNOMED//1": ("ECT", "2024-05-06"),
        "PROCEDURE//status": ("stopped", "2024-05-06"),
    }
    omitted = {**source, "status": "not-done", "performedPeriod": {"end": "2024-05-06"}}
    assert table(reads(omitted)) == {
        "CODING//SNOMED//1": (None, "2024-05-06"),
        "PROCEDURE//status": ("not-done", "2024-05-06"),
    }
    assert "when it was done" in refusal(reads(source))
    assert "when it was to be done" in refusal(reads({**source, "status": "not-done"}))


def test_plans(reads: Any) -> None:
    source = {
        "resourceType": "CarePlan",
        "id": "1",
        "subject": WHO,
        "status": "completed",
        "created": "2024-04-01",
        "period": {"start": "2024-04-02", "end": "2024-05-06"},
        "activity": [
            {"detail": {"description": "Walk daily"}},
            {"detail": {"doNotPerform": True, "description": "Drink"}},
            {"reference": {"reference": "Task/1"}},
        ],
    }
    items = reads(source)
    assert table(items) == {
        "PLAN//activity": ("Walk daily", "2024-04-02"),
        "PLAN//status": ("completed", "2024-05-06"),
    }
    assert "not to be done" in cautions(items)
    assert "neither words nor a code" in cautions(items)
    ahead = {**source, "period": {"start": "2026-06-01"}, "status": "active", "activity": [], "title": "All"}
    assert table(reads(ahead)) == {
        "PLAN//activity": ("All", "2024-04-01"),
        "PLAN//status": ("active", "2024-04-01"),
    }
    empty = reads({**source, "activity": []})
    assert "no activity" in cautions(empty)


def test_goals(reads: Any) -> None:
    source = {
        "resourceType": "Goal",
        "id": "1",
        "subject": WHO,
        "lifecycleStatus": "completed",
        "description": {"text": "Sleep"},
        "startDate": "2024-05-06",
        "statusDate": "2024-06-01",
    }
    assert table(reads(source)) == {
        "GOAL//set": ("Sleep", "2024-05-06"),
        "GOAL//status": ("completed", "2024-06-01"),
    }
    assert table(reads({**source, "statusDate": None}))["GOAL//status"] == ("completed", "2026-01-01")
    assert "what the goal is" in refusal(reads({**source, "description": {}}))


def note(data: str | None, type: str = "text/plain", **more: Any) -> dict[str, Any]:
    attachment = {"contentType": type, "data": data} if data else {"contentType": type, "url": "http://x"}
    return {
        "resourceType": "DocumentReference",
        "id": "1",
        "status": "current",
        "subject": WHO,
        "type": {"coding": [{"system": LOINC, "code": "11506-3"}], "text": "progress"},
        "date": "2024-05-07T00:00:00Z",
        "content": [{"attachment": attachment}],
        "context": {"period": {"start": "2024-05-06"}},
        **more,
    }


def test_notes(reads: Any) -> None:
    said = table(reads(note(b64encode(b"Slept well.").decode())))
    assert said == {
        "NOTE//progress": ("Slept well.", "2024-05-06", "2024-05-07"),
        "CODING//LOINC//11506-3": (None, "2024-05-06", "2024-05-07"),
    }
    page = b64encode("<p>Müde &amp;</p>\n<b>wach</b>".encode("latin-1")).decode()
    assert table(reads(note(page, "text/html; charset=latin-1")))["NOTE//progress"][0] == "Müde &\nwach"
    elsewhere, scan = reads(note(None)), reads(note("AAAA", "application/pdf"))
    assert "was not fetched" in cautions(elsewhere)
    assert "application/pdf is no text" in cautions(scan)
    assert table(elsewhere)["NOTE//progress"][0] is None
    assert "content[0].attachment.data: The text is not base64" in refusal(reads(note("!!")))
    assert "not base64" in refusal(reads(note("/w==")))


RULES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
RESEARCH, CARE = {"system": REASONS, "code": "HRESCH"}, {"system": REASONS, "code": "TREAT"}


def consent(provision: Any = None, **more: Any) -> dict[str, Any]:
    source = {
        "resourceType": "Consent",
        "id": "1",
        "status": "active",
        "patient": WHO,
        "dateTime": "2024-05-06",
    }
    return {**source, **({"provision": provision} if provision else {}), **more}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (consent({"type": "permit", "purpose": [RESEARCH]}), {"CONSENT//research": "permit"}),
        (
            consent({"type": "permit", "purpose": [RESEARCH]}, status="rejected"),
            {"CONSENT//research": "deny"},
        ),
        (
            consent(
                {
                    "type": "permit",
                    "purpose": [RESEARCH],
                    "provision": [
                        {"type": "deny", "class": [{"system": "urn:alleviate:kind", "code": "note"}]}
                    ],
                }
            ),
            {"CONSENT//research": "permit", "CONSENT//research//note": "deny"},
        ),
        (
            consent(
                scope={"coding": [{"code": "treatment"}]},
                policyRule={"coding": [{"system": RULES, "code": "OPTOUT"}]},
            ),
            {"CONSENT//care": "deny"},
        ),
        (
            consent(
                {
                    "provision": [
                        {"type": "permit", "purpose": [CARE]},
                        {"type": "deny", "purpose": [RESEARCH]},
                    ]
                }
            ),
            {"CONSENT//care": "permit", "CONSENT//research": "deny"},
        ),
    ],
)
def test_consents(reads: Any, source: Any, said: dict[str, str]) -> None:
    assert {code: value[0] for code, value in table(reads(source)).items()} == said


def test_a_consent_has_a_first_and_a_last_day(reads: Any) -> None:
    period = {"start": "2024-06-01", "end": "2026-01-02"}
    said = table(reads(consent({"type": "permit", "purpose": [CARE], "period": period})))
    assert said == {"CONSENT//care": ("permit", "2024-06-01"), "CONSENT//until": (20455, "2024-06-01")}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (consent({"type": "permit"}), "nothing for a purpose that is known"),
        (
            consent({"type": "permit", "purpose": [{"code": "HMARKT"}]}),
            '"HMARKT" is no purpose that is known',
        ),
        (
            consent({"type": "permit", "purpose": [CARE], "actor": [{}]}),
            "provision.actor: Its rule holds for some only",
        ),
        (consent({"type": "permit", "purpose": [CARE], "dataPeriod": {}}), "provision.dataPeriod"),
        (consent({"type": "permit", "purpose": [CARE], "class": [{"code": "x"}]}), '"x" is no kind of data'),
        (consent({"type": "maybe", "purpose": [CARE]}), "Expected permit or deny"),
        (consent({"purpose": [CARE], "provision": [{}]}), "neither permit nor deny"),
        (consent({"purpose": [CARE], "provision": [{"type": "deny", "period": {}}]}), "for a time only"),
        (consent(status="odd"), "Expected a status"),
        (consent({"type": "permit", "purpose": [CARE]}, dateTime=None), "dateTime: It does not say when"),
    ],
)
def test_a_consent_that_cannot_be_held_is_never_widened(reads: Any, source: Any, reason: str) -> None:
    assert reason in refusal(reads({key: value for key, value in source.items() if value is not None}))


def test_a_consent_not_in_force_says_nothing(reads: Any) -> None:
    items = reads(consent({"type": "permit", "purpose": [CARE]}, status="inactive"))
    assert entry(items).events == ()
    assert "not in force" in cautions(items)
