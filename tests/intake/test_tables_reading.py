"""A CSV or Parquet file becomes a table with the place of every row, or one clear line says why not."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.intake.tables import MISSING, read, table_of
from alleviate.terms.errors import DataError


@pytest.fixture
def csv(tmp_path: Path):
    def write(content: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_dialect_of_csv_gives_the_same_table(csv, delimiter, line_end, mark):
    text = line_end.join(
        f'{a}{delimiter}"{b}"' for a, b in [("age", "a note"), (31, "x, y; z"), (40, 'say ""no""')]
    )
    table = read(csv(mark + text.encode()))
    assert table.frame.to_dict(as_series=False) == {"age": ["31", "40"], "a note": ["x, y; z", 'say "no"']}
    assert table.warnings == ()


def test_latin_1_is_read_with_a_warning_that_names_the_line(csv):
    table = read(csv("a,b\n1,x\n2,é\n".encode("latin-1")))
    assert table.frame["b"].to_list() == ["x", "é"]
    assert table.warnings == (
        "people.csv: line 3 is not UTF-8, so it was read as Latin-1: check the accents.",
    )


def test_missing_markers_are_null_and_blanks_around_values_are_cut(csv):
    cells = sorted(MISSING)
    table = read(csv("a,b\n" + "".join(f'" {cell} ", kept \n' for cell in cells)))
    assert table.frame["a"].null_count() == len(cells)
    assert set(table.frame["b"]) == {"kept"}


def test_lines_are_those_of_the_file_despite_breaks_in_quotes_and_empty_lines(csv):
    table = read(csv('a,b\n1,"two\nlines"\n\n2,x\n,\n3,y\n'))
    assert table.lines == (2, 5, 7)
    assert table.place == "line"
    assert table.warnings == ("people.csv: skipped 1 line of separators only.",)
    assert table.where([0]) == "line 2"
    assert table.where([0, 2]) == "lines 2 and 7"


def test_many_places_are_counted_rather_than_listed():
    table = table_of(pl.DataFrame({"a": range(9)}), "t")
    assert table.where(range(9)) == "rows 1, 2, 3, 4, 5 and 4 more"


def test_a_column_without_a_name_gets_one(csv):
    table = read(csv(",age\n1,30\n"))
    assert table.columns == ["column_1", "age"]
    assert "column 1 has no name" in table.warnings[0]


def test_decimal_commas_are_for_semicolon_files_only(csv):
    assert read(csv("a;b\n1,5;2\n")).decimal_comma
    assert not read(csv("a,b\n1.5,2\n")).decimal_comma


def test_a_single_column_is_a_table(csv):
    assert read(csv("a\n1\n2\n")).frame["a"].to_list() == ["1", "2"]


def test_a_long_file_is_read_whole(csv):
    assert len(read(csv("a;b\n" + "1,5;2\n" * 200)).frame) == 200


def test_parquet_keeps_its_types_and_nan_is_missing(tmp_path):
    path = tmp_path / "people.parquet"
    pl.DataFrame(
        {
            "x": [1.5, float("nan")],
            "n": [1, 2],
            "s": ["NA", " b "],
            "c": pl.Series(["u", "v"], dtype=pl.Categorical),
        }
    ).write_parquet(path)
    table = read(path)
    assert table.frame.rows() == [(1.5, 1, None, "u"), (None, 2, "b", "v")]
    assert (table.lines, table.place, table.source) == ((1, 2), "row", "people.parquet")


def test_a_whole_number_is_the_same_text_however_it_is_stored():
    table = table_of(pl.DataFrame({"a": [0, 1], "b": [0.0, 1.0], "c": ["0", "1"], "d": [0.5, None]}), "t")
    assert [table.text(name).to_list() for name in "abc"] == [["0", "1"]] * 3
    assert table.text("d").to_list() == ["0.5", None]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the file is empty"),
        ("  \n \n", "the file is empty"),
        (",,\n,,\n", "separators only"),
        ("a,b\n", "a header but no rows"),
        ("a,b,a\n1,2,3\n", 'the column name "a" stands 2 times in the header'),
        ("a,b\n1,2\n3\n", "expected 2 fields as in the header, got 1 on line 3."),
        ("a,b\n" + "1\n" * 7, "got 1 on line 2 (7 such lines: 2, 3, 4, 5, 6…)"),
        ('a,b\n1,"x\n', "people.csv, line 2: this is not CSV"),
        ("x" * (2**24 + 1), "people.csv, line 1: this is not CSV"),
        (b"PK\x03\x04rest", "expected CSV or Parquet, got an Excel workbook or a ZIP archive"),
        ("a,b\n1,2\n".encode("utf-16"), "got UTF-16 text"),
        (b"\x01\x00\x02", "got binary data"),
        (b"PAR1 and no more", "the Parquet file is damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line_with_a_hint(csv, content, says):
    with pytest.raises(DataError) as caught:
        read(csv(content))
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert len(caught.value.message) < 200


def test_no_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="got a folder"):
        read(tmp_path)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / ("x" * 5000))


def test_a_table_without_columns_is_refused():
    with pytest.raises(DataError, match="no columns"):
        table_of(pl.DataFrame(), "t")


def test_an_absent_column_is_answered_with_the_nearest_or_with_what_there_is():
    table = table_of(pl.DataFrame({f"col{i}": [i] for i in range(8)}), "t.csv")
    with pytest.raises(
        DataError, match=r't\.csv: expected a column "coll3", found none. Did you mean "col3"\?'
    ):
        table.require(["col1", "coll3"])
    with pytest.raises(DataError, match=r'It has "col0", "col1", "col2", "col3", "col4" and 3 more columns'):
        table.text("zzzzzzz")
    with pytest.raises(DataError, match=r'It has "a"\.'):
        table_of(pl.DataFrame({"a": [1]}), "t").require(["zzz"])


CELLS = st.lists(st.lists(st.none() | st.text(max_size=3), min_size=2, max_size=2), min_size=1, max_size=4)


@settings(deadline=None)
@given(CELLS, CELLS)
def test_the_fingerprint_is_that_of_the_content(one, other):
    def table(rows):
        return table_of(pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row"), "t")

    same = table(one).frame.equals(table(other).frame)
    assert (table(one).fingerprint == table(other).fingerprint) == same


def test_the_fingerprint_does_not_hang_on_the_dialect_but_on_names_values_and_order(csv):
    first = read(csv("a,b\n1,x\n2,y\n")).fingerprint
    assert read(csv('a;b\r\n1;"x"\r\n2;y\r\n', "other.csv")).fingerprint == first
    for changed in ("a,c\n1,x\n2,y\n", "a,b\n2,y\n1,x\n", "a,b\n1,x\n2,\n", "b,a\n1,x\n2,y\n"):
        assert read(csv(changed)).fingerprint != first


def test_every_type_that_parquet_knows_has_a_fingerprint():
    frame = pl.DataFrame(
        {"f": [0.1, None], "i": [1, 2], "b": [True, None], "d": [date(2024, 1, 1), None], "l": [[1], None]}
    )
    first = table_of(frame, "t").fingerprint
    assert table_of(frame.clone(), "u").fingerprint == first
    assert table_of(frame.with_columns(f=pl.Series([0.1, 0.0])), "t").fingerprint != first
    assert table_of(frame.with_columns(l=pl.Series([[1], [2]])), "t").fingerprint != first
