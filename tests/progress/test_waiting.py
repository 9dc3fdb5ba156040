"""To change now or to wait, from a forecast and a rule's benefit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.progress.waiting import Range, change_or_wait
from alleviate.terms.errors import DataError

END, BENEFIT = Range(14.0, 8.0, 20.0), Range(3.0, 1.0, 5.0)


def test_the_benefit_counts_for_the_time_that_is_left() -> None:
    found = change_or_wait(END, BENEFIT, lower_is_better=True, share_left=0.5, share_at_next=0.25)
    assert found.staying == END
    assert found.gain == Range(1.5, 0.5, 2.5)
    assert found.lost_by_waiting == Range(0.75, 0.25, 1.25)
    assert found.changing.estimate == 12.5
    assert found.changing.low == pytest.approx(12.5 - (6**2 + 1**2) ** 0.5)
    assert found.shown
    assert len(found.assumptions) == 4


def test_where_higher_is_better_the_end_rises() -> None:
    found = change_or_wait(
        END, Range(3.0, -1.0, 4.0), lower_is_better=False, share_left=1.0, share_at_next=1.0
    )
    assert found.changing.estimate == 17
    assert found.changing.low == pytest.approx(17 - (6**2 + 4**2) ** 0.5)
    assert found.changing.high == pytest.approx(17 + (6**2 + 1**2) ** 0.5)
    assert not found.shown
    assert found.lost_by_waiting == Range(0, 0, 0)


@given(st.floats(-5, 5), st.floats(0, 5), st.floats(0, 5), st.floats(0, 1), st.floats(0, 1))
def test_turning_the_scale_round_turns_the_answer_round(middle, below, above, one, other) -> None:
    benefit = Range(middle, middle - below, middle + above)
    shares = {"share_left": max(one, other), "share_at_next": min(one, other)}
    down = change_or_wait(END, benefit, lower_is_better=True, **shares)
    up = change_or_wait(Range(-14.0, -20.0, -8.0), benefit, lower_is_better=False, **shares)
    assert down.gain == up.gain
    assert down.changing.estimate == -up.changing.estimate
    assert down.changing.low == pytest.approx(-up.changing.high)


@pytest.mark.parametrize(("left", "at_next"), [(1.1, 0.5), (0.5, 0.6), (0.5, -0.1), (float("nan"), 0.1)])
def test_shares_out_of_order(left, at_next) -> None:
    with pytest.raises(DataError, match="shares left"):
        change_or_wait(END, BENEFIT, lower_is_better=True, share_left=left, share_at_next=at_next)


@pytest.mark.parametrize("numbers", [(1.0, 2.0, 3.0), (1.0, 0.0, 0.5), (float("inf"), 0.0, float("inf"))])
def test_an_interval_holds_its_estimate(numbers) -> None:
    with pytest.raises(DataError, match="hold its estimate"):
        Range(*numbers)
