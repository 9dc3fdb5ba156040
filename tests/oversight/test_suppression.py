"""Small numbers are hidden, and nothing that is shown gives one away."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alleviate.oversight.parts import Fact, tabled
from alleviate.oversight.suppression import SMALLEST, Table, protect, safe

SITES, THERAPISTS, TREATMENTS = 3, 3, 2


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """People of sites, each with therapists of its own, and treatments across; items may share a person."""
    sizes = draw(st.lists(st.integers(0, 12), min_size=18, max_size=18))
    cells = list(product(range(SITES), range(THERAPISTS), range(TREATMENTS)))
    where = [cell for cell, size in zip(cells, sizes, strict=True) for _ in range(size)]
    items = range(len(where))
    hits = frozenset(n for n in items if draw(st.booleans()))
    again = draw(st.integers(1, 3))
    groups = [frozenset(items)]
    groups += [frozenset(n for n in items if where[n][0] == site) for site in range(SITES)]
    groups += [
        frozenset(n for n in items if where[n][:2] == (site, therapist))
        for site in range(SITES)
        for therapist in range(THERAPISTS)
    ]
    groups += [frozenset(n for n in items if where[n][2] == each) for each in range(TREATMENTS)]
    partitions = [range(1, 4), range(4, 13), range(13, 15)]
    return Table(groups, {n: n // again for n in items}, hits, partitions)


def _people(table: Table, items: frozenset[int]) -> int:
    return len({table.person[item] for item in items})


def _is_sum(table: Table, group: frozenset[int], others: Sequence[frozenset[int]]) -> bool:
    """Plainly: whether the group's row is a combination of the others', item by item."""
    items = sorted(frozenset[int]().union(*table.groups))
    if not others or not items:
        return not group
    rows = np.array([[item in each for item in items] for each in others], float)
    more = np.vstack([rows, [[item in group for item in items]]])
    return bool(np.linalg.matrix_rank(more) == np.linalg.matrix_rank(rows))


@settings(max_examples=60, deadline=None)
@given(tables())
def test_what_is_shown_is_no_small_number(table: Table) -> None:
    for group, shown in zip(table.groups, protect(table), strict=True):
        if shown and group:
            hit = len(group & table.hits)
            assert _people(table, group) >= SMALLEST
            assert not 0 < hit < SMALLEST
            assert not 0 < len(group) - hit < SMALLEST


@settings(max_examples=60, deadline=None)
@given(tables())
def test_no_hidden_group_is_a_sum_or_difference_of_shown_ones(table: Table) -> None:
    shown = protect(table)
    known = [group for group, here in zip(table.groups, shown, strict=True) if here and group]
    for group, here in zip(table.groups, shown, strict=True):
        if not here:
            assert not _is_sum(table, group, known)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_what_is_left_of_a_shown_whole_is_of_several_groups_and_no_small_number(table: Table) -> None:
    shown = protect(table)
    for place, whole in enumerate(table.groups):
        for partition in table.partitions:
            parts = [n for n in partition if n != place and table.groups[n] and table.groups[n] <= whole]
            if not shown[place] or sum(len(table.groups[n]) for n in parts) != len(whole):
                continue
            hidden = [n for n in parts if not shown[n]]
            rest = frozenset[int]().union(*(table.groups[n] for n in hidden))
            if hidden:
                assert len(hidden) > 1
                assert safe(table, rest)
                # Each hidden group may have had 1 person, or 5: nobody can tell that it is a small one.
                assert _people(table, rest) - (len(hidden) - 1) >= SMALLEST


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 2, 3, 6, 9]), min_size=9, max_size=9))
@example([2, 0, 3, 3, 6, 0, 0, 0, 6])
def test_cells_with_both_margins_give_none_away_though_each_partition_alone_would_not(
    sizes: list[int],
) -> None:
    cells = list(product(range(3), range(3)))
    where = [cell for cell, size in zip(cells, sizes, strict=True) for _ in range(size)]
    items = range(len(where))
    groups = [frozenset(items)]
    groups += [frozenset(n for n in items if where[n][axis] == each) for axis in (0, 1) for each in range(3)]
    groups += [frozenset(n for n in items if where[n] == cell) for cell in cells]
    partitions = [range(1, 4), range(4, 7), range(7, 16)]
    shown = protect(Table(groups, {n: n for n in items}, partitions=partitions))
    known = [group for group, here in zip(groups, shown, strict=True) if here and group]
    for group, here in zip(groups, shown, strict=True):
        assert here or not _is_sum(Table(groups, {}), group, known)


def test_one_small_group_takes_the_next_larger_one_with_it() -> None:
    groups = [range(36), range(30), range(30, 33), range(33, 36)]
    sizes = [frozenset(each) for each in groups]
    told = protect(Table(sizes, {n: n for n in range(36)}, partitions=[(1, 2, 3)]))
    assert told == [True, True, False, False]
    two = [frozenset(range(33)), frozenset(range(30)), frozenset(range(30, 33))]
    assert protect(Table(two, {n: n for n in range(33)}, partitions=[(1, 2)])) == [True, False, False]


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    groups = [frozenset(range(40)), frozenset(range(20)), frozenset(range(20, 40))]
    assert protect(Table(groups, {n: n for n in range(40)}, partitions=[(1, 2)])) == [True, True, True]


def test_many_things_about_few_people_are_a_small_group() -> None:
    group = frozenset(range(40))
    assert not safe(Table([group], {n: n % 4 for n in range(40)}), group)
    assert safe(Table([group], {n: n % 5 for n in range(40)}), group)


def test_a_hidden_part_says_nothing_but_its_name() -> None:
    facts = [Fact(n, {"site": "A" if n < 30 else "B"}, hit=n % 2 == 0) for n in range(33)]
    table = tabled(facts, ("site",))
    assert (table.total.n, table.total.hits) == (33, 17)
    for part in table.by[0].parts:
        assert part.hidden
        assert (part.n, part.hits, part.figure) == (None, None, None)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.booleans()), max_size=80))
def test_what_a_table_shows_is_what_one_counts(rows: list[tuple[str, bool]]) -> None:
    table = tabled([Fact(n, {"site": site}, hit=hit) for n, (site, hit) in enumerate(rows)], ("site",))
    for part in table.by[0].parts:
        own = [hit for site, hit in rows if site == part.group]
        if not part.hidden:
            assert (part.n, part.hits) == (len(own), sum(own))
            assert part.figure is not None
            assert abs(part.figure.estimate - sum(own) / len(own)) < 1e-12
