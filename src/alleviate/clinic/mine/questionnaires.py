"""The pages on which a person fills in a questionnaire: all questions or one, looking over, sending, help."""

import hashlib
import secrets
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends
from fastapi.responses import Response
from starlette.datastructures import FormData
from starlette.requests import Request

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.mine.drafts import Save
from alleviate.clinic.mine.filling import Outcome, Sheet, opened, save, send, told
from alleviate.clinic.mine.forms import Question
from alleviate.terms.errors import DataError

__all__ = ["door", "spoken"]

door = Door("mine", prefix="/mine/questionnaires")

_FIELD = "a."  # begins the name of each answer's field


async def _sent(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_sent)]


def spoken(visit: Visit) -> str:
    """The reader's language."""
    return visit.services.looks.language(visit.request, visit).code


@door.page("/{invitation}", action="mine.answer")
def ask(visit: VisitOf, invitation: str, at: str = "", step: bool = False) -> Response:
    """The questions: all on one page, or one (``at`` its key; with ``step`` the first unanswered)."""
    sheet = opened(visit, invitation, spoken(visit))
    if not sheet.invitation.is_open():
        return _closed(visit, sheet)
    asked = sheet.form.asked(sheet.answers)
    if step and not at:
        at = next((each.key for each in asked if each.key not in sheet.answers), asked[0].key)
    only = next((each for each in asked if each.key == at), None) if at else None
    return _questions(visit, sheet, only)


@door.form("/{invitation}", action="mine.answer")
def keep(visit: VisitOf, invitation: str, sent: Sent) -> Response:
    """Saves what was chosen, and goes on to the next question, back, or to look everything over."""
    sheet = opened(visit, invitation, spoken(visit))
    outcome = save(visit, sheet, _saves(visit, sheet, sent))
    here = f"/mine/questionnaires/{quote(sheet.invitation.id)}"
    if outcome.danger:
        return visit.go(f"{here}/help")
    if not outcome.kept:
        return visit.go(here)
    return visit.go(here + _next(outcome.sheet, str(sent.get("at", "")), str(sent.get("go", ""))))


@door.page("/{invitation}/review", action="mine.answer")
def review(visit: VisitOf, invitation: str) -> Response:
    """Every question with its answer, before they are sent."""
    sheet = opened(visit, invitation, spoken(visit))
    if not sheet.invitation.is_open():
        return _closed(visit, sheet)
    return visit.page("mine/review.html", sheet=sheet, open_left=sheet.form.unanswered(sheet.answers))


@door.form("/{invitation}/send", action="mine.answer")
def finish(visit: VisitOf, invitation: str) -> Response:
    """Sends the answers, once."""
    language = spoken(visit)
    outcome: Outcome = send(visit, opened(visit, invitation, language), language)
    here = f"/mine/questionnaires/{quote(outcome.sheet.invitation.id)}"
    return visit.go(f"{here}/help" if outcome.danger else here)


@door.page("/{invitation}/help", action="mine.answer")
def helped(visit: VisitOf, invitation: str) -> Response:
    """Help at once, and whether the care team knows; then the way back to the questions."""
    sheet = opened(visit, invitation, spoken(visit))
    return visit.page("mine/danger.html", sheet=sheet, told=told(visit, sheet), danger=sheet.danger)


def _questions(visit: Visit, sheet: Sheet, only: Question | None, error: str = "") -> Response:
    asked = list(sheet.form.asked(sheet.answers))
    return visit.page(
        "mine/questions.html",
        sheet=sheet,
        only=only,
        section=sheet.form.section_of(only.key) if only else None,
        number=asked.index(only) + 1 if only else 0,
        of=len(asked),
        before=asked[asked.index(only) - 1].key if only and asked.index(only) else "",
        nonce=secrets.token_urlsafe(12),
        danger=_danger_values(sheet),
        error=error,
    )


def _closed(visit: Visit, sheet: Sheet) -> Response:
    """What stands in the place of the questions: sent, withdrawn or out of time."""
    return visit.page("mine/sent.html", sheet=sheet)


def _danger_values(sheet: Sheet) -> dict[str, float]:
    """The least answer, by question, that shows danger by itself: a phone offline shows help then."""
    least: dict[str, float] = {}
    for section in sheet.form.sections:
        flags = {flag.item: flag.at_least for flag in section.instrument.flags}
        tiers = {id: 1.0 for tier in section.instrument.tiers if tier.flag for id in tier.any}
        for question in section.questions:
            if question.item.id in (both := {**tiers, **flags}):
                least[question.key] = both[question.item.id]
    return least


def _saves(visit: Visit, sheet: Sheet, sent: FormData) -> list[Save]:
    """The answers in a form. Those that stand already are left out. Raises DataError."""
    nonce = str(sent.get("nonce", ""))[:32]
    made = int(visit.now.timestamp() * 1000)
    saves = []
    for name, value in sent.multi_items():
        if not name.startswith(_FIELD):
            continue
        key = name.removeprefix(_FIELD)
        try:
            number = float(int(str(value)))
        except ValueError:
            raise DataError("An answer is one of those shown.", hint="Choose one.") from None
        if sheet.answers.get(key) != number:
            once = hashlib.sha256(f"{nonce} {key} {number:g}".encode()).hexdigest()[:32]
            saves.append(Save(key, number, made, once))
    return saves


def _next(sheet: Sheet, at: str, go: str) -> str:
    """Where to after saving: the question after or before ``at``, or looking everything over."""
    keys = [question.key for question in sheet.form.asked(sheet.answers)]
    if go == "stay":
        return ""
    if at not in keys or go == "review":
        return "/review"
    place = keys.index(at) + (-1 if go == "back" else 1)
    return f"?at={quote(keys[max(place, 0)])}" if place < len(keys) else "/review"
