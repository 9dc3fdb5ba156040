"""The questionnaires in a record: which answers belong to one form, and what they amount to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from alleviate.instruments import Instrument, instrument_of_total, instruments_with_item
from alleviate.records.event import Event
from alleviate.records.record import PatientRecord
from alleviate.terms.codes import SEPARATOR

__all__ = ["Filled", "questionnaires"]

STATED = f"STATED{SEPARATOR}"
KINDS = {"questionnaire", "measurement"}

Sheet = dict[str, Event]
"""Events by code, with a number each."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A questionnaire as one person filled it in at one time.

    ``items`` are the answers by item id, as given. ``total`` is computed from them where they suffice; else
    it is the total that the source gave, where the answers allow it. ``stated`` is a total that the source
    gave and the answers contradict, else None. ``entries`` are what it came in.
    """

    instrument: str
    time: datetime
    known_at: datetime
    items: Mapping[str, float]
    total: float | None
    severity: str | None
    case: bool | None
    flags: tuple[str, ...]
    entries: tuple[str, ...]
    stated: float | None = None


def questionnaires(record: PatientRecord) -> list[Filled]:
    """The questionnaires that stand in the record, by time and instrument.

    What came in one entry at one time is one form. Single observations of that time belong to it unless it
    has their item already; then they are a form of their own. A question that several instruments ask belongs
    to the one with the most answers there (a given total counts as one), then to the most complete.
    """
    sex = next((e.text_value for e in reversed(record.events) if e.code == f"PERSON{SEPARATOR}sex"), None)
    by_time: dict[datetime, list[Event]] = defaultdict(list)
    for event in record.events:
        stands = event.known_until is None and event.numeric_value is not None
        if stands and event.kind in KINDS and _instruments_of(event.code):
            by_time[event.time].append(event)
    filled = [form for events in by_time.values() for sheet in _sheets(events) for form in _forms(sheet, sex)]
    return sorted(filled, key=lambda form: (form.time, form.instrument, form.known_at, form.entries))


@lru_cache(maxsize=4096)
def _instruments_of(code: str) -> tuple[Instrument, ...]:
    """The instruments that a code belongs to, as an item or as a total."""
    total = instrument_of_total(code.removeprefix(STATED))
    return (total,) if total and total.total == "sum" else instruments_with_item(code)


def _sheets(events: Iterable[Event]) -> list[Sheet]:
    """Events of one time as they stood on one sheet: see `questionnaires`."""
    in_order = sorted(events, key=lambda event: (event.known_at, event.entry, event.code))
    sizes = Counter(event.entry for event in in_order if event.entry)
    by_entry: dict[str, Sheet] = defaultdict(dict)
    for event in in_order:
        if sizes[event.entry] > 1:
            by_entry[event.entry].setdefault(event.code, event)
    sheets = list(by_entry.values())
    singles: dict[int, Sheet] = defaultdict(dict)
    times_seen: Counter[str] = Counter()
    for event in in_order:
        if sizes[event.entry] <= 1 and not any(_repeats(event, sheet) for sheet in sheets):
            singles[times_seen[event.code]][event.code] = event
            times_seen[event.code] += 1
    for single in singles.values():
        home = next((sheet for sheet in sheets if _belongs(single, sheet)), None)
        if home is None:
            sheets.append(single)
        else:
            home |= single
    return sheets


def _repeats(event: Event, sheet: Sheet) -> bool:
    """Whether a single observation only says again what a sheet says."""
    return event.code in sheet and sheet[event.code].numeric_value == event.numeric_value


def _belongs(single: Sheet, sheet: Sheet) -> bool:
    """Whether nothing is there twice, and some instrument is on both."""
    names = [{i.id for code in part for i in _instruments_of(code)} for part in (single, sheet)]
    return not single.keys() & sheet.keys() and bool(names[0] & names[1])


def _forms(sheet: Sheet, sex: str | None) -> Iterator[Filled]:
    """The instruments on a sheet, each of its answers in one of them."""
    left = dict(sheet)
    while left:
        found = {i.id: i for code in left for i in _instruments_of(code)}
        instrument = max(found.values(), key=lambda i: (*_claim(i, left), i.id))
        yield _form(instrument, {code: left.pop(code) for code in _codes(instrument) if code in left}, sex)


def _codes(instrument: Instrument) -> list[str]:
    items = [item.code for item in instrument.items]
    return [*items, instrument.total_code, STATED + instrument.total_code]


def _claim(instrument: Instrument, sheet: Sheet) -> tuple[int, float]:
    """How much of an instrument a sheet has: answers, and the share that they are of it."""
    present = sum(code in sheet for code in _codes(instrument))
    return present, present / len(instrument.items)


def _form(instrument: Instrument, sheet: Sheet, sex: str | None) -> Filled:
    answers = {item.id: sheet[item.code].numeric_value for item in instrument.items if item.code in sheet}
    items = {id: value for id, value in answers.items() if value is not None}
    sound = {item.id: items[item.id] for item in instrument.items if item.takes(items.get(item.id))}
    score = instrument.score(sound, sex=sex)
    given = sheet.get(instrument.total_code)
    contradicted = sheet.get(STATED + instrument.total_code)
    stated = contradicted.numeric_value if contradicted else given.numeric_value if given else None
    total, severity, case = score.total, score.severity, score.case
    if stated is not None and given and (total is None or score.imputed):
        low, high = instrument.bounds(sound)
        if low <= stated <= high and not (items and set(instrument.missing.needs) - sound.keys()):
            total, severity, case = stated, instrument.severity_of(stated), instrument.is_case(stated, sex)
    return Filled(
        instrument=instrument.id,
        time=max(event.time for event in sheet.values()),
        known_at=max(event.known_at for event in sheet.values()),
        items=items,
        total=total,
        severity=severity,
        case=case,
        flags=score.flags,
        entries=tuple(sorted({event.entry for event in sheet.values() if event.entry})),
        stated=None if stated == total else stated,
    )
