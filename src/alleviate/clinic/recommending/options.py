"""The options of a rule for one person: what they stand for, what bars them, in which order they come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alleviate.advice import safety
from alleviate.advice.safety import Concern, Treatment
from alleviate.clinic.recommending.asking import Asked
from alleviate.clinic.wishes import held_against
from alleviate.decisions.parts import Option, OptionKind, Wanted
from alleviate.decisions.proposal import Standing
from alleviate.policies.choice import SHOWN
from alleviate.records import Kind, PatientRecord
from alleviate.terms.estimates import Estimate
from alleviate.terms.study import Study

__all__ = ["Held", "Ordered", "held", "ordered"]

TIE = 1e-12
"""In outcome units: less than this is no difference."""


@dataclass(frozen=True, slots=True)
class Held:
    """An arm against the hard rules. ``members``: the treatments it stands for; None where one is unknown."""

    arm: str
    members: tuple[Treatment | None, ...]
    concerns: tuple[Concern, ...]
    barred: bool

    @property
    def known(self) -> tuple[Treatment, ...]:
        return tuple(each for each in self.members if each is not None)

    @property
    def kind(self) -> OptionKind:
        kinds = {each.kind for each in self.known}
        if len(self.known) < len(self.members):
            return "unknown"
        return kinds.pop() if len(kinds) == 1 else "mixed"


@dataclass(frozen=True, slots=True)
class Ordered:
    """How it stands, and the options as shown. ``first``: the arm that the figures put first, or ""."""

    standing: Standing
    first: str
    benefit: Estimate | None
    options: tuple[Option, ...]
    moved: bool


def held(arm: str, study: Study, record: PatientRecord, moment: datetime, allowed: Collection[Kind]) -> Held:
    """An arm is barred where a hard rule bars every treatment that it stands for."""
    words = [word for word, name in study.treatment.arms.items() if name == arm] or [arm]
    members = tuple(safety.find(word) for word in words)
    found = [
        safety.check(record, moment, treatment, word, allowed)
        for treatment, word in zip(members, words, strict=True)
    ]
    barred = all(any(concern.level == "veto" for concern in each) for each in found)
    return Held(arm, members, tuple(concern for each in found for concern in each), barred)


def ordered(asked: Asked, arms: Sequence[Held], wishes: Sequence[Wanted], source: str) -> Ordered:
    """The options: those that nothing is shown to beat, then those shown to be worse, then those barred.

    Wishes move only options among the first of these, and none where one is established as better.
    """
    limits = {
        arm: Concern("study-limit", "veto", arm, text, "", source) for arm, text in asked.limits.items()
    }
    problem = asked.problem is not None
    first, second = int(asked.choices.arm[0]), int(asked.choices.second[0])
    free = [not each.barred and each.arm not in limits for each in arms]
    options = [
        _option(asked, each, k, -1 if problem else first, wishes, limits.get(each.arm))
        for k, each in enumerate(arms)
    ]
    if problem:
        return Ordered("cannot-say", "", None, tuple(sorted(options, key=lambda o: o.barred)), False)
    if first < 0:
        return Ordered("none-safe", "", None, tuple(options), False)
    benefit = _benefit(asked) if free[second] and second != first else None
    standing = _standing(asked, benefit, sum(free))
    by_figures = sorted(options, key=lambda o: (o.barred, o.shown_worse, _behind(o)))
    shown = by_figures
    if standing != "established":
        shown = sorted(
            by_figures, key=lambda o: (o.barred, o.shown_worse, -o.to_wishes() if _equal(o) else 0)
        )
    advised = {shown[0].arm}
    if standing == "equal":
        advised = {option.arm for option in shown if _equal(option)}
    final = tuple(replace(option, advised=option.arm in advised) for option in shown)
    name = asked.package.arms[first]
    moved = [o.arm for o in shown] != [o.arm for o in by_figures]
    return Ordered(standing, name, benefit, final, moved)


def _equal(option: Option) -> bool:
    return not option.barred and not option.shown_worse


def _behind(option: Option) -> float:
    return option.behind.estimate if option.behind else 0.0


def _benefit(asked: Asked) -> Estimate:
    return Estimate.from_se(float(asked.choices.benefit[0]), float(asked.choices.error[0]))


def _standing(asked: Asked, benefit: Estimate | None, free: int) -> Standing:
    if benefit is None or free < 2:
        return "leaning"
    strength = asked.choices.strength[0]
    return "equal" if strength == "none" or benefit.estimate <= TIE else strength


def _option(
    asked: Asked, each: Held, k: int, first: int, wishes: Sequence[Wanted], limit: Concern | None
) -> Option:
    """``first``: the arm it is compared with, -1 where the study cannot say."""
    concerns = each.concerns if limit is None else (limit, *each.concerns)
    judged = asked.problem is None
    behind = asked.behind(k, first) if first >= 0 and first != k else None
    shown = asked.package.verdict in SHOWN and behind is not None and behind.low > 0
    return Option(
        arm=each.arm,
        title=each.known[0].title if len(each.members) == 1 and each.known else each.arm,
        kind=each.kind,
        treatments=tuple(treatment.id for treatment in each.known),
        expected=asked.expected[each.arm] if judged else None,
        behind=behind,
        shown_worse=shown,
        comparable=int(asked.outlook.utility.comparable[0, k]) if judged else 0,
        advised=False,
        barred=each.barred or limit is not None,
        harms=asked.harms(each.arm) if judged else (),
        concerns=concerns,
        wishes=held_against(wishes, each.known) if len(each.known) == len(each.members) else (),
    )
