"""Change from first to last score: exactly at the cut-off, exactly at the reliable change, missing."""

from dataclasses import asdict, replace
from math import sqrt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from alleviate.instruments import INSTRUMENTS
from alleviate.progress.change import change_between, change_of
from alleviate.progress.change_frame import CHANGES, change_frame
from alleviate.terms.errors import DataError

SUMS = [instrument for instrument in INSTRUMENTS.values() if instrument.total == "sum"]
PHQ9, WHO5, HAMD17, BDI2 = (INSTRUMENTS[id] for id in ("phq9", "who5", "hamd17", "bdi2"))


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (15, 9, "improved"),
        (15, 9.5, "no reliable change"),
        (15, 20, "no reliable change"),
        (15, 21, "deteriorated"),
        (15, 15, "no reliable change"),
    ],
)
def test_exactly_the_reliable_change_is_one(first, last, verdict) -> None:
    assert change_between(PHQ9, first, last).reliable == verdict


def test_the_reliable_change_of_jacobson_and_truax_is_computed_from_sd_and_reliability() -> None:
    assert BDI2.reliable_change is not None
    least = 1.96 * 12.75 * sqrt(2) * sqrt(1 - 0.93)
    assert BDI2.reliable_change.least == pytest.approx(least)
    assert change_between(BDI2, 30, 30 - least).reliable == "improved"
    assert change_between(BDI2, 30, 30 - least + 0.01).reliable == "no reliable change"


def test_the_cut_off_itself_is_a_case() -> None:
    assert change_between(PHQ9, 16, 10).recovery is False
    at_nine = change_between(PHQ9, 16, 9)
    assert (at_nine.recovery, at_nine.reliable_recovery) == (True, True)
    barely = change_between(PHQ9, 10, 9)
    assert (barely.recovery, barely.reliable_recovery) == (True, False)


def test_who_was_no_case_cannot_recover() -> None:
    change = change_between(PHQ9, 9, 2)
    assert (change.recovery, change.reliable_recovery, change.reliable) == (None, None, "improved")
    assert "no case at the start: there is nothing to recover from" in change.reasons


def test_response_is_half_of_the_first_score_or_more() -> None:
    assert change_between(PHQ9, 14, 7).response is True
    assert change_between(PHQ9, 15, 8).response is False
    assert change_between(PHQ9, 0, 0).response is None


def test_remission_by_the_published_score_and_nothing_where_there_is_none() -> None:
    assert [change_between(PHQ9, 20, last).remission for last in (4, 5)] == [True, False]
    assert [change_between(HAMD17, 20, last).remission for last in (7, 8)] == [True, False]
    silent = change_between(INSTRUMENTS["gad7"], 15, 0)
    assert silent.remission is None
    assert any("no score of remission" in reason for reason in silent.reasons)


def test_where_no_reliable_change_is_published_it_says_so_and_does_not_guess() -> None:
    change = change_between(HAMD17, 24, 4)
    assert (change.reliable, change.reliable_recovery, change.recovery) == (None, None, True)
    assert any("no reliable change is published" in reason for reason in change.reasons)


def test_an_important_difference_is_no_reliable_change_and_higher_may_be_better() -> None:
    change = change_between(WHO5, 40, 60)
    assert (change.improvement, change.important, change.reliable) == (20, "improved", None)
    assert (change.recovery, change.response) == (True, None)
    assert change_between(WHO5, 60, 40).important == "deteriorated"
    assert change_between(WHO5, 40, 50).case_last is True  # 50 or less
    assert any("only an important difference" in reason for reason in change.reasons)


def test_the_cut_off_of_their_sex_is_used() -> None:
    audit = INSTRUMENTS["audit_c"]
    assert change_between(audit, 8, 3, sex="male").recovery is True
    assert change_between(audit, 8, 3, sex="female").recovery is False


def test_one_score_is_no_change() -> None:
    change = change_of(PHQ9, [12, None])
    assert (change.first, change.last, change.improvement) == (12, None, None)
    assert change.reasons == ("1 of at least 2 scores are known",)
    assert change_of(PHQ9, []).first is None
    assert change_of(PHQ9, [12, None, 3, 6, None]).improvement == 6
    assert change_of(PHQ9, [12, 3], least=3).improvement is None


def test_a_missing_end_is_named() -> None:
    assert change_between(PHQ9, None, 3).reasons == ("the first score is missing",)
    assert change_between(PHQ9, 3, None).reasons == ("the last score is missing",)


@pytest.mark.parametrize("wrong", [-1, 28, float("nan"), float("inf")])
def test_an_impossible_total_is_refused(wrong) -> None:
    with pytest.raises(DataError, match="from 0 to 27"):
        change_between(PHQ9, 10, wrong)
    with pytest.raises(DataError, match="from 0 to 27"):
        change_frame(PHQ9, pl.DataFrame({"first": [10.0], "last": [float(wrong)]}))


def test_levels_have_no_change_in_points() -> None:
    for id in ("cssrs", "eq5d5l"):
        with pytest.raises(DataError, match="not a sum"):
            change_between(INSTRUMENTS[id], 1, 0)
        with pytest.raises(DataError, match="no change in points"):
            change_frame(INSTRUMENTS[id], pl.DataFrame({"first": [1.0], "last": [0.0]}))
    with pytest.raises(DataError, match="at least 2"):
        change_of(PHQ9, [1, 2], least=1)


@given(st.data())
def test_the_table_says_what_one_by_one_says(data: st.DataObject) -> None:
    instrument = data.draw(st.sampled_from(SUMS))
    low, high = instrument.range
    score = st.none() | st.integers(int(low), int(high)).map(float)
    sex = st.sampled_from(["female", "male", None])
    rows = data.draw(st.lists(st.tuples(score, score, sex), min_size=1, max_size=8))
    frame = pl.DataFrame(
        rows, schema={"first": pl.Float64, "last": pl.Float64, "sex": pl.String}, orient="row"
    )
    fast = change_frame(instrument, frame).to_dicts()
    for (first, last, of), found in zip(rows, fast, strict=True):
        slow = asdict(change_between(instrument, first, last, sex=of))
        assert found == {name: slow[name] for name in CHANGES}


@given(st.sampled_from(SUMS), st.floats(0, 1), st.floats(0, 1))
def test_a_change_and_its_reverse_are_opposite(instrument, one, other) -> None:
    low, high = instrument.range
    ends = low + (high - low) * one, low + (high - low) * other
    there, back = change_between(instrument, *ends), change_between(instrument, *reversed(ends))
    assert there.improvement == -back.improvement
    opposite = {"improved": "deteriorated", "deteriorated": "improved"}
    assert back.reliable == opposite.get(there.reliable, there.reliable)
    assert replace(there, reasons=()) == replace(change_between(instrument, *ends), reasons=())


def test_an_instrument_without_a_cut_off_has_no_case_and_no_recovery() -> None:
    bare = structs.replace(PHQ9, caseness=None)
    change = change_between(bare, 20, 2)
    assert (change.case_first, change.recovery, change.reliable) == (None, None, "improved")
    assert any("no cut-off" in reason for reason in change.reasons)
    (row,) = change_frame(bare, pl.DataFrame({"first": [20.0], "last": [2.0]})).to_dicts()
    assert (row["case_first"], row["recovery"], row["reliable"]) == (None, None, "improved")
