"""Bad rows are left out one by one, each with its line and what is wrong; the rest is used."""

from datetime import UTC, datetime

import polars as pl
import pytest
from made_courses import NOW

from alleviate.instruments import INSTRUMENTS
from alleviate.intake.tables import table_of
from alleviate.studies.courses.rows import Rows, read_rows
from alleviate.terms.errors import DataError

PHQ9 = INSTRUMENTS["phq9"]


def rows_of(columns: dict[str, list[object]], **more: object) -> Rows:
    table = table_of(pl.DataFrame(columns, strict=False), "long.csv", **more)  # type: ignore[arg-type]
    return read_rows(table, PHQ9, NOW)


def problem(columns: dict[str, list[object]], row: int = -1) -> str | None:
    return rows_of(columns).frame["problem"][row]


BAD_CELLS = {
    "above the range": ({"score": [5, 31]}, "score: 31 is outside the PHQ-9's range, 0 to 27"),
    "below the range": ({"score": [5, -1]}, "score: -1 is outside"),
    "no number": ({"score": ["5", "high"]}, 'score: "high" is no number'),
    "infinite": ({"score": ["5", "inf"]}, 'score: "inf" is no number'),
    "no score": ({"score": [5, None]}, "score: missing"),
    "no id": ({"id": ["a", None]}, "id: missing"),
    "no time": ({"time": ["2024-01-01", None]}, "time: missing"),
    "no such day": ({"time": ["2024-01-01", "2024-02-31"]}, 'time: "2024-02-31" is no date'),
    "the future": ({"time": ["2024-01-01", "2031-01-01"]}, "time: 2031-01-01 lies in the future"),
    "another instrument": (
        {"instrument": ["PHQ-9", "gad7"]},
        'instrument: "gad7"; this follows the PHQ-9 only',
    ),
}


@pytest.mark.parametrize(("cells", "words"), BAD_CELLS.values(), ids=BAD_CELLS)
def test_a_bad_cell_is_told_and_costs_its_row_alone(cells, words) -> None:
    columns = {"id": ["a", "a"], "time": ["2024-01-01", "2024-01-08"], "score": [5, 6]} | cells
    found = rows_of(columns).frame
    assert found["problem"][1].startswith(words)
    assert found["problem"][0] is None


def test_the_same_score_twice_is_used_once_and_two_scores_at_one_time_not_at_all() -> None:
    columns = {"id": ["a", "a", "b", "b"], "time": [0, 0, 1, 1], "score": [5, 5, 6, 7]}
    found = rows_of(columns, lines=[2, 3, 4, 5], place="line").frame["problem"]
    assert found.to_list() == [
        None,
        "time: the same score stands at this time on line 2 already",
        "time: two scores at one time, lines 4, 5: neither is used",
        "time: two scores at one time, lines 4, 5: neither is used",
    ]


def test_rows_out_of_order_are_used_in_order_and_say_so() -> None:
    rows = rows_of({"id": ["a", "b", "a", "a"], "session": [3, 1, 1, 2], "score": [1, 2, 3, 4]})
    assert rows.frame["problem"].null_count() == 4
    assert [note is not None for note in rows.frame["note"]] == [False, False, True, True]
    assert rows.used["score"].to_list() == [3, 4, 1, 2]


def test_items_are_scored_and_their_flags_raised_even_where_the_row_is_bad() -> None:
    items = {f"phq9_{i}": ["1", "1", "1"] for i in range(1, 9)}
    columns = {"id": ["a", "b", "c"], "time": ["0", "0", "x"], **items, "phq9_9": ["0", "2", "3"]}
    found = rows_of(columns).frame
    assert found["score"].to_list() == [8, 10, None]
    assert found["safety"].to_list() == [[], ["item 9"], ["item 9"]]
    assert found["problem"][2] == 'time: "x" is no number'


def test_an_impossible_answer_and_a_total_that_contradicts_are_told() -> None:
    items = {str(i): [1, 1] for i in range(1, 9)}
    columns = {"id": ["a", "b"], "time": [0, 0], **items, "9": [7, 1], "score": [8, 20]}
    found = rows_of(columns).frame
    assert found["problem"].to_list() == [
        '9: "7" is no answer from 0 to 3',
        "score: 20 was given, but the items make 9",
    ]
    assert found["safety"].to_list() == [["item 9"], ["item 9"]]


def test_dates_with_a_time_of_day_and_a_decimal_comma_are_read() -> None:
    rows = rows_of({"id": ["a", "a"], "time": ["2024-01-01 12:00", "2024-01-08T12:00:00Z"], "score": [1, 2]})
    first, second = rows.used["at"]
    assert second - first == pytest.approx(1.0)
    assert rows.unit == "weeks"
    comma = rows_of({"id": ["a"], "time": ["1,5"], "score": ["2,5"]}, decimal_comma=True)
    assert comma.used.select("at", "score").row(0) == (1.5, 2.5)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"time": [0], "score": [1]}, 'expected a column "id"'),
        ({"id": ["a"], "score": [1]}, "expected a column 'time' or 'session'"),
        ({"id": ["a"], "time": [0]}, "expected a column 'score', or items of the PHQ-9"),
    ],
)
def test_what_makes_the_whole_unusable_is_one_line(columns, words) -> None:
    with pytest.raises(DataError, match=words):
        rows_of(columns)


def test_weeks_are_not_sessions() -> None:
    table = table_of(pl.DataFrame({"id": ["a"], "session": [1], "score": [3]}), "long.csv")
    with pytest.raises(DataError, match="expected time in weeks as it was learned, got sessions"):
        read_rows(table, PHQ9, datetime(2026, 1, 1, tzinfo=UTC), "weeks")
