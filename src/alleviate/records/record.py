"""All that is known about one person, and what was known at a moment."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from alleviate.records.event import Event
from alleviate.terms.errors import DataError
from alleviate.terms.kinds import expect_kind
from alleviate.terms.times import check_utc, parse_utc

__all__ = ["PatientRecord"]

_KIND = "patient-record/1"


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
        """The record as it was at ``moment`` (UTC): events known by then."""
        check_utc(moment, "The moment of a record")
        known = bisect_right(self.events, moment, key=attrgetter("known_at"))
        return self if known == len(self.events) else PatientRecord(self.subject_id, self.events[:known])

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values, ready for JSON."""
        events = [
            [e.time.isoformat(), e.known_at.isoformat(), e.code, e.numeric_value, e.text_value]
            for e in self.events
        ]
        return {"kind": _KIND, "subject_id": self.subject_id, "events": events}

    @classmethod
    def from_dict(cls, data: Any) -> "PatientRecord":
        """The inverse of `to_dict`. Raises DataError."""
        data = expect_kind(data, _KIND, {"subject_id", "events"})
        subject_id = data["subject_id"]
        try:
            rows = [(parse_utc(time), parse_utc(known), *rest) for time, known, *rest in data["events"]]
            return cls(subject_id, [Event(subject_id, *row) for row in rows])
        except (TypeError, ValueError) as error:
            raise DataError(f"An event is malformed: {error}.", hint="Write records with to_dict.") from None


def _order(event: Event) -> tuple[datetime, datetime, str, bool, float, bool, str]:
    known, time, number, text = event.known_at, event.time, event.numeric_value, event.text_value
    return known, time, event.code, number is not None, number or 0.0, text is not None, text or ""
