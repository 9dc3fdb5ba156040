"""Codes of FHIR's systems as codes of events, and back."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, unquote

from alleviate.intake.fhir.shapes import Concept
from alleviate.terms.codes import SEPARATOR, code

__all__ = ["OUR_CODES", "coded", "codes_of", "coding_of", "concept_of", "others", "words_of"]

OUR_CODES = "urn:alleviate:code"
"""The system of codes that no other system has: the code of the event as it is, percent-encoded."""

NO_SYSTEM, NO_CODE = "LOCAL", "TEXT"
_SNOMED_EDITION = re.compile(r"https?://snomed\.info/sct/.*\Z")


@cache
def _systems() -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """Vocabularies by address; addresses by vocabulary; the vocabularies that may name an event."""
    table = tomllib.loads(files("alleviate.intake.fhir").joinpath("systems.toml").read_text("utf-8"))
    vocabularies: dict[str, list[str]] = table["vocabularies"]
    return (
        {url: name for name, urls in vocabularies.items() for url in urls},
        {name: urls[0] for name, urls in vocabularies.items()},
        frozenset(table["naming"]["known"]),
    )


@lru_cache(maxsize=65536)
def coded(system: str | None, value: str) -> str:
    """The event's code for a code of a system. Raises DataError where it cannot be one."""
    if system == OUR_CODES:
        return unquote(value)
    if not system:
        return code(NO_SYSTEM, value)
    if _SNOMED_EDITION.match(system):
        return code("SNOMED", value)
    return code(_systems()[0].get(system, system), value)


def _is_known(system: str | None) -> bool:
    names, _, known = _systems()
    return system == OUR_CODES or names.get(system or "") in known


def codes_of(concept: Concept | None) -> tuple[str, ...]:
    """The codes of a concept, the one that names the event first; of words alone ``TEXT//the words``."""
    if concept is None:
        return ()
    if len(concept.coding) == 1 and (only := concept.coding[0]).code:
        return (coded(only.system, only.code),)
    named = [coding for coding in concept.coding if coding.code and coding.code.strip()]
    named.sort(key=lambda coding: not _is_known(coding.system))
    codes = dict.fromkeys(coded(coding.system, coding.code or "") for coding in named)
    if codes:
        return tuple(codes)
    words = words_of(concept)
    return (code(NO_CODE, words),) if words else ()


def others(codes: Iterable[str]) -> list[str]:
    """How the further codes of a concept are written as events: ``CODING//SNOMED//…``."""
    return [f"CODING{SEPARATOR}{other}" for other in list(codes)[1:]]


def words_of(concept: Concept | None) -> str | None:
    """How a concept is displayed: its text, else the words of a code, else the code."""
    if concept is None:
        return None
    if concept.text:
        return concept.text
    for coding in concept.coding:
        if coding.display:
            return coding.display
    return next((coding.code for coding in concept.coding if coding.code), None)


def coding_of(text: str) -> dict[str, str]:
    """The coding that `coded` reads as this code of an event."""
    parts = text.split(SEPARATOR)
    if len(parts) == 2:
        name, value = (unquote(part) for part in parts)
        system = None if name == NO_SYSTEM else _systems()[1].get(name, name)
        standard = system is None or ":" in system
        if standard and _plain(value) and coded(system, value) == text:
            return {"code": value} if system is None else {"system": system, "code": value}
    return {"system": OUR_CODES, "code": quote(text, safe="/:*+().,-_")}


def _plain(value: str) -> bool:
    """Whether FHIR allows this text as a code: no white space but single spaces within."""
    return value == " ".join(value.split()) and value.isprintable()


def concept_of(text: str, words: str | None = None, more: Iterable[str] = ()) -> dict[str, Any]:
    """The CodeableConcept of an event's code, with the words and further codes (as `others` writes them)."""
    parts = text.split(SEPARATOR)
    if len(parts) == 2 and parts[0] == NO_CODE:
        concept: dict[str, Any] = {"text": unquote(parts[1])}
    else:
        concept = {"coding": [coding_of(text)]}
    concept.setdefault("coding", []).extend(
        coding_of(other.removeprefix(f"CODING{SEPARATOR}")) for other in more
    )
    if not concept["coding"]:
        del concept["coding"]
    if words:
        concept["text"] = words
    return concept
