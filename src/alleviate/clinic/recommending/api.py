"""The advice and its decisions for programs: the same services as the pages, as plain values."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.recommending.ledger import SHEETS, Kept, after_act, kept, kept_one, shown_now
from alleviate.clinic.recommending.pages import act_of

__all__ = ["DecisionOut", "MoveIn", "door"]

door = Door("recommending")

Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
_ROOT = "/api/v1/patients/{patient}"


class DecisionOut(BaseModel):
    """A proposal as it was shown, and what became of it. ``seen``: send it back with a move.

    ``heard``: what other systems told of their cards with it.
    """

    id: str
    at: str
    state: str
    seen: int
    chosen: str | None
    followed: bool | None
    acts: list[dict[str, Any]]
    heard: list[dict[str, Any]]
    proposal: dict[str, Any]

    @classmethod
    def of(cls, found: Kept) -> "DecisionOut":
        act = found.decision.decided
        return cls(
            id=found.id,
            at=found.at.isoformat(),
            state=found.decision.state,
            seen=found.seen,
            chosen=act.chosen if act else None,
            followed=found.decision.followed,
            acts=[each.to_dict() for each in found.decision.acts],
            heard=[{**asdict(each), "at": each.at.isoformat()} for each in found.heard],
            proposal=found.proposal.to_dict(),
        )


class DecisionsOut(BaseModel):
    """The newest first."""

    decisions: list[DecisionOut]


class MoveIn(BaseModel):
    """``move`` left out: accept or override, by what is chosen. ``seen``: as the decision was read."""

    model_config = ConfigDict(extra="forbid")

    seen: int = Field(ge=1, le=100_000)
    move: Literal["", "accept", "override", "discuss", "withdraw", "reopen"] = ""
    chosen: str = Field("", max_length=200)
    reason: str = Field("", max_length=100)
    words: str = Field("", max_length=8000)
    note: str = Field("", max_length=8000)


@door.data(f"{_ROOT}/advice", action="advice.see", response_model=DecisionOut)
def advice(visit: VisitOf, question: Annotated[str, Query(max_length=100)] = "") -> DecisionOut:
    """What would help this person now; stored as it is told, the same content once."""
    chart = visit.access.chart(visit.patient, sheets=SHEETS)
    return DecisionOut.of(shown_now(visit, chart, question))


@door.data(f"{_ROOT}/decisions", action="advice.see", response_model=DecisionsOut)
def decisions(visit: VisitOf) -> DecisionsOut:
    """Everything that was proposed, and what became of it."""
    chart = visit.access.chart(visit.patient, sheets=SHEETS)
    return DecisionsOut(decisions=[DecisionOut.of(each) for each in kept(chart.sheets)])


@door.data(f"{_ROOT}/decisions/{{proposal}}", action="advice.see", response_model=DecisionOut)
def decision(visit: VisitOf, proposal: Id) -> DecisionOut:
    """One of them."""
    chart = visit.access.chart(visit.patient, sheets=SHEETS)
    return DecisionOut.of(kept_one(chart.sheets, proposal))


@door.data(
    f"{_ROOT}/decisions/{{proposal}}", action="advice.decide", methods=["POST"], response_model=DecisionOut
)
def moved(visit: VisitOf, proposal: Id, sent: MoveIn) -> DecisionOut:
    """Accept, override with a reason, or move it otherwise."""
    chart = visit.access.chart(visit.patient, sheets=SHEETS)
    found = kept_one(chart.sheets, proposal)
    act = act_of(
        visit,
        found,
        move=sent.move,
        chosen=sent.chosen,
        reason=sent.reason,
        words=sent.words,
        note=sent.note,
    )
    return DecisionOut.of(after_act(visit, found, act, seen=sent.seen))
