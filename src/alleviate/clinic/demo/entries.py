"""Synthetic records as they would have come in: entry by entry, and after each what corrected it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime

from alleviate.instruments import INSTRUMENTS
from alleviate.records import Entry, Event, PatientRecord

__all__ = ["by_day", "entries_of", "taken_over"]

_LEFT_BEHIND = frozenset({"note", "plan", "sensor"})
_TOTALS = frozenset(form.total_code for form in INSTRUMENTS.values())


def entries_of(record: PatientRecord) -> list[Entry]:
    """The entries of a record in the order in which they were known, first versions before corrections."""
    versions: dict[tuple[str, bool], list[Event]] = {}
    for event in record.events:
        versions.setdefault((event.entry, event.known_until is None), []).append(event)
    corrected = {entry for entry, stands in versions if not stands}
    found = []
    for (entry, _), events in versions.items():
        plain = tuple(replace(event, known_until=None) for event in events)
        changed = _known_at(events) if entry in corrected else None
        found.append(Entry(record.subject_id, entry, events[0].kind, plain, changed))
    return sorted(found, key=lambda each: (_known_at(each.events), each.ref))


def taken_over(entries: Iterable[Entry]) -> Iterator[Entry]:
    """What an older system gives away of its records: no notes, and of each questionnaire the total alone.

    So no answer to item 9 comes from long ago, to which nobody could answer now.
    """
    for entry in entries:
        if entry.kind in _LEFT_BEHIND:
            continue
        if entry.kind != "questionnaire":
            yield entry
            continue
        totals = tuple(event for event in entry.events if event.code in _TOTALS)
        if totals:
            yield replace(entry, events=totals)


def by_day(entries: Iterable[Entry]) -> Iterator[tuple[datetime, list[Entry]]]:
    """Each day's entries with the moment at which the last of them was known, the oldest day first."""
    days: dict[date, list[Entry]] = {}
    for entry in entries:
        days.setdefault(_known_at(entry.events).date(), []).append(entry)
    for day in sorted(days):
        some = sorted(days[day], key=lambda each: _known_at(each.events))
        yield _known_at(some[-1].events), some


def _known_at(events: Iterable[Event]) -> datetime:
    """When the last of them was known."""
    return max(event.known_at for event in events)
