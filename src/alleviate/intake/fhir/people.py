"""Patient: who somebody is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from alleviate.intake.fhir.coding import words_of
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import Span, written, written_date
from alleviate.intake.fhir.shapes import Concept, Extension, Identifier, Period, Reference, Resource, Shape
from alleviate.intake.fhir.subjects import local_id
from alleviate.records import Event
from alleviate.terms.codes import SEPARATOR, code

__all__ = ["SYNTHETIC", "TEST_DATA", "Patient", "named", "pointing", "read", "write"]

SYNTHETIC = "PERSON//synthetic"
"""The event of those who never were."""

TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
"""The security label of health data for tests."""

BEFORE_ALL = datetime(1900, 1, 1, tzinfo=UTC)
"""From when on what holds since birth is known where the birth is not."""

OURS = "urn:alleviate:"
ANIMAL = "http://hl7.org/fhir/StructureDefinition/patient-animal"


class Name(Shape):
    """A HumanName."""

    use: str | None = None
    family: str | None = None
    given: tuple[str, ...] = ()
    text: str | None = None


class Telecom(Shape):
    """A ContactPoint."""

    system: str | None = None
    value: str | None = None


class Address(Shape):
    """Where somebody lives."""

    text: str | None = None
    line: tuple[str, ...] = ()
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    period: Period | None = None


class Language(Shape):
    """A language that somebody speaks."""

    language: Concept | None = None
    preferred: bool = False


class Link(Shape):
    """Another record of the same person."""

    type: str | None = None
    other: Reference | None = None


class Patient(Resource):
    """What is read of a Patient."""

    identifier: tuple[Identifier, ...] = ()
    name: tuple[Name, ...] = ()
    telecom: tuple[Telecom, ...] = ()
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    address: tuple[Address, ...] = ()
    marital_status: Concept | None = None
    communication: tuple[Language, ...] = ()
    managing_organization: Reference | None = None
    link: tuple[Link, ...] = ()
    extension: tuple[Extension, ...] = ()


_NAMES = ("official", "usual", None, "temp", "nickname", "anonymous")
_PHONES = {"phone": "phone", "sms": "phone", "email": "email"}
_SEXES = frozenset({"female", "male", "other", "unknown"})


def read(source: Patient, draft: Draft) -> None:
    """Adds what is known of a person. Raises Fault."""
    if any(extension.url == ANIMAL for extension in source.extension):
        raise Fault("extension", "It is an animal, not a person.")
    born = Span(BEFORE_ALL, BEFORE_ALL)
    if source.birth_date:
        born = draft.at(source.birth_date, "birthDate")
        partial = source.birth_date if len(source.birth_date) < len("1970-01-01") else None
        draft.add("MEDS_BIRTH", born, born.last, None, partial)
    if source.gender:
        if source.gender not in _SEXES:
            raise Fault("gender", f'Expected female, male, other or unknown, got "{source.gender[:40]}".')
        draft.add("PERSON//sex", born, born.last, None, source.gender)
    for what, text in _identifying(source):
        draft.add(what, born, born.last, None, text)
    labels = (*source.meta.security, *source.meta.tag) if source.meta else ()
    if any((label.system, label.code) == (TEST_DATA["system"], TEST_DATA["code"]) for label in labels):
        draft.add(SYNTHETIC, born, born.last, None, "yes")
    if words := words_of(source.marital_status):
        draft.add("PERSON//marital", draft.lately, draft.lately, None, words)
    if site := named(source.managing_organization):
        draft.add("PERSON//site", draft.lately, draft.lately, None, site)
    _death(source, draft)
    for place, link in enumerate(source.link):
        if link.type == "replaced-by":
            other = (link.other and link.other.reference) or "another record"
            draft.caution(f"link[{place}]", f"This record was replaced by {other}: the two were not merged.")


def _death(source: Patient, draft: Draft) -> None:
    if source.deceased_date_time:
        died = draft.at(source.deceased_date_time, "deceasedDateTime")
        draft.add("MEDS_DEATH", died, died.last)
    elif source.deceased_boolean:
        draft.add("MEDS_DEATH", draft.lately, draft.lately)
        draft.caution("deceasedBoolean", "The day of death is not given: it is taken from the last change.")


def _identifying(source: Patient) -> list[tuple[str, str]]:
    said: list[tuple[str, str | None]] = []
    if name := min(source.name, key=_preference, default=None):
        given = " ".join(name.given) or None
        said += [("PERSON//family", name.family or (None if given else name.text)), ("PERSON//given", given)]
    said += [(f"PERSON//{_PHONES[t.system or '']}", t.value) for t in source.telecom if t.system in _PHONES]
    said += [("PERSON//address", _written_out(address)) for address in source.address]
    chosen = min(source.communication, key=lambda one: not one.preferred, default=None)
    if chosen and chosen.language:
        coding = chosen.language.coding
        said.append(
            ("PERSON//language", coding[0].code if coding and coding[0].code else chosen.language.text)
        )
    said += [
        (code("PERSON", "identifier", one.system or "local"), one.value)
        for one in source.identifier
        if not (one.system or "").startswith(OURS)
    ]
    return list(dict.fromkeys((what, text) for what, text in said if text))


def _preference(name: Name) -> int:
    return _NAMES.index(name.use) if name.use in _NAMES else len(_NAMES)


def _written_out(address: Address) -> str | None:
    parts = (*address.line, address.postal_code, address.city, address.state, address.country)
    return address.text or ", ".join(part for part in parts if part) or None


def named(reference: Reference | None) -> str | None:
    """How a therapist or a site is named: by the id in the reference, which stays the same, else in words."""
    if reference is None:
        return None
    if reference.reference and (literal := local_id(reference.reference)):
        return literal[1]
    if reference.identifier and reference.identifier.value:
        return reference.identifier.value
    return reference.display or None


def write(events: Sequence[Event]) -> dict[str, Any]:
    """A Patient of these events."""
    resource: dict[str, Any] = {"identifier": [], "telecom": [], "address": []}
    name: dict[str, Any] = {}
    for event in events:
        text, what = event.text_value or "", event.code.removeprefix("PERSON//")
        if event.code == "MEDS_BIRTH":
            resource["birthDate"] = text or written_date(event.time)
        elif event.code == "MEDS_DEATH":
            resource["deceasedDateTime"] = written(event.time)
        elif what in {"sex", "language", "marital", "site"} and text:
            resource |= _fact(what, text)
            if what in {"marital", "site"}:
                resource["meta"] = {"lastUpdated": written(event.time)}
        elif what == "family":
            name["family"] = text
        elif what == "given":
            name["given"] = [text]
        elif what in {"phone", "email"}:
            resource["telecom"].append({"system": what, "value": text})
        elif what == "address":
            resource["address"].append({"text": text})
        elif what.startswith(f"identifier{SEPARATOR}"):
            system = unquote(what.split(SEPARATOR)[1])
            one = {} if system == "local" else {"system": system}
            resource["identifier"].append({**one, "value": text})
    resource["name"] = [name] if name else []
    return {key: value for key, value in resource.items() if value}


def _fact(what: str, text: str) -> dict[str, Any]:
    if what == "sex":
        return {"gender": text} if text in _SEXES else {}
    if what == "language":
        language = {"coding": [{"system": "urn:ietf:bcp:47", "code": text}]}
        return {"communication": [{"language": language, "preferred": True}]}
    if what == "marital":
        return {"maritalStatus": {"text": text}}
    return {"managingOrganization": pointing("Organization", text)}


def pointing(type: str, id: str) -> dict[str, Any]:
    """A reference that `named` reads as this id or these words."""
    if (
        id
        and len(id) <= 64
        and all(letter.isascii() and (letter.isalnum() or letter in "-.") for letter in id)
    ):
        return {"reference": f"{type}/{id}"}
    return {"display": id}
