"""Encounter and EpisodeOfCare: each contact, and the course of treatment that it belongs to."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from msgspec import field

from alleviate.intake.fhir.coding import words_of
from alleviate.intake.fhir.draft import AHEAD, Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import Span, days, moment, written
from alleviate.intake.fhir.people import named, pointing
from alleviate.intake.fhir.shapes import Coding, Concept, Period, Quantity, Reference, Resource, Shape
from alleviate.intake.fhir.subjects import local_id
from alleviate.intake.fhir.values import UCUM
from alleviate.records import Event

__all__ = ["OUR_ENTRY", "Encounter", "EpisodeOfCare", "read", "read_episode", "write", "write_episode"]

_PEOPLE = {None, "Practitioner", "PractitionerRole"}
_MINUTES = {"min": 1.0, "h": 60.0, "s": 1 / 60, "d": 1440.0}
OUR_ENTRY = "urn:alleviate:entry"
"""The system of identifiers that hold an entry's ref exactly."""


class Participant(Shape):
    """Who was there."""

    individual: Reference | None = None


class Encounter(Resource):
    """What is read of an Encounter."""

    subject: Reference | None = None
    encounter_class: Coding | None = field(name="class", default=None)
    type: tuple[Concept, ...] = ()
    service_type: Concept | None = None
    period: Period | None = None
    length: Quantity | None = None
    participant: tuple[Participant, ...] = ()
    reason_code: tuple[Concept, ...] = ()
    episode_of_care: tuple[Reference, ...] = ()


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("alleviate.intake.fhir").joinpath("contacts.toml").read_text("utf-8"))


def read(source: Encounter, draft: Draft) -> None:
    """Adds whether somebody came, and to whom. Raises Fault."""
    state = _table()["states"].get(source.status or "")
    if state is None:
        raise Fault("status", f'"{(source.status or "")[:40]}" does not say whether somebody came.')
    if state in {"cancelled", "attended"} and _missed((*source.reason_code, *source.type)):
        state = "missed"
    words = next((text for text in map(words_of, (*source.type, source.service_type)) if text), None)
    if words is None and source.encounter_class:
        words = source.encounter_class.display
    when, date = _when(source, state, draft)
    known = when.last
    draft.add(f"SESSION//{state}", when, known, date, words)
    for place, one in enumerate(source.participant):
        target = one.individual
        literal = local_id(target.reference) if target and target.reference else None
        if target and (literal[0] if literal else target.type) in _PEOPLE:
            if who := named(target):
                draft.add("SESSION//therapist", when, known, None, who)
            else:
                draft.caution(f"participant[{place}]", "The participant is not named.")
    end = draft.end(source.period, "period")
    if state == "attended" and (minutes := _minutes(source, when, end)) is not None:
        done = end.last if end else when.last + timedelta(minutes=minutes)
        draft.add("SESSION//minutes", when.first, done, minutes)
    for reference in source.episode_of_care:
        if ref := _entry(reference):
            draft.add("SESSION//episode", when, known, None, ref)


def _missed(concepts: Iterable[Concept]) -> bool:
    coded = {(coding.system, coding.code) for concept in concepts for coding in concept.coding}
    return any((one["system"], one["code"]) in coded for one in _table()["missed"])


def _when(source: Encounter, state: str, draft: Draft) -> tuple[Span, float | None]:
    """When it was, or was booked; and the date of one that lay ahead when it was."""
    start = source.period.start if source.period else None
    booked = Span(draft.lately, draft.lately)
    if not start:
        if state == "planned":
            return booked, None
        raise Fault("period.start", "It does not say when it was.")
    if state == "planned":
        return booked, days(moment(start, "period.start").first)
    if state == "cancelled" and moment(start, "period.start").first - draft.now > AHEAD:
        return booked, days(moment(start, "period.start").first)
    return draft.at(start, "period.start"), None


def _minutes(source: Encounter, when: Span, end: Span | None) -> float | None:
    length = source.length
    if length is not None and length.value is not None and (length.code or length.unit) in _MINUTES:
        return length.value * _MINUTES[length.code or length.unit or ""]
    started = source.period.start if source.period else None
    if end is None or "T" not in (started or "") or "T" not in ((source.period and source.period.end) or ""):
        return None
    if end.first < when.first:
        raise Fault("period.end", "It ends before it starts.")
    return (end.first - when.first) / timedelta(minutes=1)


