"""Each score judged: what comes next, whether on track, why; bad rows explained, the rest scored."""

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from made_courses import NOW, SESSIONS, courses

from alleviate.terms.errors import DataError

KEYS = {
    "id", "line", "session", "time", "score", "expected", "low", "high", "end", "end_low", "end_high",
    "p_improve", "p_no_change", "p_worse", "p_dropout", "on_track", "alert", "reasons", "change", "safety",
    "note", "problem",
}  # fmt: skip


def long(*scores: object, id: str = "x", times: list[object] | None = None) -> pl.DataFrame:
    at = times or list(range(len(scores)))
    frame = {"id": [id] * len(scores), "time": at, "score": scores, "age": [45] * len(scores)}
    return pl.DataFrame(frame | {"sex": ["female"] * len(scores)}, strict=False)


def test_a_row_a_row_with_the_contract(followed) -> None:
    frame = courses(40, 21)
    told = followed.loaded.score(frame, NOW)
    assert len(told) == len(frame)
    assert all(set(row) == KEYS for row in told)
    json.dumps(told, allow_nan=False)
    chances = np.array([[row["p_improve"], row["p_no_change"], row["p_worse"]] for row in told])
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-5)
    assert all(row["low"] <= row["expected"] <= row["high"] for row in told)
    assert [row["session"] for row in told[:SESSIONS]] == list(range(1, SESSIONS + 1))


def test_alerts_on_new_people_are_about_as_many_as_asked(followed) -> None:
    told = followed.loaded.score(courses(500, 22), NOW)
    alerted = sum(row["alert"] for row in told)
    assert 100 * alerted / 500 == pytest.approx(20, abs=6)
    per_person = pl.DataFrame(told).group_by("id").agg(pl.col("alert").sum())["alert"]
    assert per_person.max() == 1  # a patient is alerted once a course, however long they stay off track


def test_who_worsens_is_not_on_track_and_who_improves_is(followed) -> None:
    worse = followed.loaded.score(long(15, 19, 22, 24), NOW)
    assert [row["on_track"] for row in worse] == [None, False, False, False]
    assert [row["alert"] for row in worse] == [False, True, False, False]
    assert any("chance of no reliable improvement" in reason for reason in worse[1]["reasons"])
    assert any(reason.startswith("19 is worse than was expected") for reason in worse[1]["reasons"])
    assert "reliably worse: worse by 7 than the first score of this course" in worse[2]["reasons"]
    assert worse[2]["change"]["reliable"] == "deteriorated"
    better = followed.loaded.score(long(20, 15, 9, 6), NOW)
    assert [row["alert"] for row in better] == [False] * 4
    assert better[3]["change"] | {"important": None} == better[3]["change"]
    assert better[3]["change"]["reliable_recovery"] is True


def test_the_first_score_says_what_is_known_already(followed) -> None:
    (row,) = followed.loaded.score(long(15), NOW)
    assert row["on_track"] is None
    assert row["reasons"][-1] == "the first score: no alert before the second"
    assert row["change"]["improvement"] is None
    assert row["end_low"] < row["end"] < row["end_high"]


def test_who_began_too_well_is_followed_without_alerts(followed) -> None:
    told = followed.loaded.score(long(4, 5, 6), NOW)
    assert not any(row["alert"] for row in told)
    assert all(row["p_improve"] == 0 and row["on_track"] is None for row in told)
    assert any("too near the best score" in reason for reason in told[0]["reasons"])


def test_once_the_planned_end_has_come_change_is_what_counts(followed) -> None:
    told = followed.loaded.score(long(15, 15, 15, 15, 15, 15), NOW)[-1]
    assert (told["on_track"], told["alert"]) == (None, False)
    assert "the planned end has come: what counts now is the change" in told["reasons"]


def test_bad_rows_are_explained_and_leave_the_others_as_they_were(followed) -> None:
    clean = followed.loaded.score(long(15, 14, 13), NOW)
    dirty = pl.concat(
        [
            long(15, 14, 13).cast({"score": pl.String, "time": pl.String}),
            long("40", "9", id="x", times=["1.5", "never"]),
            long("9", id="y", times=["0"]),
        ]
    )
    told = followed.loaded.score(dirty, NOW)
    assert [row["problem"] is None for row in told] == [True, True, True, False, False, True]
    assert told[3] | {"problem": ""} == told[3] | {
        "problem": "",
        "expected": None,
        "alert": None,
        "reasons": [],
    }
    for before, after in zip(clean, told, strict=False):
        assert {**before, "time": ""} == {**after, "time": ""}


def test_a_later_score_never_changes_what_was_said_before(followed) -> None:
    short, whole = (followed.loaded.score(long(*scores), NOW) for scores in ((15, 17), (15, 17, 3, 2)))
    assert whole[:2] == short


def test_a_new_episode_starts_afresh(followed) -> None:
    told = followed.loaded.score(long(15, 19, 18, 17, times=[0, 1, 100, 101]), NOW)
    assert told[2]["on_track"] is None
    assert "first score of a new episode, 99 weeks after the one before" in told[2]["reasons"]
    assert told[3]["change"]["improvement"] == 1


def test_notes_tell_of_order_and_of_intake_that_does_not_fit(followed) -> None:
    frame = long(15, 14, times=[1, 0]).with_columns(age=pl.Series(["45", "old"]))
    told = followed.loaded.score(frame, NOW)
    assert told[1]["note"] == (
        "stood after a later score in the file; put in order of time; "
        'age: "old" is no number; taken as missing'
    )
    assert told[1]["session"] == 1


def test_where_no_row_can_be_used_one_line_says_so(followed) -> None:
    with pytest.raises(DataError, match="no row can be used; row 1: score: 40 is outside"):
        followed.loaded.score(long(40), NOW)


def test_dates_are_weeks_and_later_than_now_is_the_future(followed) -> None:
    days = [str((NOW - timedelta(weeks=k)).date()) for k in (2, 1, -3)]
    told = followed.loaded.score(long(15, 14, 13, times=days), NOW)
    weeks = followed.loaded.score(long(15, 14), NOW)
    assert told[1]["expected"] == pytest.approx(weeks[1]["expected"], abs=1e-5)
    assert "lies in the future" in told[2]["problem"]
