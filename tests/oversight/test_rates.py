"""Intervals as the books have them, and such that they hold what they promise."""

from math import comb, exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from alleviate.oversight.rates import FEWEST_FOR_MEDIAN, median, per_100, share
from alleviate.terms.errors import InputError


@given(st.integers(1, 400), st.data())
def test_a_share_has_wilsons_interval(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    found = share(hits, n)
    known = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert found is not None
    assert found.estimate == hits / n
    assert found.low == pytest.approx(known.low, abs=1e-9)
    assert found.high == pytest.approx(known.high, abs=1e-9)


@given(st.lists(st.floats(-100, 100), min_size=FEWEST_FOR_MEDIAN, max_size=60))
def test_a_median_lies_between_the_closest_two_values_that_enclose_it_often_enough(
    values: list[float],
) -> None:
    ordered, n = sorted(values), len(values)
    found = median(values)
    assert found is not None

    def covered(r: int) -> float:
        """How often the r-th least and the r-th most of n enclose the median, counted out."""
        return 1 - 2 * sum(comb(n, k) for k in range(r)) / 2**n

    r = max(r for r in range(1, n // 2 + 1) if covered(r) >= 0.95)
    assert (found.low, found.high) == (ordered[r - 1], ordered[n - r])
    assert found.low <= found.estimate <= found.high


def test_too_few_values_have_no_interval_and_so_no_median() -> None:
    assert median([1.0] * 5) is None
    assert median([1.0, 2, 3, 4, 5, 9]) is not None


@pytest.mark.parametrize("events", [0, 1, 4, 30])
def test_a_rate_has_the_exact_interval_of_poisson(events: int) -> None:
    found = per_100(events, 250)
    assert found is not None
    assert found.estimate == pytest.approx(events / 2.5)

    def at_most(k: int, mean: float) -> float:
        return sum(exp(-mean) * mean**i / factorial(i) for i in range(k + 1))

    low, high = found.low * 2.5, found.high * 2.5
    assert at_most(events, high) == pytest.approx(0.025)
    assert (low == 0) if not events else 1 - at_most(events - 1, low) == pytest.approx(0.025)


def test_of_nobody_nothing_is_said_and_what_cannot_be_is_refused() -> None:
    assert share(0, 0) is None
    assert per_100(0, 0) is None
    with pytest.raises(InputError):
        share(3, 2)
    with pytest.raises(InputError):
        per_100(-1, 2)
