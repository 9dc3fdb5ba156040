"""Draft orders: which treatment each one begins, if we know it. A doubtful one begins none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from alleviate.advice import safety
from alleviate.advice.safety import Treatment
from alleviate.clinic.cds.asked import OrderSelect, OrderSign
from alleviate.intake.fhir.coding import codes_of, words_of
from alleviate.intake.fhir.shapes import Concept
from alleviate.terms.errors import DataError
from alleviate.terms.study import Study

__all__ = ["Order", "arm_of", "orders_of", "treatment_of"]

_CONCEPTS = {
    "MedicationRequest": "medicationCodeableConcept",
    "ServiceRequest": "code",
    "DeviceRequest": "codeCodeableConcept",
}
_SUBJECTS = ("subject", "patient")
_OVER = ("cancelled", "revoked", "stopped", "completed", "ended", "entered-in-error")
_CONCEPT = msgspec.json.Decoder(Concept)


@dataclass(frozen=True, slots=True)
class Order:
    """``ref``: like "MedicationRequest/1", "" where it has no id; ``words`` name it; ``codes`` are ours."""

    ref: str
    type: str
    words: str
    codes: frozenset[str]

    @property
    def name(self) -> str:
        return self.words or min(self.codes)


def orders_of(context: OrderSign) -> list[Order]:
    """The orders to look at: those selected, where some are, of this patient, that are to be carried out."""
    found = []
    chosen = set(context.selections) if isinstance(context, OrderSelect) else None
    for entry in context.draft_orders.entry:
        resource = entry.resource
        type, id = resource.get("resourceType"), resource.get("id")
        ref = f"{type}/{id}" if isinstance(id, str) and id else ""
        if chosen is not None and not chosen & {ref, str(id or ""), entry.full_url} - {""}:
            continue
        if not isinstance(type, str) or type not in _CONCEPTS or not _wanted(resource, context.patient_id):
            continue
        concept = _concept(resource, _CONCEPTS[type])
        words = _quiet(words_of, concept) or ""
        codes = frozenset(_quiet(codes_of, concept) or ())
        if words or codes:
            found.append(Order(ref, type, words, codes))
    return found


def treatment_of(order: Order) -> Treatment | None:
    """The treatment, by the order's codes, else by its words; None where it is unknown, or two.

    Medicines are displayed with strength and form after them ("Sertraline 50 MG Oral Tablet"); of a mixture
    nobody knows which part is meant.
    """
    coded = {found.id: found for code in order.codes if (found := safety.find(code)) is not None}
    if coded:
        return next(iter(coded.values())) if len(coded) == 1 else None
    said = _folded(order.words)
    if not said or "/" in said:
        return None
    if (exact := safety.find(said)) is not None or order.type != "MedicationRequest":
        return exact
    begun = [one for one in safety.treatments() if one.kind == "medicine" and _begins(said, one)]
    return begun[0] if len(begun) == 1 else None


def arm_of(order: Order, treatment: Treatment | None, arms: Iterable[str], study: Study) -> str | None:
    """The arm of a rule that the order would begin; None where it is none of them, or two."""
    values = study.treatment.arms.items()
    said, found = _folded(order.words), set()
    for arm in arms:
        words = [value for value, name in values if name == arm] or [arm]
        members = {member.id for word in words if (member := safety.find(word)) is not None}
        meant = treatment is not None and treatment.id in members
        if meant or order.codes & set(words) or said in map(_folded, words):
            found.add(arm)
    return found.pop() if len(found) == 1 else None


def _begins(said: str, treatment: Treatment) -> bool:
    names = map(_folded, (treatment.title, *treatment.names))
    return any(said.startswith(f"{name} ") for name in names)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _wanted(resource: Mapping[str, Any], patient: str) -> bool:
    """Whether it is this patient's, as far as it says, and orders something."""
    if resource.get("doNotPerform") is True or resource.get("status") in _OVER:
        return False
    for name in _SUBJECTS:
        about = resource.get(name)
        reference = about.get("reference") if isinstance(about, dict) else None
        if isinstance(reference, str) and reference.rpartition("/")[2] != patient.rpartition("/")[2]:
            return False
    return True


def _concept(resource: Mapping[str, Any], name: str) -> Concept | None:
    held = resource.get(name)
    if held is None and isinstance(reference := resource.get("medicationReference"), dict):
        held = _contained(resource, reference)
    try:
        return _CONCEPT.decode(msgspec.json.encode(held)) if isinstance(held, dict) else None
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return None


def _contained(resource: Mapping[str, Any], reference: Mapping[str, Any]) -> object:
    """The code of a medicine that stands within the order, else the words of the reference to it."""
    target, inner = reference.get("reference"), resource.get("contained")
    for one in inner if isinstance(inner, list) else ():
        if isinstance(one, dict) and f"#{one.get('id')}" == target and isinstance(one.get("code"), dict):
            return one["code"]
    words = reference.get("display")
    return {"text": words} if isinstance(words, str) else None


def _quiet(read: Any, concept: Concept | None) -> Any:
    """What a concept says; nothing where a code of it could be none."""
    try:
        return read(concept)
    except DataError:
        return None
