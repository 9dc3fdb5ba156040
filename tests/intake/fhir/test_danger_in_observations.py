"""However another system writes an answer that shows danger, it is an answer, and a sign of danger."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.reading import Context
from alleviate.progress.safety import signs
from alleviate.records import Entry, PatientRecord

LOINC = "http://loinc.org"
ITEM = {"coding": [{"system": LOINC, "code": "44260-8"}]}
PANEL = {"coding": [{"system": LOINC, "code": "44249-1"}]}
SEVERAL_DAYS = {"coding": [{"system": LOINC, "code": "LA6569-3", "display": "Several days"}]}
OBSERVATION = {"resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-01-05T10:00:00Z"}
RESPONSE = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "authored": "2026-01-05T10:00:00Z",
}
CATEGORIES = ("survey", "activity", "vital-signs", "laboratory", "social-history", "exam", "therapy")


def category(code: str) -> list[dict[str, Any]]:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return [{"coding": [{"system": system, "code": code}]}]


WAYS: dict[str, dict[str, Any]] = {
    "a number": {**OBSERVATION, "code": ITEM, "valueQuantity": {"value": 1}},
    "a code": {**OBSERVATION, "code": ITEM, "valueCodeableConcept": SEVERAL_DAYS},
    "words that are a number": {**OBSERVATION, "code": ITEM, "valueString": "1"},
    "a part of a panel": {**OBSERVATION, "code": PANEL, "component": [{"code": ITEM, "valueInteger": 1}]},
    "a coded part of a panel": {
        **OBSERVATION,
        "code": PANEL,
        "component": [{"code": ITEM, "valueCodeableConcept": SEVERAL_DAYS}],
    },
    "a form": {**RESPONSE, "item": [{"linkId": "/44260-8", "answer": [{"valueInteger": 1}]}]},
    "a coded form in groups": {
        **RESPONSE,
        "questionnaire": "http://loinc.org/q/44249-1",
        "item": [
            {
                "linkId": "group",
                "item": [
                    {"linkId": "/44260-8", "answer": [{"valueCoding": SEVERAL_DAYS["coding"][0]}]},
                ],
            }
        ],
    },
    **{
        f"called {name}": {**OBSERVATION, "code": ITEM, "category": category(name), "valueInteger": 1}
        for name in CATEGORIES
    },
}


def record(resource: dict[str, Any]) -> PatientRecord:
    whole = {**resource, "id": "1", "subject": {"reference": "Patient/p1"}}
    reader = Reader("a file", Context(datetime(2026, 1, 6, tzinfo=UTC)), Library())
    found = reader.read(json.dumps(whole).encode(), 1)
    return PatientRecord("p1", [event for item in found if isinstance(item, Entry) for event in item.events])


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_of_danger_is_a_sign_however_it_is_written(way: str) -> None:
    (sign,) = signs(record(WAYS[way]))
    assert (sign.rule, sign.answers) == ("phq9//item 9", (("9", 1.0),))


@pytest.mark.parametrize("words", ["", "one", "1 or 2", "1.5", "-1", "1e3", "nan", "10000"])
def test_words_that_are_no_answer_stay_words(words: str) -> None:
    found = record({**OBSERVATION, "code": ITEM, "valueString": words})
    assert [event.numeric_value for event in found.events] in ([], [None])
