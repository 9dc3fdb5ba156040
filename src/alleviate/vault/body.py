"""The events of one version of an entry as bytes: what is sealed, and what it is known by.

A body is a JSON array of columns (`Body`); times are whole microseconds since 1970, UTC.
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from alleviate.records import Entry, Event, Kind
from alleviate.vault.cipher import seal, unseal

__all__ = [
    "Body",
    "body_of",
    "events_of",
    "fingerprint",
    "from_microseconds",
    "microseconds",
    "microseconds_or_none",
    "open_body",
    "seal_body",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Body(msgspec.Struct, array_like=True, frozen=True):
    """``since``: when the last of it became known. Else a value an event; ``until`` mostly None."""

    ref: str
    since: int
    times: list[int]
    known: list[int]
    codes: list[str]
    numbers: list[float | None]
    texts: list[str | None]
    until: list[int | None] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Body).decode


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def microseconds_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def from_microseconds(since: int) -> datetime:
    return _EPOCH + timedelta(microseconds=since)


def body_of(entry: Entry, since: int | None, now: datetime) -> Body:
    """What a version holds. Of a correction nothing is known before ``since``; None: the first version."""
    events = entry.events
    known = [microseconds(event.known_at) for event in events]
    if since is not None:
        known = [max(moment, since) for moment in known]
    until = [microseconds_or_none(event.known_until) for event in events]
    return Body(
        entry.ref,
        max(known, default=microseconds(entry.changed_at or now) if since is None else since),
        [microseconds(event.time) for event in events],
        known,
        [event.code for event in events],
        [event.numeric_value for event in events],
        [event.text_value for event in events],
        [ends and max(ends, began + 1) for ends, began in zip(until, known, strict=True)]
        if any(until)
        else None,
    )


def seal_body(key: bytes, patient: str, kind: str, body: Body) -> bytes:
    """Bound to the patient and the kind, so that a note cannot pass as a measurement."""
    return seal(key, patient, f"entries.{kind}", _encode(body))


def open_body(key: bytes, patient: str, kind: str, sealed: bytes) -> Body:
    """Raises VaultError where it was changed."""
    return _decode(unseal(key, patient, f"entries.{kind}", sealed))


def fingerprint(key: bytes, entry: Entry, now: datetime) -> bytes:
    """32 bytes, equal for equal content: person, kind and events, whatever their order and ``known_at``.

    A time is left out where the import gave it, and of what is said of a person (``PERSON//``), which the
    import or the source's last change gave: that the same was read again is no other content.
    """
    lines = [
        _encode(
            (
                None if event.time == now or event.code.startswith("PERSON//") else microseconds(event.time),
                event.code,
                event.numeric_value,
                event.text_value,
                microseconds_or_none(event.known_until),
            )
        )
        for event in entry.events
    ]
    lines.sort()
    content = b"\n".join((_encode((entry.subject_id, entry.kind)), *lines))
    return hmac.digest(key, b"fingerprint\0" + content, hashlib.sha256)


def events_of(body: Body, subject_id: str, kind: Kind, until: int | None, entry: str) -> Iterator[Event]:
    """The events of a version that was replaced at ``until``, under the ids given."""
    ends = body.until or [None] * len(body.times)
    for time, known, code, number, text, own in zip(
        body.times, body.known, body.codes, body.numbers, body.texts, ends, strict=True
    ):
        replaced = until if own is None else own if until is None else min(own, until)
        yield Event(
            subject_id,
            from_microseconds(time),
            from_microseconds(known),
            code,
            number,
            text,
            kind,
            entry,
            None if replaced is None else from_microseconds(replaced),
        )
