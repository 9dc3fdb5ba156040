"""The picture of a caseload: everybody's last score, where it came from and where it is heading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from alleviate.reports.courses.drawing import ACCENT, FAINT, INK, SOFT, WARN, framed, table

__all__ = ["MOST", "CaseloadRow", "caseload_chart"]

MOST = 40
"""More people are counted, not drawn."""
STEP, WIDTH = 21, 430
_STATES = ("not on track", "on track", "too early to say")


@dataclass(frozen=True, slots=True)
class CaseloadRow:
    """A person now: first and last score, the end to expect with its band, P(no reliable improvement)."""

    id: str
    scores: int
    first: float
    now: float
    end: float
    low: float
    high: float
    off: float
    on_track: bool | None
    safety: bool


def caseload_chart(
    people: Sequence[CaseloadRow], instrument: str, low: float, high: float, *, per_100: float
) -> Any:
    """Whose answers ask for somebody now first, then who is off track, by the chance of no improvement."""
    ordered = sorted(
        people, key=lambda p: (not p.safety, p.on_track is not False, p.on_track is None, -p.off, p.id)
    )
    shown = ordered[:MOST]
    data = table([_row(person, rank) for rank, person in enumerate(shown)])
    order = alt.EncodingSortField(field="rank", order="ascending")
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=170, ticks=False, domain=False))
    x = alt.Scale(domain=[low, high], nice=False)
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=list(_STATES), range=[WARN, ACCENT, FAINT]),
        legend=alt.Legend(title=None, orient="top", symbolType="circle", symbolSize=80),
    )
    base = alt.Chart(data)
    axis = alt.X(
        "low:Q", scale=x, title=f"{instrument}: first score ○, now ●, end expected | with its 90 % band"
    )
    layers = [
        base.mark_bar(height=11, opacity=0.22).encode(y=y, x=axis, x2="high:Q", color=colour),
        base.mark_tick(thickness=2.5, height=11, size=13, opacity=1).encode(
            y=y, x=alt.X("end:Q", scale=x), color=colour
        ),
        base.mark_rule(color=SOFT, strokeWidth=1.2).encode(y=y, x=alt.X("first:Q", scale=x), x2="now:Q"),
        base.mark_point(size=42, color=INK, fill="#ffffff", opacity=1, strokeWidth=1.4).encode(
            y=y, x=alt.X("first:Q", scale=x)
        ),
        base.mark_point(size=70, filled=True, opacity=1).encode(y=y, x=alt.X("now:Q", scale=x), color=colour),
    ]
    off = base.mark_text(align="right", fontSize=12, color=INK).encode(
        y=y, x=alt.value(WIDTH + 62), text="off:N"
    )
    off_track = sum(person.on_track is False for person in people)
    rest = "" if len(people) <= MOST else f" The first {MOST} are drawn."
    title = alt.TitleParams(
        f"{off_track} of {len(people)} people are not on track",
        subtitle=[
            f"Alerts are set to {per_100:g} of 100 patients.{rest}",
            "On the right: the chance of no reliable improvement.",
        ],
    )
    return framed(alt.layer(*layers, off).properties(width=WIDTH, height=alt.Step(STEP), title=title))


def _row(person: CaseloadRow, rank: int) -> dict[str, Any]:
    state = {False: _STATES[0], True: _STATES[1], None: _STATES[2]}[person.on_track]
    name = f"{person.id}{' ▼ safety' if person.safety else ''}"
    return {
        "rank": rank,
        "name": name,
        "state": state,
        "first": person.first,
        "now": person.now,
        "end": person.end,
        "low": person.low,
        "high": person.high,
        "off": f"{person.off:.0%}",
    }
