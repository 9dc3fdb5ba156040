"""What people made of the advice: accepted or overridden and why, and how those fared who followed it or
did not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alleviate.decisions import Comparison, FollowUp, compare, reasons_for
from alleviate.oversight.rates import share
from alleviate.terms.estimates import Estimate

__all__ = ["Compared", "DecisionFact", "DecisionFigures", "ReasonCount", "decision_figures"]

_OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class DecisionFact:
    """One stored advice. ``followed`` None: nothing is decided. ``reason``: the code that an override gave,
    or "".

    ``aim``: what was to be better and in which unit; ``told``: what then happened, where that is known.
    """

    person: int
    package: str
    state: str
    followed: bool | None = None
    reason: str = ""
    aim: tuple[str, str] = ("", "")
    told: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many overrides gave a reason of the list, and their share of all overrides."""

    code: str
    text: str
    n: int
    share: Estimate | None


@dataclass(frozen=True, slots=True)
class Compared:
    """How much better people got, in ``unit``, where the advice was followed and where not; positive is
    better.

    It is no effect of the advice: who follows it differs from who does not. ``waiting``: decided, and not
    measured yet.
    """

    label: str
    unit: str
    waiting: int
    not_measured: int
    nothing_begun: int
    found: Comparison


@dataclass(frozen=True, slots=True)
class DecisionFigures:
    """``shown``: advice that was kept; ``people`` it was about; ``decided``: on which somebody decided, of
    which so many ``accepted`` (with its share) or ``overridden``; ``open`` ones wait; ``by_package``:
    (name, decided, accepted, share).
    """

    shown: int
    people: int
    open: int
    withdrawn: int
    decided: int
    accepted: int
    overridden: int
    share_accepted: Estimate | None
    reasons: tuple[ReasonCount, ...]
    by_package: tuple[tuple[str, int, int, Estimate | None], ...]
    compared: tuple[Compared, ...]


def decision_figures(facts: Iterable[DecisionFact]) -> DecisionFigures:
    """Counts of what clinicians decided: of no group of patients, so that small ones are shown."""
    every = list(facts)
    decided = [fact for fact in every if fact.followed is not None]
    accepted = sum(fact.followed is True for fact in decided)
    return DecisionFigures(
        shown=len(every),
        people=len({fact.person for fact in every}),
        open=sum(fact.state in ("proposed", "seen", "discussed") for fact in every),
        withdrawn=sum(fact.state == "withdrawn" for fact in every),
        decided=len(decided),
        accepted=accepted,
        overridden=len(decided) - accepted,
        share_accepted=share(accepted, len(decided)),
        reasons=_reasons(decided),
        by_package=_by_package(decided),
        compared=_compared(decided),
    )


def _reasons(decided: Sequence[DecisionFact]) -> tuple[ReasonCount, ...]:
    given = Counter(fact.reason for fact in decided if fact.reason)
    of = given.total()
    listed = [(each.code, each.text) for each in reasons_for(_OVERRIDE)]
    found = [ReasonCount(code, text, given[code], share(given[code], of)) for code, text in listed]
    return tuple(sorted(found, key=lambda each: -each.n))


def _by_package(decided: Sequence[DecisionFact]) -> tuple[tuple[str, int, int, Estimate | None], ...]:
    found = []
    for package in sorted({fact.package for fact in decided}):
        own = [fact.followed is True for fact in decided if fact.package == package]
        found.append((package, len(own), sum(own), share(sum(own), len(own))))
    return tuple(found)


def _compared(decided: Sequence[DecisionFact]) -> tuple[Compared, ...]:
    by_aim: defaultdict[tuple[str, str], list[FollowUp]] = defaultdict(list)
    for fact in decided:
        if fact.told is not None:
            by_aim[fact.aim].append(fact.told)
    return tuple(
        Compared(
            label,
            unit,
            waiting=sum(told.status == "waiting" for told in found),
            not_measured=sum(told.status == "not-measured" for told in found),
            nothing_begun=sum(told.status == "nothing-begun" for told in found),
            found=compare(found),
        )
        for (label, unit), found in sorted(by_aim.items())
    )
