"""Resources coming in: one, a batch, or a transaction that is stored as a whole or not at all."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from alleviate.intake.fhir.bundles import questionnaires_in, read_bundle
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.fhir.types import TYPES
from alleviate.intake.reading import Caution, Context, Definition, Refusal
from alleviate.records import Entry
from alleviate.terms.errors import DataError
from alleviate.vault import Access, Vault

__all__ = ["Came", "Parcel", "came", "parcel", "store"]

_FILE = "the request"
_MOST = 5000
_OUR_ID = re.compile(r"[0-9a-f]{32}").fullmatch
_METHODS = ("POST", "PUT")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A request read: what is to be stored, and what is wrong, in its order; ``types``: of its resources.

    ``transaction``: whole or not at all. ``id``: of a resource by itself, what it says.
    """

    items: tuple[Entry | Definition | Refusal, ...]
    types: frozenset[str]
    transaction: bool
    id: str | None

    @property
    def refused(self) -> list[str]:
        return [f"{item.field}: {item.reason}" for item in self.items if isinstance(item, Refusal)]


@dataclass(frozen=True, slots=True)
class Came:
    """One entry as it was answered. ``entry``: what was stored, for its address."""

    entry: Entry | None
    reason: str = ""


def parcel(data: bytes, access: Access, vault: Vault, now: datetime) -> Parcel:
    """Read a resource or a Bundle of the type batch or transaction. Raises DataError for anything else."""
    try:
        head = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise DataError("This is not JSON.", hint="Send FHIR R4 as JSON.") from None
    if not isinstance(head, dict) or not isinstance(head.get("resourceType"), str):
        raise DataError("This is no FHIR resource: it has no resourceType.", hint="Send FHIR R4 as JSON.")
    context = Context(now, definitions=access.definitions())
    library = Library()
    for body in (*context.definitions.values(), *questionnaires_in(data)):
        library.add(body)
    reader = Reader(_FILE, context, library)
    if head["resourceType"] == "Bundle":
        types = _types(head)
        found = list(read_bundle(reader, data, 1))
    else:
        types = frozenset({head["resourceType"]})
        found = list(reader.read(data.strip(), 1))
    if strangers := sorted(types - TYPES.keys() - {"Questionnaire", "Medication"}):
        raise DataError(f"{strangers[0][:40]} is not stored here.", hint=f"Stored are: {', '.join(TYPES)}.")
    items = [_ours(item, vault) for item in found if not isinstance(item, Caution)]
    return Parcel(tuple(items), types, head.get("type") == "transaction", head.get("id"))


def _ours(item: Entry | Definition | Refusal, vault: Vault) -> Entry | Definition | Refusal:
    """The same, about whom its source means where it names a person by the id that we gave them."""
    if not isinstance(item, Entry) or not _OUR_ID(item.subject_id):
        return item
    subject = vault.source_id(item.subject_id)
    if subject is None:
        return item
    events = tuple(replace(event, subject_id=subject) for event in item.events)
    return replace(item, subject_id=subject, events=events)


def store(access: Access, read: Parcel, now: datetime) -> list[Came]:
    """Store all that could be read, in one step, and say of each what became of it."""
    definitions = [(item.ref, item.body) for item in read.items if isinstance(item, Definition)]
    if definitions:
        access.put_definitions(definitions)
    entries = [item for item in read.items if isinstance(item, Entry)]
    gone = set(access.store(now, entries=entries).tally.erased) if entries else set[str]()
    return [came(item, gone) for item in read.items]


def came(item: Entry | Definition | Refusal, gone: set[str]) -> Came:
    if isinstance(item, Refusal):
        return Came(None, f"{item.field}: {item.reason}")
    if isinstance(item, Definition):
        return Came(None)
    if item.ref in gone:
        return Came(None, "The person was erased; what is about them is not stored again.")
    return Came(item)


def _types(bundle: dict[str, Any]) -> frozenset[str]:
    """Of what a batch or transaction holds. Raises DataError for a bundle that is no request."""
    if bundle.get("type") not in ("batch", "transaction"):
        raise DataError(
            f"A Bundle sent here is a batch or a transaction, got {str(bundle.get('type'))[:40]!r}.",
            hint="Say so in Bundle.type.",
        )
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > _MOST:
        raise DataError(f"A Bundle has a list of at most {_MOST:,} entries.", hint="Send several.")
    types = set()
    for place, entry in enumerate(entries):
        request = entry.get("request") if isinstance(entry, dict) else None
        method = request.get("method") if isinstance(request, dict) else None
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if method not in _METHODS or not isinstance(resource, dict):
            raise DataError(
                f"Bundle.entry[{place}] is a resource with a request of the method POST or PUT, got "
                f"{str(method)[:20]!r}.",
                hint="Nothing is deleted or patched here: send it with the status entered-in-error.",
            )
        types.add(str(resource.get("resourceType")))
    return frozenset(types)
