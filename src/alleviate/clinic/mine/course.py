"""A person's own course, as it may be put in plain words: what changed, and whether more than by chance.

It never says that somebody is well: a score says how the answers were on one day, and a low one is no proof.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.progress.change import change_of
from alleviate.records import PatientRecord
from alleviate.records.questionnaires import questionnaires
from alleviate.terms.codes import code

__all__ = ["Appointment", "Point", "Said", "Story", "figure_of", "next_appointment", "stories"]

Said = Literal["one score", "better", "worse", "no clear change", "not known"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPISODE = code("EPISODE", "start")
_PLANNED = code("SESSION", "planned")


@dataclass(frozen=True, slots=True)
class Point:
    """One total (in the instrument's points) and the name of the band that it lies in."""

    time: datetime
    total: float
    band: str


@dataclass(frozen=True, slots=True)
class Story:
    """One instrument: its points by time, from ``since`` on, and what may be ``said`` of first against last.

    ``reliable``: the change, in points, that chance hardly makes alone; None where none is published.
    ``change``: points, positive is better.
    """

    instrument: Instrument
    points: tuple[Point, ...]
    said: Said
    change: float | None
    reliable: float | None

    @property
    def lower_is_better(self) -> bool:
        return self.instrument.direction == "higher is worse"


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booked contact. ``on`` is its date (UTC midnight), ``what`` its type in the source's words."""

    on: datetime
    what: str


def stories(record: PatientRecord) -> list[Story]:
    """Of every instrument with a total, those of the present course of treatment; the newest first.

    The course begins with the last treatment episode, and holds the last score before it (up to 90 days) as
    its start; without an episode everything belongs to it.
    """
    begin = max((e.time for e in record.events if e.code == _EPISODE and e.known_until is None), default=None)
    sex = next((e.text_value for e in reversed(record.events) if e.code == code("PERSON", "sex")), None)
    by_instrument: dict[str, list[Point]] = defaultdict(list)
    for form in questionnaires(record):
        if form.total is not None and INSTRUMENTS[form.instrument].total == "sum":
            by_instrument[form.instrument].append(Point(form.time, form.total, form.severity or ""))
    found = [_story(INSTRUMENTS[id], _of_course(points, begin), sex) for id, points in by_instrument.items()]
    return sorted(found, key=lambda story: (story.points[-1].time, story.instrument.id), reverse=True)


def _of_course(points: list[Point], begin: datetime | None) -> tuple[Point, ...]:
    if begin is None:
        return tuple(points)
    before = [point for point in points if begin - timedelta(days=90) <= point.time < begin]
    during = [point for point in points if point.time >= begin]
    return (*before[-1:], *during) or tuple(points)


def _story(instrument: Instrument, points: tuple[Point, ...], sex: str | None) -> Story:
    rule = instrument.reliable_change
    reliable = rule.least if rule and rule.kind == "reliable change" else None
    if len(points) < 2:
        return Story(instrument, points, "one score", None, reliable)
    change = change_of(instrument, [point.total for point in points], sex=sex)
    words: dict[str | None, Said] = {
        "improved": "better",
        "deteriorated": "worse",
        "no reliable change": "no clear change",
    }
    return Story(instrument, points, words.get(change.reliable, "not known"), change.improvement, reliable)


def next_appointment(record: PatientRecord, now: datetime) -> Appointment | None:
    """The earliest booked contact from today on; None where none is known.

    A booking whose entry came to say ``attended``, ``missed`` or ``cancelled`` stands no more.
    """
    today = (now - _EPOCH).days
    found = [
        Appointment(_EPOCH + timedelta(days=event.numeric_value), event.text_value or "")
        for event in record.events
        if event.code == _PLANNED
        and event.known_until is None
        and event.numeric_value is not None
        and today <= event.numeric_value < 2_900_000
    ]
    return min(found, key=lambda each: each.on, default=None)


def figure_of(story: Story, *, title: str, day: str) -> dict[str, Any]:
    """A Vega-Lite figure of the points over the instrument's range; ``title`` and ``day`` name the axes."""
    low, high = story.instrument.range
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 220,
        "data": {"values": [{"on": p.time.date().isoformat(), "score": p.total} for p in story.points]},
        "mark": {"type": "line", "point": {"filled": True, "size": 80}, "color": "#005eb8"},
        "encoding": {
            "x": {
                "field": "on",
                "type": "temporal",
                "title": day,
                "axis": {"format": "%-d %b", "grid": False, "tickCount": 4},
            },
            "y": {
                "field": "score",
                "type": "quantitative",
                "title": title,
                "scale": {"domain": [low, high]},
            },
        },
    }
