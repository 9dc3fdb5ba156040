"""What stands against draft orders: hard rules that were called, and advice that is established.

The advice is the one that the clinic's own page shows, worked out in the same way: no card says otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alleviate.advice import safety
from alleviate.advice.safety import Concern, Treatment
from alleviate.clinic.cds.orders import Order, arm_of, treatment_of
from alleviate.clinic.recommending.proposal import Person, build
from alleviate.clinic.shelf import Shelf
from alleviate.decisions import Proposal

__all__ = ["Concerned", "Verdict", "concerned", "verdicts"]


@dataclass(frozen=True, slots=True)
class Concerned:
    """An order that we know something of: its treatment, and its arm in each live rule (by package)."""

    order: Order
    treatment: Treatment | None
    arms: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands against one order. ``vetoes``: hard rules and limits, each with what called it.

    ``proposal``: the advice as it is shown now, asked of the package ``question``; ``arm``: what of it the
    order would begin, where an established advice is for another; else "".
    """

    order: Order
    vetoes: tuple[Concern, ...]
    proposal: Proposal
    question: str
    arm: str


def concerned(orders: Iterable[Order], shelf: Shelf) -> list[Concerned]:
    """The orders that a hard rule or a live rule can speak of."""
    found = []
    for order in orders:
        treatment = treatment_of(order)
        arms = {}
        for each in shelf.rules():
            if each.what.study.definitions:
                arm = arm_of(order, treatment, each.what.package.arms, each.what.study)
                if arm is not None:
                    arms[each.name] = arm
        if arms or (treatment is not None and treatment.kind == "medicine"):
            found.append(Concerned(order, treatment, arms))
    return found


def verdicts(found: Iterable[Concerned], person: Person, shelf: Shelf, now: datetime) -> list[Verdict]:
    """Of each order at most one; nothing where nothing is shown. ``now`` is UTC."""
    asked: dict[str, Proposal] = {}

    def proposal(question: str) -> Proposal:
        if question not in asked:
            asked[question] = build(person, shelf, now, question=question)
        return asked[question]

    told = []
    for one in found:
        vetoes = list(_vetoes(one, person, now))
        against, question = "", ""
        for name, arm in one.arms.items():
            shown = proposal(name)
            if not shown.options:
                continue
            option = shown.option(arm)
            vetoes += [each for each in option.concerns if each.rule == "study-limit"]
            if not against and shown.standing == "established" and option.shown_worse:
                against, question = arm, name
        if vetoes or against:
            told.append(Verdict(one.order, tuple(vetoes), proposal(question), question, against))
    return told


def _vetoes(one: Concerned, person: Person, now: datetime) -> Iterable[Concern]:
    """Those that something in the record called; that a rule could not be asked is said in the clinic."""
    if one.treatment is None or one.treatment.kind != "medicine":
        return ()
    found = safety.check(person.record, now, one.treatment, one.order.name, person.allowed)
    return [concern for concern in found if concern.level == "veto" and concern.because]
