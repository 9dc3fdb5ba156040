"""What was done with a card comes back, and is kept as a decision: once, however often it is told."""

import html
from typing import Any
from uuid import UUID, uuid4

import pytest
from hook_calls import Calling, drafts, medication
from signed_systems import System

from alleviate.clinic.machines.registering import register
from alleviate.clinic.recommending.ledger import kept

SIGN = "alleviate-order-sign"
AT = "2026-03-02T10:00:00Z"


def shown(calling: Calling, name: str) -> tuple[str, dict[str, Any]]:
    """A card on an order against the advice, and our id of the person."""
    patient = calling.added(name, phq9=8)
    (card,) = calling.cards("order-sign", patient, context=drafts(medication("Sertraline")))
    return patient, card


def given(card: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": AT, **more}


def tells(calling: Calling, *items: dict[str, Any]) -> Any:
    return calling.post(f"{SIGN}/feedback", {"feedback": list(items)})


def decisions(calling: Calling, patient: str) -> list[dict[str, Any]]:
    with calling.made.vault.access(actor="test", purpose="care") as access:
        chart = access.chart(patient)
    assert kept(chart.sheets), "the clinic's own pages can still read the thread"
    return [sheet.body["feedback"] for sheet in chart.sheets if sheet.kind == "decision"]


def test_an_override_with_a_reason_of_the_card_is_kept_with_its_words(calling: Calling) -> None:
    """The public sandbox sends the reason without its display."""
    patient, card = shown(calling, "over-1")
    reason = card["overrideReasons"][0]
    said = {"reason": {"code": reason["code"], "system": reason["system"]}, "userComment": "We talked."}
    assert tells(calling, given(card, overrideReason=said)).status_code == 200
    (told,) = decisions(calling, patient)
    assert told["outcome"] == "overridden"
    assert told["reason"] == {"code": reason["code"], "display": reason["display"]}
    assert told["comment"] == "We talked."
    assert (told["order"], told["hook"]) == ("Sertraline", "order-sign")


def test_an_override_without_a_reason_is_kept_too(calling: Calling) -> None:
    patient, card = shown(calling, "over-2")
    assert tells(calling, given(card)).status_code == 200
    (told,) = decisions(calling, patient)
    assert "reason" not in told


def test_a_suggestion_that_was_taken_is_kept(calling: Calling) -> None:
    patient, card = shown(calling, "take-1")
    taken = [{"id": card["suggestions"][0]["uuid"]}]
    assert tells(calling, given(card, outcome="accepted", acceptedSuggestions=taken)).status_code == 200
    assert [one["outcome"] for one in decisions(calling, patient)] == ["accepted"]


def test_the_same_told_again_is_kept_once_and_another_time_is_another(calling: Calling) -> None:
    patient, card = shown(calling, "again-1")
    for _ in range(3):
        assert tells(calling, given(card), given(card)).status_code == 200
    assert len(decisions(calling, patient)) == 1
    assert tells(calling, given(card, outcomeTimestamp="2026-03-02T11:00:00+00:00")).status_code == 200
    assert len(decisions(calling, patient)) == 2


def test_a_card_has_a_random_uuid_which_is_read_in_capitals_too(calling: Calling) -> None:
    patient, card = shown(calling, "uuid-1")
    uuid = UUID(card["uuid"])
    assert (uuid.version, str(uuid)) == (4, card["uuid"])
    taken = [{"id": card["suggestions"][0]["uuid"].upper()}]
    told = given({"uuid": card["uuid"].upper()}, outcome="accepted", acceptedSuggestions=taken)
    assert tells(calling, told).status_code == 200
    assert len(decisions(calling, patient)) == 1
    assert tells(calling, given({"uuid": str(uuid4())})).status_code == 404


def test_what_is_kept_is_a_decision_in_the_audit(calling: Calling) -> None:
    patient, card = shown(calling, "audit-1")
    tells(calling, given(card))
    (event,) = [one for one in calling.made.audit(patient) if one.action == "decide"]
    assert event.actor.startswith("client:")


def test_of_several_answers_the_known_ones_are_kept(calling: Calling) -> None:
    patient, card = shown(calling, "several-1")
    answer = tells(calling, given(card), given({"uuid": "unknown"}))
    assert answer.status_code == 404
    assert "1 of 2" in answer.json()["error"]
    assert len(decisions(calling, patient)) == 1


def test_a_suggestion_that_was_never_on_the_card_is_unknown(calling: Calling) -> None:
    patient, card = shown(calling, "never-1")
    taken = [{"id": "11111111-1111-1111-1111-111111111111"}]
    assert tells(calling, given(card, outcome="accepted", acceptedSuggestions=taken)).status_code == 404
    assert decisions(calling, patient) == []


def test_only_the_system_that_was_shown_the_card_answers_it(calling: Calling) -> None:
    patient, card = shown(calling, "other-1")
    other = System(issuer="https://other.example.org")
    register(
        calling.made.services.accounts, "test", name="Other", kind="cds", issuer=other.issuer, keys=other.jwks
    )
    assert tells(Calling(calling.made, other), given(card)).status_code == 404
    assert decisions(calling, patient) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"card": ""},
        {"card": None},
        {"outcome": "ignored"},
        {"outcome": "accepted"},
        {"outcome": "accepted", "acceptedSuggestions": []},
        {"outcome": "accepted", "acceptedSuggestions": [{}]},
        {"outcomeTimestamp": None},
        {"outcomeTimestamp": "yesterday"},
        {"outcomeTimestamp": "2026-03-02T10:00:00"},
        {"overrideReason": {"reason": {}}},
        {"overrideReason": {"userComment": "x" * 5000}},
    ],
)
def test_what_is_not_as_specified_is_a_400(wrong: dict[str, Any], calling: Calling) -> None:
    item = {"card": "c", "outcome": "overridden", "outcomeTimestamp": AT, **wrong}
    item = {name: value for name, value in item.items() if value is not None}
    assert tells(calling, item).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{}", b'{"feedback": []}', b'{"feedback": {}}', b"[]"])
def test_no_feedback_at_all_is_a_400(body: bytes, calling: Calling) -> None:
    assert calling.post(f"{SIGN}/feedback", body).status_code == 400


def test_where_decisions_are_listed_an_override_elsewhere_is_told_with_its_reason(calling: Calling) -> None:
    patient, card = shown(calling, "listed-1")
    reason = card["overrideReasons"][0]
    tells(calling, given(card, overrideReason={"reason": reason, "userComment": "We talked <b>."}))
    with calling.made.vault.access(actor="test", purpose="care") as access:
        access.join(patient, calling.made.accounts["clinician"].id, "psychologist")
    page = calling.made.signed_in("clinician").get(f"/patients/{patient}/decisions").text
    assert "the card was dismissed" in page
    assert "We talked &lt;b&gt;." in page
    assert reason["display"] in html.unescape(page)
    found = (
        calling.made.signed_in("clinician").get(f"/api/v1/patients/{patient}/decisions").json()["decisions"]
    )
    (heard,) = (one for each in found for one in each["heard"])
    assert (heard["overridden"], heard["order"]) == (True, "Sertraline")
