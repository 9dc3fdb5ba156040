"""How many permit what, and what they changed by month; small numbers hidden."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alleviate.oversight.rates import share
from alleviate.oversight.suppression import Table, protect
from alleviate.records import KINDS, Event
from alleviate.terms.codes import SEPARATOR
from alleviate.terms.estimates import Estimate
from alleviate.vault.consent import Purpose, permitted

__all__ = ["ASKED", "MONTHS", "Change", "ConsentFigures", "Permits", "Scope", "consent_figures"]

ASKED: tuple[Purpose, ...] = ("care", "research", "model-training")
"""The purposes that somebody may permit or deny."""

MONTHS = 12
"""The months whose changes are told, this one included."""

Scope = Literal["all", "some", "none"]
SCOPES: tuple[Scope, ...] = ("all", "some", "none")


@dataclass(frozen=True, slots=True)
class Permits:
    """How many people permit all, some or none of their kinds of data for a purpose; None: too small to be
    shown.

    ``share``: of those who permit anything at all.
    """

    purpose: str
    all: int | None
    some: int | None
    none: int | None
    share: Estimate | None


@dataclass(frozen=True, slots=True)
class Change:
    """Statements of one month (2026-11) about a purpose: ``given``, and ``withdrawn``: a denial after a
    permission.

    None: of fewer than five people, or it would give such a number away. ``month`` "": of the whole year.
    """

    month: str
    purpose: str
    given: int | None
    withdrawn: int | None


@dataclass(frozen=True, slots=True)
class ConsentFigures:
    people: int
    permits: tuple[Permits, ...]
    changes: tuple[Change, ...]
    year: tuple[Change, ...]


def consent_figures(consents: Sequence[Sequence[Event]], now: datetime) -> ConsentFigures:
    """Of everybody's consents (an empty one of who never said anything), as of ``now`` (UTC)."""
    changes = [each for purpose in ASKED for each in _changes(consents, purpose, now)]
    return ConsentFigures(
        len(consents),
        tuple(_permits(consents, purpose, now) for purpose in ASKED),
        tuple(sorted((each for each in changes if each.month), key=lambda each: each.month)),
        tuple(each for each in changes if not each.month),
    )


def _permits(consents: Sequence[Sequence[Event]], purpose: Purpose, now: datetime) -> Permits:
    among: dict[Scope, set[int]] = {scope: set() for scope in SCOPES}
    for person, events in enumerate(consents):
        kinds = len(permitted(events, purpose, now))
        among["all" if kinds == len(KINDS) else "some" if kinds else "none"].add(person)
    everybody = frozenset(range(len(consents)))
    groups = [everybody, *(frozenset(among[scope]) for scope in SCOPES)]
    # How many people there are is no secret, so what is shown has to hold beside that number.
    shown = protect(Table(groups, {n: n for n in everybody}, partitions=[(1, 2, 3)], fixed={0}))
    all_, some_, none = (
        len(group) if here else None for group, here in zip(groups[1:], shown[1:], strict=True)
    )
    some = len(among["all"]) + len(among["some"])
    return Permits(purpose, all_, some_, none, share(some, len(consents)) if shown[3] else None)


def _changes(consents: Iterable[Sequence[Event]], purpose: Purpose, now: datetime) -> list[Change]:
    """Of a purpose: the months, and last the whole year (month "").

    How many permit is told elsewhere, so that what was given and what was withdrawn may follow from each
    other. Numbers are hidden as if the sum of both were known: then they do not.
    """
    months = _months(now)
    person: dict[int, int] = {}
    given: dict[str, set[int]] = {month: set() for month in months}
    withdrawn: dict[str, set[int]] = {month: set() for month in months}
    for number, events in enumerate(consents):
        permitted_before = False
        for month, permits in _statements(events, purpose, now):
            if month in given and (permits or permitted_before):
                (given if permits else withdrawn)[month].add(len(person))
                person[len(person)] = number
            permitted_before = permits
    everything = frozenset(person)
    by_month = [frozenset(items) for told in (given, withdrawn) for items in told.values()]
    both = [frozenset[int]().union(*by_month[:MONTHS]), frozenset[int]().union(*by_month[MONTHS:])]
    all_months = range(3, 3 + 2 * MONTHS)
    partitions = [(1, 2), all_months[:MONTHS], all_months[MONTHS:], all_months]
    groups = [everything, *both, *by_month]
    shown = protect(Table(groups, person, partitions=partitions, fixed={0}))
    counts = [len(group) if here else None for group, here in zip(groups, shown, strict=True)]
    told = [Change(month, purpose, counts[3 + n], counts[3 + MONTHS + n]) for n, month in enumerate(months)]
    return [*told, Change("", purpose, counts[1], counts[2])]


def _statements(events: Sequence[Event], purpose: str, now: datetime) -> list[tuple[str, bool]]:
    """What was said about everything of a purpose, by time; of one day only the last counts."""
    code = f"CONSENT{SEPARATOR}{purpose}"
    days: Mapping[datetime, list[Event]] = defaultdict(list)
    for event in events:
        stands = event.known_until is None or event.known_until > now
        if event.code == code and event.known_at <= now and stands:
            days[event.time.replace(hour=0, minute=0, second=0, microsecond=0)].append(event)
    last = {day: max(said, key=lambda event: (event.time, event.known_at)) for day, said in days.items()}
    return [(f"{day:%Y-%m}", last[day].text_value == "permit") for day in sorted(last)]


def _months(now: datetime) -> list[str]:
    first = now.year * 12 + now.month - MONTHS
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, first + MONTHS)]
