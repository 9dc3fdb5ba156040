"""The entry in the making while one resource is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from alleviate.intake.fhir.coding import codes_of, others, words_of
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import Span, moment
from alleviate.intake.fhir.shapes import Concept, Period
from alleviate.intake.fhir.subjects import Neighbours
from alleviate.records import Event, Kind

__all__ = ["AHEAD", "Draft", "Forms"]

AHEAD = timedelta(days=1)
"""Clocks differ, and days begin at other hours elsewhere; more than this ahead of the import is a mistake."""


class Forms(Protocol):
    """Where Questionnaires are found."""

    def find(self, canonical: str | None, contained: Iterable[msgspec.Raw]) -> Any:
        """The form that a canonical address, "Questionnaire/1" or "#contained" names, or None."""


@dataclass(slots=True)
class Draft:
    """What reading a resource needs to know, and gathers: ``events`` and ``cautions`` (field, reason).

    ``changed`` is the source's ``lastUpdated``. ``kind`` may be set anew before the first event.
    """

    subject: str
    ref: str
    kind: Kind
    now: datetime
    neighbours: Neighbours
    forms: Forms
    changed: datetime | None = None
    contained: tuple[msgspec.Raw, ...] = ()
    events: list[Event] = field(default_factory=list)
    cautions: list[tuple[str, str]] = field(default_factory=list)

    def add(
        self,
        code: str,
        when: Span | datetime,
        known: datetime,
        number: float | None = None,
        text: str | None = None,
    ) -> None:
        """One more event; known no earlier than it happened."""
        if isinstance(when, Span):
            time, known = when.first, max(known, when.last)
        else:
            time = when
        self.events.append(
            Event(self.subject, time, max(known, time), code, number, text, self.kind, self.ref)
        )

    def caution(self, name: str, reason: str) -> None:
        """Something to know about what was read all the same."""
        self.cautions.append((name, reason))

    def at(self, text: str, name: str) -> Span:
        """A moment that lies in the past. Raises Fault at the element ``name``."""
        when = moment(text, name)
        if when.first - self.now > AHEAD:
            raise Fault(name, f"{text} lies ahead of the import.")
        if when.last > self.now and when.last != when.first:
            return Span(when.first, max(when.first, self.now))
        return when

    def first_of(self, candidates: Mapping[str, str | None], missing: str) -> Span:
        """The moment of the first element that is there, by name; else ``lastUpdated``. Raises Fault."""
        for name, text in candidates.items():
            if text:
                return self.at(text, name)
        if self.changed is not None:
            return Span(self.changed, self.changed)
        raise Fault(next(iter(candidates), ""), missing)

    def recorded(self, text: str | None, name: str, when: Span) -> datetime:
        """When the source recorded it, where it says so; never before it happened."""
        return max(self.at(text, name).last, when.last) if text else when.last

    def end(self, period: Period | None, name: str) -> Span | None:
        """When a period ended, if it has: an end that lies ahead is a plan."""
        if period is None or not period.end:
            return None
        when = moment(period.end, f"{name}.end")
        return None if when.first - self.now > AHEAD else self.at(period.end, f"{name}.end")

    @property
    def lately(self) -> datetime:
        """When the source last changed this, or the import: no later change is known."""
        return self.changed or self.now

    def concept(self, concept: Concept | None, name: str) -> tuple[str, str | None, list[str]]:
        """Code, words and further codes (as events) of a concept that must be there. Raises Fault."""
        codes = codes_of(concept)
        if not codes:
            raise Fault(name, "It has neither a code nor words that say what it is.")
        return codes[0], words_of(concept), others(codes)

    def also(self, further: Iterable[str], when: Span, known: datetime) -> None:
        """The further codes of a concept as events."""
        for code in further:
            self.add(code, when, known)
