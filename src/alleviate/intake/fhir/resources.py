"""One resource, as JSON, becomes an entry, a definition or a reason why not."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alleviate.intake.fhir.conditions import Condition, verification
from alleviate.intake.fhir.documents import DocumentReference
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.observations import Observation
from alleviate.intake.fhir.own import Own, own_of, settled
from alleviate.intake.fhir.shapes import Resource, Shape
from alleviate.intake.fhir.soundness import DEEPEST, check_understood, sound
from alleviate.intake.fhir.subjects import Neighbours
from alleviate.intake.fhir.types import TYPES, ResourceType
from alleviate.intake.reading import Caution, Context, Definition, Item, Refusal
from alleviate.records import Entry
from alleviate.terms.errors import DataError

__all__ = ["Reader", "explained"]

_WRONG = re.compile(r"(?P<what>.+?)(?: - at `\$(?P<path>.*)`)?\Z", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>.+?)`, got `(?P<got>.+?)`")
_NAMES = {
    "str": "text",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
_ERROR = "entered-in-error"


class Head(Shape):
    """What every resource says of itself."""

    resource_type: str | None = None


class Holder(Shape):
    """What a resource holds within itself."""

    contained: tuple[msgspec.Raw, ...] = ()


_HEAD, _HOLDER = msgspec.json.Decoder(Head), msgspec.json.Decoder(Holder)


@dataclass(slots=True)
class Reader:
    """Reads the resources of one file. ``left_out`` counts those of other types."""

    file: str
    context: Context
    library: Library
    neighbours: Neighbours = field(default_factory=Neighbours)
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[Caution] = field(default_factory=list)

    def read(self, data: bytes, line: int, where: str = "", id: str | None = None) -> Iterator[Item]:
        """What one resource gives. ``where`` stands before its fields; ``id`` is what its bundle calls it."""
        name = "Resource"
        try:
            name = _HEAD.decode(data).resource_type or name
            if name == "Resource":
                raise Fault("resourceType", "It does not say what it is.")
            kind = TYPES.get(name)
            if kind is None:
                if name == "Questionnaire":
                    yield self._definition(data, id)
                elif name != "Medication":  # it is read by those that refer to it
                    first, count = self.left_out.get(name, (line, 0))
                    self.left_out[name] = (first, count + 1)
                return
            check_understood(data, sound(data))
            entry = self._entry(kind, data, line, where, id)
        except Fault as fault:
            yield self._refusal(line, where, name, fault.field, fault.reason)
        except msgspec.ValidationError as error:
            yield self._refusal(line, where, name, *explained(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield self._refusal(line, where, "", *explained(error))
        except DataError as error:
            yield self._refusal(line, where, name, "", error.message)
        except (OverflowError, ValueError) as error:
            yield self._refusal(line, where, name, "", f"It holds a value out of all range: {error}.")
        else:
            yield from self.notes
            yield entry
        finally:
            self.notes.clear()

    def rest(self) -> Iterator[Caution]:
        """What was left out of the file, a caution a type."""
        for name, (line, count) in sorted(self.left_out.items()):
            what = f"{count} {name} resources were" if count > 1 else f"1 {name} resource was"
            yield Caution(self.file, line, name, f"{what} left out: this type is not read.")

    def _refusal(self, line: int, where: str, name: str, inner: str, reason: str) -> Refusal:
        return Refusal(self.file, line, where + ".".join(part for part in (name, inner) if part), reason)

    def _definition(self, data: bytes, id: str | None) -> Definition:
        own = msgspec.json.decode(data, type=Resource).id or id or _digest(data)
        return Definition(f"Questionnaire/{own}", bytes(data))

    def _entry(self, kind: ResourceType, data: bytes, line: int, where: str, id: str | None) -> Entry:
        source = kind.decoder.decode(data)
        own = own_of(data) if b"urn:alleviate:" in data else None
        contained = _HOLDER.decode(data).contained if b'"contained"' in data else ()
        given = source.id or id
        if given is None and (own is None or own.ref is None):
            given = _digest(data)
            self._note(line, where, f"{kind.name}.id", "It has no id: its ref is made from its content.")
        ref = (own.ref if own else None) or f"{kind.name}/{given}"
        if kind.about:
            about = getattr(source, kind.about)
            person = self.neighbours.person(about, kind.about, contained)
        else:
            person = (own.subject if own else None) or given or ref
        updated = source.meta.last_updated if source.meta else None
        draft = Draft(
            self.context.subject(person), ref, kind.kind, self.context.now, self.neighbours, self.library,
            contained=contained,
        )  # fmt: skip
        if updated:
            draft.changed = draft.at(updated, "meta.lastUpdated").first
        if not _withdrawn(source):
            self._read(kind.read, source, draft, own)
            for name, reason in draft.cautions:
                self._note(line, where, f"{kind.name}.{name}", reason)
        if own is None:
            return Entry(draft.subject, ref, draft.kind, tuple(draft.events), draft.changed)
        settled_kind = own.kind or draft.kind
        events = settled(own, draft.events, draft.subject, ref, settled_kind)
        return Entry(draft.subject, ref, settled_kind, events, draft.changed)

    def _read(self, read: Callable[[Any, Draft], None], source: Any, draft: Draft, own: Own | None) -> None:
        """A resource whose elements say too little is none the worse for it where ours say the rest."""
        try:
            read(source, draft)
        except Fault:
            if own is None or not own.events:
                raise

    def _note(self, line: int, where: str, name: str, reason: str) -> None:
        self.notes.append(Caution(self.file, line, where + name, reason))


def _withdrawn(source: Resource | Observation) -> bool:
    if source.status == _ERROR:
        return True
    if isinstance(source, Condition):
        return verification(source) == _ERROR
    return isinstance(source, DocumentReference) and source.doc_status == _ERROR


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def explained(error: Exception) -> tuple[str, str]:
    """Field and reason of an error of a decoder, in words."""
    if isinstance(error, RecursionError):
        return "", f"It is nested deeper than {DEEPEST} levels."
    if isinstance(error, UnicodeDecodeError):
        return "", "It is not JSON: a byte is not UTF-8."
    if not isinstance(error, msgspec.ValidationError):
        return "", f"It is not JSON: {str(error).removeprefix('JSON is malformed: ')}."
    parts = _WRONG.match(str(error))
    what, path = (parts["what"], parts["path"] or "") if parts else (str(error), "")
    if types := _EXPECTED.match(what):
        wanted, got = types["expected"].removesuffix(" | null"), types["got"]
        what = f"Expected {_NAMES.get(wanted, 'an object')}, got {_NAMES.get(got, got)}"
    return path.removeprefix(".").replace("[...]", ""), f"{what}."
