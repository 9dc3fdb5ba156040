"""The course of every measure, treatments, medicines and sessions on one axis of time: pictures with tables.

Each panel is a Vega-Lite specification of plain values as wide as its place; all share the first and the last
moment and the room of their axes, so that they stand on one axis of time. No panel shows what its table does
not tell.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from alleviate.clinic.patient.contacts import Contact, Episode
from alleviate.clinic.patient.followed import Course
from alleviate.clinic.patient.history import Line
from alleviate.clinic.patient.measures import Measure

__all__ = ["Panel", "Row", "panels_of"]

INK, SOFT, LINE, BRAND, WARN = "#212b32", "#4c6272", "#d8dde0", "#14505c", "#b3170b"
MOST_MEASURES = 3
HEIGHT, LANE, AXIS = 170, 34, 34
_LEAD = timedelta(days=90)
_MARGIN = timedelta(days=5)
_SHAPES = {"attended": "circle", "missed": "cross", "cancelled": "stroke", "planned": "diamond"}

Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a panel's table. ``until``: of what lasts. ``expected``: (estimate, low, high)."""

    at: datetime
    words: str
    score: float | None = None
    expected: tuple[float, float, float] | None = None
    on_track: bool | None = None
    flags: tuple[str, ...] = ()
    until: datetime | None = None
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """``measure`` is an instrument's id, or "" of what was done when. ``rows``: the latest first."""

    measure: str
    spec: dict[str, Any]
    rows: tuple[Row, ...]


def panels_of(
    measures: Sequence[Measure],
    courses: Sequence[Course],
    episodes: Sequence[Episode],
    medicines: Sequence[Line],
    contacts: Sequence[Contact],
    now: datetime,
    say: Say,
) -> list[Panel]:
    """A panel a measure with several scores (else with one), and one of what was done when; or none.

    ``say`` translates. Shown is the time from 90 days before the present treatment (or the first score, where
    that is later) to now, or to the end that is expected.
    """
    several = [measure for measure in measures if len(measure.scored) > 1]
    drawn = (several or [measure for measure in measures if measure.scored])[:MOST_MEASURES]
    if not drawn:
        return []
    by_measure = {course.follower.instrument_id: course for course in courses}
    window = _window(drawn, by_measure, episodes, now)
    found = [
        _measured(m, by_measure.get(m.instrument.id), episodes, window, say, named=m is drawn[0])
        for m in drawn
    ]
    done = _done(episodes, medicines, contacts, window, now, say)
    return [*found, done] if done else found


Window = tuple[datetime, datetime]


def _window(
    measures: Iterable[Measure], courses: Mapping[str, Course], episodes: Sequence[Episode], now: datetime
) -> Window:
    scores = [form.time for measure in measures for form in measure.scored]
    ends = [course.end_at for course in courses.values()]
    first, last = min(scores), max([now, *(end for end in ends if end)])
    if episodes and any(at >= episodes[-1].since - _LEAD for at in scores):
        first = max(first, episodes[-1].since - _LEAD)
    return first - _MARGIN, last + _MARGIN


def _measured(
    measure: Measure,
    course: Course | None,
    episodes: Sequence[Episode],
    window: Window,
    say: Say,
    *,
    named: bool,
) -> Panel:
    """``named``: whether the lines where treatments begin carry their names; one panel's do for all."""
    low, high = measure.instrument.range
    y = {
        "field": "score",
        "type": "quantitative",
        "scale": {"domain": [low, high], "nice": False},
        "title": None,
        "axis": _axis(tickCount=5, grid=True),
    }
    x = _x(window)
    layers = _band_layers(course, x, y, window) if course else []
    layers += _start_layers(episodes, x, y, high, window, named)
    if measure.instrument.caseness:
        layers += _cutoff_layers(measure.instrument.caseness.threshold, x, y, window, say)
    layers += _score_layers(measure, x, y, window)
    return Panel(measure.instrument.id, _spec(layers, HEIGHT), tuple(_rows(measure, course)))


