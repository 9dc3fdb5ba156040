"""What stands in a record besides scores: problems, medicines and goals, each as one line."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alleviate.records import Event, Kind, PatientRecord
from alleviate.terms.codes import SEPARATOR

__all__ = ["Goal", "Line", "goals", "medicines", "problems"]

_END = f"{SEPARATOR}end"
_MORE = ("CODING//", "CONDITION//", "MEDICATION//", "GOAL//", "PLAN//", "PROCEDURE//")
_OVER = ("stopped", "completed", "entered-in-error", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A problem or a medicine. ``more``: its dose, severity or how sure it is. ``until`` where it has ended.

    ``ended``: also where only a status says so, without a day.
    """

    code: str
    words: str
    since: datetime
    until: datetime | None = None
    ended: bool = False
    reason: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """In the person's own words. ``status``: "active", "completed", "cancelled" or as the source says."""

    ref: str
    words: str
    since: datetime
    status: str = "active"

    @property
    def active(self) -> bool:
        return self.status not in ("completed", "cancelled", "rejected", "entered-in-error")


def problems(record: PatientRecord) -> list[Line]:
    """Conditions, those that stand first, the latest first within; one that was ruled out is none."""
    found = []
    for events in _entries(record, "condition"):
        if any(event.code == "CONDITION//refuted" for event in events):
            continue
        line = _line(events, ("CONDITION//severity", "CONDITION//verification"))
        found += [line] if line else []
    return _current_first(found)


def medicines(record: PatientRecord) -> list[Line]:
    """Prescriptions, those that run first, the latest first within."""
    found = []
    for events in _entries(record, "medication"):
        line = _line(events, ("MEDICATION//dose",))
        found += [line] if line else []
    return _current_first(found)


def goals(record: PatientRecord) -> list[Goal]:
    """Active ones first, the latest first within."""
    found = []
    for events in _entries(record, "goal"):
        said = {event.code: event for event in events}
        if (first := said.get("GOAL//set")) is not None:
            status = said.get("GOAL//status")
            found.append(
                Goal(
                    ref=first.entry,
                    words=first.text_value or "",
                    since=first.time,
                    status=(status.text_value if status else None) or "active",
                )
            )
    return sorted(found, key=lambda goal: (goal.active, goal.since, goal.ref), reverse=True)


def _entries(record: PatientRecord, kind: Kind) -> Iterable[list[Event]]:
    grouped: defaultdict[str, list[Event]] = defaultdict(list)
    for number, event in enumerate(record.events):
        if event.kind == kind and event.known_until is None:
            grouped[event.entry or f"#{number}"].append(event)
    return grouped.values()


def _line(events: list[Event], telling: tuple[str, ...]) -> Line | None:
    naming = [e for e in events if not e.code.startswith(_MORE) and not e.code.endswith(_END)]
    if not naming:
        return None
    first = min(naming, key=lambda event: (event.time, event.code))
    end = next((event for event in events if event.code.endswith(_END)), None)
    status = next((e.text_value for e in events if e.code.endswith("//status")), None) or ""
    more = (_plain(event) for word in telling for event in events if event.code == word)
    return Line(
        code=first.code,
        words=first.text_value or first.code,
        since=first.time,
        until=end.time if end else None,
        ended=end is not None or status in _OVER,
        reason=(end.text_value or "") if end else "",
        more=tuple(words for words in more if words),
    )


def _plain(event: Event) -> str:
    if event.numeric_value is None:
        return event.text_value or ""
    return f"{event.numeric_value:g} {event.text_value or ''}".strip()


def _current_first(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (line.ended, -line.since.timestamp(), line.code))
