"""Courses out of rows: episodes, planned ends, who left, what was known at intake."""

import numpy as np
import polars as pl
import pytest
from made_courses import NOW, courses

from alleviate.features import FeatureSpec
from alleviate.packages.course import Following
from alleviate.studies.courses.columns import beside, unfit
from alleviate.studies.courses.people import Courses, courses_of, scale_of, usual_end, with_ends
from alleviate.studies.courses.rows import read_rows
from alleviate.studies.rules import table_from
from alleviate.terms.errors import InputError

WEEKS = Following("phq9", None, "weeks", 26.0, FeatureSpec(()), ())


def courses_in(
    columns: dict[str, list[object]], following: Following = WEEKS, horizon: float = 4.0
) -> Courses:
    rows = read_rows(table_from(pl.DataFrame(columns, strict=False)), following.instrument, NOW)
    found = beside(rows, following.instrument)
    following = Following("phq9", None, rows.unit, following.episode_gap, found.spec, found.further)
    return courses_of(rows, following, scale_of(following, rows.used["score"].to_numpy()), horizon)


def test_after_a_gap_of_years_a_new_episode_begins() -> None:
    times = ["2020-01-01", "2020-01-08", "2023-01-01", "2023-01-08"]
    found = courses_in({"id": ["a"] * 4, "time": times, "score": [15, 12, 18, 17]})
    assert found.histories.time.round(6).tolist() == [0, 1, 0, 1]
    assert found.who.tolist() == [0, 0]
    assert np.isnan(found.pause[0])
    assert found.pause[1] == pytest.approx(155.6, abs=0.1)


def test_the_planned_end_is_the_tables_where_it_is_sound() -> None:
    found = courses_in(
        {"id": ["a", "b", "c"], "time": [0, 0, 5], "score": [9, 9, 9], "planned": [8, None, 5]}, horizon=6.0
    )
    assert found.histories.horizon.tolist() == [8, 6, 6]
    assert found.planned.tolist() == [True, False, False]


def test_who_stops_early_has_left_unless_the_records_end_or_the_table_says() -> None:
    days = (
        pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 3, 25), "1w", eager=True).cast(pl.String).to_list()
    )
    ids = ["stays"] * 13 + ["leaves"] * 3 + ["newcomer"] * 2
    times = days + days[:3] + days[-2:]
    found = with_ends(courses_in({"id": ids, "time": times, "score": [12] * 18}, horizon=8.0))
    names = ["leaves", "newcomer", "stays"]
    assert dict(zip(names, found.histories.dropped, strict=True)) == {
        "leaves": True,
        "newcomer": False,
        "stays": False,
    }
    assert found.under_way.tolist() == [False, True, False]
    told = {"id": ["a", "a", "b"], "time": [0, 1, 0], "score": [9, 9, 9], "left": ["no", "yes", "no"]}
    assert with_ends(courses_in(told)).histories.dropped.tolist() == [True, False]


def test_a_score_shortly_before_the_planned_end_is_that_of_the_end() -> None:
    columns = {"id": ["a"] * 5, "time": [0, 1, 2, 3, 3.7], "score": [15, 14, 12, 11, 8]}
    found = with_ends(courses_in(columns, horizon=4.0)).histories
    assert found.end.tolist() == [8]
    assert not found.dropped.any()


def test_what_is_told_of_intake_later_is_not_known_at_the_first_score() -> None:
    columns = {
        "id": ["a", "a", "b", "b"],
        "time": [0, 1, 0, 1],
        "score": [None, 12, 15, 12],
        "age": [44, None, None, 30],
    }
    found = courses_in(columns).histories.features["age"].to_list()
    assert found == [44, None]  # a's row of intake has no score; b's age came after the first


def test_columns_are_intake_or_taken_along_or_neither() -> None:
    frame = courses(60, 3).with_columns(
        gad7=(pl.col("score") / 2).round(),
        name=pl.col("id").str.to_uppercase(),
        visit=pl.col("time") * 2 + 1,
        born=pl.lit("1980-01-01"),
        smokes=pl.when(pl.col("id").hash() % 2 == 0).then(pl.lit("yes")).otherwise(pl.lit("no")),
    )
    rows = read_rows(table_from(frame), WEEKS.instrument, NOW)
    found = beside(rows, WEEKS.instrument)
    kinds = {feature.name: feature.kind for feature in found.spec.features}
    assert kinds == {"age": "number", "sex": "category", "smokes": "boolean"}
    assert found.further == ("gad7",)
    assert found.warnings[0].startswith('Left out: "name", "visit", "born"')


def test_an_intake_cell_that_does_not_fit_is_missing_and_noted() -> None:
    frame = courses(60, 3).with_columns(pl.col("age").cast(pl.String))
    spec = beside(read_rows(table_from(frame), WEEKS.instrument, NOW), WEEKS.instrument).spec
    worse = table_from(frame.with_columns(age=pl.lit("old")).head(1))
    assert unfit(worse, spec).to_list() == ['age: "old" is no number; taken as missing']


def test_the_scale_is_the_instruments_with_stated_points_where_none_are_published() -> None:
    assert scale_of(WEEKS, np.array([1.0, 2.0])).step == 1.0
    assert scale_of(WEEKS, np.array([1.5])).step == 0.0
    with pytest.raises(InputError, match="No reliable change is published that we know for the HAMD-17"):
        _ = Following("hamd17", None, "weeks", None, FeatureSpec(()), ()).instrument
    stated = Following("hamd17", 5.0, "weeks", None, FeatureSpec(()), ())
    assert scale_of(stated, np.array([1.0])).reliable == 5.0
    better = Following("who5", None, "weeks", None, FeatureSpec(()), ())
    assert scale_of(better, np.array([8.0])).better == "higher"
    with pytest.raises(InputError, match="is no instrument"):
        _ = Following("phq", None, "weeks", None, FeatureSpec(()), ()).instrument


def test_the_usual_end_is_reached_by_half_of_those_who_came_twice() -> None:
    columns = {"id": ["a", "b", "b", "c", "c", "d", "d"], "session": [1, 1, 3, 1, 6, 1, 9], "score": [9] * 7}
    rows = read_rows(table_from(pl.DataFrame(columns)), WEEKS.instrument, NOW)
    assert usual_end(rows) == 5.0
