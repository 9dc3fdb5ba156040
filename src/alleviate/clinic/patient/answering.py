"""Alerts, one by one: what they say, where they stand, who took them and what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Form, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.followed import CourseAlert, course_alerts, courses_of
from alleviate.clinic.patient.followers import followers_of
from alleviate.clinic.patient.reading import head, nothing_here, open_chart
from alleviate.clinic.patient.writing import sentence
from alleviate.progress.alerts import Alert, Standing, Step, standing
from alleviate.progress.ladder import Ladder, default_ladders
from alleviate.terms.errors import DataError
from alleviate.vault.charts import Chart

__all__ = ["Answerable", "answer", "answerables", "door"]

door = Door("alerts", prefix="/patients")

StepState = Literal["acknowledged", "resolved"]
MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Answerable:
    """An alert of either kind: ``safety`` by rule, or of a learned course (``course``)."""

    id: str
    kind: Literal["safety", "course"]
    state: Literal["raised", "acknowledged", "resolved"]
    raised_at: datetime
    steps: tuple[Step, ...]
    safety: Alert | None = None
    course: CourseAlert | None = None
    standing: Standing | None = None
    ladder: Ladder | None = None


def answerables(visit: Visit, chart: Chart) -> list[Answerable]:
    """Every alert of this chart: safety first, the latest first within a kind."""
    ladders = default_ladders()
    found = [
        Answerable(
            alert.id,
            "safety",
            alert.state,
            alert.raised_at,
            alert.steps,
            safety=alert,
            standing=standing(alert, visit.now),
            ladder=ladders.of(alert.sign, alert.raised_at),
        )
        for alert in reversed(chart.alerts)
    ]
    courses = courses_of(chart.courses, followers_of(visit.services.shelf))
    found += [
        Answerable(one.id, "course", one.state, one.judged.raised_at, one.steps, course=one)
        for one in course_alerts(courses)
    ]
    return found


def answer(visit: Visit, chart: Chart, alert: str, state: StepState, done: str) -> None:
    """Take or resolve an alert of this chart, as who visits.

    Raises RefusedError for one that is not of this chart, DataError for a step that is not open to it.
    """
    found = _one(answerables(visit, chart), alert)
    words = sentence(done, "What was done", MOST_WORDS) if state == "resolved" or done.strip() else ""
    if found.kind == "safety":
        visit.access.answer(found.id, state, visit.now, words)
    else:
        visit.access.answer_course(found.id, state, visit.now, words)


@door.page("/{patient}/alerts/{alert}", action="patient.see")
def alert_page(patient: str, alert: str, visit: VisitOf) -> Response:
    """One alert."""
    chart = open_chart(visit, sheets=())
    return _page(visit, chart, _one(answerables(visit, chart), alert))


@door.form("/{patient}/alerts/{alert}", action="alert.answer")
def take_step(
    patient: str,
    alert: str,
    visit: VisitOf,
    state: Annotated[StepState, Form()],
    done: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Take it, or say what was done and close it."""
    chart = open_chart(visit, sheets=())
    found = _one(answerables(visit, chart), alert)
    try:
        answer(visit, chart, alert, state, done)
    except DataError as error:
        return _page(visit, chart, found, {"done": f"{visit._(error.message)} {visit._(error.hint)}"}, done)
    _ = visit._
    said = _("You have taken this alert.") if state == "acknowledged" else _("The alert is resolved.")
    return visit.go(f"/patients/{visit.patient}/alerts/{found.id}", said=said)


def _one(found: Sequence[Answerable], id: str) -> Answerable:
    one = next((each for each in found if each.id == id), None)
    if one is None:
        raise nothing_here()
    return one


def _page(
    visit: Visit, chart: Chart, found: Answerable, errors: dict[str, str] | None = None, done: str = ""
) -> Response:
    return visit.page(
        "patient/alert.html",
        status=400 if errors else 200,
        **head(visit, chart, "alerts"),
        found=found,
        errors=errors or {},
        done=done,
        may_answer=visit.may("alert.answer"),
    )
