"""The picture of one patient: scores, what was expected, what counts as change, and what was raised."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from alleviate.reports.courses.drawing import ACCENT, FAINT, INK, SOFT, WARN, framed, table
from alleviate.reports.numbers import share

__all__ = ["Expected", "PatientCourse", "Visit", "patient_chart"]

WIDTH, HEIGHT = 620, 330


@dataclass(frozen=True, slots=True)
class Visit:
    """A score at ``time``; ``alert``: off track by the model; ``safety``: flags raised by rule."""

    time: float
    score: float
    alert: bool
    on_track: bool | None
    safety: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What to expect at ``time``, with the band that holds 90 %."""

    time: float
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PatientCourse:
    """One course of one person. ``at_start``: expected from the first score on; ``from_now``: from the last.

    ``lines``: (score, words) of reliable change and caseness; ``p_improve``: at the last score.
    """

    id: str
    instrument: str
    unit: str
    low: float
    high: float
    visits: tuple[Visit, ...]
    at_start: tuple[Expected, ...]
    from_now: tuple[Expected, ...]
    lines: tuple[tuple[float, str], ...]
    p_improve: float
    better: str


def patient_chart(course: PatientCourse) -> Any:
    """The chart; `drawing.svg` makes a picture of it."""
    last = max(visit.time for visit in course.visits)
    end = max([last, *(e.time for e in (*course.at_start, *course.from_now))])
    x = alt.X(
        "time:Q",
        title=f"{course.unit} since the first score",
        scale=alt.Scale(domain=[0, end * 1.0 or 1.0], nice=False),
        axis=alt.Axis(grid=False, tickCount=min(12, int(end) + 1), offset=8),
    )
    y = alt.Y(
        "score:Q", title=course.instrument, scale=alt.Scale(domain=[course.low, course.high], nice=False)
    )
    layers = [
        *_expected(course.at_start, x, y, FAINT, [5, 4], 0.13, course.instrument),
        *_lines(course, x, y, end),
        *(
            _expected(course.from_now, x, y, ACCENT, [2, 3], 0.3, course.instrument)
            if course.from_now
            else []
        ),
        *_scores(course.visits, x, y),
    ]
    title = alt.TitleParams(f"Patient {course.id}", subtitle=_subtitle(course))
    return framed(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title))


def _subtitle(course: PatientCourse) -> list[str]:
    visit = course.visits[-1]
    state = {True: "on track", False: "not on track", None: "the planned end has come"}[visit.on_track]
    state = "too early to say" if len(course.visits) == 1 else state
    told = f"{len(course.visits)} scores, now {visit.score:g}: {state}. "
    if course.from_now:
        end = course.from_now[-1]
        told += f"End expected at {end.score:.0f} ({end.low:.0f} to {end.high:.0f}); "
        told += f"reliable improvement in {share(course.p_improve)} of such courses."
    key = "Light band: expected from the first score on. Darker: from here on. Each holds 90 % of scores."
    return [told, key]


def _expected(
    points: Sequence[Expected], x: Any, y: Any, line: str, dash: list[int], opacity: float, name: str
) -> list[Any]:
    rows = [{"time": p.time, "score": p.score, "low": p.low, "high": p.high} for p in points]
    data = table(rows)
    band = alt.Chart(data).mark_area(color=ACCENT, opacity=opacity)
    curve = alt.Chart(data).mark_line(color=line, strokeDash=dash, strokeWidth=1.8)
    return [band.encode(x=x, y=alt.Y("low:Q", title=name), y2="high:Q"), curve.encode(x=x, y=y)]


def _lines(course: PatientCourse, x: Any, y: Any, end: float) -> list[Any]:
    rows = [{"score": score, "words": words, "time": end} for score, words in course.lines]
    data = table(rows)
    rule = alt.Chart(data).mark_rule(color=SOFT, strokeDash=[1, 3], strokeWidth=1.2).encode(y=y)
    text = alt.Chart(data).mark_text(align="left", baseline="middle", dx=6, fontSize=11, color=SOFT)
    return [rule, text.encode(x=x, y=y, text="words:N")] if rows else []


def _scores(visits: Sequence[Visit], x: Any, y: Any) -> list[Any]:
    rows = [{"time": v.time, "score": v.score} for v in visits]
    line = alt.Chart(table(rows)).mark_line(color=INK, strokeWidth=2)
    dots = alt.Chart(table(rows)).mark_point(color=INK, filled=True, size=48, opacity=1)
    layers = [line.encode(x=x, y=y), dots.encode(x=x, y=y)]
    marks = (
        ("alert", [v for v in visits if v.alert], "diamond", WARN, -16),
        ("safety", [v for v in visits if v.safety], "triangle-down", INK, 18),
    )
    for word, some, shape, colour, shift in marks:
        if some:
            told = [{"time": v.time, "score": v.score, "words": ", ".join(v.safety) or word} for v in some]
            data = table(told)
            mark = alt.Chart(data).mark_point(
                shape=shape, size=190, color=colour, filled=False, strokeWidth=2.4
            )
            text = alt.Chart(data).mark_text(dy=shift, fontSize=12, fontWeight="bold", color=colour)
            layers += [mark.encode(x=x, y=y, opacity=alt.value(1)), text.encode(x=x, y=y, text="words:N")]
    return layers
