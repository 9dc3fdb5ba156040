"""The team's notes: writing, reading, agreeing; tasks and mentions."""

from datetime import date
from typing import Annotated

from fastapi import Form, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.names import Names
from alleviate.clinic.patient.notes import Task, loose_tasks, notes_of, tasks_of
from alleviate.clinic.patient.reading import head, open_chart
from alleviate.clinic.patient.team_working import finish_task, give_task, say_seen, team_accounts, write_note
from alleviate.terms.errors import DataError
from alleviate.vault.charts import Chart

__all__ = ["SORTS", "door"]

door = Door("notes", prefix="/patients")

SORTS = ("progress", "assessment", "contact", "plan", "discharge")
"""Sorts of notes that a page offers."""

Words = Annotated[str, Form(max_length=40_000)]
Accounts = Annotated[list[str], Form(max_length=50)]


@door.page("/{patient}/notes", action="patient.see")
def notes(patient: str, visit: VisitOf) -> Response:
    """What the team wrote, who has seen and agreed, and what is to be done."""
    return _page(visit, open_chart(visit), {}, {})


@door.form("/{patient}/notes", action="note.write")
def add(
    patient: str,
    visit: VisitOf,
    text: Words = "",
    sort: Annotated[str, Form(max_length=40)] = "progress",
    mention: Accounts = [],  # noqa: B006  (FastAPI copies it)
) -> Response:
    """Write a note, and name whom it concerns."""
    chart = open_chart(visit)
    try:
        write_note(visit, chart, sort if sort in SORTS else "progress", text, mention)
    except DataError as error:
        return _page(
            visit,
            chart,
            {"text": f"{visit._(error.message)} {visit._(error.hint)}"},
            {"text": text, "sort": sort},
        )
    return visit.go(_here(visit), said=visit._("The note is written."))


@door.form("/{patient}/notes/seen", action="note.write")
def seen(
    patient: str,
    visit: VisitOf,
    note: Annotated[str, Form(max_length=200)],
    agreed: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Say that one has read a note, or agrees with it."""
    say_seen(visit, open_chart(visit), note, agreed=agreed == "yes")
    said = visit._("You have agreed.") if agreed == "yes" else visit._("You have seen it.")
    return visit.go(_here(visit), said=said)


@door.form("/{patient}/tasks", action="note.write")
def add_task(
    patient: str,
    visit: VisitOf,
    words: Words = "",
    account: Annotated[str, Form(max_length=40)] = "",
    due: Annotated[str, Form(max_length=10)] = "",
    note: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Give somebody of the care team something to do."""
    chart = open_chart(visit)
    try:
        give_task(visit, chart, words, account, _day(due), note)
    except DataError as error:
        return _page(
            visit, chart, {"words": f"{visit._(error.message)} {visit._(error.hint)}"}, {"words": words}
        )
    return visit.go(_here(visit), said=visit._("The task is given."))


@door.form("/{patient}/tasks/{task}", action="note.write")
def done(patient: str, task: str, visit: VisitOf) -> Response:
    """Say that a task is done."""
    finish_task(visit, open_chart(visit), task)
    return visit.go(_here(visit), said=visit._("The task is done."))


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataError("The day of the task is no date.", hint="Choose it in the calendar.") from None


def _page(visit: Visit, chart: Chart, errors: dict[str, str], written: dict[str, str]) -> Response:
    found = notes_of(chart.record, chart.sheets)
    tasks = tasks_of(chart.sheets)
    loose: list[Task] = loose_tasks(tasks, found)
    members = team_accounts(visit, chart)
    names = Names(visit.services.accounts, visit._)
    return visit.page(
        "patient/notes.html",
        status=400 if errors else 200,
        **head(visit, chart, "notes"),
        notes=found,
        tasks=[task for task in tasks if task.open],
        loose=loose,
        sort_choices=[(sort, visit._(sort.capitalize())) for sort in SORTS],
        members=members,
        member_choices=[(account.id, account.name) for account in members],
        mentioned=lambda note: ", ".join(names.of(account) for account in note.mentions),
        errors=errors,
        written=written,
        may_write=visit.may("note.write"),
        me=visit.who.actor,
    )


def _here(visit: Visit) -> str:
    return f"/patients/{visit.patient}/notes"
