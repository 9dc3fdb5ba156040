"""All that is known about one person, and what was known at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alleviate.records.event import Event
from alleviate.terms.errors import DataError
from alleviate.terms.kinds import expect_kind
from alleviate.terms.times import check_utc, parse_utc

__all__ = ["PatientRecord"]

_KIND = "patient-record/2"


@dataclass(frozen=True, slots=True, init=False)
class PatientRecord:
    """The events of one person, by ``known_at``, ``time``, ``code`` and value: a set has one order.

    Takes events in any order. Raises DataError where one is another person's.
    """

    subject_id: str
    events: tuple[Event, ...]

    def __init__(self, subject_id: str, events: Iterable[Event]) -> None:
        ordered = tuple(sorted(events, key=_order))
        for event in ordered:
            if event.subject_id != subject_id:
                raise DataError(
                    f"A record of {subject_id!r} was given an event of {event.subject_id!r}.",
                    hint="Group events by subject_id first.",
                )
        object.__setattr__(self, "subject_id", subject_id)
        object.__setattr__(self, "events", ordered)

    def at(self, moment: datetime) -> "PatientRecord":
        """The record as it stood at ``moment`` (UTC): events known by then and not yet replaced.

        That one would be replaced later was not known either: their ``known_until`` is None.
        """
        check_utc(moment, "The moment of a record")
        known = tuple(
            event if event.known_until is None else replace(event, known_until=None)
            for event in self.events
            if event.known_at <= moment and (event.known_until is None or event.known_until > moment)
        )
        return self if known == self.events else PatientRecord(self.subject_id, known)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values, ready for JSON."""
        events = [
            [
                e.time.isoformat(),
                e.known_at.isoformat(),
                e.code,
                e.numeric_value,
                e.text_value,
                e.kind,
                e.entry,
                e.known_until and e.known_until.isoformat(),
            ]
            for e in self.events
        ]
        return {"kind": _KIND, "subject_id": self.subject_id, "events": events}

    @classmethod
    def from_dict(cls, data: Any) -> "PatientRecord":
        """The inverse of `to_dict`. Raises DataError."""
        data = expect_kind(data, _KIND, {"subject_id", "events"})
        subject_id = data["subject_id"]
        try:
            return cls(
                subject_id,
                [
                    Event(
                        *(subject_id, parse_utc(time), parse_utc(known)),
                        *(code, number, text, kind, entry),
                        until and parse_utc(until),
                    )
                    for time, known, code, number, text, kind, entry, until in data["events"]
                ],
            )
        except (TypeError, ValueError) as error:
            raise DataError(f"An event is malformed: {error}.", hint="Write records with to_dict.") from None


def _order(event: Event) -> tuple[datetime, datetime, str, bool, float, bool, str, str, datetime]:
    known, time, number, text = event.known_at, event.time, event.numeric_value, event.text_value
    return (
        *(known, time, event.code),
        *(number is not None, number or 0.0, text is not None, text or ""),
        *(event.entry, event.known_until or known),
    )
