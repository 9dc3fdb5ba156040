"""The validation report of learned courses: findings in, one self-contained HTML page out."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from markupsafe import Markup

from alleviate.instruments import Instrument
from alleviate.packages.course_findings import CourseFindings
from alleviate.reports.courses.drawing import on_page, svg
from alleviate.reports.courses.sessions import (
    auc_chart,
    calibration_chart,
    coverage_chart,
    error_chart,
    on_white,
)
from alleviate.reports.pages import templates

__all__ = ["picture_page", "validation_report"]


def validation_report(findings: CourseFindings, instrument: Instrument, *, package_name: str) -> str:
    """No script, no network, the same bytes for the same input."""
    sessions = findings.judged.sessions
    titled = SimpleNamespace(title=f"Expected courses of the {instrument.abbreviation}")
    pictures = {
        "auc": _picture(auc_chart(sessions), "AUC of no reliable improvement after each score"),
        "coverage": _picture(coverage_chart(sessions), "Share of scores that the 90 % bands held"),
        "end": _picture(error_chart(sessions, "end"), "Mean error of the end score, after each score"),
        "next": _picture(error_chart(sessions, "next"), "Mean error of the next score, after each score"),
    }
    if findings.judged.calibration:
        curves = calibration_chart(findings.judged.calibration)
        pictures["calibration"] = _picture(curves, "Foreseen chances and shares that came")
    return (
        templates()
        .get_template("courses.html.jinja")
        .render(
            f=findings,
            study=titled,
            instrument=instrument,
            package_name=package_name,
            pictures=pictures,
            alert={c.what: c for c in findings.judged.alerts.compared},
        )
    )


def _picture(chart: Any, words: str) -> Markup:
    return Markup(on_page(svg(on_white(chart)), words))


def picture_page(title: str, picture: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A picture with the rows that it was drawn from, as one page."""
    template = templates().get_template("courses/picture.html.jinja")
    shown = Markup(on_page(picture, title))
    return template.render(title=title, study=SimpleNamespace(title=title), picture=shown, rows=rows)
