"""Cards on draft orders say what the clinic's own page says, and nothing where nothing is shown."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hook_calls import Calling, call, drafts, medication
from hooks_schema import holds
from made_people import event, person

from alleviate.clinic.recommending.ledger import kept
from alleviate.intake.formats import format_named
from alleviate.records import PatientRecord

SELECTED = {"selections": ["MedicationRequest/order-1"]}


def warned(calling: Calling, patient: str, words: str, **more: Any) -> list[Any]:
    """The cards when this is about to be signed."""
    cards: list[Any] = calling.cards("order-sign", patient, context=drafts(medication(words)), **more)
    return cards


def test_an_order_against_an_established_advice_is_warned_of_with_both_sides(calling: Calling) -> None:
    patient = calling.added("mild-1", phq9=8)  # talking helps more the milder it is
    answer = calling.asks("order-sign", patient, context=drafts(medication("Sertraline", code="36437")))
    (card,) = holds(answer.json())["cards"]
    assert card["indicator"] == "warning"
    assert card["summary"] == (
        "Cognitive behavioural therapy is expected to help more than Sertraline, by more than chance"
    )
    assert "(95%: " in card["detail"]
    assert "**Reasons for**" in card["detail"]
    assert "people in the study are like this one" in card["detail"]
    assert card["source"]["label"] == "Alleviate: Tablets or talking"
    assert card["links"][0]["url"].endswith(f"/patients/{patient}/advice")
    assert card["suggestions"][0]["actions"] == [
        {
            "type": "delete",
            "description": "Take the draft order out: Sertraline",
            "resourceId": "MedicationRequest/order-1",
        }
    ]


def test_the_same_is_said_when_the_order_is_selected_and_of_no_other_order(calling: Calling) -> None:
    patient = calling.added("mild-2", phq9=8)
    context = drafts(medication("Sertraline"), medication("Paracetamol", "order-2"))
    assert len(calling.cards("order-select", patient, context={**context, **SELECTED})) == 1
    other = {"selections": ["MedicationRequest/order-2"]}
    assert calling.cards("order-select", patient, context={**context, **other}) == []


@pytest.mark.parametrize(
    ("phq9", "words"),
    [
        (8, "Cognitive behavioural therapy"),  # what is advised
        (8, "Paracetamol"),  # nothing that a rule knows
        (14, "Sertraline"),  # no difference is shown
        (None, "Sertraline"),  # it cannot say
    ],
)
def test_nothing_is_said_where_nothing_is_shown(phq9: float | None, words: str, calling: Calling) -> None:
    patient = calling.added(f"quiet-{phq9}-{words[:4]}", phq9=phq9)
    assert warned(calling, patient, words) == []


def test_a_hard_rule_speaks_whatever_the_figures_say(calling: Calling) -> None:
    at = (calling.made.clock() - timedelta(days=5)).replace(microsecond=0)
    name = "taking-1"
    taken = event(name, "ATC//N06AF03", at, "medication", "MedicationRequest/m1", text="Phenelzine")
    patient = calling.added(name, phq9=22, extra=(taken,))
    (card,) = warned(calling, patient, "Sertraline")
    assert card["summary"].startswith("Safety rule against Sertraline: ")
    assert "Phenelzine" in card["detail"]
    assert len(card["summary"]) < 140


def test_a_package_out_of_use_says_nothing(make_calling: Any) -> None:
    calling = make_calling()
    patient = calling.added("mild-3", phq9=8)
    assert warned(calling, patient, "Sertraline")
    shelf = calling.made.services.shelf
    for each in shelf.rules():
        shelf.take_out("account:officer", each.seal, "a test")
    assert warned(calling, patient, "Sertraline") == []


def test_what_is_shown_is_kept_as_the_clinic_keeps_its_own_advice(calling: Calling) -> None:
    patient = calling.added("mild-4", phq9=8)
    for _ in range(3):
        assert warned(calling, patient, "Sertraline")
    with calling.made.vault.access(actor="test", purpose="care") as access:
        chart = access.chart(patient)
    (found,) = kept(chart.sheets)
    assert found.proposal.standing == "established"
    assert found.proposal.versions.package == "severity"
    assert found.decision.state == "proposed"


# Patients who have no record here, and data that came along.


def elsewhere(name: str, tmp_path: Any, calling: Calling, **told: Any) -> dict[str, Any]:
    """The prefetch of somebody whom only the EHR knows, as our own FHIR writes it."""

    at = (calling.made.clock() - timedelta(days=3)).replace(microsecond=0)
    record = PatientRecord(name, [one for one in person(name, at=at, **told).events if one.kind != "consent"])
    write = format_named("fhir").write
    assert write is not None
    (tmp_path / name).mkdir()
    resources = [
        json.loads(line)
        for path in write([record], tmp_path / name)
        for line in path.read_text().splitlines()
        if path.suffix == ".ndjson"
    ]
    found: dict[str, Any] = dict.fromkeys(("conditions", "medications", "observations", "answers"))
    found["patient"] = next(one for one in resources if one["resourceType"] == "Patient")
    rest = [{"resource": one} for one in resources if one["resourceType"] != "Patient"]
    found["observations"] = {"resourceType": "Bundle", "type": "searchset", "entry": rest}
    return found


def test_somebody_whom_only_the_ehr_knows_is_judged_by_what_it_sends(calling: Calling, tmp_path: Any) -> None:
    prefetch = elsewhere("only-there", tmp_path, calling, phq9=8)
    (card,) = warned(calling, "only-there", "Sertraline", prefetch=prefetch)
    assert "uuid" not in card, "nothing is kept of somebody who has no record here"
    assert "suggestions" not in card
    assert "links" not in card


@pytest.mark.parametrize("key", ["patient", "conditions", "medications", "observations", "answers"])
def test_each_part_of_the_prefetch_is_needed_of_somebody_unknown(
    key: str, calling: Calling, tmp_path: Any
) -> None:
    prefetch = elsewhere(f"lacking-{key}", tmp_path, calling, phq9=8)
    del prefetch[key]
    context = drafts(medication("Sertraline"))
    answer = calling.asks("order-sign", f"lacking-{key}", context=context, prefetch=prefetch)
    assert answer.status_code == 412


def test_no_data_are_needed_for_orders_that_nothing_speaks_of(calling: Calling) -> None:
    assert warned(calling, "somebody-unknown", "A walking stick") == []


def test_data_of_another_patient_are_left_out(calling: Calling, tmp_path: Any) -> None:
    prefetch = elsewhere("right-one", tmp_path, calling, phq9=8)
    other = elsewhere("wrong-one", tmp_path, calling, phq9=8)
    prefetch["observations"] = other["observations"]
    assert warned(calling, "right-one", "Sertraline", prefetch=prefetch) == []


def test_what_came_along_counts_beside_our_record(calling: Calling) -> None:
    """A medicine that only the EHR knows of calls the rule."""
    subject = "beside-1"
    patient = calling.added(subject, phq9=22)
    assert warned(calling, patient, "Sertraline") == []
    taken = {
        "resourceType": "MedicationRequest",
        "id": "m9",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{subject}"},
        "authoredOn": f"{calling.made.clock() - timedelta(days=9):%Y-%m-%d}",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "N06AF03"}]},
    }
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": taken}]}
    (card,) = warned(calling, subject, "Sertraline", prefetch={"medications": bundle})
    assert card["summary"].startswith("Safety rule against Sertraline")


@pytest.mark.parametrize(
    "prefetch",
    [
        {"patient": {"resourceType": "Patient"}},
        {"patient": {"resourceType": "Bundle", "entry": "x"}},
        {"observations": {"resourceType": "Observation", "status": 7}},
        {"observations": {"resourceType": "Bundle", "entry": [None, 1, {"resource": []}]}},
        {"answers": [1, 2]},
        {"x" * 100: {"resourceType": "X"}},
        {"conditions": {"resourceType": "OperationOutcome"}},
        {"patient": 1e308, "answers": "text"},
    ],
)
def test_a_prefetch_of_any_shape_is_no_fault_of_ours(prefetch: dict[str, Any], calling: Calling) -> None:
    body = call(
        "order-sign", calling.made.subjects[1], context=drafts(medication("Sertraline")), prefetch=prefetch
    )
    assert calling.post("alleviate-order-sign", body).status_code == 200
