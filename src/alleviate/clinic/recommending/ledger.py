"""Proposals and decisions as sheets of a person: found again, shown once more, and moved on."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alleviate.clinic.gate import Visit
from alleviate.clinic.recommending.proposal import Person, build, key_of, kinds_of
from alleviate.decisions import Act, Decision, Proposal, follow_up
from alleviate.decisions.outcomes import FollowUp
from alleviate.decisions.permissions import rule
from alleviate.decisions.states import move
from alleviate.terms.errors import ConflictError, RefusedError
from alleviate.vault.charts import Chart
from alleviate.vault.sheets import NewSheet, Sheet, SheetKind

__all__ = [
    "SHEETS",
    "Heard",
    "Kept",
    "after_act",
    "is_newest",
    "kept",
    "kept_one",
    "looked_back",
    "shown_now",
]

SHEETS: tuple[SheetKind, ...] = ("proposal", "decision", "seen", "agreement", "mention", "task")
"""What may stand in a proposal's thread: all of it counts for who was faster."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What another system told of a card with this advice: there it was ``overridden``, or accepted.

    ``reason`` and ``words``: why, as far as it was said. Nobody of ours decided by it. ``by``: the system.
    """

    at: datetime
    by: str
    overridden: bool
    order: str
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored proposal and what became of it. ``by``: who first saw it; ``seen``: sheets of its thread.

    ``done``: the words of forms that were taken already; ``heard``: answers from other systems, by time.
    """

    id: str
    at: datetime
    by: str
    key: str
    proposal: Proposal
    decision: Decision
    seen: int
    done: frozenset[str] = frozenset()
    heard: tuple[Heard, ...] = ()


def kept(sheets: Iterable[Sheet]) -> list[Kept]:
    """The proposals among a person's sheets (of `SHEETS`), the newest first."""
    threads = _threads(sheets)
    return [_kept(first, threads[first.id]) for first in _proposals(threads)]


def kept_one(sheets: Iterable[Sheet], id: str) -> Kept:
    """The one of this id. Raises RefusedError, as for what there is not."""
    threads = _threads(sheets)
    found = next((first for first in _proposals(threads) if first.id == id), None)
    if found is None:
        raise RefusedError("There is nothing here.", hint="Open the list of decisions again.")
    return _kept(found, threads[found.id])


def is_newest(sheets: Iterable[Sheet], found: Kept) -> bool:
    """Whether none was shown later of the same package."""
    package = found.proposal.versions.package
    alike = (
        first
        for first in _proposals(_threads(sheets))
        if first.body["proposal"]["versions"]["package"] == package
    )
    return next(alike).id == found.id


