"""Cards that want an answer: kept as a proposal about the person, found again by the uuid that was sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from alleviate.clinic.cds.advised import Verdict
from alleviate.clinic.cds.asked import Given
from alleviate.clinic.cds.card import Card
from alleviate.clinic.cds.cards import answered, overrides, suggestion_id
from alleviate.clinic.gate import Visit
from alleviate.clinic.recommending.proposal import Person, key_of, kinds_of
from alleviate.records import PatientRecord
from alleviate.vault.accounts import Accounts
from alleviate.vault.sheets import NewSheet

__all__ = ["CHANNEL", "Kept", "Shown", "decided", "found", "kept"]

CHANNEL = "cds-hooks"
"""Where a proposal was made, in its body."""

KNOWN_FOR = timedelta(days=90)
"""An answer that comes later is not taken."""

_TICKET = "cds-card"
_LONGEST_COMMENT = 4000


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Of which advice (``proposal``) about whom (our id) a card was, for which system, at which call.

    ``order`` names what was ordered, ``arm`` of the advice, where it is one; ``vetoes``: rules against it.
    """

    patient: str
    proposal: str
    actor: str
    hook: str
    call: str
    order: str
    arm: str
    vetoes: tuple[str, ...]
    suggestions: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One card, and what it rests on."""

    card: Card
    verdict: Verdict


def kept(
    visit: Visit, shown: Sequence[Shown], person: Person, record: PatientRecord, *, call: str, hook: str
) -> list[Card]:
    """Keep the advice that is about to be shown as the clinic keeps its own, and give the cards their uuids.

    ``record``: what the clinic itself holds; ``call``: the hook's instance. The same advice is kept once.
    """
    if not shown:
        return []
    shelf, now, accounts = visit.services.shelf, visit.now, visit.services.accounts
    sheets = []
    for one in shown:
        key, proposal = key_of(person, shelf, one.verdict.question, now), one.verdict.proposal
        body = {"key": key, "proposal": proposal.to_dict(), "acts": []}
        kinds = kinds_of(proposal, record, shelf)
        sheets.append(NewSheet(person.patient, "proposal", body, once=key, kinds=kinds))
    ids = visit.access.store(now, sheets=sheets).sheets
    cards = []
    for number, (one, sheet) in enumerate(zip(shown, ids, strict=True)):
        order = one.verdict.order
        ticket = Kept(
            patient=person.patient,
            proposal=sheet,
            actor=visit.who.actor,
            hook=hook,
            call=f"{call}:{number}",
            order=order.name,
            arm=one.verdict.arm,
            vetoes=tuple(concern.rule for concern in one.verdict.vetoes),
            suggestions=len(one.card.suggestions),
        )
        uuid = accounts.keep(_TICKET, msgspec.to_builtins(ticket), now, now + KNOWN_FOR, uuid=True)
        cards.append(answered(one.card, uuid))
    return cards


def found(accounts: Accounts, given: Given, actor: str, now: datetime) -> Kept | None:
    """The card that an answer is about; None where it is not known, or was shown to another system.

    UUIDs are written in small letters, and read in any (RFC 9562, 4).
    """
    uuid = given.card.lower()
    card = accounts.look(_TICKET, uuid, Kept, now)
    if card is None or card.actor != actor:
        return None
    own = {suggestion_id(uuid, number) for number in range(card.suggestions)}
    if any(one.id.lower() not in own for one in given.accepted_suggestions):
        return None
    return card


def decided(given: Given, card: Kept) -> NewSheet:
    """The answer, in the thread of the advice; the same answer twice is stored once.

    It has no act of ours: a system tells what somebody did there, and nobody of ours decided.
    """
    at = given.outcome_timestamp.astimezone(UTC).isoformat()
    told: dict[str, Any] = {
        "channel": CHANNEL,
        "outcome": given.outcome,
        "at": at,
        "hook": card.hook,
        "order": card.order,
        "arm": card.arm,
        "vetoes": list(card.vetoes),
    }
    reason = given.override_reason
    if reason is not None and reason.reason is not None:
        code = reason.reason.code
        told["reason"] = {"code": code, "display": _display(code, reason.reason.display)}
    if reason is not None and reason.user_comment.strip():
        told["comment"] = reason.user_comment[:_LONGEST_COMMENT]
    said = f"{card.actor}:{card.proposal}:{card.call}:{given.outcome}:{at}"
    once = f"{CHANNEL}:{hashlib.sha256(said.encode()).hexdigest()}"
    body = {"acts": [], "once": once, "feedback": told}
    return NewSheet(card.patient, "decision", body, thread=card.proposal, once=once)


def _display(code: str, said: str) -> str:
    """Our own words for a reason of ours: many clients send its code alone."""
    return next((one.display for one in overrides() if one.code == code), said[:255])
