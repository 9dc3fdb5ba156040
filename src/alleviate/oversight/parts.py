"""One figure of one group, or that it is hidden: what every page of oversight shows."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from alleviate.oversight.rates import median, share
from alleviate.oversight.suppression import Table, protect
from alleviate.terms.estimates import Estimate

__all__ = ["Fact", "Grouping", "Part", "Tabled", "tabled"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about one ``person``: whether it ``hit``, or its ``value``; ``groups``: grouping → name,
    where known.
    """

    person: int
    groups: Mapping[str, str]
    hit: bool = False
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A group's figure. ``hidden``: too small to be shown, or it would give away one that is; then nothing
    else is said.

    ``n``: facts counted; ``hits`` among them (None of a median); ``figure`` None: too few for an interval.
    """

    group: str
    hidden: bool
    n: int | None = None
    hits: int | None = None
    figure: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """All groups of one kind, such as the sites."""

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tabled:
    """One figure of all, and of the groups of each kind."""

    total: Part
    by: tuple[Grouping, ...]


def tabled(facts: Sequence[Fact], groupings: Sequence[str], *, medians: bool = False) -> Tabled:
    """Shares of those that hit, or ``medians`` of the values; protected together, since they are of the
    same people.
    """
    places: list[tuple[str, str]] = [("", "")]
    items: list[frozenset[int]] = [frozenset(range(len(facts)))]
    partitions: list[list[int]] = []
    for grouping in groupings:
        among: defaultdict[str, set[int]] = defaultdict(set)
        for number, fact in enumerate(facts):
            among[fact.groups.get(grouping, "")].add(number)
        partitions.append(list(range(len(items), len(items) + len(among))))
        places += [(grouping, name) for name in sorted(among)]
        items += [frozenset(among[name]) for name in sorted(among)]
    hits = frozenset() if medians else frozenset(n for n, fact in enumerate(facts) if fact.hit)
    person = {number: fact.person for number, fact in enumerate(facts)}
    shown = protect(Table(items, person, hits, partitions))
    figure: Callable[[frozenset[int]], Part] = (
        (lambda some: _median(facts, some)) if medians else (lambda some: _share(some, hits))
    )
    found: defaultdict[str, list[Part]] = defaultdict(list)
    for (grouping, name), some, here in zip(places, items, shown, strict=True):
        part = figure(some)
        found[grouping].append(
            Part(name, False, part.n, part.hits, part.figure) if here else Part(name, hidden=True)
        )
    (total,) = found[""]
    return Tabled(total, tuple(Grouping(grouping, tuple(found[grouping])) for grouping in groupings))


def _share(some: frozenset[int], hits: frozenset[int]) -> Part:
    k = len(some & hits)
    return Part("", False, len(some), k, share(k, len(some)))


def _median(facts: Sequence[Fact], some: frozenset[int]) -> Part:
    values = [value for number in sorted(some) if (value := facts[number].value) is not None]
    return Part("", False, len(values), None, median(values))
