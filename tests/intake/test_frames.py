"""A table becomes records and comes back from them unchanged."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate import features
from alleviate.features import Feature, FeatureSpec, schema, table
from alleviate.intake.frames import records_from_frame
from alleviate.records import Event
from alleviate.terms.errors import DataError

NOW = datetime(2024, 1, 1, tzinfo=UTC)
KINDS = ("number", "category", "boolean", "date")
SPEC = FeatureSpec(tuple(Feature(kind, f"STUDY//x//{kind}", kind) for kind in KINDS))

numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
lines = st.tuples(numbers, st.none() | st.text('aé\n"', max_size=3), st.none() | st.booleans(), numbers)


def frame_of(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema(SPEC), orient="row")


def back(frame: pl.DataFrame, ids: list[str], moment: datetime = NOW) -> pl.DataFrame:
    records = records_from_frame(frame, SPEC.codes, ids, NOW)
    return table([features.at(record, moment, SPEC) for record in records], SPEC)


@given(st.lists(lines, max_size=5))
def test_frame_to_records_to_rows_to_table_is_the_identity(rows):
    frame = frame_of(rows)
    assert back(frame, [f"p{row}" for row in range(len(rows))]).equals(frame)


def test_a_value_is_an_event_that_happened_and_was_known_at_the_moment():
    [record] = records_from_frame(frame_of([(None, "f", True, None)]), SPEC.codes, ["p1"], NOW)
    assert record.events == (
        Event("p1", NOW, NOW, "STUDY//x//boolean", 1.0),
        Event("p1", NOW, NOW, "STUDY//x//category", None, "f"),
    )


def test_nothing_of_it_was_known_a_moment_earlier():
    found = back(frame_of([(1.0, "f", True, 0.0)]), ["p1"], NOW - timedelta(microseconds=1))
    assert found.rows() == [(None, None, None, None)]


def test_a_column_that_is_not_there_is_unknown_and_one_without_a_code_is_left_out():
    frame = frame_of([(1.0, "f", True, 0.0)]).drop("category").with_columns(extra=pl.lit(2.0))
    assert back(frame, ["p1"]).rows() == [(1.0, None, True, 0.0)]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.Series("number", [1, 2]), 'Column "number" must be Float64, Boolean or String, got Int64'),
        (pl.Series("number", [float("nan"), None]), 'Column "number" must be finite; rows 1 are not'),
        (pl.Series("number", [0.0, float("inf")]), "rows 2 are not"),
    ],
)
def test_a_column_that_cannot_be_read_is_refused_by_name(column, message):
    with pytest.raises(DataError, match=message) as caught:
        records_from_frame(pl.DataFrame([column]), SPEC.codes, ["p1", "p2"], NOW)
    assert caught.value.hint


def test_every_row_needs_an_id():
    with pytest.raises(DataError, match="1 rows came with 2 ids"):
        records_from_frame(frame_of([(1.0, "f", True, 0.0)]), SPEC.codes, ["p1", "p2"], NOW)


def test_two_thousand_people_take_a_moment():
    frame = frame_of([(1.0, "f", True, 0.0)] * 2_000)
    start = perf_counter()
    back(frame, [str(row) for row in range(2_000)])
    assert perf_counter() - start < 3  # 0.04 s on a quiet core
