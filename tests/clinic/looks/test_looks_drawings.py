"""Drawings show what the numbers say: nothing outside its box, nobody added, and words beside each."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.clinic.looks import Looks
from alleviate.clinic.looks.drawings import course, icons, ranges, spark
from alleviate.clinic.looks.languages import language
from alleviate.terms.errors import InputError

scores = st.floats(-50, 100)
points = st.lists(st.tuples(st.floats(0, 1000), scores), max_size=12).map(sorted)


@given(points)
def test_a_spark_keeps_every_score_inside_its_box_in_order(drawn: list[tuple[float, float]]) -> None:
    found = spark(drawn, 0, 27)
    assert len(found.dots) == len(drawn)
    assert all(6 <= dot.x <= 134 and 6 <= dot.y <= 34 for dot in found.dots)
    assert [dot.x for dot in found.dots] == sorted(dot.x for dot in found.dots)
    assert [dot.last for dot in found.dots] == [False] * (len(drawn) - 1) + [True] * bool(drawn)


@given(st.lists(scores, min_size=2, max_size=12))
def test_a_higher_score_is_drawn_higher(drawn: list[float]) -> None:
    found = spark(drawn, -50, 100)
    for one, other in zip(found.dots, found.dots[1:], strict=False):
        if one.value < other.value:
            assert one.y >= other.y


def test_scores_that_are_missing_are_left_out_and_not_drawn_as_nothing() -> None:
    assert spark([18, None, 12], 0, 27).values == (18, 12)


def test_outside_the_expected_band_is_told_between_its_points_too() -> None:
    band = [(0, 16, 20), (10, 6, 10)]
    inside, outside = spark([(0, 18), (5, 13)], 0, 27, band), spark([(0, 18), (5, 16)], 0, 27, band)
    assert inside.expected == outside.expected == (11, 15)
    assert not inside.out
    assert outside.out
    assert spark([(0, 18), (20, 16)], 0, 27, band).expected is None


def test_a_scale_that_is_upside_down_is_refused() -> None:
    with pytest.raises(InputError, match="from low to high"):
        spark([1, 2], 27, 0)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=4).filter(lambda counts: 1 <= sum(counts) <= 250))
def test_an_icon_array_has_a_figure_for_each_person_and_its_group(counts: list[int]) -> None:
    drawn = icons(counts, sum(counts))
    assert [sum(icon.group == group for icon in drawn.icons) for group in range(1, len(counts) + 1)] == counts
    assert len({(icon.x, icon.y) for icon in drawn.icons}) == sum(counts)
    assert all(0 < icon.x < drawn.width and 0 < icon.y < drawn.height for icon in drawn.icons)


@pytest.mark.parametrize("counts", [[60, 30], [60, 50], [110, -10], [20, 20, 20, 20, 20], []])
def test_an_icon_array_that_does_not_add_up_is_refused(counts: list[int]) -> None:
    with pytest.raises(InputError, match="add up to 100"):
        icons(counts)


@given(st.lists(st.tuples(scores, st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=6))
def test_ranges_share_one_scale_and_hold_their_estimates(rows: list[tuple[float, float, float]]) -> None:
    drawn = ranges([(middle, middle - below, middle + above) for middle, below, above in rows])
    for line in drawn.rows:
        assert 8 <= line.left <= line.middle <= line.right <= 392


def test_a_course_puts_episodes_that_overlap_into_rows_of_their_own() -> None:
    days = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    drawn = course(
        [(days[0], 18), (days[2], 9)],
        0,
        27,
        episodes=[("a", days[0], days[1]), ("b", days[0], None), ("c", days[1], None)],
    )
    assert [mark.row for mark in drawn.marks] == [0, 1, 0]
    assert drawn.days[0].value == days[0]
    assert drawn.days[-1].value == days[2]
    assert drawn.scores[0].value == 0
    assert all(14 <= tick.place <= 210 for tick in drawn.scores)


def test_a_course_without_any_score_is_an_empty_box() -> None:
    assert course([], 0, 27).spark.dots == ()


def test_every_drawing_says_in_words_what_it_shows(looks: Looks) -> None:
    house = looks._environments["de"]
    text = house.from_string(
        "{{ spark([(0, 18), (10, 9)], 0, 27, [(0, 16, 20), (20, 6, 10)], 'PHQ-9') }}"
        "{{ spark([], 0, 27) }}{{ icon_array([('geht es besser', 60), ('geht es gleich', 40)]) }}"
    ).render()
    labels = re.findall(r'aria-label="([^"]*)"', text)
    assert labels == [
        "PHQ-9: 2 Werte, von 18 bis 9. Erwartet sind jetzt 11 bis 15.",
        "noch keine Werte.",
        "60 von 100: geht es besser. 40 von 100: geht es gleich.",
    ]
    assert text.count('role="img"') == 3


def test_a_picture_and_its_words_are_both_there_for_a_range(looks: Looks) -> None:
    spoken = language("en")
    text = looks._environments[spoken.code].from_string(
        "{{ range_plot([{'words': 'Talking', 'estimate': 9.12, 'low': 7, 'high': 11}], 'points') }}"
    )
    assert "9.1 (7.0 to 11.0) points" in " ".join(text.render().split())
