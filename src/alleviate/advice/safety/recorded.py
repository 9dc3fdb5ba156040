"""What the hard rules read of a record: medicines taken, conditions that stand, age, last values."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from alleviate.records import Event, PatientRecord

__all__ = ["Medicine", "Recorded", "Standing", "is_one_of"]

_ENDED = ("stopped", "completed", "cancelled", "ended", "entered-in-error", "not-taken", "draft")
_YEAR = 365.25
_OWN = ("MEDICATION//", "CONDITION//")
_END, _CODING = "//end", "CODING//"


@dataclass(frozen=True, slots=True)
class Medicine:
    """One prescription: its codes and words; ``stopped`` is None while it runs."""

    codes: tuple[str, ...]
    words: str
    stopped: datetime | None

    @property
    def name(self) -> str:
        return self.words or self.codes[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """A condition that has not ended and was not ruled out."""

    codes: tuple[str, ...]
    words: str
    onset: datetime

    @property
    def name(self) -> str:
        return self.words or self.codes[0]


@dataclass(frozen=True, slots=True)
class Recorded:
    """All of it, as known at a moment."""

    moment: datetime
    medicines: tuple[Medicine, ...]
    conditions: tuple[Standing, ...]
    age: float | None
    sex: str
    last: dict[str, Event]

    @classmethod
    def of(cls, record: PatientRecord, moment: datetime) -> "Recorded":
        known = record.at(moment).events
        entries: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for number, event in enumerate(known):
            entries[event.kind, event.entry or f"#{number}"].append(event)
        last: dict[str, Event] = {}
        for event in sorted(known, key=lambda event: (event.time, event.known_at)):
            last[event.code] = event
        born = last.get("MEDS_BIRTH")
        sex = last.get("PERSON//sex")
        return cls(
            moment,
            tuple(
                found
                for (kind, _), events in entries.items()
                if kind == "medication" and (found := _medicine(events)) is not None
            ),
            tuple(
                stands
                for (kind, _), events in entries.items()
                if kind == "condition" and (stands := _condition(events, moment)) is not None
            ),
            None if born is None else (moment - born.time).days / _YEAR,
            "" if sex is None else sex.text_value or "",
            last,
        )


def is_one_of(codes: Sequence[str], words: str, patterns: Iterable[str], names: Iterable[str]) -> bool:
    """Whether a code fits a pattern (a final ``*`` stands for any rest), or the words a name."""
    for pattern in patterns:
        stem = pattern.removesuffix("*")
        if any(code.startswith(stem) if stem != pattern else code == pattern for code in codes):
            return True
    return any(_word(name).search(words) for name in names)


@lru_cache(maxsize=512)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)


def _codes(events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(
        event.code.removeprefix(_CODING)
        for event in events
        if not event.code.startswith(_OWN) and not event.code.endswith(_END)
    )


def _medicine(events: list[Event]) -> Medicine | None:
    codes = _codes(events)
    if not codes:
        return None
    words = next((e.text_value for e in events if e.code == codes[0] and e.text_value), "")
    stopped = [e.time for e in events if e.code.endswith(_END)]
    status = [e for e in events if e.code == "MEDICATION//status"]
    if status:
        newest = max(status, key=lambda e: (e.time, e.known_at))
        if (newest.text_value or "").casefold() in _ENDED:
            stopped.append(newest.time)
    return Medicine(codes, words, max(stopped, default=None))


def _condition(events: list[Event], moment: datetime) -> Standing | None:
    if any(e.code == "CONDITION//refuted" for e in events):
        return None
    codes = _codes(events)
    if not codes or any(e.code.endswith(_END) and e.time <= moment for e in events):
        return None
    words = next((e.text_value for e in events if e.code == codes[0] and e.text_value), "")
    onset = min(e.time for e in events)
    return Standing(codes, words, onset)
