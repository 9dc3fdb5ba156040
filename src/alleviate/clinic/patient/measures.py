"""The scores of each measure, and what may be said of the change since the treatment began."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.progress.change import Change, change_of
from alleviate.records import PatientRecord
from alleviate.records.questionnaires import Filled, questionnaires

__all__ = ["Measure", "measures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One instrument of one person: ``forms`` by time, ``scored`` those with a total that can be.

    ``baseline``: the first of ``scored`` that counts for the present treatment. ``change``: from it to the
    last; None for what is no sum, and where there is no score.
    """

    instrument: Instrument
    forms: tuple[Filled, ...]
    scored: tuple[Filled, ...]
    baseline: Filled | None
    change: Change | None

    @property
    def last(self) -> Filled | None:
        return self.scored[-1] if self.scored else None


def measures(record: PatientRecord, since: datetime | None = None) -> list[Measure]:
    """Every instrument that the record has forms of: the most used first, then those with a safety item.

    ``since``: when the present treatment began; the baseline is the first score from that day on, or where
    none came, the last before. Without it, the first of all.
    """
    sex = next((e.text_value for e in reversed(record.events) if e.code == "PERSON//sex"), None)
    by_instrument: defaultdict[str, list[Filled]] = defaultdict(list)
    for form in questionnaires(record):
        by_instrument[form.instrument].append(form)
    found = [_measure(INSTRUMENTS[id], forms, since, sex) for id, forms in by_instrument.items()]
    return sorted(found, key=lambda m: (-len(m.scored), not m.instrument.flags, m.instrument.id))


def _measure(instrument: Instrument, forms: list[Filled], since: datetime | None, sex: str | None) -> Measure:
    low, high = instrument.range if instrument.total == "sum" else (0.0, -1.0)
    scored = tuple(form for form in forms if form.total is not None and low <= form.total <= high)
    counting = scored
    if since is not None:
        later = tuple(form for form in scored if form.time.date() >= since.date())
        counting = later or scored[-1:]
    change = change_of(instrument, [form.total for form in counting], sex=sex) if counting else None
    return Measure(
        instrument=instrument,
        forms=tuple(forms),
        scored=scored,
        baseline=counting[0] if counting else None,
        change=change,
    )
