"""Pictures stand where the numbers say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.packages.findings import Histogram
from alleviate.reports.charts import HEIGHT, Axis, axis_over, stack
from alleviate.reports.numbers import Scale
from alleviate.reports.tree_drawing import Leaf, draw_down, draw_indented, leaves, parse
from alleviate.terms.estimates import Estimate

SCALE = Scale("weight", "kg", "higher", 1.0, False)


def test_an_axis_maps_its_ends_to_the_edges_and_keeps_the_rest_inside() -> None:
    axis = Axis(-1, 3)
    assert [axis.at(x) for x in (-1, 0, 1, 3, 99)] == [0, 25, 50, 100, 100]


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_ticks_are_few_round_and_evenly_spaced(low: float, width: float) -> None:
    ticks = Axis(low, low + width).ticks
    assert 2 <= len(ticks) <= 5
    gaps = [after.at - before.at for before, after in pairwise(ticks)]
    assert max(gaps) - min(gaps) <= 0.02 + 1e-6
    assert len({tick.text for tick in ticks}) == len(ticks)


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=6))
def test_an_axis_holds_every_interval_with_room_to_spare(parts: list[tuple[float, float, float]]) -> None:
    estimates = [Estimate(x, x - below, x + above) for x, below, above in parts]
    axis = axis_over(estimates, 0.0)
    for mark in map(axis.mark, estimates):
        assert 0 < mark.low <= mark.point <= mark.high < 100


def test_stacked_bars_stand_on_each_other_and_reach_their_counts() -> None:
    made = stack({"a": Histogram((0.0, 1.0, 2.0), (3, 0)), "b": Histogram((0.0, 1.0, 2.0), (1, 2))}, 0.0)
    (a,), (b, alone) = made.bars["a"], made.bars["b"]
    assert (a.y + a.height, a.height) == (HEIGHT, HEIGHT * 3 / 4)
    assert b.y + b.height == pytest.approx(a.y)
    assert (b.y, alone.x, alone.width) == (0, 50, 50)
    assert made.bins == ((0.0, 1.0, (3, 1)), (1.0, 2.0, (0, 2)))


def test_an_empty_histogram_is_an_empty_picture() -> None:
    assert stack({"a": Histogram((0.0, 1.0), (0,))}, 0.0).bars == {"a": ()}


def trees(depth: int) -> st.SearchStrategy[dict[str, object]]:
    leaf = st.fixed_dictionaries(
        {"arm": st.text("ab ", min_size=1), "n": st.integers(0, 999), "benefit": st.floats(-9, 9)}
    )
    if depth == 0:
        return leaf
    split = st.fixed_dictionaries(
        {
            "feature": st.just("f"),
            "label": st.text("cd ", max_size=60),
            "test": st.text("ef ", max_size=60),
            "yes": trees(depth - 1),
            "no": trees(depth - 1),
        }
    )
    return st.one_of(leaf, split)


@given(trees(3))
def test_a_tree_of_any_shape_is_drawn_without_boxes_on_top_of_each_other(tree: dict[str, object]) -> None:
    root = parse(tree, SCALE)
    for drawing in (draw_down(root), draw_indented(root)):
        drawn = [box.leaf for box in drawing.boxes if isinstance(box.node, Leaf)]
        assert len(drawn) == len(leaves(root))
        assert len(drawing.lines) == len(drawing.boxes) - 1
        for i, one in enumerate(drawing.boxes):
            assert one.x >= 0
            assert one.x + one.width <= drawing.width
            assert one.bottom <= drawing.height
            for other in drawing.boxes[i + 1 :]:
                apart_across = one.x + one.width <= other.x or other.x + other.width <= one.x
                apart_down = one.bottom <= other.y or other.bottom <= one.y
                assert apart_across or apart_down
