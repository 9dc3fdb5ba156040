"""Pictures of how good forecasts are after each score: discrimination, bands, errors, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from alleviate.models.performance.curve import CalibrationCurve
from alleviate.packages.course_findings import SessionFindings
from alleviate.reports.courses.drawing import ACCENT, FAINT, INK, WARN, framed, table
from alleviate.terms.estimates import Estimate

__all__ = ["auc_chart", "calibration_chart", "coverage_chart", "error_chart"]

WIDTH, HEIGHT = 620, 210
_THIRDS = ("lowest third at intake", "middle third", "highest third")


def auc_chart(sessions: Sequence[SessionFindings]) -> Any:
    """AUC of no reliable improvement, with 95 % intervals."""
    rows = _rows(sessions, {"auc": "AUC"})
    return _over_sessions(rows, "AUC", [0.5, 1.0], [ACCENT], legend=False, zero=None)


def coverage_chart(sessions: Sequence[SessionFindings]) -> Any:
    """Shares held by the 90 % bands of the end and the next score, and by thirds of severity."""
    rows = _rows(sessions, {"coverage_end": "end score", "coverage_next": "next score"})
    thirds = [
        {"scores": s.scores, "value": third.estimate, "third": _THIRDS[i]}
        for s in sessions
        for i, third in enumerate(s.by_third)
        if third is not None
    ]
    low = min([0.8, *(row["low"] for row in rows), *(row["value"] for row in thirds)])
    chart = _over_sessions(
        rows, "held by the 90 % band", [max(0.0, low - 0.02), 1.0], [ACCENT, WARN], legend=True, zero=0.9
    )
    dots = (
        alt.Chart(table(thirds))
        .mark_point(size=34, color=FAINT, opacity=1, strokeWidth=1.3)
        .encode(
            x=alt.X("scores:O"),
            y=alt.Y("value:Q"),
            shape=alt.Shape(
                "third:N",
                scale=alt.Scale(domain=list(_THIRDS), range=["triangle-down", "square", "triangle-up"]),
                legend=alt.Legend(title=None, orient="top", symbolStrokeColor=FAINT),
            ),
        )
    )
    return alt.layer(chart, dots).resolve_scale(shape="independent") if thirds else chart


def error_chart(sessions: Sequence[SessionFindings], what: str) -> Any:
    """Mean absolute error of the ``what`` ("end", "next") score beside that of the last score carried on."""
    names = {f"mae_{what}": "these courses", f"mae_{what}_carried": "last score carried forward"}
    rows = _rows(sessions, names)
    top = max(row["high"] for row in rows)
    return _over_sessions(rows, "mean error, points", [0, top * 1.05], [ACCENT, WARN], legend=True, zero=None)


def calibration_chart(curves: Mapping[str, CalibrationCurve]) -> Any:
    """What was foreseen across, what came up; the diagonal is perfect."""
    words = {"p_improve": "reliable improvement", "p_worse": "reliable worsening"}
    panels = []
    for name, curve in curves.items():
        top = 1.0 if name == "p_improve" else min(1.0, max(e.high for e in curve.observed) * 1.1)
        rows = [
            {"foreseen": x, "observed": e.estimate, "low": max(0.0, e.low), "high": min(top, e.high)}
            for x, e in zip(curve.foreseen, curve.observed, strict=True)
            if x <= top
        ]
        across, up = alt.Scale(domain=[0, top]), alt.Scale(domain=[0, top])
        base = alt.Chart(table(rows)).encode(
            x=alt.X(
                "foreseen:Q", scale=across, title="foreseen chance", axis=alt.Axis(format="%", tickCount=5)
            )
        )
        perfect = (
            alt.Chart(table([{"a": 0, "b": 0}, {"a": top, "b": top}]))
            .mark_line(color=FAINT, strokeDash=[4, 4], strokeWidth=1.4)
            .encode(x="a:Q", y="b:Q")
        )
        band = base.mark_area(color=ACCENT, opacity=0.2).encode(y=alt.Y("low:Q", scale=up), y2="high:Q")
        line = base.mark_line(color=ACCENT, strokeWidth=2.4).encode(
            y=alt.Y("observed:Q", scale=up, title="share that came", axis=alt.Axis(format="%", tickCount=5))
        )
        title = alt.TitleParams(words[name].capitalize(), fontSize=13, color=INK)
        panels.append(alt.layer(perfect, band, line).properties(width=260, height=260, title=title))
    return alt.hconcat(*panels, spacing=40)


def _rows(sessions: Sequence[SessionFindings], names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for session in sessions:
        for name, words in names.items():
            value: Estimate | None = session.measures.get(name)
            if value is not None:
                estimate = {"value": value.estimate, "low": value.low, "high": value.high}
                found.append({"scores": session.scores, "what": words, **estimate})
    return found


def _over_sessions(
    rows: Sequence[dict[str, Any]],
    title: str,
    domain: list[float],
    colours: list[str],
    *,
    legend: bool,
    zero: float | None,
) -> Any:
    """Dots with intervals, one place a session; series beside each other."""
    names = list(dict.fromkeys(row["what"] for row in rows))
    base = alt.Chart(table(list(rows)))
    x = alt.X("scores:O", title="scores so far", axis=alt.Axis(labelAngle=0))
    y = alt.Scale(domain=domain, nice=False)
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(title=None, orient="top", symbolType="circle") if legend else None,
    )
    offset = alt.XOffset("what:N", sort=names, scale=alt.Scale(paddingOuter=0.8))
    spans = base.mark_rule(strokeWidth=2.2).encode(
        x=x, xOffset=offset, y=alt.Y("low:Q", scale=y, title=title), y2="high:Q", color=colour
    )
    dots = base.mark_point(size=60, filled=True, opacity=1).encode(
        x=x, xOffset=offset, y=alt.Y("value:Q", scale=y), color=colour
    )
    layers = [spans, dots]
    if zero is not None:
        rule = alt.Chart(table([{"at": zero}])).mark_rule(color=INK, strokeDash=[5, 4])
        layers.insert(0, rule.encode(y=alt.Y("at:Q", scale=y)))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def on_white(chart: Any) -> Any:
    """Framed, with the page's own ground."""
    return framed(chart, background=None)
