"""What I want from treatment: goals in my own words, and wishes that my options are held against."""

from typing import Annotated

from fastapi import Depends, Form
from fastapi.responses import Response
from starlette.datastructures import FormData
from starlette.requests import Request

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.history import Goal, goals
from alleviate.clinic.patient.writing import goal_entry, goal_with_status
from alleviate.clinic.wishes import abouts, wish_entries, wishes_of
from alleviate.records import PatientRecord
from alleviate.terms.errors import DataError, InputError

__all__ = ["STATES", "change_goal", "door", "goals_and_wishes", "set_goal", "wish"]

STATES = ("active", "completed", "cancelled")

door = Door("mine", prefix="/mine")


async def _sent(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_sent)]


@door.page("/goals", action="mine.goals")
def listed(visit: VisitOf) -> Response:
    """My goals, and my wishes."""
    return _page(visit, {}, "")


@door.form("/goals", action="mine.goals")
def added(visit: VisitOf, words: Annotated[str, Form()] = "") -> Response:
    """A new goal."""
    _ = visit._
    try:
        set_goal(visit, words)
    except DataError as error:
        return _page(visit, {"words": visit._(error.message)}, words, status=400)
    return visit.go("/mine/goals", said=_("Saved. Your care team can see your goal."))


@door.form("/goals/status", action="mine.goals")
def changed(visit: VisitOf, goal: Annotated[str, Form()], status: Annotated[str, Form()]) -> Response:
    """Says that a goal is reached, dropped, or wanted again."""
    _ = visit._
    change_goal(visit, goal, status)
    return visit.go("/mine/goals", said=_("Saved."))


@door.form("/wishes", action="mine.goals")
def wished(visit: VisitOf, sent: Sent) -> Response:
    """All wishes as one form: those that a question has now stand, all others of it do not."""
    _ = visit._
    record = goals_and_wishes(visit)
    wanted = {
        each.code: [str(value) for value in sent.getlist(f"wish-{each.code}") if str(value).strip()]
        for each in abouts()
        if f"asked-{each.code}" in sent
    }
    entries = [
        entry
        for about, choices in wanted.items()
        for entry in wish_entries(record, about, choices, visit.now)
    ]
    if entries:
        visit.access.store(visit.now, entries=entries)
    return visit.go("/mine/goals", said=_("Saved. Your options are now held against your wishes."))


def set_goal(visit: Visit, words: str) -> str:
    """Store a goal; its ref. Raises DataError."""
    entry = goal_entry(goals_and_wishes(visit).subject_id, words, visit.now)
    visit.access.store(visit.now, entries=[entry])
    return entry.ref


def change_goal(visit: Visit, ref: str, status: str) -> None:
    """Store how a goal stands. Raises DataError."""
    if status not in STATES:
        raise DataError("A goal is active, completed or cancelled.", hint="Choose one.")
    entry = goal_with_status(goals_and_wishes(visit), ref, status, visit.now)
    visit.access.store(visit.now, entries=[entry])


def wish(visit: Visit, about: str, choices: list[str]) -> None:
    """Store that these are the wishes about it. Raises InputError."""
    if len(choices) > 20:
        raise InputError("These are more wishes than there are choices.", hint="Choose some.")
    entries = wish_entries(goals_and_wishes(visit), about, choices, visit.now)
    if entries:
        visit.access.store(visit.now, entries=entries)


def goals_and_wishes(visit: Visit) -> PatientRecord:
    """The part of the record that these pages show."""
    return visit.access.chart(visit.patient, kinds=("goal", "preference"), sheets=()).record


def _page(visit: Visit, errors: dict[str, str], words: str, status: int = 200) -> Response:
    record = goals_and_wishes(visit)
    found: list[Goal] = goals(record)
    wishes = wishes_of(record)
    known = {about.code for about in abouts()}
    return visit.page(
        "mine/goals.html",
        status=status,
        goals=found,
        abouts=abouts(),
        chosen={
            about.code: [each.choice or each.words for each in wishes if each.about == about.code]
            for about in abouts()
        },
        foreign=[
            each for each in wishes if each.about not in known or not (each.choice or _free(each.about))
        ],
        wrong=errors,
        written=words,
    )


def _free(code: str) -> bool:
    return any(about.free for about in abouts() if about.code == code)
