"""NHS Talking Therapies: two measures together, completed courses only."""

from dataclasses import asdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.progress.talking_therapies import talking_therapies, talking_therapies_frame
from alleviate.terms.errors import DataError


def judged(depression, anxiety, contacts=6, ended=True):
    outcome = talking_therapies(depression, anxiety, contacts=contacts, ended=ended)
    return (
        outcome.case,
        outcome.reliable_improvement,
        outcome.reliable_deterioration,
        outcome.recovery,
        outcome.reliable_recovery,
    )


@pytest.mark.parametrize(
    ("what", "depression", "anxiety", "expected"),
    [
        ("6 points on the PHQ-9 are enough", (15, 9), (5, 5), (True, True, False, True, True)),
        ("4 points on the GAD-7 are enough", (5, 5), (11, 7), (True, True, False, True, True)),
        ("5 and 3 are not", (14, 9), (10, 7), (True, False, False, True, False)),
        ("better on one, worse on the other: neither", (20, 10), (4, 8), (True, False, False, False, False)),
        ("worse on one", (12, 12), (6, 10), (True, False, True, False, False)),
        ("below one cut-off only is no recovery", (18, 4), (15, 8), (True, True, False, False, False)),
        ("no case on either", (9, 2), (7, 7), (False, True, False, None, None)),
        ("a case on the GAD-7 alone, at its cut-off", (9, 9), (8, 7), (True, False, False, True, False)),
    ],
)
def test_outcomes(what, depression, anxiety, expected) -> None:
    assert judged(depression, anxiety) == expected, what


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"ended": False}, "has not ended"),
        ({"contacts": 1}, "1 of at least 2 contacts"),
        ({"anxiety": (8, None)}, "missing: gad7"),
        ({"depression": (None, 4)}, "missing: phq9"),
    ],
)
def test_what_is_not_counted_says_why(more, reason) -> None:
    given = {"depression": (15, 4), "anxiety": (12, 3), "contacts": 2, "ended": True} | more
    outcome = talking_therapies(**given)
    assert not outcome.counted
    assert outcome.recovery is None
    assert reason in outcome.reason


def test_another_measure_of_anxiety() -> None:
    outcome = talking_therapies((9, 9), (40, 30), contacts=5, ended=True, anxiety_measure="pcl5")
    assert (outcome.case, outcome.reliable_improvement, outcome.recovery) == (True, True, True)
    for wrong in ("isi", "hamd17", "nothing"):
        with pytest.raises(DataError, match="no measure with"):
            talking_therapies((9, 9), (9, 9), contacts=5, ended=True, anxiety_measure=wrong)


PAIRS = st.tuples(*[st.none() | st.integers(0, 27)] * 2, *[st.none() | st.integers(0, 21)] * 2)


@given(st.lists(st.tuples(PAIRS, st.integers(0, 4), st.booleans()), min_size=1, max_size=8))
def test_the_table_says_what_one_by_one_says(rows) -> None:
    names = ("depression_first", "depression_last", "anxiety_first", "anxiety_last")
    frame = pl.DataFrame(
        [(*scores, contacts, ended) for scores, contacts, ended in rows],
        schema=dict.fromkeys(names, pl.Int64) | {"contacts": pl.Int64, "ended": pl.Boolean},
        orient="row",
    )
    for (scores, contacts, ended), found in zip(rows, talking_therapies_frame(frame).to_dicts(), strict=True):
        slow = asdict(talking_therapies(scores[:2], scores[2:], contacts=contacts, ended=ended))
        assert found == {name: slow[name] for name in found}
