"""Bundles: the resources in them, where each stands, and what they call each other."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from alleviate.intake.fhir.resources import Reader, explained
from alleviate.intake.fhir.shapes import Identifier, Shape
from alleviate.intake.fhir.subjects import Contained, Neighbours
from alleviate.intake.reading import Caution, Item, Refusal

__all__ = ["is_bundle", "questionnaires_in", "read_bundle"]

_BUNDLE = re.compile(rb'"resourceType"\s*:\s*"Bundle"')
_UUID = re.compile(r"urn:uuid:(.+)\Z")
DEEPEST = 8
"""How many bundles may lie in each other."""


class Request(Shape):
    """What a transaction does with an entry."""

    method: str | None = None
    url: str | None = None


class Part(Shape):
    """An entry of a bundle."""

    full_url: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    request: Request | None = None


class Bundle(Shape):
    """A bundle, its resources not yet read."""

    resource_type: str | None = None
    type: str | None = None
    entry: tuple[msgspec.Raw, ...] = ()


_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def is_bundle(data: bytes) -> bool:
    """Whether this JSON is a bundle itself."""
    if not _BUNDLE.search(data):
        return False
    try:
        return msgspec.json.decode(data, type=Contained).resource_type == "Bundle"
    except _BROKEN:
        return False


def questionnaires_in(data: bytes) -> Iterator[bytes]:
    """The Questionnaires of a document: itself, or those of a bundle."""
    try:
        head = msgspec.json.decode(data, type=Contained)
        if head.resource_type == "Questionnaire":
            yield data
        elif head.resource_type == "Bundle":
            for entry in msgspec.json.decode(data, type=Bundle).entry:
                if b'"Questionnaire"' in bytes(entry):
                    yield from questionnaires_in(bytes(msgspec.json.decode(entry, type=Part).resource))
    except _BROKEN:
        return


def read_bundle(reader: Reader, data: bytes, line: int, where: str = "", depth: int = 1) -> Iterator[Item]:
    """What the resources of a bundle give; those of a history from the oldest to the newest."""
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except _BROKEN as error:
        field, reason = explained(error)
        yield Refusal(reader.file, line, f"{where}Bundle{field and '.'}{field}", reason)
        return
    if depth > DEEPEST:
        yield Refusal(reader.file, line, f"{where}Bundle", f"More than {DEEPEST} bundles lie in each other.")
        return
    placed = list(_placed(bundle, data, line))
    parts = [part for _, _, part in placed if isinstance(part, Part)]
    before, reader.neighbours = reader.neighbours, _neighbours(parts, reader.neighbours)
    if bundle.type == "history":
        placed.reverse()
    for place, number, part in placed:
        here = f"{where}Bundle.entry[{place}]."
        if not isinstance(part, Part):
            yield Refusal(reader.file, number, here + part[0], part[1])
        elif not (raw := bytes(part.resource)):
            if part.request and part.request.method == "DELETE":
                what = (
                    f"{(part.request.url or 'A resource')[:100]} was deleted at its source; it was kept here."
                )
                yield Caution(reader.file, number, f"{here}request", what)
        elif is_bundle(raw):
            yield from read_bundle(reader, raw, number, here, depth + 1)
        else:
            yield from reader.read(raw, number, here, _called(part))
    reader.neighbours = before


def _placed(bundle: Bundle, data: bytes, line: int) -> Iterator[tuple[int, int, Part | tuple[str, str]]]:
    """Each entry, or the field and the reason why it is none, with its place from 0 and its line."""
    seen = 0
    for place, entry in enumerate(bundle.entry):
        raw = bytes(entry)
        start = data.find(raw, seen)
        line += data.count(b"\n", seen, start)
        part: Part | tuple[str, str]
        try:
            part = msgspec.json.decode(raw, type=Part)
            inner = raw.find(bytes(part.resource))
        except _BROKEN as error:
            part, inner = explained(error), 0
        yield place, line + raw.count(b"\n", 0, inner), part
        line += raw.count(b"\n")
        seen = start + len(raw)


def _called(part: Part) -> str | None:
    """The id that a bundle gives to a resource without one."""
    uuid = _UUID.match(part.full_url or "")
    return uuid[1] if uuid else None


def _neighbours(parts: Iterable[Part], outer: Neighbours) -> Neighbours:
    """How the resources of a bundle may be referred to."""
    found = Neighbours(dict(outer.patients), dict(outer.medications))
    for part in parts:
        raw = bytes(part.resource)
        if b'"Patient"' not in raw and b'"Medication"' not in raw:
            continue
        try:
            head = msgspec.json.decode(raw, type=Contained)
        except _BROKEN:
            continue
        id = head.id or _called(part)
        if head.resource_type == "Patient" and id:
            if part.full_url:
                found.patients[part.full_url] = id
            identifiers = head.identifier if isinstance(head.identifier, tuple) else (head.identifier,)
            found.patients |= {_key(one): id for one in identifiers if one.value}
        elif head.resource_type == "Medication":
            if part.full_url:
                found.medications[part.full_url] = raw
            if id:
                found.medications[f"Medication/{id}"] = raw
    return found


def _key(one: Identifier) -> str:
    return f"{one.system or ''}|{one.value}"
