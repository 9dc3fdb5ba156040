"""That something in the record is wrong: a person says so, the care team answers, both see both."""

from typing import Annotated

from fastapi import Form
from fastapi.responses import Response

from alleviate.clinic.corrections import STATES, corrections
from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.records import KINDS
from alleviate.terms.errors import DataError, RefusedError
from alleviate.vault import Chart, NewSheet
from alleviate.vault.consent import permitted

__all__ = ["LONGEST", "answer", "heard", "mine", "say", "theirs"]

LONGEST = 4000  # characters

mine = Door("mine", prefix="/mine")
theirs = Door("corrections", prefix="/patients")


@mine.page("/corrections", action="mine.correct")
def asked(visit: VisitOf) -> Response:
    """What I said is wrong, and a form to say more."""
    return _my_page(visit, {}, "", "")


@mine.form("/corrections", action="mine.correct")
def ask(
    visit: VisitOf,
    about: Annotated[str, Form(max_length=40)] = "",
    words: Annotated[str, Form()] = "",
    once: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Says that something is wrong."""
    _ = visit._
    wrong = _wrong(words)
    if wrong:
        return _my_page(visit, {"words": wrong}, about, words, status=400)
    say(visit, about, words, once)
    return visit.go("/mine/corrections", said=_("Saved."))


@theirs.page("/{patient}/corrections", action="patient.see")
def listed(visit: VisitOf, patient: str) -> Response:
    """What the person says is wrong, for the care team."""
    return _their_page(visit, {})


@theirs.form("/{patient}/corrections/{correction}", action="correction.answer")
def answered(
    visit: VisitOf,
    patient: str,
    correction: str,
    state: Annotated[str, Form(max_length=20)] = "",
    words: Annotated[str, Form()] = "",
    after: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Answers; somebody who was faster is not written over."""
    _ = visit._
    wrong = _wrong(words) or ("" if state in STATES else "state")
    if wrong:
        return _their_page(visit, {correction: wrong}, status=400)
    answer(visit, correction, state, words, after)
    return visit.go(
        f"/patients/{visit.patient}/corrections", said=_("Saved. The person can read your answer.")
    )


def say(visit: Visit, about: str, words: str, once: str) -> str:
    """Store what is wrong; the id of its thread. Raises DataError."""
    if about and about not in KINDS:
        raise DataError("There is no such part of the record.", hint=f"One of: {', '.join(KINDS)}.")
    if wrong := _wrong(words):
        raise DataError(
            f"What is wrong is said in 1 to {LONGEST} characters ({wrong}).", hint="Write it down."
        )
    sheet = NewSheet(
        visit.patient, "correction", {"about": about, "words": words.strip()}, once=once and f"ask-{once}"
    )
    return visit.access.store(visit.now, sheets=[sheet]).sheets[0]


def answer(visit: Visit, correction: str, state: str, words: str, after: int) -> None:
    """Store an answer of the care team. Raises RefusedError for no correction of this person."""
    found = corrections(visit.access.chart(visit.patient, kinds=(), sheets=("correction",)).sheets)
    if all(each.id != correction for each in found):
        raise RefusedError("There is no such message.", hint="Open the page again.")
    body = {"state": state, "words": words.strip()}
    sheet = NewSheet(visit.patient, "correction", body, thread=correction, after=after)
    visit.access.store(visit.now, sheets=[sheet])


def heard(visit: Visit, chart: Chart) -> bool:
    """Whether there is a care team that may read what the person writes. ``chart`` holds the consents."""
    team = any(member.until is None or member.until > visit.now for member in chart.team)
    return team and bool(permitted(chart.record.events, "care", visit.now))


def _my_page(visit: Visit, errors: dict[str, str], about: str, words: str, status: int = 200) -> Response:
    chart = visit.access.chart(visit.patient, kinds=("consent",), sheets=("correction",))
    return visit.page(
        "mine/corrections.html",
        status=status,
        asked=corrections(chart.sheets),
        heard=heard(visit, chart),
        kinds=KINDS,
        wrong=errors,
        about=about,
        written=words,
        once=visit.now.strftime("%Y%m%d%H%M%S%f"),
        longest=LONGEST,
    )


def _their_page(visit: Visit, errors: dict[str, str], status: int = 200) -> Response:
    sheets = visit.access.chart(visit.patient, kinds=("person",), sheets=("correction",)).sheets
    return visit.page(
        "mine/corrections_of.html",
        status=status,
        patient=visit.patient,
        asked=corrections(sheets),
        wrong=errors,
        may_answer=visit.may("correction.answer"),
        longest=LONGEST,
    )


def _wrong(words: str) -> str:
    """What is wrong with words: "empty", "long" or nothing."""
    return "empty" if not words.strip() else "long" if len(words) > LONGEST else ""
