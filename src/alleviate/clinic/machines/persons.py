"""Which patient of ours another system means. A doubtful match is none: the wrong person would do harm."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alleviate.records import PatientRecord
from alleviate.vault import Access, Vault

__all__ = ["Person", "by_id", "other_birth", "whom"]

_OURS = re.compile(r"[0-9a-f]{32}\Z")
_MOST = 5
"""Identifiers that are looked up."""


@dataclass(frozen=True, slots=True)
class Person:
    """A Patient resource as another system has it; None where it did not come."""

    resource: Mapping[str, Any] | None

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The values by which other systems name the patient."""
        listed = (self.resource or {}).get("identifier")
        values = (
            [one.get("value") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        )
        return tuple(value for value in values if isinstance(value, str) and value.strip())

    @property
    def born(self) -> str:
        """The date of birth as it came ("1970-05-01", "1970"), or ""."""
        found = (self.resource or {}).get("birthDate")
        return found if isinstance(found, str) else ""


def by_id(vault: Vault, patient_id: str, *, ours: bool = True) -> str | None:
    """Our id of whom another system's ``patient_id`` names: the source's id, or one that may be ``ours``."""
    id = patient_id.removeprefix("Patient/")
    return vault.our_id(id) or (id if ours and _OURS.match(id) else None)


def whom(vault: Vault, access: Access, person: Person) -> str | None:
    """Our id of whom the resource names by identifiers, which all lead to one person and no other.

    Only with a date of birth beside them, for `other_birth` to compare.
    """
    if not person.born:
        return None
    found = {id for value in person.identifiers[:_MOST] for id in access.find(value)}
    return vault.our_id(found.pop()) if len(found) == 1 else None


def other_birth(record: PatientRecord, person: Person, *, needed: bool) -> bool:
    """Whether the dates of birth contradict each other; or, where they are ``needed``, one is missing."""
    ours = next((_born(e.time, e.text_value) for e in record.events if _stands(e.code, e.known_until)), "")
    if not person.born or not ours:
        return needed
    length = min(len(ours), len(person.born))
    return ours[:length] != person.born[:length]


def _stands(code: str, until: datetime | None) -> bool:
    return code == "MEDS_BIRTH" and until is None


def _born(time: datetime, words: str | None) -> str:
    return words or f"{time:%Y-%m-%d}"
