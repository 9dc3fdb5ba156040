"""Times are UTC, codes have no empty part, and a JSON object says what it is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.terms.codes import SEPARATOR, check_code, code
from alleviate.terms.errors import DataError
from alleviate.terms.kinds import expect_kind
from alleviate.terms.times import check_utc, parse_utc, to_utc

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2024-01-15T12:00:00Z", "2024-01-15T14:00:00+02:00"])
def test_a_time_with_an_offset_is_read_as_utc(text):
    assert parse_utc(text) == NOON
    assert parse_utc(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["2024-01-15T12:00:00", "yesterday", "", None])
def test_a_time_without_an_offset_is_refused(text):
    with pytest.raises(DataError):
        parse_utc(text)


def test_only_utc_itself_is_utc_not_a_zone_that_is_at_offset_0_in_winter():
    check_utc(NOON, "noon")
    for moment in (NOON.astimezone(ZoneInfo("Europe/London")), NOON.replace(tzinfo=None), "2024-01-15"):
        with pytest.raises(DataError, match="noon must be a datetime in UTC"):
            check_utc(moment, "noon")
    check_utc(to_utc(NOON.astimezone(ZoneInfo("Europe/London"))), "noon")


@pytest.mark.parametrize("text", ["LOINC//44261-6", "MEDS_BIRTH", "STUDY//jobs2//age at entry"])
def test_codes_have_parts(text):
    check_code(text)


@pytest.mark.parametrize("text", ["", "LOINC//", "//age", "STUDY////age", None])
def test_a_code_with_an_empty_part_is_refused(text):
    with pytest.raises(DataError, match="A code must be text with no empty part"):
        check_code(text)


parts = st.lists(st.text("a/% é", min_size=1, max_size=5), min_size=1, max_size=3)


@given(parts, parts)
def test_whatever_the_columns_are_called_no_two_share_a_code(one, other):
    assert (code(*one) == code(*other)) == (one == other)
    assert len(code(*one).split(SEPARATOR)) == len(one)


def test_an_object_of_another_kind_or_version_is_refused():
    assert expect_kind({"kind": "note/1", "text": "x"}, "note/1", {"text"})["text"] == "x"
    for data in ({"kind": "note/2", "text": "x"}, {"text": "x"}, ["note/1"], None):
        with pytest.raises(DataError, match='Expected an object of kind "note/1"'):
            expect_kind(data, "note/1", {"text"})
    for data in ({"kind": "note/1"}, {"kind": "note/1", "text": "x", "more": 1}):
        with pytest.raises(DataError, match=r"has \['text'\]"):
            expect_kind(data, "note/1", {"text"})
