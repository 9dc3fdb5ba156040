"""Danger in what a client sends is told on the card, also where the clinic holds nothing of it."""

from datetime import timedelta
from typing import Any

import pytest
from hook_calls import Calling, call, drafts, medication
from hooks_schema import holds
from killed_writers import form

from alleviate.clinic.machines.registering import register
from alleviate.clinic.mine.consents import entry_of

HOOKS = ("patient-view", "order-select", "order-sign")
ITEM_9 = "44260-8"


def context(hook: str, order: str = "Paracetamol") -> dict[str, Any]:
    if hook == "patient-view":
        return {}
    selected = {"selections": ["MedicationRequest/order-1"]} if hook == "order-select" else {}
    return {**drafts(medication(order)), **selected}


def filled(calling: Calling, patient: str, *, days: float = 1, **more: Any) -> dict[str, Any]:
    """A PHQ-9 in the EHR, with thoughts of being better off dead on several days."""
    at = calling.made.clock() - timedelta(days=days)
    return {**form(f"{patient}-phq9".lower(), patient, at.replace(microsecond=0)), **more}


def observed(calling: Calling, patient: str, value: int) -> dict[str, Any]:
    """The answer to item 9 alone, not yet final."""
    return {
        "resourceType": "Observation",
        "id": "item-9",
        "status": "preliminary",
        "code": {"coding": [{"system": "http://loinc.org", "code": ITEM_9}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"{calling.made.clock() - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}",
        "valueInteger": value,
    }


def found(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


def cards(calling: Calling, hook: str, patient: str, *resources: dict[str, Any], **more: Any) -> list[Any]:
    """The cards when an order of which no rule says anything comes with these."""
    told: list[Any] = calling.cards(
        hook, patient, context=context(hook), prefetch={"answers": found(*resources)}, **more
    )
    return told


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("status", ["completed", "in-progress"])
def test_a_form_of_the_ehr_with_item_9_is_a_critical_card_at_every_hook(
    hook: str, status: str, calling: Calling
) -> None:
    patient = calling.added(f"form-{hook}-{status}", phq9=14)
    subject = f"form-{hook}-{status}"
    (card,) = cards(calling, hook, subject, filled(calling, subject, status=status))
    holds({"cards": [card]})
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Safety sign in what was sent: PHQ-9 item 9, answered ")
    assert "no alert stands there" in card["detail"]
    assert card["links"][0]["url"].endswith(f"/patients/{patient}/")
    assert "uuid" not in card


@pytest.mark.parametrize(("value", "told"), [(0, 0), (1, 1), (3, 1)])
@pytest.mark.parametrize("hook", HOOKS)
def test_the_single_answer_as_a_draft_observation_counts_too(
    hook: str, value: int, told: int, calling: Calling
) -> None:
    name = f"single-{hook}-{value}"
    calling.added(name, phq9=14)
    assert len(cards(calling, hook, name, observed(calling, name, value))) == told


def test_it_comes_first_beside_what_stands_against_the_order(calling: Calling) -> None:
    calling.added("both", phq9=8)
    prefetch = {"answers": found(filled(calling, "both"))}
    told = calling.cards("order-sign", "both", context=context("order-sign", "Sertraline"), prefetch=prefetch)
    assert [card["indicator"] for card in told] == ["critical", "warning"]


def test_of_what_an_alert_was_raised_here_only_the_record_s_own_card_speaks(calling: Calling) -> None:
    """Sent to the clinic by the EHR's own interface, it is an alert; the prefetch tells nothing new."""
    calling.added("held", phq9=14)
    sent = filled(calling, "held")
    made = calling.made
    token = register(
        made.services.accounts,
        "test",
        name="EHR's FHIR",
        kind="backend",
        scopes=["system/*.cruds"],
        bearer=True,
    ).token
    url = f"/fhir/QuestionnaireResponse/{sent['id']}"
    assert made.guest().put(url, json=sent, headers={"authorization": f"Bearer {token}"}).status_code == 201
    elsewhere = {**sent, "id": "another-id-of-the-same"}
    assert cards(calling, "order-sign", "held", elsewhere) == []
    (card,) = cards(calling, "patient-view", "held", elsewhere)
    assert card["summary"].startswith("Safety alert: PHQ-9 item 9")


def test_an_answer_older_than_a_month_and_one_of_somebody_else_are_left_out(calling: Calling) -> None:
    calling.added("past", phq9=14)
    assert cards(calling, "order-sign", "past", filled(calling, "past", days=31)) == []
    assert cards(calling, "order-sign", "past", filled(calling, "present")) == []
    assert len(cards(calling, "order-sign", "past", filled(calling, "past", days=29))) == 1


def test_of_somebody_unknown_it_is_told_and_that_the_order_could_not_be_checked(calling: Calling) -> None:
    sent = {"answers": found(filled(calling, "unknown-9"))}
    body = call("order-sign", "unknown-9", context=context("order-sign", "Sertraline"), prefetch=sent)
    answer = calling.post("alleviate-order-sign", body)
    (card,) = answer.json()["cards"]
    assert card["indicator"] == "critical"
    assert "The orders could not be checked: " in card["detail"]
    assert "links" not in card
    (card,) = cards(calling, "order-sign", "unknown-9", filled(calling, "unknown-9"))
    assert "could not be checked" not in card["detail"], "nothing speaks of this order anyway"


def test_what_the_person_withholds_is_counted_and_not_said(calling: Calling) -> None:
    patient = calling.added("withholding", phq9=14)
    made = calling.made
    with made.vault.access(actor="test", purpose="rights") as access:
        now = made.clock()
        denied = entry_of("withholding", "Consent/withholding-2", "care", "questionnaire", False, now)
        access.store(now, entries=[denied])
    for hook in HOOKS:
        (card,) = cards(calling, hook, "withholding", filled(calling, "withholding"))
        assert card["summary"] == "Safety alerts from data that the person withholds: 1. Ask them."
        assert "PHQ-9" not in str(card)
    assert [one.action for one in made.audit(patient)].count("deny") == 0
