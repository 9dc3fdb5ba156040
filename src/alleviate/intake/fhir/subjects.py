"""Whom a resource is about: references to a Patient, in all the ways that FHIR allows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.shapes import Identifier, Reference, Shape

__all__ = ["OUR_SUBJECT", "Contained", "Neighbours", "identified", "local_id"]

OUR_SUBJECT = "urn:alleviate:subject"
"""The system of identifiers that hold a subject_id exactly, whatever FHIR allows in an id."""

_LITERAL = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([^/?#|\s]+)(?:/_history/[^/]+)?\Z")
_BY_IDENTIFIER = re.compile(r"(?:.*/)?Patient\?identifier=([^&]+)\Z")


class Contained(Shape):
    """What is read of a contained resource, or of one that stands beside: who it is."""

    resource_type: str | None = None
    id: str | None = None
    identifier: tuple[Identifier, ...] | Identifier = ()


@lru_cache(maxsize=8192)
def local_id(reference: str) -> tuple[str, str] | None:
    """Type and id of a reference to one resource, relative or absolute; None for any other."""
    literal = _LITERAL.match(reference)
    return (literal[1], literal[2]) if literal else None


def identified(identifiers: Iterable[Identifier]) -> str | None:
    """How a person without an id is named: the first identifier as ``system|value``, or ours exactly."""
    for one in identifiers:
        if one.system == OUR_SUBJECT and one.value:
            return one.value
    return next((f"{one.system or ''}|{one.value}" for one in identifiers if one.value), None)


@dataclass(slots=True)
class Neighbours:
    """The resources that stand in the same bundle, as far as others refer to them.

    ``patients``: ids by fullUrl and by ``system|value``; ``medications``: the JSON of each by "Medication/1"
    and by fullUrl.
    """

    patients: dict[str, str] = field(default_factory=dict)
    medications: dict[str, bytes] = field(default_factory=dict)

    def person(self, reference: Reference | None, name: str, contained: Iterable[msgspec.Raw]) -> str:
        """The id of the person that a reference at the element ``name`` means. Raises Fault."""
        if reference is None:
            raise Fault(name, "It does not say whom it is about.")
        ours = reference.identifier
        if ours is not None and ours.system == OUR_SUBJECT and ours.value:
            return ours.value
        if (target := reference.reference) is None:
            if ours is not None and ours.value and reference.type in {None, "Patient"}:
                key = f"{ours.system or ''}|{ours.value}"
                return self.patients.get(key, key)
            raise Fault(name, "It does not say whom it is about: the reference is empty.")
        if (known := self.patients.get(target)) is not None:
            return known
        if literal := local_id(target):
            if literal[0] == "Patient":
                return literal[1]
            raise Fault(f"{name}.reference", f"It is about a {literal[0]}, not about a person.")
        if conditional := _BY_IDENTIFIER.match(target):
            key = unquote(conditional[1])
            return self.patients.get(key, key)
        if target.startswith("#"):
            return self._contained(target[1:], name, contained)
        raise Fault(f"{name}.reference", f'"{target[:80]}" names no person that can be found here.')

    def _contained(self, id: str, name: str, contained: Iterable[msgspec.Raw]) -> str:
        for raw in contained:
            inner = msgspec.json.decode(raw, type=Contained)
            if inner.id == id and inner.resource_type == "Patient":
                identifiers = inner.identifier if isinstance(inner.identifier, tuple) else (inner.identifier,)
                if key := identified(identifiers):
                    return self.patients.get(key, key)
                raise Fault(f"{name}.reference", "It is about a contained Patient who has no identifier.")
            if inner.id == id:
                what = inner.resource_type or "resource"
                raise Fault(f"{name}.reference", f"It is about a {what}, not about a person.")
        raise Fault(f"{name}.reference", f'No contained resource has the id "{id[:64]}".')
