"""A number is written no finer than its interval allows, and rounding hides nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.reports.numbers import Scale, count, decimals_for, number, p_value, share
from alleviate.terms.estimates import Estimate

POINTS = Scale("depression", "points", "lower", 0.13, False)
RISK = Scale("relapse", "", "lower", 0.05, True)


@pytest.mark.parametrize(
    ("width", "decimals"),
    [(0.016, 3), (0.16, 2), (0.95, 2), (1.6, 1), (9.9, 1), (16, 0), (1600, 0), (1e-12, 6)],
)
def test_decimals_follow_the_width_of_the_interval(width: float, decimals: int) -> None:
    assert decimals_for([width]) == decimals


def test_a_table_shares_the_decimals_of_its_median_interval() -> None:
    assert decimals_for([0.0, 0.02, 0.2, 2.0]) == 2
    assert decimals_for([]) == 2


@pytest.mark.parametrize(
    ("x", "signed", "text"),
    [
        (1234.567, False, "1,234.57"),
        (-0.5, False, "−0.50"),
        (0.5, True, "+0.50"),
        (-0.001, True, "0.00"),
        (0, True, "0.00"),
    ],
)
def test_signs_are_true_minus_and_plus_and_nothing_is_minus_zero(x: float, signed: bool, text: str) -> None:
    assert number(x, 2, signed=signed) == text


@pytest.mark.parametrize(
    ("part", "text"), [(0, "0%"), (0.004, "under 1%"), (0.5, "50%"), (0.996, "over 99%"), (1, "100%")]
)
def test_few_are_not_none_and_most_are_not_all(part: float, text: str) -> None:
    assert share(part) == text


def test_p_values() -> None:
    assert [p_value(p) for p in (0.0004, 0.0041, 0.0499, 0.21)] == ["< 0.001", "= 0.004", "= 0.050", "= 0.21"]


def test_values_and_gains_in_their_units() -> None:
    assert POINTS.value(Estimate(1.7224, 1.674, 1.77)).interval == "1.674 to 1.770"
    assert RISK.value(Estimate(0.284, 0.239, 0.329)).point == "28.4%"
    assert RISK.gain(Estimate(0.107, 0.041, 0.173)).interval == "+4 to +17"
    assert [POINTS.difference(0.13), RISK.difference(0.05), POINTS.difference(2.5)] == ["0.13", "5", "2.5"]
    assert POINTS.gain(Estimate(-0.2, -0.3, -0.1)).size == "0.20"
    assert count(12345) == "12,345"


def test_a_table_grows_finer_where_an_interval_only_just_excludes_0() -> None:
    assert POINTS.decimals([Estimate(0.06, -0.02, 0.14)]) == 2
    assert POINTS.decimals([Estimate(0.06, -0.02, 0.14), Estimate(0.06, 0.004, 0.116)]) == 3
    assert POINTS.decimals([Estimate(0.06, -0.02, 0.14), Estimate(0.06, 0.0001, 0.12)]) == 4


reals = st.floats(-1000, 1000).map(lambda x: round(x, 5))


@given(st.tuples(reals, reals, reals).map(sorted), st.integers(0, 3))
def test_rounding_never_hides_that_an_interval_excludes_0(bounds: list[float], decimals: int) -> None:
    e = Estimate(bounds[1], bounds[0], bounds[2])
    shown = POINTS.gain(e, decimals)
    low, high = (float(text.replace("−", "-").replace(",", "")) for text in (shown.low, shown.high))
    assert (low > 0 or high < 0) == e.excludes_zero


@given(st.tuples(reals, reals, reals).map(sorted))
def test_a_rounded_estimate_stays_inside_its_rounded_interval(bounds: list[float]) -> None:
    shown = POINTS.value(Estimate(bounds[1], bounds[0], bounds[2]))
    low, point, high = (
        float(t.replace("−", "-").replace(",", "")) for t in (shown.low, shown.point, shown.high)
    )
    assert low <= point <= high
