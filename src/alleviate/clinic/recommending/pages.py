"""The advice about one person, as shown, decided on and replayed."""

from datetime import date
from typing import Annotated, Any

from fastapi import Form, Path, Query
from fastapi.responses import HTMLResponse, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.reading import head
from alleviate.clinic.recommending import shown
from alleviate.clinic.recommending.aid import patient_words
from alleviate.clinic.recommending.ledger import (
    SHEETS,
    Kept,
    after_act,
    is_newest,
    kept,
    kept_one,
    looked_back,
    shown_now,
)
from alleviate.clinic.recommending.proposal import Person, build
from alleviate.clinic.recommending.wording import wording
from alleviate.clinic.shelf import Shelved
from alleviate.decisions import ELSE, NOTHING, Act, Proposal, Reason, reasons_for
from alleviate.decisions.outcomes import FollowUp
from alleviate.decisions.states import moves_from
from alleviate.studies.rules import LearnedRule
from alleviate.terms.errors import InputError, RefusedError
from alleviate.vault.charts import Chart

__all__ = ["act_of", "door"]

_FIRST = "alleviate-own-view"
_YEAR = 365 * 24 * 60 * 60
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
)
"""A signed report carries its own styles: it is shown without scripts, forms or anything of ours."""

door = Door("recommending")

Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Seal = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Word = Annotated[str, Form(max_length=200)]
Words = Annotated[str, Form(max_length=8000)]


