"""MedicationRequest and MedicationStatement: a medicine from its start to its end."""

from collections.abc import Sequence
from typing import Any

import msgspec

from alleviate.intake.fhir.coding import codes_of, concept_of, words_of
from alleviate.intake.fhir.conditions import CODING, main_of
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import Span, written
from alleviate.intake.fhir.shapes import Concept, Period, Quantity, Range, Reference, Resource, Shape
from alleviate.intake.fhir.values import UCUM, amount, unit_of
from alleviate.records import Event

__all__ = [
    "MedicationRequest",
    "MedicationStatement",
    "read_request",
    "read_statement",
    "write_request",
    "write_statement",
]

_RUNNING = frozenset({"active", "draft", "intended", "unknown", "not-taken"})
_PROPOSED = frozenset({"proposal", "option"})


class Rate(Shape):
    """How much at a time."""

    dose_quantity: Quantity | None = None
    dose_range: Range | None = None


class Dosage(Shape):
    """How a medicine is taken."""

    text: str | None = None
    dose_and_rate: tuple[Rate, ...] = ()


class Ingredient(Shape):
    """A part of a medicine."""

    item_codeable_concept: Concept | None = None


class Substance(Shape):
    """What is read of a Medication."""

    id: str | None = None
    resource_type: str | None = None
    code: Concept | None = None
    ingredient: tuple[Ingredient, ...] = ()


class Medicine(Resource):
    """What both resources have."""

    subject: Reference | None = None
    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None


class MedicationRequest(Medicine):
    """What is read of a MedicationRequest."""

    intent: str | None = None
    do_not_perform: bool = False
    authored_on: str | None = None
    status_reason: Concept | None = None
    dosage_instruction: tuple[Dosage, ...] = ()


class MedicationStatement(Medicine):
    """What is read of a MedicationStatement."""

    status_reason: tuple[Concept, ...] = ()
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    dosage: tuple[Dosage, ...] = ()


def _substance(source: Medicine, draft: Draft) -> tuple[str, str | None, list[str]]:
    """What medicine it is, also where it stands in a resource of its own. Raises Fault."""
    if source.medication_codeable_concept is not None:
        return draft.concept(source.medication_codeable_concept, "medicationCodeableConcept")
    reference = source.medication_reference
    target = (reference and reference.reference) or ""
    found = None
    if target.startswith("#"):
        inner = (msgspec.json.decode(raw, type=Substance) for raw in draft.contained)
        found = next((one for one in inner if one.id == target[1:]), None)
    elif target:
        body = draft.neighbours.medications.get(target)
        body = body or draft.neighbours.medications.get("/".join(target.split("/")[-2:]))
        found = msgspec.json.decode(body, type=Substance) if body else None
    if found is not None and codes_of(found.code):
        return draft.concept(found.code, "medicationReference")
    if found is not None and found.ingredient:
        return _mixture(found, reference.display if reference else None, draft)
    if reference and reference.display:
        draft.caution(
            "medicationReference", f"{target or 'The medicine'} is not here: only its name is known."
        )
        return draft.concept(Concept(text=reference.display), "medicationReference")
    if not target:
        raise Fault("medicationCodeableConcept", "It does not say which medicine it is.")
    raise Fault("medicationReference", f"{target} is not here, so that it is not known which medicine it is.")


def _mixture(found: Substance, name: str | None, draft: Draft) -> tuple[str, str | None, list[str]]:
    """A medicine that is known by its ingredients only: named by them, their codes following."""
    parts = [one.item_codeable_concept for one in found.ingredient if one.item_codeable_concept]
    words = name or " + ".join(text for text in map(words_of, parts) if text)
    code, _, _ = draft.concept(Concept(text=words), "medicationReference")
    return code, words, [f"{CODING}{codes[0]}" for part in parts if (codes := codes_of(part))]


def _dose(dosages: Sequence[Dosage], draft: Draft, when: Span, known: Any) -> None:
    for dosage in dosages:
        rates = [rate for rate in dosage.dose_and_rate if rate.dose_quantity or rate.dose_range]
        for rate in rates:
            quantity = rate.dose_quantity
            if quantity and quantity.value is not None and not quantity.comparator:
                draft.add("MEDICATION//dose", when, known, quantity.value, unit_of(quantity))
            elif quantity:
                draft.add("MEDICATION//dose", when, known, None, amount(quantity))
            elif rate.dose_range:
                ends = (rate.dose_range.low, rate.dose_range.high)
                words = " to ".join(amount(end) for end in ends if end)
                draft.add("MEDICATION//dose", when, known, None, words)
        if not rates and dosage.text:
            draft.add("MEDICATION//dose", when, known, None, dosage.text)


