"""What the specification shows as examples is read; what it forbids of cards cannot be made.

The shapes are those of https://cds-hooks.hl7.org/2.0/ and of the hooks' own pages; the values are ours.
"""

from typing import Any

import pytest
from hooks_schema import CARD, holds
from hypothesis import given
from hypothesis import strategies as st

from alleviate.clinic.cds.asked import Asked, Feedback, OrderSelect, context_of, read
from alleviate.clinic.cds.card import Action, Card, Coding, Link, Source, Suggestion, one_line, plain
from alleviate.terms.errors import DataError

INSTANCE = "0d9a8a5e-2f2e-4c52-8a3e-5e0d3f0c8a11"

CALLS: dict[str, dict[str, Any]] = {
    "patient-view": {
        "hookInstance": INSTANCE,
        "fhirServer": "http://fhir.example.org:9080",
        "hook": "patient-view",
        "fhirAuthorization": {
            "access_token": "an-opaque-token",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/Patient.read patient/Observation.read",
            "subject": "alleviate",
        },
        "context": {"userId": "Practitioner/example", "patientId": "17", "encounterId": "89"},
        "prefetch": {"patient": {"resourceType": "Patient", "id": "17", "birthDate": "1970-05-01"}},
    },
    "patient-view, the least": {
        "hookInstance": INSTANCE,
        "hook": "patient-view",
        "context": {"patientId": "17"},
    },
    "order-select": {
        "hookInstance": INSTANCE,
        "hook": "order-select",
        "context": {
            "userId": "PractitionerRole/1",
            "patientId": "17",
            "encounterId": "89",
            "selections": ["NutritionOrder/diet", "MedicationRequest/m-103"],
            "draftOrders": {
                "resourceType": "Bundle",
                "entry": [
                    {"resource": {"resourceType": "NutritionOrder", "id": "diet", "status": "draft"}},
                    {
                        "resource": {
                            "resourceType": "MedicationRequest",
                            "id": "m-103",
                            "meta": {"lastUpdated": "2018-04-30T13:25:40.845-04:00"},
                            "text": {"status": "generated", "div": "<div>Sertraline</div>"},
                            "status": "draft",
                            "intent": "order",
                            "medicationCodeableConcept": {
                                "coding": [
                                    {
                                        "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                                        "code": "36437",
                                        "display": "sertraline",
                                    }
                                ],
                                "text": "Sertraline",
                            },
                            "subject": {"reference": "Patient/17"},
                            "dosageInstruction": [
                                {
                                    "text": "1 a day",
                                    "doseAndRate": {"doseQuantity": {"value": 5, "unit": "mL"}},
                                }
                            ],
                        }
                    },
                ],
            },
        },
    },
    "an extension": {
        "hookInstance": INSTANCE,
        "hook": "patient-view",
        "fhirServer": "http://fhir.example.org:9080",
        "context": {"userId": "Practitioner/example", "patientId": "17"},
        "extension": {"com.example.timestamp": "2017-11-27T22:13:25Z"},
    },
}


@pytest.mark.parametrize("example", CALLS)
def test_each_kind_of_call_that_the_specification_shows_is_read(example: str) -> None:
    asked = Asked.model_validate(CALLS[example])
    context = context_of(asked, asked.hook)
    assert context.patient_id == "17"
    if isinstance(context, OrderSelect):
        assert [entry.resource["id"] for entry in context.draft_orders.entry] == ["diet", "m-103"]


