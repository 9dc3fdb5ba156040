"""What FHIR has no element for, in one extension of ours; and refs and people named exactly.

Extensions ``urn:alleviate:event`` say what an entry holds under one code, whatever the elements say: its
times and the number or words of each event, or ``absent`` where there is none. ``urn:alleviate:kind``
is the kind of the entry. An identifier ``urn:alleviate:entry`` is its ref.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from alleviate.intake.fhir.contacts import OUR_ENTRY
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import moment, written
from alleviate.intake.fhir.shapes import Extension, Identifier, Shape
from alleviate.intake.fhir.subjects import OUR_SUBJECT
from alleviate.records import KINDS, Event, Kind
from alleviate.terms.codes import check_code
from alleviate.terms.errors import DataError

__all__ = ["KIND", "Own", "differences", "own_of", "settled"]

EVENT, KIND = "urn:alleviate:event", "urn:alleviate:kind"


class _Carrier(Shape):
    extension: tuple[Extension, ...] = ()
    identifier: tuple[Identifier, ...] | Identifier = ()


class Own(Shape):
    """What a resource says in our own way: ``events`` by code, empty where it says that there is none."""

    ref: str | None
    subject: str | None
    kind: Kind | None
    events: dict[str, list[dict[str, Any]]]


def own_of(data: bytes | msgspec.Raw) -> Own:
    """What the JSON of a resource says in our own way. Raises Fault."""
    carrier = msgspec.json.decode(data, type=_Carrier)
    named = carrier.identifier if isinstance(carrier.identifier, tuple) else (carrier.identifier,)
    names = {one.system: one.value for one in reversed(named)}
    stated = next((one.value_code for one in carrier.extension if one.url == KIND), None)
    kind = next((kind for kind in KINDS if kind == stated), None)
    if stated is not None and kind is None:
        raise Fault("extension", f'"{stated[:40]}" is no kind of event.')
    events: dict[str, list[dict[str, Any]]] = {}
    for place, extension in enumerate(carrier.extension):
        if extension.url == EVENT:
            code, values = _event(extension, f"extension[{place}]")
            events.setdefault(code, []).extend(values)
    return Own(ref=names.get(OUR_ENTRY), subject=names.get(OUR_SUBJECT), kind=kind, events=events)


def _event(extension: Extension, name: str) -> tuple[str, list[dict[str, Any]]]:
    parts = {one.url: one for one in extension.extension}
    code = parts["code"].value_string if "code" in parts else None
    try:
        check_code(code or "")
    except DataError as error:
        raise Fault(name, error.message) from None
    if "absent" in parts:
        return code or "", []
    times = [parts[each].value_date_time if each in parts else None for each in ("time", "known")]
    when, known = (moment(text or "", f"{name}.extension").first for text in times)
    if known < when:
        raise Fault(name, "It is said to be known before it happened.")
    number = parts["number"].value_decimal if "number" in parts else None
    text = parts["text"].value_string if "text" in parts else None
    return code or "", [{"time": when, "known_at": known, "numeric_value": number, "text_value": text}]


def settled(own: Own, read: Iterable[Event], subject: str, ref: str, kind: Kind) -> tuple[Event, ...]:
    """The events of an entry: those read, save the codes of which ``own`` knows better."""
    kept = [
        Event(subject, e.time, e.known_at, e.code, e.numeric_value, e.text_value, kind, ref)
        for e in read
        if e.code not in own.events
    ]
    told = [
        Event(subject_id=subject, code=code, kind=kind, entry=ref, **value)
        for code, values in own.events.items()
        for value in values
    ]
    return (*kept, *told)


def differences(meant: Sequence[Event], read: Sequence[Event]) -> list[dict[str, Any]]:
    """The extensions without which ``meant`` would be read as ``read``."""
    extensions: list[dict[str, Any]] = []
    for code in dict.fromkeys(event.code for event in (*meant, *read)):
        there = [event for event in meant if event.code == code]
        if set(there) == {event for event in read if event.code == code}:
            continue
        extensions += [_written(event) for event in dict.fromkeys(there)] or [
            {
                "url": EVENT,
                "extension": [{"url": "code", "valueString": code}, {"url": "absent", "valueBoolean": True}],
            }
        ]
    return extensions


def _written(event: Event) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"url": "code", "valueString": event.code},
        {"url": "time", "valueDateTime": written(event.time)},
        {"url": "known", "valueDateTime": written(event.known_at)},
    ]
    if event.numeric_value is not None:
        parts.append({"url": "number", "valueDecimal": event.numeric_value})
    if event.text_value is not None:
        parts.append({"url": "text", "valueString": event.text_value})
    return {"url": EVENT, "extension": parts}
