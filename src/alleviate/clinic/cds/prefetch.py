"""What a client sent along, or its FHIR server gives: resources of one patient, as events beside ours."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from alleviate.clinic.machines.persons import Person
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.reading import Context
from alleviate.records import Entry, Event, Kind, PatientRecord

__all__ = ["Sent", "joined", "resources_of", "sent_of"]

MOST = 2000
"""Resources that are read of one call."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The Patient as it came, and ``entries`` of that patient, as our own reader reads them."""

    person: Person
    entries: tuple[Entry, ...]


def resources_of(prefetch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every resource in the values: resources, and those in the Bundles that searches gave."""
    for value in prefetch.values():
        if not isinstance(value, dict):
            continue
        if value.get("resourceType") != "Bundle":
            yield value
            continue
        entries = value.get("entry")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
                yield entry["resource"]


def sent_of(prefetch: Mapping[str, Any], patient: str, now: datetime) -> Sent:
    """What came about ``patient`` (the client's id). What cannot be read, or is about others, is left out."""
    id = patient.rpartition("/")[2]
    person, entries = None, []
    for resource in list(resources_of(prefetch))[:MOST]:
        if resource.get("resourceType") == "Patient" and resource.get("id") == id:
            person = resource
        entries += [entry for entry in _read(resource, now) if entry.subject_id == id]
    return Sent(Person(person), tuple(entries))


def joined(
    record: PatientRecord | None, sent: Sent, subject_id: str, allowed: Iterable[Kind] | None
) -> PatientRecord:
    """Our record and what came, as one: an entry that we hold is not doubled, a kind denied is left out.

    ``allowed`` None: the person is not known here, so that nothing but what came is used.
    """
    held = {event.entry for event in record.events} if record else set()
    kinds = None if allowed is None else frozenset(allowed)
    new: list[Event] = []
    for entry in sent.entries:
        if entry.ref in held or entry.kind == "consent" or (kinds is not None and entry.kind not in kinds):
            continue
        if record is not None and entry.kind == "person":  # who they are is what our own record says
            continue
        new += [replace(event, subject_id=subject_id) for event in entry.events]
    return PatientRecord(subject_id, [*(record.events if record else ()), *new])


def _read(resource: dict[str, Any], now: datetime) -> Iterator[Entry]:
    try:
        body = msgspec.json.encode(resource)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return
    reader = Reader("a call", Context(now), Library())
    yield from (item for item in reader.read(body, 1) if isinstance(item, Entry))
