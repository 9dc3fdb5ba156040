"""A record as a person reads it: who, questionnaires, treatments, contacts, and the rest by kind."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from alleviate.records.event import Event
from alleviate.records.kinds import Kind
from alleviate.records.questionnaires import Filled, questionnaires
from alleviate.records.record import PatientRecord
from alleviate.terms.codes import SEPARATOR, parts

__all__ = ["overview"]

END = f"{SEPARATOR}end"
CODING = f"CODING{SEPARATOR}"
ATTRIBUTES = frozenset(
    ("therapist", "minutes", "episode", "status", "until", "verification", "severity", "dose")
)
"""Last parts of codes that say more about an entry and never name it."""

_LISTS: dict[str, tuple[Kind, ...]] = {
    "conditions": ("condition",),
    "treatments": ("episode", "medication", "procedure", "plan"),
    "sessions": ("session",),
    "measurements": ("measurement", "sensor"),
    "genetics": ("genetic",),
    "notes": ("note",),
    "goals": ("goal",),
    "preferences": ("preference",),
    "consents": ("consent",),
}


def overview(record: PatientRecord) -> dict[str, Any]:
    """What stands in a record, ready for JSON; each list by time. Times are ISO 8601 in UTC.

    ``demographics``; ``questionnaires`` (``instrument``, ``time``, ``items``, ``total``, ``severity``,
    ``flags`` …); then lists of entries by kind, each with its ``code`` and words, ``start`` and ``end``, and
    what else its events say; ``corrections`` is how many events were replaced since.
    """
    standing = [event for event in record.events if event.known_until is None]
    filled = questionnaires(PatientRecord(record.subject_id, standing))
    shown = {ref for each in filled for ref in each.entries}
    entries = [
        (kind, _entry(kind, ref, events))
        for (kind, ref), events in _by_entry(standing).items()
        if kind != "person" and not (kind in ("questionnaire", "measurement") and ref in shown)
    ]
    entries.sort(key=lambda found: (found[1]["time"], found[1]["entry"]))
    return {
        "id": record.subject_id,
        "demographics": _demographics(event for event in standing if event.kind == "person"),
        "questionnaires": [_questionnaire(each) for each in filled],
        **{
            name: [{"kind": kind, **entry} for kind, entry in entries if kind in kinds]
            for name, kinds in _LISTS.items()
        },
        "other_questionnaires": [entry for kind, entry in entries if kind == "questionnaire"],
        "events": len(standing),
        "corrections": len(record.events) - len(standing),
    }


def _by_entry(events: Iterable[Event]) -> dict[tuple[Kind, str], list[Event]]:
    """Events of one entry together; those without one each on its own."""
    found: dict[tuple[Kind, str], list[Event]] = defaultdict(list)
    for number, event in enumerate(events):
        found[event.kind, event.entry or f"#{number}"].append(event)
    return found


def _entry(kind: Kind, ref: str, events: list[Event]) -> dict[str, Any]:
    """The first event that is no attribute names the entry; the others follow under their own names."""
    naming = [event for event in events if not _is_attribute(event.code)]
    first = min(naming or events, key=lambda event: (event.time, bool(_value(event)), event.code))
    word = f"{kind.upper()}{SEPARATOR}"
    entry: dict[str, Any] = {
        "entry": "" if ref.startswith("#") else ref,
        "time": _iso(first.time),
        "known_at": _iso(first.known_at),
        "code": first.code,
    }
    for event in sorted(events, key=lambda event: (event.time, event.code)):
        if event is first:
            entry |= _value(event)
        elif event.code.endswith(END):
            entry["end"] = _iso(event.time)
            if event.text_value:
                entry["reason"] = event.text_value
        elif event.code.startswith(CODING):
            entry.setdefault("also", []).append(event.code.removeprefix(CODING))
        elif event.code.startswith(word):
            name = event.code.removeprefix(word)
            entry[name] = _iso(event.time) if not _value(event) else _plain(event)
        else:
            entry.setdefault("parts", []).append({"code": event.code, **_value(event)})
    return entry


def _is_attribute(code: str) -> bool:
    return code.startswith(CODING) or code.endswith(END) or code.rpartition(SEPARATOR)[2] in ATTRIBUTES


def _value(event: Event) -> dict[str, Any]:
    if event.numeric_value is not None:
        unit = {"unit": event.text_value} if event.text_value else {}
        return {"value": event.numeric_value, **unit}
    return {"text": event.text_value} if event.text_value is not None else {}


def _plain(event: Event) -> Any:
    if event.numeric_value is None:
        return event.text_value
    return f"{event.numeric_value:g} {event.text_value}" if event.text_value else event.numeric_value


def _questionnaire(filled: Filled) -> dict[str, Any]:
    return {
        "instrument": filled.instrument,
        "time": _iso(filled.time),
        "known_at": _iso(filled.known_at),
        "items": dict(filled.items),
        "total": filled.total,
        "severity": filled.severity,
        "case": filled.case,
        "flags": list(filled.flags),
        "stated": filled.stated,
        "entries": list(filled.entries),
    }


def _demographics(events: Iterable[Event]) -> dict[str, Any]:
    """Birth and death as dates; names in order; the rest under the words of ``docs/record.md``."""
    found: dict[str, Any] = {"birth_date": None, "sex": None}
    for event in sorted(events, key=lambda event: (event.known_at, event.time, event.code)):
        vocabulary, _, name = event.code.partition(SEPARATOR)
        if event.code == "MEDS_BIRTH":
            found["birth_date"] = event.text_value or event.time.date().isoformat()
        elif event.code == "MEDS_DEATH":
            found["death"] = _iso(event.time)
        elif name.startswith("identifier"):
            system = parts(event.code)[2:]
            found.setdefault("identifiers", []).append({"system": "".join(system), "value": event.text_value})
        elif vocabulary == "PERSON" and name in found and found[name] is not None:
            found[name] = f"{found[name]} {event.text_value}"
        else:
            found[name] = event.text_value
    return found


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