@door.page("/patients/{patient}/advice", action="advice.see")
def advice(
    visit: VisitOf,
    question: Annotated[str, Query(max_length=100)] = "",
    view: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """What would help this person, why, and how sure: stored as it is shown."""
    chart = _chart(visit)
    if _asks_first(visit) and not view:
        person = Person(chart.patient, chart.record, chart.allowed, chart.revision)
        found = build(person, visit.services.shelf, visit.now, question=question)
        if found.options:
            return _page(visit, chart, "own_view.html", options=shown.side_by_side(found), question=question)
    now = shown_now(visit, chart, question)
    return _shown(visit, chart, now, current=True, view=view, question=question)


@door.form("/patients/{patient}/advice/own-view", action="advice.see")
def own_view(visit: VisitOf, ask: Word = "") -> Response:
    """Whether this reader wants to be asked for their own view before they see the advice."""
    answer = visit.go(f"/patients/{visit.patient}/advice")
    answer.set_cookie(
        _FIRST,
        "1" if ask else "",
        max_age=_YEAR if ask else 0,
        httponly=True,
        samesite="strict",
        secure=visit.services.settings.secure,
    )
    return answer


@door.page("/patients/{patient}/advice/print", action="advice.see")
def printed(visit: VisitOf, question: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The advice and the words for the person, to be printed and talked over."""
    chart = _chart(visit)
    now = shown_now(visit, chart, question)
    return _page(visit, chart, "print.html", **_context(visit, now), aid=patient_words(now.proposal, visit._))


@door.page("/patients/{patient}/decisions", action="advice.see")
def history(visit: VisitOf) -> Response:
    """Everything that was proposed, and what became of it."""
    chart = _chart(visit)
    return _page(visit, chart, "history.html", found=kept(chart.sheets))


@door.page("/patients/{patient}/decisions/{proposal}", action="advice.see")
def replayed(visit: VisitOf, proposal: Id) -> Response:
    """The same screen as it was shown, from what was stored, with what became of it."""
    chart = _chart(visit)
    return _shown(visit, chart, kept_one(chart.sheets, proposal))


@door.form("/patients/{patient}/decisions/{proposal}", action="advice.decide")
def decided(
    visit: VisitOf,
    proposal: Id,
    seen: Annotated[int, Form(ge=1, le=100_000)],
    move: Word = "",
    chosen: Word = "",
    reason: Word = "",
    words: Words = "",
    note: Words = "",
    view: Word = "",
) -> Response:
    """A person decides: accepts what is proposed, or chooses otherwise with a reason."""
    _ = visit._
    chart = _chart(visit)
    found = kept_one(chart.sheets, proposal)
    sent = {"chosen": chosen, "reason": reason, "words": words, "note": note, "move": move}
    try:
        act = act_of(visit, found, move=move, chosen=chosen, reason=reason, words=words, note=note, view=view)
        after_act(visit, found, act, seen=seen)
    except RefusedError:
        raise
    except InputError as error:
        if type(error) is not InputError:  # somebody was faster, or the vault cannot be written
            raise
        errors = {_field(sent, found): f"{_(error.message)} {_(error.hint)}".strip()}
        return _shown(visit, chart, found, errors=errors, sent=sent, view=view)
    return visit.go(f"/patients/{visit.patient}/decisions/{proposal}", said=_("The decision is recorded."))


@door.page("/evidence/{seal}", action="package.see")
def evidence(visit: VisitOf, seal: Seal) -> Response:
    """The study's report as it was signed, without scripts."""
    found = visit.services.shelf.report(seal)
    if found is None:
        raise RefusedError("There is nothing here.", hint="The package may have been removed.")
    return HTMLResponse(found, headers={"Content-Security-Policy": _REPORT_POLICY})


def act_of(
    visit: Visit,
    found: Kept,
    *,
    move: str,
    chosen: str,
    reason: str,
    words: str,
    note: str = "",
    view: str = "",
) -> Act:
    """What a form or a program asks for. ``move`` "": accept or override, by what is ``chosen``.

    Raises InputError where something is missing.
    """
    if not move:
        if not chosen:
            raise InputError("Nothing was chosen.", hint="Choose one of the options.")
        move = "accept" if chosen in found.proposal.advised else "override"
    return Act(
        move,
        visit.who.actor,
        visit.who.role,
        visit.now,
        chosen=chosen if move in ("accept", "override") else "",
        reason=Reason(reason, words) if reason and move != "accept" else None,
        leaning=_leaning(found, view),
        note=note,
    )


def _leaning(found: Kept, view: str) -> str:
    """The arm that was ticked before the advice was seen: its number among the options by name."""
    options = shown.side_by_side(found.proposal)
    return options[int(view)].arm if view.isdigit() and int(view) < len(options) else ""


def _field(sent: dict[str, str], found: Kept) -> str:
    if sent["move"] in ("", "accept", "override") and not sent["chosen"]:
        return "chosen"
    return "reason" if not sent["reason"] else "words"


def _asks_first(visit: Visit) -> bool:
    return visit.request.cookies.get(_FIRST) == "1" and visit.may("advice.decide")


def _chart(visit: Visit) -> Chart:
    return visit.access.chart(visit.patient, sheets=SHEETS)


def _shown(
    visit: Visit,
    chart: Chart,
    found: Kept,
    *,
    current: bool = False,
    errors: dict[str, str] | None = None,
    sent: dict[str, str] | None = None,
    view: str = "",
    question: str = "",
) -> Response:
    told: FollowUp | None = None if current else looked_back(visit, chart, found)
    return _page(
        visit,
        chart,
        "advice.html",
        status=400 if errors else 200,
        **_context(visit, found),
        current=current,
        reworded="" if found.proposal.versions.wording == wording() else wording(),
        newer=not current and not is_newest(chart.sheets, found),
        moves=[each.name for each in moves_from(found.decision.state)],
        accept_words=reasons_for("override"),
        back_reasons=reasons_for("withdraw"),
        reopen_reasons=reasons_for("reopen"),
        follow=told,
        errors=errors or {},
        sent=sent or {"chosen": "", "reason": "", "words": "", "note": "", "move": ""},
        view=view,
        leaning=_leaning(found, view),
        question=question,
        asks_first=_asks_first(visit),
        others=_others(visit, found.proposal),
    )


def _others(visit: Visit, proposal: Proposal) -> list[Shelved[LearnedRule]]:
    """The other rules that have something to say of this person."""
    silent = {each.name for each in proposal.passed} | {proposal.versions.package}
    return [each for each in visit.services.shelf.rules() if each.name not in silent]


def _context(visit: Visit, found: Kept) -> dict[str, Any]:
    proposal = found.proposal
    rows = shown.rows(proposal, visit._)
    estimates = [option.expected for option in proposal.options if option.expected is not None]
    risk = proposal.aim is not None and proposal.aim.risk
    return {
        "kept": found,
        "proposal": proposal,
        "rows": rows,
        "risk": risk,
        "decimals": 0 if risk else min(shown.decimals_for(estimates), 1),
        "frequencies": {
            option.arm: shown.frequency(option.expected)
            for option in proposal.options
            if risk and option.expected is not None
        },
        "of_100": shown.frequency,
        "as_day": date.fromisoformat,
        "ELSE": ELSE,
        "NOTHING": NOTHING,
    }


def _page(visit: Visit, chart: Chart, template: str, *, status: int = 200, **context: Any) -> Response:
    return visit.page(f"recommending/{template}", status=status, **head(visit, chart, "advice"), **context)
