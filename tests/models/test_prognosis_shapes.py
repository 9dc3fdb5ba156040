"""The shapes of curves, and sums of curves."""

import numpy as np
import pytest

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis.bases import bent, design_of, straight
from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.curves import Curve, Curves


def design(x: np.ndarray, weight: np.ndarray | None = None) -> Design:
    columns = tuple(EncodedColumn(f"x{j}", "value", None, 0.0, 1.0) for j in range(x.shape[1]))
    return Design(x, columns, np.zeros(len(x)), np.ones(len(x)) if weight is None else weight, "binary")


@pytest.mark.parametrize("family", ["plain", "tamed"])
def test_a_line_has_mean_0_and_variance_1_over_weighted_people(family: str) -> None:
    rng = np.random.default_rng(1)
    x, weight = rng.lognormal(size=(200, 1)), rng.random(200)
    line = straight(x, weight, 0, family)
    assert line is not None
    drawn = line(x)[:, 0]
    assert np.average(drawn, weights=weight) == pytest.approx(0.0, abs=1e-9)
    assert np.average(drawn**2, weights=weight) == pytest.approx(1.0)


def test_a_tamed_number_does_not_care_how_long_its_tail_is() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(150, 1))
    plain, long = straight(x, np.ones(150), 0, "tamed"), straight(np.exp(3 * x), np.ones(150), 0, "tamed")
    assert plain is not None
    assert long is not None
    assert np.corrcoef(plain(x)[:, 0], long(np.exp(3 * x))[:, 0])[0, 1] > 0.995


def test_a_yes_or_no_is_one_line_in_either_family() -> None:
    x = np.repeat([0.0, 1.0], [30, 10])[:, None]
    plain, tamed = (straight(x, np.ones(40), 0, family) for family in ("plain", "tamed"))
    assert plain is not None
    assert tamed is not None
    assert np.array_equal(plain.heights, tamed.heights)


def test_a_column_that_does_not_vary_has_no_line_and_two_values_no_bend() -> None:
    x = np.column_stack([np.ones(30), np.arange(30) % 2, np.arange(30.0)])
    assert straight(x, np.ones(30), 0, "plain") is None
    line = straight(x, np.ones(30), 1, "plain")
    assert line is not None
    assert bent(x, np.ones(30), line) is None
    assert design_of(design(x), "plain", bends=True).blocks == (0, 0, 1)


def test_a_value_that_nearly_everybody_has_leaves_nothing_to_bend() -> None:
    x = np.r_[np.zeros(500), 1.0, 2.0, 3.0, 4.0][:, None]
    line = straight(x, np.ones(504), 0, "plain")
    assert line is not None
    shape = bent(x, np.ones(504), line)
    assert shape is None or np.isfinite(shape.heights).all()


def test_bends_are_orthogonal_to_the_line_and_smoothest_first() -> None:
    rng = np.random.default_rng(3)
    x, weight = rng.normal(size=(300, 1)), rng.random(300)
    line = straight(x, weight, 0, "plain")
    assert line is not None
    shape = bent(x, weight, line)
    assert shape is not None
    drawn = shape(x)
    assert weight @ drawn == pytest.approx(np.zeros(4), abs=1e-9)
    assert (weight * line(x)[:, 0]) @ drawn == pytest.approx(np.zeros(4), abs=1e-8)
    sizes = np.average(drawn**2, axis=0, weights=weight)
    assert (np.diff(sizes) < 0).all()
    assert sizes.sum() == pytest.approx(1.0)


def test_a_sum_of_curves_is_their_values_added_and_survives_json() -> None:
    rng = np.random.default_rng(4)
    straight_one = Curve(np.array([-1.0, 1.0]), np.array([-2.0, 2.0]))
    crooked = Curve(np.array([-1.0, 0.0, 1.0]), np.array([1.0, 0.0, 3.0]))
    nothing = Curve(np.zeros(1), np.zeros(1))
    whole = Curves(0.5, (straight_one, nothing, crooked), 3.0)
    x = rng.uniform(-2, 2, size=(50, 3))
    level, added = whole.contributions(x)
    assert level + added.sum(axis=1) == pytest.approx(whole.linear(x), abs=1e-12)
    assert whole.used() == (0, 2)
    assert not added[:, 1].any()
    assert np.array_equal(Curves.from_json(whole.to_json()).linear(x), whole.linear(x))


def test_nobody_is_foreseen_beyond_the_edge_of_what_was_seen() -> None:
    line = Curves(0.0, (Curve(np.array([0.0, 1.0]), np.array([-1.0, 1.0])),), 2.0)
    assert line.linear(np.array([[1.0], [50.0]])).tolist() == [1.0, 1.0]


def test_a_mean_of_sums_of_curves_is_one() -> None:
    rng = np.random.default_rng(5)
    one = Curves(
        1.0, (Curve(np.array([0.0, 1.0]), np.array([-1.0, 1.0])), Curve(np.zeros(1), np.zeros(1))), 2.0
    )
    other = Curves(
        3.0,
        (
            Curve(np.array([0.0, 0.3, 1.0]), np.array([-1.0, 2.0, 0.0])),
            Curve(np.array([0.0, 1.0]), np.array([0.0, 4.0])),
        ),
        4.0,
    )
    x = rng.uniform(-0.5, 1.5, size=(60, 2))
    mean = Curves.mixed([one, other], [0.25, 0.75])
    assert mean.linear(x) == pytest.approx(0.25 * one.linear(x) + 0.75 * other.linear(x))
    assert mean.complexity == pytest.approx(3.5)
