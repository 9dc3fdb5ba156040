"""SMART scopes of systems: what a token may read, as SMART 1 (``.read``) and SMART 2 (``.rs``) write it.

Source: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from alleviate.terms.errors import InputError

__all__ = ["Scope", "granted", "permits", "scope_of", "scopes_of"]

_SCOPE = re.compile(r"system/(?P<type>\*|[A-Z][A-Za-z]{1,63})\.(?P<rights>[a-z*]{1,6})\Z")
_OLD = {"read": "rs", "write": "cud", "*": "cruds"}
_ALL = "cruds"
MOST = 64
"""Scopes in one request."""


@dataclass(frozen=True, slots=True)
class Scope:
    """``type``: a FHIR resource type or "*"; ``rights``: letters of "cruds" in that order."""

    type: str
    rights: str

    def __str__(self) -> str:
        return f"system/{self.type}.{self.rights}"


def scope_of(text: str) -> Scope:
    """Reads one scope. Raises InputError for what is none, or is for a user or a patient."""
    found = _SCOPE.match(text)
    rights = _OLD.get(found["rights"], found["rights"]) if found else ""
    if not found or not re.fullmatch("c?r?u?d?s?", rights) or not rights:
        raise InputError(
            f"{text[:80]!r} is no scope of a system.", hint="Like system/*.rs or system/Patient.read"
        )
    return Scope(found["type"], rights)


def scopes_of(text: str) -> tuple[Scope, ...]:
    """Reads scopes with spaces between. Raises InputError."""
    words = text.split()
    if not 1 <= len(words) <= MOST:
        raise InputError(f"Expected 1 to {MOST} scopes, got {len(words)}.", hint="Like system/*.rs")
    return tuple(dict.fromkeys(map(scope_of, words)))


def granted(asked: Iterable[Scope], registered: Iterable[Scope]) -> tuple[Scope, ...]:
    """What of ``asked`` the registration holds: each pair's narrower type and common rights."""
    held = list(registered)
    found: dict[str, set[str]] = {}
    for one in asked:
        for other in held:
            if one.type != other.type and "*" not in (one.type, other.type):
                continue
            type = other.type if one.type == "*" else one.type
            found.setdefault(type, set()).update(set(one.rights) & set(other.rights))
    kept = [Scope(type, _in_order(rights)) for type, rights in sorted(found.items()) if rights]
    whole = next((set(scope.rights) for scope in kept if scope.type == "*"), set())
    return tuple(scope for scope in kept if scope.type == "*" or not set(scope.rights) <= whole)


def permits(scopes: Iterable[str], type: str, right: str) -> bool:
    """Whether a token with these scopes may do ``right`` ("r" read, "s" search, "c" create…) to a type.

    ``type`` "*" asks for every type: for a whole export.
    """
    return any(scope.type in ("*", type) and right in scope.rights for scope in map(scope_of, scopes))


def _in_order(rights: set[str]) -> str:
    return "".join(letter for letter in _ALL if letter in rights)