def _threads(sheets: Iterable[Sheet]) -> dict[str, list[Sheet]]:
    threads: dict[str, list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        threads[sheet.thread].append(sheet)
    return threads


def _proposals(threads: Mapping[str, Sequence[Sheet]]) -> list[Sheet]:
    """The newest first; reading one whole takes its time, so that is done only where it is shown."""
    found = [sheet for thread in threads.values() for sheet in thread if sheet.kind == "proposal"]
    return sorted(found, key=lambda sheet: (sheet.at, sheet.id), reverse=True)


def _kept(first: Sheet, thread: Sequence[Sheet]) -> Kept:
    proposal = Proposal.from_dict(first.body["proposal"])
    decisions = [sheet for sheet in thread if sheet.kind == "decision"]
    acts = [*first.body["acts"], *(act for sheet in decisions for act in sheet.body["acts"])]
    return Kept(
        first.id,
        first.at,
        first.by,
        first.body["key"],
        proposal,
        Decision.of(first.id, proposal, tuple(Act.from_dict(act) for act in acts)),
        len(thread),
        frozenset(sheet.body["once"] for sheet in decisions),
        tuple(_heard(sheet) for sheet in decisions if "feedback" in sheet.body),
    )


def _heard(sheet: Sheet) -> Heard:
    told = sheet.body["feedback"]
    reason = told.get("reason", {})
    return Heard(
        datetime.fromisoformat(told["at"]),
        sheet.by,
        told["outcome"] == "overridden",
        told.get("order", ""),
        reason.get("display") or reason.get("code", ""),
        told.get("comment", ""),
    )


def shown_now(visit: Visit, chart: Chart, question: str = "") -> Kept:
    """The advice as it is now, stored as it is shown: the same content is stored once.

    ``chart`` has at least the sheets of `SHEETS`.
    """
    shelf = visit.services.shelf
    person = Person(chart.patient, chart.record, chart.allowed, chart.revision)
    key = key_of(person, shelf, question, visit.now)
    threads = _threads(chart.sheets)
    first = next((each for each in _proposals(threads) if each.body["key"] == key), None)
    if first is None:
        return _stored(visit, chart, build(person, shelf, visit.now, question=question), key)
    found = _kept(first, threads[first.id])
    if found.decision.state == "proposed" and _may_see(visit):
        try:
            return after_act(visit, found, _see(visit))
        except ConflictError:  # a colleague looked at it in this moment: it is seen
            return found
    return found


def _stored(visit: Visit, chart: Chart, proposal: Proposal, key: str) -> Kept:
    acts = (_see(visit),) if _may_see(visit) else ()
    body = {"key": key, "proposal": proposal.to_dict(), "acts": [act.to_dict() for act in acts]}
    sheet = NewSheet(
        chart.subject_id,
        "proposal",
        body,
        once=key,
        kinds=kinds_of(proposal, chart.record, visit.services.shelf),
    )
    (id,) = visit.access.store(visit.now, sheets=[sheet]).sheets
    decision = Decision.of(id, proposal, acts)
    return Kept(id, visit.now, visit.who.actor, key, proposal, decision, 1)


def after_act(visit: Visit, found: Kept, *acts: Act, seen: int | None = None) -> Kept:
    """Store acts on a proposal. The same form sent twice is one act.

    ``seen``: sheets of the thread that whoever acts had before them. Raises ConflictError where somebody was
    faster, and what the decisions' rules raise.
    """
    once = _once(found.id, found.seen if seen is None else seen, acts)
    if once in found.done:
        return found
    before = (_see(visit),) if found.decision.state == "proposed" and acts[0].move != "see" else ()
    decision = found.decision.after(*before, *acts)
    body = {"acts": [act.to_dict() for act in (*before, *acts)], "once": once}
    sheet = NewSheet(
        found.proposal.patient,
        "decision",
        body,
        thread=found.id,
        once=once,
        after=found.seen if seen is None else seen,
    )
    visit.access.store(visit.now, sheets=[sheet])
    return Kept(
        found.id,
        found.at,
        found.by,
        found.key,
        found.proposal,
        decision,
        found.seen + 1,
        found.done | {once},
        found.heard,
    )


def looked_back(visit: Visit, chart: Chart, found: Kept) -> FollowUp | None:
    """What happened after a decision; noted in the ledger once it is settled. None before a decision."""
    aim, decision = found.proposal.aim, found.decision
    if aim is None or decision.decided is None:
        return None
    told = follow_up(chart.record, decision, aim, visit.now)
    if told.settled and not decision.is_final:
        act = Act("observe", visit.who.actor, None, visit.now, found=told.to_dict())
        with suppress(ConflictError):  # a colleague who looks in this moment has noted it
            after_act(visit, found, act)
    return told


def _see(visit: Visit) -> Act:
    return Act("see", visit.who.actor, visit.who.role, visit.now)


def _may_see(visit: Visit) -> bool:
    return visit.who.role in rule(move("see").action).bonds


def _once(id: str, seen: int, acts: Sequence[Act]) -> str:
    """Of a form: who did what on which state of the thread, whenever the server got it."""
    said = [{k: v for k, v in act.to_dict().items() if k not in ("at", "found")} for act in acts]
    told: list[Any] = [id, seen, *said]
    return "act:" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
