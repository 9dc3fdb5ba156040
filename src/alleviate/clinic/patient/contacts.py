"""When somebody came, missed or will come, and under which treatment."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, cast

from alleviate.records import Event, Kind, PatientRecord

__all__ = [
    "Contact",
    "ContactState",
    "Episode",
    "contacts",
    "episodes",
    "next_appointment",
    "present_episode",
]

ContactState = Literal["attended", "missed", "cancelled", "planned"]
_STATES = {f"SESSION//{state}": state for state in ("attended", "missed", "cancelled", "planned")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """``at``: of one that is planned, the day that was booked (a source gives no time of day)."""

    at: datetime
    state: ContactState
    words: str = ""
    minutes: float | None = None
    therapist: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A course of treatment; ``until`` and ``reason`` where it has ended. ``entry``: what it came in."""

    treatment: str
    since: datetime
    until: datetime | None = None
    reason: str = ""
    therapist: str = ""
    entry: str = ""

    @property
    def ended(self) -> bool:
        return self.until is not None


def contacts(record: PatientRecord) -> list[Contact]:
    """All that stand in the record, by time."""
    found = []
    for events in _entries(record, "session"):
        said = {event.code: event for event in events}
        naming = next((event for event in events if event.code in _STATES), None)
        if naming is None:
            continue
        day = naming.numeric_value
        state = cast(ContactState, _STATES[naming.code])
        planned = state == "planned" and day is not None
        minutes, therapist = said.get("SESSION//minutes"), said.get("SESSION//therapist")
        found.append(
            Contact(
                at=_EPOCH + timedelta(days=day or 0) if planned else naming.time,
                state=state,
                words=naming.text_value or "",
                minutes=minutes.numeric_value if minutes else None,
                therapist=(therapist.text_value or "") if therapist else "",
            )
        )
    return sorted(found, key=lambda contact: (contact.at, contact.state))


def episodes(record: PatientRecord) -> list[Episode]:
    """All that stand in the record, by when they began."""
    found = []
    for events in _entries(record, "episode"):
        said = {event.code: event for event in events}
        start, end, therapist = (said.get(f"EPISODE//{word}") for word in ("start", "end", "therapist"))
        if start is None:
            continue
        found.append(
            Episode(
                treatment=start.text_value or "",
                since=start.time,
                until=end.time if end else None,
                reason=(end.text_value or "") if end else "",
                therapist=(therapist.text_value or "") if therapist else "",
                entry=start.entry,
            )
        )
    return sorted(found, key=lambda episode: (episode.since, episode.entry))


def present_episode(found: Iterable[Episode], now: datetime) -> Episode | None:
    """The one under way at ``now`` that began last; else the last of all."""
    all_of_them = list(found)
    under_way = [one for one in all_of_them if one.until is None or one.until > now]
    return next(reversed(under_way or all_of_them), None)


def next_appointment(found: Iterable[Contact], today: date) -> date | None:
    """The first day from ``today`` on that is booked."""
    return min((c.at.date() for c in found if c.state == "planned" and c.at.date() >= today), default=None)


def _entries(record: PatientRecord, kind: Kind) -> Iterable[list[Event]]:
    grouped: defaultdict[str, list[Event]] = defaultdict(list)
    for number, event in enumerate(record.events):
        if event.kind == kind and event.known_until is None:
            grouped[event.entry or f"#{number}"].append(event)
    return grouped.values()
