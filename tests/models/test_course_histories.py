import numpy as np
import polars as pl
import pytest

from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.terms.errors import DataError, InputError


def made(person=(0, 0, 1), time=(0.0, 2.0, 0.0), score=(9.0, 5.0, 7.0), horizon=(2.0, 4.0)) -> Histories:
    n = len(horizon)
    frame = pl.DataFrame({"age": [30.0] * n})
    return Histories(
        np.array(person),
        np.array(time),
        np.array(score),
        frame,
        np.array(horizon),
        np.zeros(n, dtype=bool),
        np.empty((len(person), 0)),
    )


def test_the_end_is_the_first_score_at_or_after_the_planned_end() -> None:
    h = made((0, 0, 0, 0, 1), (0.0, 1.0, 2.5, 3.0, 0.0), (9.0, 8.0, 5.0, 4.0, 7.0))
    np.testing.assert_array_equal(h.end, [5.0, np.nan])
    np.testing.assert_array_equal(h.remaining, [2.0, 1.0, 0.0, 0.0, 4.0])
    np.testing.assert_array_equal(h.stage, [1, 2, 3, 4, 1])
    np.testing.assert_array_equal(h.last, [3, 4])
    assert h.gap() == 1.0


def test_nobody_who_came_twice_has_a_gap_of_one() -> None:
    assert made((0, 1), (0.0, 0.0), (9.0, 7.0)).gap() == 1.0


def test_people_are_taken_in_the_order_asked() -> None:
    h = made().take(np.array([1, 0, 1]))
    np.testing.assert_array_equal(h.person, [0, 1, 1, 2])
    np.testing.assert_array_equal(h.score, [7.0, 9.0, 5.0, 7.0])
    np.testing.assert_array_equal(h.horizon, [4.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"time": (0.0, 2.0)}, "one entry per visit"),
        ({"person": (0, 0, 0)}, "a visit each"),
        ({"score": (9.0, np.nan, 7.0)}, "must be known"),
        ({"time": (-1.0, 2.0, 0.0)}, "must be known"),
        ({"horizon": (0.0, 4.0)}, "planned end"),
        ({"time": (2.0, 2.0, 0.0)}, "out of order or doubled"),
        ({"person": (0, 1, 0)}, "out of order or doubled"),
    ],
)
def test_what_cannot_be_a_history_is_refused(wrong: dict, word: str) -> None:
    with pytest.raises(DataError, match=word):
        made(**wrong)


def test_the_scale_says_what_a_latent_number_shows_as() -> None:
    """Against a million draws, held at the ends and rounded."""
    scale = Scale(0, 27, "lower", 6, step=1)
    latent = np.random.default_rng(0).normal(3.0, 5.0, 1_000_000)
    shown = np.clip(np.round(latent), 0, 27)
    mean, sd = np.array([3.0]), np.array([5.0])
    for start in (2.0, 6.0, 9.0, 25.0):
        better, worse = scale.change(mean, sd, np.array([start]))
        assert better[0] == pytest.approx((start - shown >= 6).mean(), abs=0.002)
        assert worse[0] == pytest.approx((shown - start >= 6).mean(), abs=0.002)
        assert scale.improved(np.array([start]), shown[:9])[0] == float(start - shown[0] >= 6)


def test_where_higher_is_better_the_signs_turn() -> None:
    low, high = Scale(0, 10, "lower", 2), Scale(0, 10, "higher", 2)
    start, end = np.array([5.0, 5.0, 5.0]), np.array([2.0, 9.0, np.nan])
    np.testing.assert_array_equal(low.improved(start, end), [1, 0, np.nan])
    np.testing.assert_array_equal(high.improved(start, end), [0, 1, np.nan])
    np.testing.assert_array_equal(low.worsened(start, end), [0, 1, np.nan])
    np.testing.assert_array_equal(high.worsened(start, end), [1, 0, np.nan])
    one = np.array([4.0]), np.array([2.0]), np.array([5.0])
    assert low.change(*one) == high.change(*one)[::-1]


def test_a_score_at_an_end_is_no_surprise_from_beyond_it() -> None:
    scale = Scale(0, 27, "lower", 6)
    mean, sd = np.array([-3.0, 3.0, 30.0, 10.0]), np.full(4, 2.0)
    np.testing.assert_allclose(scale.distance(mean, sd, np.array([0.0, 0.0, 27.0, 14.0])), [0, 1.5, 0, 2])


@pytest.mark.parametrize("wrong", [(5, 5, 2, 0), (0, 5, 0, 0), (0, 5, 2, -1)])
def test_an_impossible_scale_is_refused(wrong: tuple) -> None:
    low, high, reliable, step = wrong
    with pytest.raises(InputError, match="cannot have"):
        Scale(low, high, "lower", reliable, step)
