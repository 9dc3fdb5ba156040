"""How many permit what, and what they changed by month; small numbers hidden."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alleviate.oversight.rates import share
from alleviate.oversight.suppression import SMALLEST, Table, protect
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

    None: between 1 and 4.
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


def consent_figures(consents: Sequence[Sequence[Event]], now: datetime) -> ConsentFigures:
    """Of everybody's consents (an empty one of who never said anything), as of ``now`` (UTC)."""
    return ConsentFigures(
        len(consents),
        tuple(_permits(consents, purpose, now) for purpose in ASKED),
        tuple(_changes(consents, now)),
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


def _changes(consents: Iterable[Sequence[Event]], now: datetime) -> Iterable[Change]:
    given: Counter[tuple[str, str]] = Counter()
    withdrawn: Counter[tuple[str, str]] = Counter()
    for events in consents:
        for purpose in ASKED:
            permitted_before = False
            for month, permits in _statements(events, purpose, now):
                if permits:
                    given[month, purpose] += 1
                elif permitted_before:
                    withdrawn[month, purpose] += 1
                permitted_before = permits
    for month in _months(now):
        for purpose in ASKED:
            yield Change(month, purpose, _shown(given[month, purpose]), _shown(withdrawn[month, purpose]))


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


def _shown(count: int) -> int | None:
    return count if count == 0 or count >= SMALLEST else None
