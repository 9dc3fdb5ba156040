"""Small numbers hidden: groups of fewer than five people, counts of one to four, and whatever would give
them away.

A group that is small is hidden (primary suppression). What is hidden must not follow from what is shown, so
more is hidden (complementary suppression) until two things hold:

- in every partition of a shown group into others (a site into its therapists, everybody into sites), what
  is left after subtracting the shown ones is itself no small number, belongs to two groups at least, and
  leaves each of them several possible sizes;
- no hidden group is any sum or difference of shown ones, across all the tables that show the same people
  (Cox 1980, J Am Stat Assoc 75:377: linear disclosure).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["SMALLEST", "Table", "protect", "safe"]

SMALLEST = 5
"""People of a group, and a count other than 0, from which on they are shown."""

_EXACT = 1e-8

Items = frozenset[int]


@dataclass(frozen=True, slots=True)
class Table:
    """What is to be shown: ``groups`` of items; each item is about one person, ``person`` by item.

    ``hits``: the items that are counted in each group beside its size. ``partitions``: lists of places in
    ``groups``, each of groups without an item in common, such as all sites. ``fixed``: places that are
    shown whatever they say.
    """

    groups: Sequence[Items]
    person: Mapping[int, int]
    hits: Items = frozenset()
    partitions: Sequence[Sequence[int]] = ()
    fixed: Collection[int] = field(default_factory=frozenset)

    def size(self, items: Items) -> int:
        """People, not items."""
        return len({self.person[item] for item in items})


def safe(table: Table, items: Items) -> bool:
    """Whether a group of these items may be shown: nobody in it, or enough people and no small count."""
    hit = len(items & table.hits)
    rest = len(items) - hit
    enough = table.size(items) >= SMALLEST
    return not items or (enough and not 0 < hit < SMALLEST and not 0 < rest < SMALLEST)


def protect(table: Table) -> list[bool]:
    """Of each group whether it is shown."""
    shown = [place in table.fixed or safe(table, group) for place, group in enumerate(table.groups)]
    within = _within(table)
    while (hide := _told_by_rest(table, shown, within) or _told_by_sums(table, shown)) is not None:
        shown[hide - 1] = False
    return shown


def _within(table: Table) -> list[tuple[int, list[int]]]:
    """Each group with the groups of a partition that make it up."""
    found = []
    for place, whole in enumerate(table.groups):
        for partition in table.partitions:
            parts = [other for other in partition if other != place and table.groups[other] <= whole]
            parts = [other for other in parts if table.groups[other]]
            if parts and sum(len(table.groups[other]) for other in parts) == len(whole):
                found.append((place, parts))
    return found


def _told_by_rest(table: Table, shown: list[bool], within: list[tuple[int, list[int]]]) -> int | None:
    """The place (from 1) of a group to hide, because what is left of a whole would tell of a hidden part."""
    for whole, parts in within:
        hidden = [part for part in parts if not shown[part]]
        if not shown[whole] or not hidden:
            continue
        rest = frozenset[int]().union(*(table.groups[part] for part in hidden))
        several = len(hidden) > 1 and table.size(rest) >= len(hidden) + SMALLEST - 1
        if several and safe(table, rest):
            continue
        more = [part for part in parts if shown[part] and part not in table.fixed]
        if more:
            return _smallest(table, more)
        if whole not in table.fixed:
            return whole + 1
    return None


def _told_by_sums(table: Table, shown: list[bool]) -> int | None:
    """The place (from 1) of a group to hide, because a hidden one is a sum of shown ones."""
    rows = _rows(table)
    open_ = [place for place, here in enumerate(shown) if here and table.groups[place]]
    if not open_:
        return None
    known = rows[open_].T
    for place, here in enumerate(shown):
        if here or not table.groups[place]:
            continue
        weights, *_ = np.linalg.lstsq(known, rows[place], rcond=None)
        if np.abs(known @ weights - rows[place]).max() > _EXACT:
            continue
        used = [
            other
            for other, weight in zip(open_, weights, strict=True)
            if abs(weight) > _EXACT and other not in table.fixed
        ]
        if used:
            return _smallest(table, used)
    return None


def _rows(table: Table) -> NDArray[np.float64]:
    """Of each group which kinds of items it has; items of the same groups are of one kind."""
    kinds = {
        tuple(place for place, group in enumerate(table.groups) if item in group)
        for item in frozenset[int]().union(*table.groups)
    }
    ordered = sorted(kinds)
    rows = np.zeros((len(table.groups), len(ordered)))
    for column, places in enumerate(ordered):
        rows[list(places), column] = 1
    return rows


def _smallest(table: Table, places: Sequence[int]) -> int:
    return min(places, key=lambda place: (table.size(table.groups[place]), place)) + 1
