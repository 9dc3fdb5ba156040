"""One person's chart as it fills: each entry gets its own ref, and its events their times."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alleviate.instruments import INSTRUMENTS
from alleviate.records.event import Event
from alleviate.records.kinds import Kind

__all__ = ["Chart", "Line"]

_ITEMS = {name: tuple(item.code for item in form.items) for name, form in INSTRUMENTS.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes one event: at its entry's time, and known with it, unless it says otherwise."""

    code: str
    number: float | None = None
    text: str | None = None
    time: datetime | None = None
    known: datetime | None = None


@dataclass(slots=True)
class Chart:
    """The events of one person, in the order in which they are written."""

    subject_id: str
    events: list[Event] = field(default_factory=list)
    _numbers: Counter[str] = field(default_factory=Counter)

    def ref(self, resource: str) -> str:
        """The next ref of that FHIR resource, unique over the clinic."""
        self._numbers[resource] += 1
        return f"{resource}/{self.subject_id}-{self._numbers[resource]}"

    def enter(
        self,
        resource: str,
        kind: Kind,
        time: datetime,
        *lines: Line,
        known: datetime | None = None,
        until: datetime | None = None,
        ref: str = "",
    ) -> str:
        """Writes one entry and returns its ref.

        ``known`` is when the record knew of it, ``until`` when it was replaced; ``ref`` is given for another
        version, or for the end of what was entered before.
        """
        entry = ref or self.ref(resource)
        for line in lines:
            at = line.time or time
            known_at = line.known or max(known or at, at)
            self.events.append(
                Event(self.subject_id, at, known_at, line.code, line.number, line.text, kind, entry, until)
            )
        return entry

    def answers(
        self,
        instrument: str,
        time: datetime,
        answers: NDArray[np.int64],
        *,
        known: datetime | None = None,
        until: datetime | None = None,
        ref: str = "",
    ) -> str:
        """Writes a questionnaire as filled in: every item, and the total."""
        items = [Line(code, float(value)) for code, value in zip(_ITEMS[instrument], answers, strict=True)]
        total = Line(INSTRUMENTS[instrument].total_code, float(answers.sum()))
        return self.enter(
            "QuestionnaireResponse", "questionnaire", time, *items, total, known=known, until=until, ref=ref
        )
