"""The patient's page, the single answers, and the summary to print."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response

from alleviate.clinic.corrections import corrections
from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.figure import Panel, panels_of
from alleviate.clinic.patient.followers import followers_of
from alleviate.clinic.patient.live import end_of_day, mark_of, pulse_of, still_holds
from alleviate.clinic.patient.measures import Measure
from alleviate.clinic.patient.notes import unseen_mentions
from alleviate.clinic.patient.overview import Overview, overview_of
from alleviate.clinic.patient.reading import head, open_chart
from alleviate.vault.charts import Chart

__all__ = ["door"]

door = Door("patient", prefix="/patients")


@door.page("/{patient}/", action="patient.see")
def overview(patient: str, visit: VisitOf, seen: Annotated[str, Query(max_length=80)] = "") -> Response:
    """Course, alerts, treatment, medicines, problems, goals, and the latest notes."""
    if seen and still_holds(visit, seen):
        return Response(status_code=204)
    pulse = pulse_of(visit)
    chart = open_chart(visit)
    told = _overview(visit, chart)
    deadlines = [one.standing.deadline for one in told.open_safety if one.standing]
    ahead = [at for at in deadlines if at > visit.now]
    return visit.page(
        "patient/overview.html",
        **head(visit, chart, "overview"),
        told=told,
        live=mark_of(pulse, min([end_of_day(visit.now), *ahead])),
        panels=_panels(visit, told),
        score_table=partial(_score_table, visit),
        done_table=partial(_done_table, visit),
        any_course=bool(followers_of(visit.services.shelf)),
        wrong=corrections(chart.sheets),
        mentioned=[at for account, at in unseen_mentions(chart.sheets) if account == visit.who.key],
    )


@door.page("/{patient}/items", action="patient.see")
def items(patient: str, visit: VisitOf) -> Response:
    """The single answers of the latest forms of each questionnaire."""
    chart = open_chart(visit, sheets=())
    told = _overview(visit, chart)
    return visit.page(
        "patient/items.html",
        **head(visit, chart, "items"),
        measures=[measure for measure in told.measures if any(form.items for form in measure.forms)],
        most=MOST_FORMS,
    )


MOST_FORMS = 6
"""Forms of one questionnaire beside each other."""


@door.page("/{patient}/summary", action="patient.see")
def summary(patient: str, visit: VisitOf) -> Response:
    """Two pages of paper (A4) for who has no screen."""
    chart = open_chart(visit)
    told = _overview(visit, chart)
    return visit.page(
        "patient/summary.html",
        **head(visit, chart, "summary"),
        told=told,
        score_points=lambda measure: [(form.time, form.total) for form in measure.scored[-16:]],
    )


def _overview(visit: Visit, chart: Chart) -> Overview:
    return overview_of(chart, followers_of(visit.services.shelf), visit.now)


def _panels(visit: Visit, told: Overview) -> list[Panel]:
    episodes = [replace(one, treatment=visit._(one.treatment)) for one in told.episodes]
    return panels_of(told.measures, told.courses, episodes, told.medicines, told.contacts, visit.now, visit._)


def _score_table(visit: Visit, panel: Panel, measure: Measure) -> dict[str, Any]:
    """The scores of a panel, as the table beside it."""
    _, formats = visit._, visit.services.looks.formats(visit.services.looks.language(visit.request, visit))
    track = {True: _("on track"), False: _("not on track"), None: ""}
    rows = [
        [
            formats.short_day(row.at),
            formats.number(row.score) + (" ▲" if row.flags else ""),
            " – ".join(formats.number(value) for value in row.expected[1:]) if row.expected else "",
            _(row.words) if row.words else "",
            track[row.on_track],
        ]
        for row in panel.rows
    ]
    head = [_("Day"), _("Score"), _("Expected"), _("Severity"), _("Course")]
    instrument = measure.instrument
    low, high = (formats.number(value) for value in instrument.range)
    way = _("higher is worse") if instrument.direction == "higher is worse" else _("higher is better")
    return {"caption": f"{instrument.abbreviation} ({low}–{high}, {way})", "head": head, "rows": rows}


def _done_table(visit: Visit, panel: Panel) -> dict[str, Any]:
    """What was done when, as the table beside the picture."""
    _, formats = visit._, visit.services.looks.formats(visit.services.looks.language(visit.request, visit))
    rows = [
        [
            formats.short_day(row.at),
            row.words if row.lasts else f"{_('Session')}: {_(row.words)}",
            (formats.short_day(row.until) if row.until else _("now")) if row.lasts else "",
        ]
        for row in panel.rows
    ]
    return {
        "caption": _("Treatments, medicines and sessions"),
        "head": [_("From"), _("What"), _("Until")],
        "rows": rows,
    }
