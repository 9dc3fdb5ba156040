"""Who needs me today, and why: the caseload in order, filtered, a page at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from alleviate.clinic.caseload.glance import CaseGlance
from alleviate.clinic.caseload.needs import NEEDS, Need, NeedKind, needs_of
from alleviate.clinic.caseload.rules import CaseloadRules
from alleviate.clinic.patient.live import end_of_day
from alleviate.progress.ladder import Ladders
from alleviate.vault.caseload import Unseen

__all__ = [
    "PAGE",
    "SORTS",
    "Asked",
    "Everybody",
    "Placed",
    "Shown",
    "Sort",
    "placed",
    "placed_one",
    "shown",
    "urgency",
    "whole",
]

PAGE = 25
"""People on a page; on the first as many more as have an open safety alert."""

Sort = Literal["urgent", "name", "score", "appointment", "heard"]
SORTS: tuple[Sort, ...] = get_args(Sort)

NOBODY = Unseen()

_LATER = date.max


@dataclass(frozen=True, slots=True)
class Placed:
    """A person and what they need somebody for, the most urgent first; nothing may stand out.

    That nothing stands out is no finding: it says that no rule asks for anybody today, not that a person
    is safe.
    """

    glance: CaseGlance
    needs: tuple[Need, ...]
    appointment: date | None

    @property
    def first(self) -> Need | None:
        return self.needs[0] if self.needs else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks for. ``need`` "": all, "none": who needs none; ``name``: part of name or number."""

    sort: Sort = "urgent"
    need: str = ""
    site: str = ""
    treatment: str = ""
    name: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Everybody:
    """A whole caseload, the most urgent first, and what is said of all of it.

    ``danger``: how many have an open safety alert; ``overdue``: how many of them have one that is overdue.
    ``until``: the first moment from which something would be told otherwise though nothing has changed."""

    people: tuple[Placed, ...]
    counts: dict[str, int]
    danger: int
    overdue: int
    sites: tuple[str, ...]
    treatments: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of a caseload. Counts are of the whole of it, and of nobody else.

    ``unseen``: who permits nothing to be seen, counted apart. ``until``: as of `Everybody`."""

    people: tuple[Placed, ...]
    found: int
    total: int
    page: int
    pages: int
    counts: dict[str, int]
    overdue: int
    sites: tuple[str, ...]
    treatments: tuple[str, ...]
    until: datetime
    unseen: Unseen = NOBODY


def placed(
    glances: Iterable[CaseGlance],
    now: datetime,
    rules: CaseloadRules,
    ladders: Ladders | None = None,
    account: str = "",
) -> list[Placed]:
    """Everybody, the most urgent first: safety by its deadline, overdue before all; then who is off track;
    then who is dropping out; then what is due; then by name.
    """
    found = [placed_one(glance, now, rules, ladders, account) for glance in glances]
    return sorted(found, key=urgency)


def placed_one(
    glance: CaseGlance,
    now: datetime,
    rules: CaseloadRules,
    ladders: Ladders | None = None,
    account: str = "",
) -> Placed:
    """One of them, with what they need somebody for."""
    return Placed(glance, needs_of(glance, now, rules, ladders, account), _appointment(glance, now))


def whole(people: Sequence[Placed], now: datetime) -> Everybody:
    """What is said of all of `placed`."""
    counts = Counter(need for one in people for need in {need.kind for need in one.needs})
    return Everybody(
        people=tuple(people),
        counts={need: counts[need] for need in NEEDS} | {"none": sum(not p.needs for p in people)},
        danger=sum(map(_in_danger, people)),
        overdue=sum(any(n.kind == "safety" and n.overdue for n in one.needs) for one in people),
        sites=tuple(sorted({one.glance.site for one in people} - {""})),
        treatments=tuple(sorted({one.glance.treatment for one in people} - {""})),
        until=_holds_until(people, now),
    )


def shown(everybody: Everybody, asked: Asked, unseen: Unseen = NOBODY) -> Shown:
    """The page that is asked for. A page that there is not is the last.

    In every order whoever has an open safety alert comes first, and all of them are on the first page.
    """
    chosen: Sequence[Placed] = everybody.people
    danger = everybody.danger
    if asked.need or asked.site or asked.treatment or asked.name:
        chosen = [one for one in chosen if _wanted(one, asked)]
        danger = sum(map(_in_danger, chosen))
    if asked.sort != "urgent":
        chosen = sorted(chosen, key=_SORTED[asked.sort])
        chosen.sort(key=lambda one: not _in_danger(one))
    first = max(PAGE, danger)
    pages = 1 + max(0, -(-(len(chosen) - first) // PAGE))
    page = min(max(1, asked.page), pages)
    begin = 0 if page == 1 else first + (page - 2) * PAGE
    return Shown(
        people=tuple(chosen[begin : first if page == 1 else begin + PAGE]),
        found=len(chosen),
        total=len(everybody.people),
        page=page,
        pages=pages,
        counts=everybody.counts,
        overdue=everybody.overdue,
        sites=everybody.sites,
        treatments=everybody.treatments,
        until=everybody.until,
        unseen=unseen,
    )


def _in_danger(one: Placed) -> bool:
    return one.first is not None and one.first.kind == "safety"


def _appointment(glance: CaseGlance, now: datetime) -> date | None:
    return min((day for day in glance.booked if day >= now.date()), default=None)


def urgency(one: Placed) -> tuple[Any, ...]:
    """Sorts people, the most urgent first."""
    if one.first is None:
        return (len(NEEDS), False, True, 0.0, 0.0, 0, *_name(one))
    return (*one.first.place, -len(one.needs), *_name(one))


def _name(one: Placed) -> tuple[str, str]:
    return one.glance.name.casefold(), one.glance.patient


def _score(one: Placed) -> tuple[Any, ...]:
    """The measure filled in most often, highest first; who has none comes last."""
    measure = next(iter(one.glance.measures), None)
    return (measure is None, -measure.last.score if measure else 0.0, *_name(one))


_SORTED: dict[Sort, Callable[[Placed], tuple[Any, ...]]] = {
    "urgent": urgency,
    "name": _name,
    "score": _score,
    "appointment": lambda one: (one.appointment or _LATER, *_name(one)),
    "heard": lambda one: (one.glance.heard.timestamp() if one.glance.heard else 0.0, *_name(one)),
}


def _wanted(one: Placed, asked: Asked) -> bool:
    kinds: set[NeedKind] = {need.kind for need in one.needs}
    if asked.need and not (asked.need in kinds or (asked.need == "none" and not kinds)):
        return False
    if asked.site and one.glance.site != asked.site:
        return False
    if asked.treatment and one.glance.treatment != asked.treatment:
        return False
    sought = asked.name.casefold().replace(",", " ").split()
    told = f"{one.glance.family} {one.glance.given} {one.glance.number}".casefold()
    return all(word in told for word in sought)


def _holds_until(everybody: Iterable[Placed], now: datetime) -> datetime:
    """The next deadline, or the end of the day (UTC) that tells what is due by days."""
    ahead = (n.deadline for one in everybody for n in one.needs if n.deadline and n.deadline > now)
    return min([end_of_day(now), *ahead])