@pytest.mark.parametrize(
    "item",
    [
        {"outcome": "accepted", "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}]},
        {"outcome": "overridden"},
        {
            "outcome": "overridden",
            "overrideReason": {
                "reason": {"code": "d7ecf885", "system": "https://example.com/override-reasons"},
                "userComment": "A comment.",
            },
        },
        {"outcome": "overridden", "overrideReason": {"userComment": "Words alone."}},
    ],
)
def test_each_kind_of_feedback_that_the_specification_shows_is_read(item: dict[str, Any]) -> None:
    body = {
        "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
        "outcomeTimestamp": "2020-12-11T00:00:00Z",
        **item,
    }
    Feedback.model_validate({"feedback": [body]})


def test_our_schema_takes_the_specifications_cards_and_refuses_what_it_forbids() -> None:
    card = {
        "uuid": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
        "summary": "A card",
        "indicator": "info",
        "detail": "More.",
        "source": {"label": "A source", "url": "https://example.com", "icon": "https://example.com/i.png"},
        "links": [
            {"label": "A page", "url": "https://example.com", "type": "absolute"},
            {"label": "An app", "url": "https://app.example/launch", "type": "smart", "appContext": "{}"},
        ],
        "overrideReasons": [{"code": "1", "system": "urn:x", "display": "It was refused"}],
        "suggestions": [{"label": "Do it", "actions": [{"type": "delete", "description": "Away"}]}],
        "selectionBehavior": "any",
    }
    holds(card, CARD)
    for wrong in (
        {"summary": "x" * 140},
        {"summary": ""},
        {"indicator": "hard-stop"},
        {"source": {"url": "https://example.com"}},
        {"selectionBehavior": None},
        {"links": []},
        {"overrideReasons": [{"code": "1", "system": "urn:x"}]},
        {"suggestions": [{"label": "Do it", "actions": [{"type": "create", "description": "New"}]}]},
        {"detail": ""},
    ):
        with pytest.raises(Exception):  # noqa: B017  (either the schema or its values)
            holds({**card, **wrong}, CARD)
    with pytest.raises(Exception):  # noqa: B017
        holds({name: value for name, value in card.items() if name != "selectionBehavior"}, CARD)


SOURCE = Source("Alleviate")
CODING = Coding("a", "urn:x", "A reason")
TAKE = Suggestion("Take it", "u")


@pytest.mark.parametrize(
    "made",
    [
        lambda: Card("", "info", SOURCE),
        lambda: Card("x" * 140, "info", SOURCE),
        lambda: Card("two\nlines", "info", SOURCE),
        lambda: Card("x", "hard", SOURCE),  # type: ignore[arg-type]
        lambda: Card("x", "info", SOURCE, uuid="u", suggestions=(TAKE,)),
        lambda: Card("x", "info", SOURCE, uuid="u", selection="any"),
        lambda: Card("x", "info", SOURCE, overrides=(CODING,)),
        lambda: Source(" "),
        lambda: Source("x", "javascript:alert(1)"),
        lambda: Link("x", "/relative"),
        lambda: Link("x", "https://x.example", "absolute", "told"),
        lambda: Coding("a", "urn:x", ""),
        lambda: Action("create", "New"),
        lambda: Action("delete", "Away"),
        lambda: Action("delete", "Away", {"resourceType": "X"}, "X/1"),
        lambda: Suggestion("", "u"),
    ],
)
def test_a_card_outside_the_limits_cannot_be_made(made: Any) -> None:
    with pytest.raises(DataError):
        made()


@given(summary=st.text(min_size=1), detail=st.text(), label=st.text(min_size=1))
def test_whatever_is_said_a_card_is_as_specified(summary: str, detail: str, label: str) -> None:
    if not (summary.strip() and label.strip()):
        return
    card = Card(one_line(summary), "info", Source(one_line(label)), detail=plain(detail))
    holds(card.to_json(), CARD)


@given(st.text())
def test_nothing_from_a_record_becomes_markup(text: str) -> None:
    said = plain(text + "<b>[x](http://evil)</b>![i](j)`c`\n# h\n- l")
    for sign in "<>[]()!`#":
        assert all(said[place - 1] == "\\" for place, one in enumerate(said) if one == sign)
    assert "\n" not in said


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Exception, match="JSON"):
        read(b"\xff", Asked)
