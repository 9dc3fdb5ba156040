"""Which treatment a draft order begins: by code, by name, and by no guess."""

from typing import Any

import pytest
from hook_calls import call, drafts, medication

from alleviate.clinic.cds.asked import Asked, OrderSelect, OrderSign, context_of
from alleviate.clinic.cds.orders import orders_of, treatment_of

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def signed(*orders: dict[str, Any], patient: str = "p1") -> OrderSign:
    asked = Asked.model_validate(call("order-sign", patient, context=drafts(*orders)))
    found = context_of(asked, "order-sign")
    assert isinstance(found, OrderSign)
    return found


def meant(order: dict[str, Any]) -> str | None:
    (found,) = orders_of(signed(order))
    treatment = treatment_of(found)
    return treatment.id if treatment else None


def service(**code: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": "s1", "status": "draft", "intent": "order", "code": code}


@pytest.mark.parametrize(
    ("order", "treatment"),
    [
        (medication("sertraline", code="36437"), "sertraline"),
        (medication("a name nobody knows", code="36437"), "sertraline"),
        (medication("Sertraline 50 MG Oral Tablet", code="312940"), "sertraline"),
        (medication("SERTRALINE"), "sertraline"),
        (medication("Sertraline 20 MG / Olanzapine 5 MG Oral Capsule"), None),
        (medication("Amoxicillin 120 MG/ML"), None),
        (medication("Not sertraline"), None),
        (service(text="Cognitive behavioural therapy"), "cbt"),
        (service(coding=[{"system": "http://snomed.info/sct", "code": "228557008"}]), "cbt"),
        (service(text="Sertraline withdrawal clinic"), None),
    ],
)
def test_an_order_means_what_its_code_or_its_name_says(order: dict[str, Any], treatment: str | None) -> None:
    assert meant(order) == treatment


def test_codes_of_two_treatments_mean_neither() -> None:
    codes = [{"system": RXNORM, "code": code} for code in ("36437", "15996")]
    assert meant({**medication("x"), "medicationCodeableConcept": {"coding": codes}}) is None


def test_a_medicine_may_stand_within_the_order_or_be_named_by_reference() -> None:
    order = medication("x", medicationReference={"reference": "#m", "display": "something"})
    del order["medicationCodeableConcept"]
    order["contained"] = [{"resourceType": "Medication", "id": "m", "code": {"text": "Sertraline"}}]
    assert meant(order) == "sertraline"
    order["contained"] = []
    order["medicationReference"] = {"reference": "Medication/1", "display": "Sertraline"}
    assert meant(order) == "sertraline"


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "cancelled"},
        {"status": "entered-in-error"},
        {"doNotPerform": True},
        {"subject": {"reference": "Patient/somebody-else"}},
        {"resourceType": "NutritionOrder"},
        {"resourceType": ["MedicationRequest"]},
        {"medicationCodeableConcept": {}},
        {"medicationCodeableConcept": "sertraline"},
        {"medicationCodeableConcept": {"coding": "x"}},
    ],
)
def test_what_orders_nothing_for_this_patient_is_passed_over(changed: dict[str, Any]) -> None:
    assert orders_of(signed({**medication("sertraline"), **changed})) == []


def test_a_status_that_is_no_word_hides_no_order() -> None:
    assert len(orders_of(signed({**medication("sertraline"), "status": ["cancelled"]}))) == 1


@pytest.mark.parametrize("reference", ["Patient/p1", "https://ehr.example/fhir/Patient/p1"])
def test_an_order_for_this_patient_is_seen(reference: str) -> None:
    order = medication("sertraline", subject={"reference": reference})
    assert len(orders_of(signed(order))) == 1


@pytest.mark.parametrize(
    ("selected", "names"),
    [
        (["MedicationRequest/order-1"], ["Sertraline"]),
        (["order-2"], ["Mirtazapine"]),
        (["urn:uuid:3"], ["Citalopram"]),
        (["MedicationRequest/none"], []),
        (["MedicationRequest/order-1", "MedicationRequest/order-2"], ["Sertraline", "Mirtazapine"]),
    ],
)
def test_of_all_drafts_only_those_just_selected_count(selected: list[str], names: list[str]) -> None:
    bundle = drafts(medication("Sertraline"), medication("Mirtazapine", "order-2"))
    third = {"fullUrl": "urn:uuid:3", "resource": medication("Citalopram", "")}
    del third["resource"]["id"]  # type: ignore[attr-defined]
    bundle["draftOrders"]["entry"].append(third)
    asked = Asked.model_validate(call("order-select", "p1", context={**bundle, "selections": selected}))
    context = context_of(asked, "order-select")
    assert isinstance(context, OrderSelect)
    assert [order.words for order in orders_of(context)] == names
