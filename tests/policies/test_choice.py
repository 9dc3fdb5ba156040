"""The best bet for each person, how strong it is, and nothing where nothing can be said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.models.forecaster import Forecasts
from alleviate.policies.choice import choose_arms


def forecasts(expected, error=1.0, problems=None):
    expected = np.array(expected, dtype=float)
    n, k = expected.shape
    pairs = np.broadcast_to(np.asarray(error, dtype=float), (n, k, k))
    return Forecasts(expected, np.ones((n, k)), pairs, np.ones((n, k), dtype=int), problems or (None,) * n)


def chosen(expected, error=1.0, *, best_arm=0, verdict="personalise", problems=None):
    return choose_arms(forecasts(expected, error, problems), best_arm=best_arm, verdict=verdict)


def test_the_arm_with_the_best_expectation_and_the_next_best():
    found = chosen([[1, 3, 2], [5, 0, 4]])
    assert found.arm.tolist() == [1, 0]
    assert found.second.tolist() == [2, 2]
    assert found.benefit.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("best_arm", [0, 1, 2])
def test_ties_go_to_the_best_single_arm(best_arm):
    found = chosen([[2, 2, 2], [2, 2, 2 + 1e-13]], best_arm=best_arm)
    assert found.arm.tolist() == [best_arm] * 2
    assert found.strength == ("none", "none")


def test_a_tie_between_others_goes_to_the_first_of_them():
    assert chosen([[1, 2, 2]], best_arm=0).arm.tolist() == [1]


def test_the_error_is_that_of_the_two_arms_compared():
    errors = np.arange(9.0).reshape(1, 3, 3)
    found = chosen([[0, 2, 9]], errors)
    assert found.error.tolist() == [errors[0, 2, 1]]


@pytest.mark.parametrize(
    ("verdict", "benefit", "strength"),
    [
        ("personalise", 1.97, "established"),
        ("one-for-all", 1.97, "established"),
        ("equipoise", 1.97, "leaning"),
        ("personalise", 1.95, "leaning"),
        ("equipoise", 0.0, "none"),
        ("personalise", 0.0, "none"),
    ],
)
def test_established_needs_an_interval_above_0_and_a_verdict_that_something_was_shown(
    verdict, benefit, strength
):
    assert chosen([[benefit, 0.0]], verdict=verdict).strength == (strength,)


def test_who_cannot_be_judged_gets_no_arm_but_the_reason():
    found = chosen([[9, 0], [9, 0]], problems=(None, "too unlike"))
    assert found.arm.tolist() == [0, -1]
    assert found.strength == ("established", "none")
    assert found.reasons == (None, "too unlike")


@given(
    st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=1, max_size=6), st.integers(0, 2)
)
def test_nobody_is_given_an_arm_that_is_expected_to_be_worse(expected, best_arm):
    found = chosen(expected, best_arm=best_arm)
    for i, person in enumerate(expected):
        arm, second = found.arm[i], found.second[i]
        others = [value for k, value in enumerate(person) if k != arm]
        assert person[arm] >= max(person) - 1e-12
        assert person[second] == max(others)
        assert second != arm
        assert found.benefit[i] == pytest.approx(person[arm] - max(others))


def test_nobody_at_all():
    found = choose_arms(forecasts(np.empty((0, 2))), best_arm=0, verdict="personalise")
    assert (len(found.arm), found.strength, found.reasons) == (0, (), ())
