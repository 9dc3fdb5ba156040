"""Whom resources are about, and how they lie in bundles and files."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alleviate.intake.fhir import FORMAT
from alleviate.intake.reading import Caution, Context, Definition, Refusal
from alleviate.records import Entry

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def observation(id: str | None = "o", subject: Any = None, **more: Any) -> dict[str, Any]:
    source = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}]},
        "subject": subject or {"reference": "Patient/1"},
        "effectiveDateTime": "2024-05-06",
        "valueInteger": 1,
        **more,
    }
    return {key: value for key, value in source.items() if value is not None}


def bundle(*resources: Any, type: str = "collection") -> dict[str, Any]:
    entries = [one if "resource" in one or "request" in one else {"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": type, "entry": entries}


def entries(items: list[Any]) -> list[Entry]:
    return [item for item in items if isinstance(item, Entry)]


CONTAINED = [{"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:mrn", "value": "7"}]}]


@pytest.mark.parametrize(
    ("subject", "id"),
    [
        ({"reference": "Patient/123"}, "123"),
        ({"reference": "https://server/fhir/Patient/123"}, "123"),
        ({"reference": "Patient/123/_history/4"}, "123"),
        ({"reference": "#p"}, "urn:mrn|7"),
        ({"reference": "Patient?identifier=urn:mrn%7C7"}, "urn:mrn|7"),
        ({"reference": "Patient?identifier=urn:mrn|7"}, "urn:mrn|7"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}, "type": "Patient"}, "urn:mrn|7"),
        ({"identifier": {"system": "urn:alleviate:subject", "value": "a b/c"}}, "a b/c"),
    ],
)
def test_whom_a_resource_is_about(reads: Any, subject: Any, id: str) -> None:
    (entry,) = reads(observation(subject=subject, contained=CONTAINED))
    assert entry.subject_id == id
    (prefixed,) = reads(observation(subject=subject, contained=CONTAINED), source="north")
    assert prefixed.subject_id == f"north/{id}"


@pytest.mark.parametrize(
    ("contained", "reason"),
    [
        ([{"resourceType": "Patient", "id": "p"}], "contained Patient who has no identifier"),
        ([{"resourceType": "Group", "id": "p"}], "about a Group"),
    ],
)
def test_a_contained_subject_must_be_somebody(reads: Any, contained: Any, reason: str) -> None:
    (refusal,) = reads(observation(subject={"reference": "#p"}, contained=contained))
    assert reason in refusal.reason


def test_a_bundle_names_its_patients_in_several_ways(reads: Any) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "7"}]}
    uuid = "urn:uuid:0a1b"
    items = reads(
        bundle(
            observation("o1", {"reference": uuid}),
            observation("o2", {"reference": "Patient?identifier=urn:mrn|7"}),
            observation("o3", {"identifier": {"system": "urn:mrn", "value": "7"}}),
            {"resource": patient, "fullUrl": uuid},
            {"resource": observation(None), "fullUrl": "urn:uuid:0c"},
            type="transaction",
        ),
        name="b.json",
    )
    assert [(e.ref, e.subject_id) for e in entries(items)] == [
        ("Observation/o1", "0a1b"),
        ("Observation/o2", "0a1b"),
        ("Observation/o3", "0a1b"),
        ("Patient/0a1b", "0a1b"),
        ("Observation/0c", "1"),
    ]


def test_a_bundle_says_where_each_refusal_stands(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(
        json.dumps(
            bundle(observation(), observation(subject={"reference": "Group/1"}), {"resource": 7}), indent=1
        )
    )
    first, second, third = FORMAT.read(path, Context(NOW))
    assert isinstance(first, Entry)
    assert isinstance(second, Refusal)
    assert second.field == "Bundle.entry[1].Observation.subject.reference"
    lines = path.read_text().splitlines()
    assert "{" in lines[second.line - 1]
    assert "Group/1" in "".join(lines[second.line - 1 : second.line + 18])
    assert isinstance(third, Refusal)
    assert third.field.startswith("Bundle.entry[2]")


def test_a_bundle_that_is_none_is_one_refusal(reads: Any) -> None:
    (refusal,) = reads({"resourceType": "Bundle", "entry": {}}, name="b.json")
    assert (refusal.field, refusal.reason) == ("Bundle.entry", "Expected a list, got an object.")


def test_a_history_is_read_from_its_oldest_version(reads: Any) -> None:
    old, new = observation(valueInteger=1), observation(valueInteger=2)
    gone = {"request": {"method": "DELETE", "url": "Observation/9"}}
    *both, caution = sorted(
        reads(bundle(new, old, gone, type="history"), name="b.json"), key=lambda i: isinstance(i, Caution)
    )
    assert [entry.events[0].numeric_value for entry in both] == [1, 2]
    assert "Observation/9 was deleted at its source" in caution.reason


def test_bundles_in_bundles_are_read_to_a_depth(reads: Any) -> None:
    nested = bundle(observation())
    for _ in range(5):
        nested = bundle(nested)
    assert len(entries(reads(nested, name="b.json"))) == 1
    for _ in range(5):
        nested = bundle(nested)
    (refusal,) = reads(nested, name="b.json")
    assert "lie in each other" in refusal.reason


def test_bundles_and_lines_under_other_names(reads: Any) -> None:
    assert len(entries(reads(bundle(observation()), observation("o2")))) == 2
    assert len(entries(reads(observation(), observation("o2"), name="lines.json"))) == 2
    assert len(entries(reads(observation(), name="one.json"))) == 1
    assert len(entries(reads(observation(), name="some.jsonl"))) == 1


def test_a_folder_is_read_whole_and_its_forms_first(tmp_path: Path) -> None:
    form = {
        "resourceType": "Questionnaire",
        "id": "f",
        "name": "MyForm",
        "item": [{"linkId": "a", "code": [{"system": "http://loinc.org", "code": "44250-9"}]}],
    }
    filled = {
        "resourceType": "QuestionnaireResponse",
        "id": "r",
        "status": "completed",
        "subject": {"reference": "Patient/1"},
        "authored": "2024-05-06",
        "questionnaire": "https://server/Questionnaire/f|2",
        "item": [
            {"linkId": "a", "answer": [{"valueInteger": 2}]},
            {"linkId": "b", "answer": [{"valueString": "x"}]},
        ],
    }
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "QuestionnaireResponse.ndjson.gz").write_bytes(
        gzip.compress(json.dumps(filled).encode())
    )
    (tmp_path / "z.Questionnaire.ndjson").write_text(json.dumps(form) + "\n{broken\n")
    (tmp_path / "README.txt").write_text("not read")
    items = list(FORMAT.read(tmp_path, Context(NOW)))
    (entry,) = entries(items)
    assert [event.code for event in entry.events] == ["LOINC//44250-9", "QUESTIONNAIRE//MyForm//b"]
    assert [item.ref for item in items if isinstance(item, Definition)] == ["Questionnaire/f"]
    assert len([item for item in items if isinstance(item, Refusal)]) == 1


def response(*items: Any, **more: Any) -> dict[str, Any]:
    source = {
        "resourceType": "QuestionnaireResponse",
        "id": "r",
        "status": "completed",
        "authored": "2024-05-06",
    }
    return {**source, "subject": {"reference": "Patient/1"}, "item": list(items), **more}


def test_answers_of_an_unknown_form(reads: Any) -> None:
    weight = [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 4}]
    (entry,) = reads(
        response(
            {
                "linkId": "g",
                "item": [{"linkId": "1", "answer": [{"valueBoolean": True}, {"valueString": "too"}]}],
            },
            {
                "linkId": "2",
                "answer": [{"valueCoding": {"code": "c", "display": "Confused", "extension": weight}}],
            },
            {
                "linkId": "3",
                "answer": [
                    {"valueString": "x", "item": [{"linkId": "3.1", "answer": [{"valueDecimal": 2}]}]}
                ],
            },
            {
                "linkId": "4",
                "definition": "http://loinc.org/fhir/DataElement/8302-2",
                "answer": [{"valueDecimal": 63}],
            },
            questionnaire="http://example.org/F|1",
        )
    )
    form = "QUESTIONNAIRE//http:%2F%2Fexample.org%2FF"
    assert [(e.code, e.numeric_value, e.text_value) for e in entry.events] == [
        (f"{form}//1", 1, None),
        (f"{form}//1", None, "too"),
        (f"{form}//2", 4, None),
        (f"{form}//3", None, "x"),
        (f"{form}//3.1", 2, None),
        ("LOINC//8302-2", 63, None),
    ]


def test_an_instrument_without_loinc_codes_by_its_name(reads: Any) -> None:
    answers = [{"linkId": str(place), "answer": [{"valueInteger": 4}]} for place in range(1, 6)]
    *_, entry = reads(response(*answers, questionnaire="http://example.org/forms/WSAS"))
    values = {event.code: event.numeric_value for event in entry.events}
    assert values == {
        **{f"INSTRUMENT//wsas//{place}": 4 for place in range(1, 6)},
        "INSTRUMENT//wsas//total": 20,
    }


def test_two_instruments_in_one_form_each_have_their_total(reads: Any) -> None:
    phq = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
    gad = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]
    (entry,) = reads(
        response(*({"linkId": f"/{code}", "answer": [{"valueInteger": 1}]} for code in phq + gad))
    )
    values = {event.code: event.numeric_value for event in entry.events}
    assert len(values) == 18
    assert (values["LOINC//44261-6"], values["LOINC//70274-6"]) == (9, 7)


def test_an_answer_that_cannot_be_is_kept_and_not_scored(reads: Any) -> None:
    caution, entry = reads(response({"linkId": "/44250-9", "answer": [{"valueInteger": 7}]}))
    assert "none that PHQ-9 item 1 can have" in caution.reason
    assert [(event.code, event.numeric_value) for event in entry.events] == [("LOINC//44250-9", 7)]


def test_a_contained_form_and_the_weights_of_its_answers(reads: Any) -> None:
    offered = [
        {"valueCoding": {"code": "b"}, "extension": [{"url": "http://x/ordinalValue", "valueDecimal": 2}]},
        {"valueCoding": {"code": "c"}},
    ]
    coded = [{"system": "http://loinc.org", "code": "44250-9"}]
    form = {
        "resourceType": "Questionnaire",
        "id": "q",
        "item": [{"linkId": "1", "code": coded, "answerOption": offered}],
    }
    source = response(
        {"linkId": "1", "answer": [{"valueCoding": {"code": "b"}}]}, questionnaire="#q", contained=[form]
    )
    (entry,) = reads(source)
    assert [(event.code, event.numeric_value) for event in entry.events] == [("LOINC//44250-9", 2)]


def test_a_response_without_a_date_is_refused(reads: Any) -> None:
    (refusal,) = reads(response(authored=None))
    assert refusal.field == "QuestionnaireResponse.authored"
