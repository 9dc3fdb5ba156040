"""A number with its interval is finite and in order, or it is not born."""

import pytest

from alleviate.terms.estimates import Estimate, Z


def test_from_a_standard_error():
    assert Estimate.from_se(1.0, 0.5) == Estimate(1.0, 1.0 - Z * 0.5, 1.0 + Z * 0.5)


def test_turned_round():
    assert -Estimate(1.0, 0.5, 2.0) == Estimate(-1.0, -2.0, -0.5)


@pytest.mark.parametrize(
    ("low", "high", "excludes"), [(0.1, 2, True), (-2, 1.5, False), (0.0, 2, False), (0.5, 1, True)]
)
def test_excludes_zero(low, high, excludes):
    assert Estimate(1.0, low, high).excludes_zero is excludes


@pytest.mark.parametrize("numbers", [(float("nan"), 0, 1), (1, float("-inf"), 2), (3, 1, 2), (1, 2, 3)])
def test_what_is_no_estimate_is_refused(numbers):
    with pytest.raises(ValueError, match=r"finite|low <= estimate <= high"):
        Estimate(*numbers)