def _course(
    source: Medicine,
    draft: Draft,
    when: Span,
    known: Any,
    end: Span | None,
    reason: str | None,
    doses: Sequence[Dosage],
) -> None:
    code, words, further = _substance(source, draft)
    status = source.status or "unknown"
    if status == "not-taken":
        draft.also((f"{CODING}{code}", *further), when, known)
    else:
        draft.add(code, when, known, None, words)
        draft.also(further, when, known)
        _dose(doses, draft, when, known)
    if end:
        draft.add(f"{code}//end", end, max(known, end.last), None, reason)
    if status in _RUNNING:
        draft.add("MEDICATION//status", when, known, None, status)
    else:  # that it would end was not known when it began
        later = max(when.last, end.last if end else draft.lately)
        draft.add("MEDICATION//status", later, max(known, later), None, status)


def read_request(source: MedicationRequest, draft: Draft) -> None:
    """Adds a prescribed medicine. Raises Fault."""
    if source.do_not_perform:
        raise Fault("doNotPerform", "It says that the medicine is not to be given.")
    if source.intent in _PROPOSED:
        raise Fault("intent", f"It is a {source.intent}, not an order: nothing says that it was taken.")
    when = draft.first_of(
        {"authoredOn": source.authored_on}, "It does not say when it was written (authoredOn)."
    )
    end = None
    if source.status in {"stopped", "cancelled"} and (draft.changed or source.status_reason):
        later = max(when.last, draft.lately)
        end = Span(later, later)
    _course(source, draft, when, when.last, end, words_of(source.status_reason), source.dosage_instruction)


def read_statement(source: MedicationStatement, draft: Draft) -> None:
    """Adds a medicine that somebody takes or took. Raises Fault."""
    period = source.effective_period
    when = draft.first_of(
        {
            "effectiveDateTime": source.effective_date_time,
            "effectivePeriod.start": period.start if period else None,
            "dateAsserted": source.date_asserted,
        },
        "It says neither when it was taken (effective) nor when that was told (dateAsserted).",
    )
    known = draft.recorded(source.date_asserted, "dateAsserted", when)
    reason = next((text for text in map(words_of, source.status_reason) if text), None)
    _course(source, draft, when, known, draft.end(period, "effectivePeriod"), reason, source.dosage)


def write_statement(events: Sequence[Event]) -> dict[str, Any]:
    """A MedicationStatement of these events."""
    main, more, status, end, doses = _parts(events)
    period = {"start": written(main.time), **({"end": written(end.time)} if end else {})}
    resource: dict[str, Any] = {
        "status": status or ("completed" if end else "active"),
        "medicationCodeableConcept": _concept(main, more, status),
        "effectivePeriod": period,
        "dateAsserted": written(main.known_at),
    }
    if end and end.text_value:
        resource["statusReason"] = [{"text": end.text_value}]
    return {**resource, "dosage": doses} if doses else resource


def write_request(events: Sequence[Event]) -> dict[str, Any]:
    """A MedicationRequest of these events."""
    main, more, status, end, doses = _parts(events)
    resource: dict[str, Any] = {
        "status": status or "active",
        "intent": "order",
        "medicationCodeableConcept": _concept(main, more, status),
        "authoredOn": written(main.time),
    }
    last = next((event for event in events if event.code == "MEDICATION//status"), end)
    if last and status not in _RUNNING:
        resource["meta"] = {"lastUpdated": written(last.time)}
    if end and end.text_value:
        resource["statusReason"] = {"text": end.text_value}
    return {**resource, "dosageInstruction": doses} if doses else resource


def _parts(
    events: Sequence[Event],
) -> tuple[Event, list[str], str | None, Event | None, list[dict[str, Any]]]:
    more = [event.code for event in events if event.code.startswith(CODING)]
    main = main_of(events, "MEDICATION")
    status = next((event.text_value for event in events if event.code == "MEDICATION//status"), None)
    end = next((event for event in events if event.code == f"{main.code}//end"), None)
    return main, more, status, end, [_written_dose(e) for e in events if e.code == "MEDICATION//dose"]


def _concept(main: Event, more: list[str], status: str | None) -> dict[str, Any]:
    if status == "not-taken" and more:
        return concept_of(more[0].removeprefix(CODING), None, more[1:])
    return concept_of(main.code, main.text_value, more)


def _written_dose(event: Event) -> dict[str, Any]:
    if event.numeric_value is None:
        return {"text": event.text_value or ""}
    unit = event.text_value
    named = {"unit": unit, "system": UCUM, "code": unit} if unit else {}
    return {"doseAndRate": [{"doseQuantity": {"value": event.numeric_value, **named}}]}
