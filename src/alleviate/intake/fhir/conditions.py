"""Condition and Procedure: what somebody has, and what was done."""

from collections.abc import Sequence
from typing import Any

from alleviate.intake.fhir.coding import concept_of, words_of
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import Span, written
from alleviate.intake.fhir.shapes import Concept, Period, Reference, Resource
from alleviate.records import Event

__all__ = [
    "CODING",
    "Condition",
    "Procedure",
    "main_of",
    "read",
    "read_procedure",
    "verification",
    "write",
    "write_procedure",
]

CODING = "CODING//"
_OVER = frozenset({"inactive", "remission", "resolved"})
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


class Condition(Resource):
    """What is read of a Condition."""

    subject: Reference | None = None
    clinical_status: Concept | None = None
    verification_status: Concept | None = None
    severity: Concept | None = None
    code: Concept | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    recorded_date: str | None = None


def verification(source: Condition) -> str | None:
    """How sure the condition is: "confirmed", "refuted", "entered-in-error" …"""
    if source.verification_status is None:
        return None
    coding = source.verification_status.coding
    return (coding[0].code if coding else None) or source.verification_status.text


def read(source: Condition, draft: Draft) -> None:
    """Adds a condition at its onset, and its end. Raises Fault."""
    code, words, further = draft.concept(source.code, "code")
    onset = source.onset_period.start if source.onset_period else None
    when = draft.first_of(
        {
            "onsetDateTime": source.onset_date_time,
            "onsetPeriod.start": onset,
            "recordedDate": source.recorded_date,
        },
        "It says neither when it began as a date (onset) nor when it was recorded.",
    )
    known = draft.recorded(source.recorded_date, "recordedDate", when)
    sure = verification(source)
    if sure == "refuted":
        draft.add("CONDITION//refuted", when, known, None, words)
        draft.also((f"{CODING}{code}", *further), when, known)
        return
    draft.add(code, when, known, None, words)
    draft.also(further, when, known)
    if sure:
        draft.add("CONDITION//verification", when, known, None, sure)
    if severity := words_of(source.severity):
        draft.add("CONDITION//severity", when, known, None, severity)
    end = _end(source, draft)
    if end is None and source.clinical_status and _OVER & {c.code for c in source.clinical_status.coding}:
        end = Span(max(when.last, draft.lately), max(when.last, draft.lately))  # since when is not said
    if end:
        draft.add(f"{code}//end", end, max(known, end.last))


def _end(source: Condition, draft: Draft) -> Span | None:
    if source.abatement_date_time:
        return draft.at(source.abatement_date_time, "abatementDateTime")
    period = source.abatement_period or source.onset_period
    return draft.end(period, "abatementPeriod" if source.abatement_period else "onsetPeriod")


def write(events: Sequence[Event]) -> dict[str, Any]:
    """A Condition of these events."""
    more = [event.code for event in events if event.code.startswith(CODING)]
    main = main_of(events, "CONDITION")
    resource: dict[str, Any] = {
        "onsetDateTime": written(main.time),
        "recordedDate": written(main.known_at),
        "code": concept_of(main.code, main.text_value, more),
    }
    over = False
    for event in events:
        text = event.text_value
        if event.code == "CONDITION//refuted":
            resource["verificationStatus"] = {"coding": [{"system": VERIFICATION, "code": "refuted"}]}
            named = [code.removeprefix(CODING) for code in more]
            resource["code"] = concept_of(named[0], text, more[1:]) if named else {"text": text or "unknown"}
        elif event.code == "CONDITION//verification" and text:
            resource["verificationStatus"] = {"coding": [{"system": VERIFICATION, "code": text}]}
        elif event.code == "CONDITION//severity" and text:
            resource["severity"] = {"text": text}
        elif event.code == f"{main.code}//end":
            resource["abatementDateTime"], over = written(event.time), True
    if "refuted" not in str(resource.get("verificationStatus")):
        status = "resolved" if over else "active"
        resource["clinicalStatus"] = {"coding": [{"system": CLINICAL, "code": status}]}
    return resource


def main_of(events: Sequence[Event], ours: str) -> Event:
    """The event that says what it is: the first whose code is neither one of our words nor an end."""
    return next(
        (
            event
            for event in events
            if not event.code.startswith((CODING, f"{ours}//")) and not event.code.endswith("//end")
        ),
        events[0],
    )


class Procedure(Resource):
    """What is read of a Procedure."""

    subject: Reference | None = None
    code: Concept | None = None
    status_reason: Concept | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None


def read_procedure(source: Procedure, draft: Draft) -> None:
    """Adds what was done, or that it was not. Raises Fault."""
    code, words, further = draft.concept(source.code, "code")
    period = source.performed_period
    if source.performed_date_time:
        when = draft.at(source.performed_date_time, "performedDateTime")
    elif period and period.start:
        when = draft.at(period.start, "performedPeriod.start")
    elif period and period.end:
        when = draft.at(period.end, "performedPeriod.end")
    elif source.status in {"not-done", "preparation"}:
        when = draft.first_of({}, "It does not say when it was to be done, nor when that was recorded.")
    else:
        raise Fault("performedDateTime", "It does not say as a date when it was done.")
    known = when.last
    if source.status in {"not-done", "preparation"}:
        draft.also((f"{CODING}{code}", *further), when, known)
    else:
        draft.add(code, when, known, None, words)
        draft.also(further, when, known)
    if source.status != "completed":
        draft.add("PROCEDURE//status", when, known, None, source.status or "unknown")


def write_procedure(events: Sequence[Event]) -> dict[str, Any]:
    """A Procedure of these events."""
    more = [event.code for event in events if event.code.startswith(CODING)]
    main = main_of(events, "PROCEDURE")
    status = next((event.text_value for event in events if event.code == "PROCEDURE//status"), None)
    resource = {"status": status or "completed", "performedDateTime": written(main.time)}
    if status in {"not-done", "preparation"} and more:
        return {**resource, "code": concept_of(more[0].removeprefix(CODING), None, more[1:])}
    return {**resource, "code": concept_of(main.code, main.text_value, more)}