def _entry(reference: Reference) -> str | None:
    if reference.identifier and reference.identifier.system == OUR_ENTRY:
        return reference.identifier.value
    literal = local_id(reference.reference or "")
    return f"{literal[0]}/{literal[1]}" if literal else reference.display


def write(events: Sequence[Event]) -> dict[str, Any]:
    """An Encounter of these events."""
    resource: dict[str, Any] = {"class": {"system": _table()["class"], "code": "AMB"}}
    for event in events:
        what, text, number = event.code.removeprefix("SESSION//"), event.text_value, event.numeric_value
        if what in _table()["written"]:
            resource["status"] = _table()["written"][what]
            start = event.time
            if number is not None and abs(number) < 1e6:
                start = moment("1970-01-01", "").first + timedelta(days=number)
                resource["meta"] = {"lastUpdated": written(event.time)}
            if what != "planned" or number is not None:
                resource.setdefault("period", {})["start"] = written(start)
            else:
                resource["meta"] = {"lastUpdated": written(event.time)}
            if text:
                resource["type"] = [{"text": text}]
            if what == "missed":
                resource["reasonCode"] = [{"coding": [_table()["missed"][0]]}]
        elif what == "therapist" and text:
            resource.setdefault("participant", []).append({"individual": pointing("Practitioner", text)})
        elif what == "minutes" and number is not None:
            resource["length"] = {"value": number, "unit": "min", "system": UCUM, "code": "min"}
            resource.setdefault("period", {})["end"] = written(event.known_at)
        elif what == "episode" and text:
            resource.setdefault("episodeOfCare", []).append(entry_reference("EpisodeOfCare", text))
    if "status" not in resource:
        resource |= {"status": "unknown", "period": {"start": written(events[0].time)}}
    return resource


def entry_reference(type: str, ref: str) -> dict[str, Any]:
    """A reference that is read as this ref of an entry."""
    literal = local_id(ref)
    if literal and literal[0] == type and pointing(*literal) == {"reference": ref}:
        return {"reference": ref}
    return {"type": type, "identifier": {"system": OUR_ENTRY, "value": ref}}


class EpisodeOfCare(Resource):
    """What is read of an EpisodeOfCare."""

    patient: Reference | None = None
    type: tuple[Concept, ...] = ()
    period: Period | None = None
    care_manager: Reference | None = None


def read_episode(source: EpisodeOfCare, draft: Draft) -> None:
    """Adds the start of a course of treatment, who led it, and its end. Raises Fault."""
    start = source.period.start if source.period else None
    if source.status in {"planned", "waitlist"}:
        draft.caution("status", f"The course of treatment is {source.status}: it has not begun.")
        return
    if not start:
        raise Fault("period.start", "It does not say when it began.")
    when = draft.at(start, "period.start")
    words = next((text for text in map(words_of, source.type) if text), None)
    draft.add("EPISODE//start", when, when.last, None, words)
    if who := named(source.care_manager):
        draft.add("EPISODE//therapist", when, when.last, None, who)
    if end := draft.end(source.period, "period"):
        draft.add("EPISODE//end", end, end.last, None, _table()["endings"].get(source.status or ""))


def write_episode(events: Sequence[Event]) -> dict[str, Any]:
    """An EpisodeOfCare of these events."""
    resource: dict[str, Any] = {"status": "active", "period": {"start": written(events[0].time)}}
    for event in events:
        text = event.text_value
        if event.code == "EPISODE//start":
            resource["period"]["start"] = written(event.time)
            if text:
                resource["type"] = [{"text": text}]
        elif event.code == "EPISODE//therapist" and text:
            resource["careManager"] = pointing("Practitioner", text)
        elif event.code == "EPISODE//end":
            endings = {reason: status for status, reason in _table()["endings"].items()}
            resource["status"] = endings.get(text, "finished")
            resource["period"]["end"] = written(event.time)
    if resource["status"] != "active":
        started = {"status": "active", "period": dict(resource["period"])}
        resource["statusHistory"] = [started]
    return resource