def _band_layers(
    course: Course, x: dict[str, Any], y: dict[str, Any], window: Window
) -> list[dict[str, Any]]:
    """What was expected of each score before it came; from the last on, what is expected now."""
    judged, last = course.judged, course.last
    bands = [
        _band(now.at, before.expected, before.low, before.high)
        for before, now in pairwise(judged)
        if now.at >= window[0]
    ]
    gaps = [after.at - before.at for before, after in pairwise(judged)]
    gap = sorted(gaps)[len(gaps) // 2] if gaps else timedelta(days=14)
    if (end := course.end_at) is not None:
        if last.at + gap < end:
            bands.append(_band(last.at + gap, last.expected, last.low, last.high))
        bands.append(_band(end, last.end, last.end_low, last.end_high))
    data = {"values": bands}
    area = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    return [
        {"data": data, "mark": {"type": "area", "color": BRAND, "opacity": 0.16}, "encoding": area},
        {
            "data": data,
            "mark": {"type": "line", "color": BRAND, "strokeDash": [5, 4], "strokeWidth": 1.5},
            "encoding": {"x": x, "y": {**y, "field": "expected"}},
        },
    ]


def _band(at: datetime, expected: float, low: float, high: float) -> dict[str, Any]:
    return {"at": _at(at), "expected": round(expected, 2), "low": round(low, 2), "high": round(high, 2)}


def _start_layers(
    episodes: Sequence[Episode], x: dict[str, Any], y: dict[str, Any], top: float, window: Window, named: bool
) -> list[dict[str, Any]]:
    """Where a treatment began."""
    starts = [
        {"at": _at(one.since), "score": top, "words": one.treatment}
        for one in episodes
        if window[0] <= one.since <= window[1]
    ]
    if not starts:
        return []
    line = {"type": "rule", "color": SOFT, "strokeWidth": 1}
    layers: list[dict[str, Any]] = [{"data": {"values": starts}, "mark": line, "encoding": {"x": x}}]
    if named:
        text = {"type": "text", "align": "left", "dx": 5, "dy": 7, "fontSize": 12, "color": SOFT}
        told = {"x": x, "y": y, "text": {"field": "words", "type": "nominal"}}
        layers.append({"data": {"values": starts}, "mark": text, "encoding": told})
    return layers


def _cutoff_layers(
    threshold: float, x: dict[str, Any], y: dict[str, Any], window: Window, say: Say
) -> list[dict[str, Any]]:
    data = {"values": [{"score": threshold, "words": say("cut-off"), "at": _at(window[1])}]}
    text = {"type": "text", "align": "right", "dy": -6, "color": SOFT, "fontSize": 12}
    return [
        {"data": data, "mark": {"type": "rule", "color": SOFT, "strokeDash": [2, 3]}, "encoding": {"y": y}},
        {
            "data": data,
            "mark": text,
            "encoding": {"x": x, "y": y, "text": {"field": "words", "type": "nominal"}},
        },
    ]


def _score_layers(
    measure: Measure, x: dict[str, Any], y: dict[str, Any], window: Window
) -> list[dict[str, Any]]:
    scores = [
        {"at": _at(form.time), "score": form.total, "flag": "▲" if form.flags else ""}
        for form in measure.scored
        if window[0] <= form.time <= window[1]
    ]
    at = {"x": x, "y": y}
    layers: list[dict[str, Any]] = [
        {"data": {"values": scores}, "mark": {"type": "line", "color": INK}, "encoding": at},
        {
            "data": {"values": scores},
            "mark": {"type": "point", "color": INK, "filled": True, "size": 45, "opacity": 1},
            "encoding": at,
        },
    ]
    if flagged := [score for score in scores if score["flag"]]:
        layers.append(
            {
                "data": {"values": flagged},
                "mark": {"type": "text", "color": WARN, "dy": -13, "fontSize": 13},
                "encoding": {**at, "text": {"field": "flag", "type": "nominal"}},
            }
        )
    return layers


def _rows(measure: Measure, course: Course | None) -> Iterable[Row]:
    judged = {one.at: one for one in course.judged} if course else {}
    expected: dict[datetime, tuple[float, float, float]] = {}
    for before, now in pairwise(course.judged) if course else ():
        expected[now.at] = (before.expected, before.low, before.high)
    for form in reversed(measure.scored):
        found = judged.get(form.time)
        yield Row(
            form.time,
            form.severity or "",
            form.total,
            expected.get(form.time),
            found.on_track if found else None,
            form.flags,
        )


def _done(
    episodes: Sequence[Episode],
    medicines: Sequence[Line],
    contacts: Sequence[Contact],
    window: Window,
    now: datetime,
    say: Say,
) -> Panel | None:
    """What lasts as bars with their words, sessions as marks; what lies outside the window is left out."""
    lasting = [Row(one.since, one.treatment, until=one.until, lasts=True) for one in episodes]
    lasting += [
        Row(one.since, " ".join([one.words, *one.more]), until=one.until, lasts=True)
        for one in medicines
        if one.until is not None or not one.ended
    ]
    lasting = [row for row in lasting if row.at < window[1] and (row.until or now) > window[0]]
    came = [Row(contact.at, contact.state) for contact in contacts if window[0] <= contact.at <= window[1]]
    if not lasting and not came:
        return None
    lanes = list(dict.fromkeys(row.words for row in lasting))
    layers = _bar_layers(lasting, lanes, window, now)
    if came:
        lanes.append(say("Sessions"))
        layers.append(_session_layer(came, lanes, window, say))
    rows = sorted([*lasting, *came], key=lambda row: row.at, reverse=True)
    return Panel("", _spec(layers, LANE * len(lanes)), tuple(rows))


def _lane(lanes: Sequence[str]) -> dict[str, Any]:
    quiet = _axis(labels=False, ticks=False, domain=False, grid=False)
    return {"field": "lane", "type": "nominal", "sort": list(lanes), "title": None, "axis": quiet}


def _bar_layers(
    rows: Sequence[Row], lanes: Sequence[str], window: Window, now: datetime
) -> list[dict[str, Any]]:
    bars = [
        {
            "lane": row.words,
            "at": _at(max(row.at, window[0])),
            "until": _at(min(row.until or max(now, row.at), window[1])),
        }
        for row in rows
    ]
    # The lanes of sessions are not known here; the scale is shared by all layers and takes the union.
    x, y, data = _x(window), _lane(lanes), {"values": bars}
    words = {"type": "text", "align": "left", "dy": -9, "fontSize": 12, "color": INK}
    firsts = {"values": list({bar["lane"]: bar for bar in reversed(bars)}.values())}
    bar = {"type": "bar", "height": 7, "yOffset": 5, "color": SOFT}
    return [
        {"data": data, "mark": bar, "encoding": {"x": x, "x2": {"field": "until"}, "y": y}},
        {
            "data": firsts,
            "mark": words,
            "encoding": {"x": x, "y": y, "text": {"field": "lane", "type": "nominal"}},
        },
    ]


def _session_layer(rows: Sequence[Row], lanes: Sequence[str], window: Window, say: Say) -> dict[str, Any]:
    marks = [{"lane": lanes[-1], "state": say(row.words), "at": _at(row.at)} for row in rows]
    states = [state for state in _SHAPES if any(row.words == state for row in rows)]
    scale = {"domain": [say(state) for state in states], "range": [_SHAPES[state] for state in states]}
    legend = {
        "title": None,
        "orient": "bottom",
        "columns": 2,  # beside each other they are wider than a phone
        "symbolStrokeColor": INK,
        "symbolFillColor": "#ffffff",
    }
    return {
        "data": {"values": marks},
        "mark": {"type": "point", "color": INK, "size": 55, "strokeWidth": 1.6, "opacity": 1},
        "encoding": {
            "x": _x(window),
            "y": _lane(lanes),
            "shape": {"field": "state", "type": "nominal", "scale": scale, "legend": legend},
        },
    }


def _spec(layers: list[dict[str, Any]], height: int) -> dict[str, Any]:
    """The layers over each other. The last says which time is shown: said twice, Vega warns of a conflict."""
    timed = [layer for layer in layers if "x" in layer["encoding"]]
    for layer in timed[:-1]:
        x = {name: value for name, value in layer["encoding"]["x"].items() if name != "scale"}
        layer["encoding"] = {**layer["encoding"], "x": x}
    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    return {"$schema": schema, "width": "container", "height": height, "layer": layers}


def _x(window: Window) -> dict[str, Any]:
    return {
        "field": "at",
        "type": "temporal",
        "scale": {"domain": [_at(window[0]), _at(window[1])], "nice": False},
        "title": None,
        "axis": {"grid": False, "labelOverlap": True, "tickCount": 6},
    }


def _axis(**more: Any) -> dict[str, Any]:
    """An axis of scores or lanes: as wide in every panel."""
    return {"minExtent": AXIS, "maxExtent": AXIS, "gridColor": LINE, **more}


def _at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
