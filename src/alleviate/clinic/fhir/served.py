"""A record as this server's resources: under ids of ours, each of which says whose resource it is.

A Patient's id is our id of the person; that of any other resource is ``<our id>.<31 hex digits>`` of what the
source calls it. What the source calls it stands as an identifier (``urn:alleviate:entry``), so that whoever
reads the resource in again has the same entry.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from alleviate.intake.fhir.contacts import OUR_ENTRY
from alleviate.intake.fhir.subjects import OUR_SUBJECT
from alleviate.intake.fhir.types import TYPES, type_for
from alleviate.intake.fhir.writing import resources_of
from alleviate.records import Entry, Kind, PatientRecord

__all__ = ["address", "kinds_of", "patient_in", "resources"]

_DIGITS = 31
_NEVER = datetime.min.replace(tzinfo=UTC)
_OBSERVED: tuple[Kind, ...] = ("measurement", "sensor", "genetic", "preference", "questionnaire")

Resource = dict[str, Any]


def patient_in(id: str) -> str:
    """Whose resource it is by its id, ours; what is no id of ours comes back as it is."""
    return id.partition(".")[0]


def kinds_of(type: str) -> tuple[Kind, ...]:
    """The kinds of data that this type of resource can hold: no others are read for it."""
    return _OBSERVED if type == "Observation" else ("person", TYPES[type].kind)


def address(entry: Entry, patient: str) -> str:
    """Where the resource of an entry is read, below the server's base."""
    type = type_for(entry.ref, entry.kind).name
    own = type == "Patient" and entry.ref == f"Patient/{entry.subject_id}"
    return f"Patient/{patient}" if own else f"{type}/{patient}.{_digest(entry.ref)}"


def resources(record: PatientRecord, patient: str, only: Collection[str] | None = None) -> Iterator[Resource]:
    """What stands in the record, the Patient first; of these entries ``only``, None: of all.

    ``patient``: our id of the person.
    """
    known: defaultdict[str, datetime] = defaultdict(lambda: _NEVER)
    for event in record.events:
        if event.known_until is None:
            known[event.entry] = max(known[event.entry], event.known_at)
    found = list(resources_of(record))
    names: dict[str, str] = {}
    left_out: set[str] = set()
    for resource in found:
        own = f"{resource['resourceType']}/{resource['id']}"
        ref = _stated(resource) or own
        if resource["resourceType"] == "Patient":
            id = patient if not names else f"{patient}.{_digest(ref)}"
            _called(resource, OUR_SUBJECT, record.subject_id)
        else:
            id = f"{patient}.{_digest(ref)}"
            _called(resource, OUR_ENTRY, ref)
        if ref in known:
            resource.setdefault("meta", {})["lastUpdated"] = known[ref].isoformat()
        names[own] = f"{resource['resourceType']}/{id}"
        resource["id"] = id
        if only is not None and ref in known and ref not in only:
            left_out.add(names[own])
    exact = {"identifier": {"system": OUR_SUBJECT, "value": record.subject_id}}
    for resource in found:
        if f"{resource['resourceType']}/{resource['id']}" not in left_out:
            _renamed(resource, names, exact)
            yield resource


def _stated(resource: Resource) -> str | None:
    """The entry's ref, where the resource's own id could not hold it."""
    given = resource.get("identifier", [])
    for one in given if isinstance(given, list) else [given]:
        if one.get("system") == OUR_ENTRY:
            return str(one["value"])
    return None


def _called(resource: Resource, system: str, value: str) -> None:
    """Add an identifier of this system unless it has one."""
    one = {"system": system, "value": value}
    if resource["resourceType"] == "QuestionnaireResponse":
        resource.setdefault("identifier", one)
        return
    given = resource.setdefault("identifier", [])
    if not any(each.get("system") == system for each in given):
        given.append(one)


def _renamed(part: Any, names: dict[str, str], exact: Resource) -> None:
    """References within this record, under the ids here; to the person, as the source calls them too."""
    if isinstance(part, dict):
        reference = part.get("reference")
        if isinstance(reference, str) and reference in names:
            part["reference"] = names[reference]
            if reference.startswith("Patient/"):
                part |= exact
        for each in list(part.values()):
            _renamed(each, names, exact)
    elif isinstance(part, list):
        for each in part:
            _renamed(each, names, exact)


def _digest(ref: str) -> str:
    return hashlib.sha256(ref.encode()).hexdigest()[:_DIGITS]
