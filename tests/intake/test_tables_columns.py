"""What each column holds: decided from its values, or parsed as told, or refused with lines and values."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.intake.tables import table_of, typed
from alleviate.terms.errors import DataError


def text(*cells: str | None, comma: bool = False):
    return table_of(
        pl.DataFrame({"x": pl.Series(cells, dtype=pl.String)}), "t.csv", place="line", decimal_comma=comma
    )


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "-2.5", ".5", "3.", "1e3", None], "number", [1.0, -2.5, 0.5, 3.0, 1000.0, None]),
        (["0", "1", "1"], "number", [0.0, 1.0, 1.0]),
        (["yes", "No", None], "boolean", [True, False, None]),
        (["T", "f", "y"], "boolean", [True, False, True]),
        (["yes", "no", "perhaps"], "category", ["yes", "no", "perhaps"]),
        (["2024-02-29", "2023-01-31T10:30:00"], "date", [date(2024, 2, 29), date(2023, 1, 31)]),
        (["1", "b", "c"], "category", ["1", "b", "c"]),
        (["1,5", "2,5"], "category", ["1,5", "2,5"]),
        ([None, None], "category", [None, None]),
    ],
)
def test_kinds_are_found_from_text(cells, kind, values):
    found = typed(text(*cells))
    assert dict(found.kinds) == {"x": kind}
    assert found.frame["x"].to_list() == values


def test_decimal_commas_are_read_where_the_file_has_them():
    assert typed(text("1,5", "-2", ",25", "1,5e2", comma=True)).frame["x"].to_list() == [
        1.5,
        -2.0,
        0.25,
        150.0,
    ]
    assert typed(text("1.234,5", "x", comma=True)).kinds["x"] == "category"


@pytest.mark.parametrize(
    ("series", "kind", "values"),
    [
        (pl.Series([1, 2], dtype=pl.Int8), "number", [1.0, 2.0]),
        (pl.Series([0.5, None]), "number", [0.5, None]),
        (pl.Series([True, None]), "boolean", [True, None]),
        (pl.Series([datetime(2024, 5, 1, 12), None]), "date", [date(2024, 5, 1), None]),  # noqa: DTZ001
        (pl.Series(["a", "b"], dtype=pl.Categorical), "category", ["a", "b"]),
        (pl.Series([None, None]), "category", [None, None]),
    ],
)
def test_kinds_of_stored_types(series, kind, values):
    found = typed(table_of(pl.DataFrame({"x": series}), "t"))
    assert dict(found.kinds) == {"x": kind}
    assert found.frame["x"].to_list() == values


def test_a_few_texts_among_numbers_are_refused_with_lines_and_values():
    with pytest.raises(DataError) as caught:
        typed(text("1", "2", "3", "4", "n.k.", "6", "7", "8", "9", "n.k."))
    assert caught.value.message == 't.csv: column "x": expected numbers, got "n.k." (lines 5 and 10).'
    assert "leave them empty" in caught.value.hint


def test_a_column_with_many_texts_is_a_category():
    assert typed(text("1", "2", "3", "b", "c")).kinds["x"] == "category"


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_an_infinite_number_is_refused(cell):
    with pytest.raises(
        DataError, match=r'column "x": expected finite numbers, got an infinite one \(line 2\)'
    ):
        typed(text("1", cell))
    with pytest.raises(DataError, match="infinite"):
        typed(table_of(pl.DataFrame({"x": [1.0, float("inf")]}), "t"))


def test_a_date_that_is_none_is_refused():
    with pytest.raises(DataError, match=r'expected dates like 2024-05-31, got "2024-02-30" \(line 1\)'):
        typed(text("2024-02-30", "2024-02-28"))


def test_a_nested_column_is_refused_only_where_it_is_used():
    table = table_of(pl.DataFrame({"x": [[1], [2]], "y": [1, 2]}), "t")
    assert typed(table, only=["y"]).frame.columns == ["y"]
    with pytest.raises(
        DataError, match=r'column "x": expected numbers, texts, yes/no or dates, got List\(Int64\)'
    ):
        typed(table)


@pytest.mark.parametrize(
    ("kind", "cells", "values"),
    [
        ("number", ["1", None], [1.0, None]),
        ("category", ["1", "2"], ["1", "2"]),
        ("boolean", ["1", "0", "yes", None], [True, False, True, None]),
        ("date", ["2024-01-01"], [date(2024, 1, 1)]),
    ],
)
def test_a_kind_that_is_given_decides(kind, cells, values):
    assert typed(text(*cells), kinds={"x": kind, "absent": "number"}).frame["x"].to_list() == values


@pytest.mark.parametrize(
    ("kind", "series", "values"),
    [
        ("category", pl.Series([1.0, 2.5]), ["1", "2.5"]),
        ("boolean", pl.Series([True, False]), [True, False]),
        ("boolean", pl.Series([1, 0]), [True, False]),
        ("number", pl.Series([True, False]), [1.0, 0.0]),
        ("date", pl.Series([date(2024, 1, 1)]), [date(2024, 1, 1)]),
        ("number", pl.Series([None]), [None]),
        ("date", pl.Series([None]), [None]),
    ],
)
def test_a_kind_that_is_given_decides_over_the_stored_type(kind, series, values):
    assert typed(table_of(pl.DataFrame({"x": series}), "t"), kinds={"x": kind}).frame["x"].to_list() == values


@pytest.mark.parametrize(
    ("kind", "series", "says"),
    [
        ("number", pl.Series(["1", "x"]), r'expected numbers, got "x" \(row 2\)'),
        ("number", pl.Series([date(2024, 1, 1)]), r'expected numbers, got "2024-01-01" \(row 1\)'),
        ("boolean", pl.Series(["yes", "2"]), r'expected yes or no, got "2" \(row 2\)'),
        ("date", pl.Series(["1.2.2024"]), r'expected dates like 2024-05-31, got "1.2.2024" \(row 1\)'),
        ("date", pl.Series([5]), r'expected dates like 2024-05-31, got "5" \(row 1\)'),
    ],
)
def test_a_value_that_does_not_fit_the_given_kind_is_refused(kind, series, says):
    with pytest.raises(DataError, match=says):
        typed(table_of(pl.DataFrame({"x": series}), "t"), kinds={"x": kind})


def test_a_long_or_unprintable_value_is_shown_short_and_on_one_line():
    with pytest.raises(DataError) as caught:
        typed(text("1", "2", "3", "4", "a\n\x1b[31m" + "b" * 100))
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 120


def test_a_column_that_is_asked_for_must_be_there():
    with pytest.raises(DataError, match='expected a column "y"'):
        typed(text("1"), only=["y"])


def test_a_kind_that_does_not_exist_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="expected a kind out of"):
        typed(text("1"), kinds={"x": "text"})


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20), st.booleans())
def test_numbers_survive_being_written_and_read(numbers, comma):
    cells = [repr(x).replace(".", ",") if comma else repr(x) for x in numbers]
    assert typed(text(*cells, comma=comma)).frame["x"].to_list() == numbers
