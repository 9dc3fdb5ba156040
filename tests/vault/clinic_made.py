"""People with scores, answers and sheets, short to write in a test of what a clinic does with a vault."""

from datetime import timedelta
from typing import Any

from dying_answers import ITEM_9
from entries_made import FIRST, NOW, entry, person, pulse

from alleviate.records import Entry
from alleviate.vault import Chart, Glance, NewSheet, Vault

MINUTE = timedelta(minutes=1)


def item_9(number: int, subject: str, value: float = 2.0, **more: Any) -> Entry:
    """An answer that raises a safety alert."""
    return entry(f"Form/{number}", subject, (ITEM_9, value, None), **{"kind": "questionnaire"} | more)


def people(count: int, each: int = 2) -> list[Entry]:
    """``count`` people, p0 p1 …, with some measurements each."""
    found = []
    for number in range(count):
        found.append(person(f"p{number}"))
        for turn in range(each):
            at = FIRST + turn * timedelta(days=7)
            found.append(pulse(number * each + turn, f"p{number}", 60.0 + turn, at=at))
    return found


def note(subject: str, words: str = "called her", **more: Any) -> NewSheet:
    return NewSheet(subject, **{"kind": "task", "body": {"words": words}} | more)


def told(vault: Vault, action: str) -> list[Any]:
    """The audit's events of an action, oldest first."""
    return [event for event in reversed(vault.show_audit(actor="test")) if event.action == action]


def count_events(chart: Chart) -> bytes:
    """A glance that says how much there is."""
    return f"{len(chart.record.events)} {len(chart.sheets)} {len(chart.alerts)}".encode()


def everybody(glances: list[Glance]) -> list[str]:
    return [glance.patient for glance in glances]


__all__ = [
    "FIRST",
    "ITEM_9",
    "MINUTE",
    "NOW",
    "count_events",
    "everybody",
    "item_9",
    "note",
    "people",
    "told",
]
