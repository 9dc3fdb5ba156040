"""Records as FHIR: each entry a resource that reads as that entry again."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import msgspec

from alleviate.intake.fhir.contacts import OUR_ENTRY
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.own import KIND, differences
from alleviate.intake.fhir.people import SYNTHETIC, TEST_DATA
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.fhir.subjects import OUR_SUBJECT
from alleviate.intake.fhir.types import TYPES, ResourceType, type_for
from alleviate.intake.reading import Context
from alleviate.records import Entry, Event, PatientRecord

__all__ = ["bundle", "resources_of", "write"]

_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}\Z")
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
_LISTED = frozenset(TYPES) - {"QuestionnaireResponse"}


def write(records: Iterable[PatientRecord], folder: Path) -> list[Path]:
    """Writes what stands in the records into ``folder``, a file a type of resource, and returns the files.

    A resource a line; persons in the order of the records. Memory holds one record at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, IO[bytes]] = {}
    with ExitStack() as stack:
        for record in records:
            for resource in resources_of(record):
                name = resource["resourceType"]
                if name not in files:
                    files[name] = stack.enter_context((folder / f"{name}.ndjson").open("wb"))
                files[name].write(msgspec.json.encode(resource) + b"\n")
    return [folder / f"{name}.ndjson" for name in TYPES if name in files]


def bundle(record: PatientRecord) -> dict[str, Any]:
    """What stands in one record as a Bundle of the type collection."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": resource} for resource in resources_of(record)],
    }


def resources_of(record: PatientRecord) -> Iterator[dict[str, Any]]:
    """The resources of one record, the Patient first; then by type and ref.

    Events without an entry are taken as one entry each whose ref is made from what they say.
    """
    standing = [event for event in record.events if event.known_until is None]
    synthetic = any(event.code == SYNTHETIC for event in standing)
    entries = [
        (type_for(ref, kind), ref, kind, tuple(events))
        for (ref, kind), events in groupby(sorted(standing, key=_entry), key=_entry)
    ]
    order = list(TYPES.values())
    entries.sort(key=lambda one: (order.index(one[0]), one[1]))
    person = f"Patient/{_person(record.subject_id)}"
    if not any(type.name == "Patient" and ref == person for type, ref, *_ in entries):
        entries.insert(0, (TYPES["Patient"], person, "person", ()))
    for type, ref, kind, events in entries:
        yield _resource(record.subject_id, type, ref, kind, events, synthetic)


def _entry(event: Event) -> tuple[str, Any]:
    said = (event.time, event.known_at, event.code, event.numeric_value, event.text_value, event.kind)
    return event.entry or _digest("event", event.subject_id, *map(str, said)), event.kind


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _person(subject_id: str) -> str:
    """The id of a person's Patient."""
    return subject_id if _ID.match(subject_id) else _digest("subject", subject_id)


def _reference(subject_id: str) -> dict[str, Any]:
    id = _person(subject_id)
    exact = {} if id == subject_id else {"identifier": {"system": OUR_SUBJECT, "value": subject_id}}
    return {"reference": f"Patient/{id}", **exact}


def _own_id(type: ResourceType, ref: str) -> str | None:
    """The id within a ref of this type, if FHIR allows it."""
    name, _, id = ref.partition("/")
    return id if name == type.name and _ID.match(id) else None


def _labelled(resource: dict[str, Any], synthetic: bool) -> dict[str, Any]:
    if synthetic:
        meta = resource.setdefault("meta", {})
        meta["security"] = [TEST_DATA]
        if resource["resourceType"] == "Patient":
            meta["tag"] = [{"system": "urn:alleviate:tag", "code": "synthetic", "display": "Nobody real"}]
    return resource


def _resource(
    subject_id: str, type: ResourceType, ref: str, kind: Any, events: tuple[Event, ...], synthetic: bool
) -> dict[str, Any]:
    """The resource of one entry; what its elements cannot say stands in our extension."""
    id = _own_id(type, ref)
    content = type.write(events)
    resource: dict[str, Any] = {"resourceType": type.name, "id": id or _digest("entry", ref), **content}
    if type.name == "Patient":
        if resource["id"] != subject_id:
            _identify(resource, OUR_SUBJECT, subject_id)
            if resource["id"] != _person(subject_id):
                resource["link"] = [{"other": _reference(subject_id), "type": "seealso"}]
    else:
        resource[type.about] = _reference(subject_id)
    if id is None:
        _identify(resource, OUR_ENTRY, ref)
    _labelled(resource, synthetic)
    meant = [replace(event, entry=ref) for event in events]
    entry = _read_back(resource)
    extensions: list[dict[str, Any]] = []
    if entry is None or entry.kind != kind:
        extensions.append({"url": KIND, "valueCode": kind})
    if extensions:
        resource["extension"] = extensions
        entry = _read_back(resource)
    if missing := differences(meant, entry.events if entry else ()):
        resource["extension"] = [*extensions, *missing]
    return resource


def _identify(resource: dict[str, Any], system: str, value: str) -> None:
    one = {"system": system, "value": value}
    if resource["resourceType"] in _LISTED:
        resource.setdefault("identifier", []).append(one)
    else:
        resource["identifier"] = one


def _read_back(resource: dict[str, Any]) -> Entry | None:
    reader = Reader("", Context(_END_OF_TIME), Library())
    items = reader.read(msgspec.json.encode(resource), 1)
    return next((item for item in items if isinstance(item, Entry)), None)
