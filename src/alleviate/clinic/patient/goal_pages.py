"""What the person wants: goals in their own words, and wishes about treatment, written down with them."""

from typing import Annotated

from fastapi import Form, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.history import goals
from alleviate.clinic.patient.reading import head, nothing_here, open_chart
from alleviate.clinic.patient.writing import goal_entry, goal_with_status
from alleviate.clinic.wishes import abouts, wish_entries, wishes_of
from alleviate.terms.errors import InputError
from alleviate.vault.charts import Chart

__all__ = ["STATUSES", "door"]

door = Door("goals", prefix="/patients")

STATUSES = ("active", "completed", "cancelled")
"""How a goal may stand (FHIR's words)."""


@door.page("/{patient}/goals", action="patient.see")
def page(patient: str, visit: VisitOf) -> Response:
    """Goals and wishes."""
    return _page(visit, open_chart(visit, sheets=()), {}, "")


@door.form("/{patient}/goals", action="goal.write")
def add(patient: str, visit: VisitOf, goal: Annotated[str, Form(max_length=2_000)] = "") -> Response:
    """Write down a goal."""
    chart = open_chart(visit, sheets=())
    try:
        entry = goal_entry(chart.subject_id, goal, visit.now)
    except InputError as error:
        return _page(visit, chart, {"goal": f"{visit._(error.message)} {visit._(error.hint)}"}, goal)
    visit.access.store(visit.now, entries=[entry])
    return visit.go(_here(visit), said=visit._("The goal is written down."))


@door.form("/{patient}/goals/status", action="goal.write")
def change(
    patient: str,
    visit: VisitOf,
    goal: Annotated[str, Form(max_length=200)],
    status: Annotated[str, Form(max_length=20)],
) -> Response:
    """Say how a goal stands now."""
    chart = open_chart(visit, sheets=())
    if status not in STATUSES or not any(one.ref == goal for one in goals(chart.record)):
        raise nothing_here()
    entry = goal_with_status(chart.record, goal, status, visit.now)
    visit.access.store(visit.now, entries=[entry])
    return visit.go(_here(visit), said=visit._("The goal is changed."))


@door.form("/{patient}/wishes", action="goal.write")
def wish(
    patient: str,
    visit: VisitOf,
    about: Annotated[str, Form(max_length=40)],
    wanted: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006  (FastAPI copies it)
) -> Response:
    """Write down what the person wishes about one matter; nothing chosen: no wish."""
    chart = open_chart(visit, sheets=())
    chosen = [each for each in wanted if each.strip()]
    try:
        entries = wish_entries(chart.record, about, chosen, visit.now)
    except InputError as error:
        return _page(visit, chart, {f"wanted-{about}": f"{visit._(error.message)} {visit._(error.hint)}"}, "")
    if entries:
        visit.access.store(visit.now, entries=entries)
    return visit.go(_here(visit), said=visit._("The wishes are written down."))


def _page(visit: Visit, chart: Chart, errors: dict[str, str], goal: str) -> Response:
    standing = wishes_of(chart.record)
    return visit.page(
        "patient/goals.html",
        status=400 if errors else 200,
        **head(visit, chart, "goals"),
        goals=goals(chart.record),
        wishes=standing,
        chosen={
            about.code: [w.choice or w.words for w in standing if w.about == about.code] for about in abouts()
        },
        abouts=abouts(),
        about_word=lambda code: visit._(next((one.label for one in abouts() if one.code == code), code)),
        statuses=STATUSES,
        errors=errors,
        goal=goal,
        may_write=visit.may("goal.write"),
    )


def _here(visit: Visit) -> str:
    return f"/patients/{visit.patient}/goals"
