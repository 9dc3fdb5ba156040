"""That something in the record is wrong: a person says so, the care team answers, both see both.

A thread of sheets "correction": the first is the person's, with ``about`` (a kind of data) and ``words``; an
answer has ``state`` and ``words``. The record itself is corrected where it comes from, as any entry is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, get_args

from fastapi import Form
from fastapi.responses import Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.records import KINDS
from alleviate.terms.errors import DataError, RefusedError
from alleviate.vault import NewSheet, Sheet

__all__ = ["Asked", "Reply", "answer", "corrections", "mine", "say", "theirs"]

State = Literal["looking", "corrected", "kept"]
STATES: tuple[State, ...] = get_args(State)

LONGEST = 4000  # characters

mine = Door("mine", prefix="/mine")
theirs = Door("corrections", prefix="/patients")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the care team said. ``kept``: it stays as it is, and the words say why."""

    at: datetime
    by: str
    state: State
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says is wrong, and what became of it."""

    id: str
    at: datetime
    about: str
    words: str
    replies: tuple[Reply, ...]

    @property
    def state(self) -> Literal["open", "looking", "corrected", "kept"]:
        return self.replies[-1].state if self.replies else "open"


def corrections(sheets: Iterable[Sheet]) -> list[Asked]:
    """The threads in these sheets, the newest first."""
    threads: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        if sheet.kind == "correction":
            threads.setdefault(sheet.thread or sheet.id, []).append(sheet)
    found = []
    for thread in threads.values():
        first, *rest = sorted(thread, key=lambda sheet: "state" in sheet.body)
        if "state" in first.body:
            continue
        replies = tuple(Reply(each.at, each.by, each.body["state"], each.body["words"]) for each in rest)
        found.append(Asked(first.id, first.at, first.body["about"], first.body["words"], replies))
    return sorted(found, key=lambda each: (each.at, each.id), reverse=True)


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
    return visit.go("/mine/corrections", said=_("Saved. Your care team can see what you wrote."))


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


def _my_page(visit: Visit, errors: dict[str, str], about: str, words: str, status: int = 200) -> Response:
    sheets = visit.access.chart(visit.patient, kinds=(), sheets=("correction",)).sheets
    return visit.page(
        "mine/corrections.html",
        status=status,
        asked=corrections(sheets),
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
