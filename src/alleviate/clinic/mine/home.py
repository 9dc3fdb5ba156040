"""What a person sees first: what is due, how it goes, when the next appointment is; and help in a crisis."""

from datetime import timedelta

from fastapi.responses import Response

from alleviate.clinic.corrections import corrections
from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.invitations import due
from alleviate.clinic.mine.course import figure_of, next_appointment, stories
from alleviate.clinic.mine.forms import Form, form_of, shown
from alleviate.clinic.mine.questionnaires import spoken

__all__ = ["door"]

door = Door("mine", prefix="/mine")

_NEW = timedelta(days=30)
"""For so long the first page says that the care team has answered."""


@door.page("/", action="mine.see")
def home(visit: VisitOf) -> Response:
    """What is due, the newest course in a sentence, the next appointment."""
    chart = visit.access.chart(visit.patient, sheets=("invitation", "draft", "correction"))
    language = spoken(visit)
    asked = [(each, _form(each.instruments, language)) for each in due(chart.sheets, visit.now)]
    begun = {sheet.thread for sheet in chart.sheets if sheet.kind == "draft"}
    return visit.page(
        "mine/home.html",
        asked=[(invitation, form) for invitation, form in asked if form],
        begun=begun,
        today=visit.now.date(),
        replies=[
            reply
            for each in corrections(chart.sheets)
            for reply in each.replies[-1:]
            if visit.now - reply.at < _NEW
        ],
        stories=stories(chart.record)[:2],
        appointment=next_appointment(chart.record, visit.now),
    )


@door.page("/course", action="mine.see")
def course(visit: VisitOf) -> Response:
    """Every measure of this course of treatment: in words, as a chart and as a table."""
    chart = visit.access.chart(visit.patient, sheets=())
    _ = visit._
    told = [
        (story, figure_of(story, title=story.instrument.abbreviation, day=_("Day")))
        for story in stories(chart.record)
    ]
    return visit.page("mine/course.html", told=told)


@door.page("/help", action="mine.see")
def helped(visit: VisitOf) -> Response:
    """Who helps in a crisis."""
    return visit.page("mine/help.html")


def _form(instruments: tuple[str, ...], language: str) -> Form | None:
    """None where a version before us asked something that may not be shown."""
    return form_of(instruments, language) if all(map(shown, instruments)) else None
