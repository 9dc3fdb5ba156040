"""NHANES is brought by the reader: cycles are joined, codes become words, weights one population."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_nhanes import made_cycle, write_survey, write_transport

from alleviate.studies import nhanes
from alleviate.studies.datasets import open_data
from alleviate.studies.files import load, loads
from alleviate.studies.nhanes.survey import CYCLES, ITEMS, SPANS, open_survey, survey_table
from alleviate.studies.prognosis.cohort import cohort
from alleviate.terms.errors import DataError, StudyError

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_survey(tmp_path_factory.mktemp("data"))


def test_every_examined_adult_is_a_row_with_the_total_of_nine_answers(brought):
    table = open_survey("2005-2020", brought).frame
    rows = 0
    for cycle in CYCLES:
        people, answers = made_cycle(cycle)
        answered = {who: [answers[i][row] for i in ITEMS] for row, who in enumerate(answers["SEQN"])}
        own = {row["person"]: row for row in table.filter(year=cycle.year).iter_rows(named=True)}
        for i, who in enumerate(people["SEQN"]):
            adult = people["RIDAGEYR"][i] >= 20 and people["RIDSTATR"][i] == 2
            assert (who in own) == adult
            if adult:
                rows += 1
                items = answered.get(who, [9.0])
                assert own[who]["phq9"] == (sum(items) if max(items) <= 3 else None)
                assert own[who]["age"] == min(people["RIDAGEYR"][i], 80)
                assert own[who]["sex"] == {1: "male", 2: "female"}[people["RIAGENDR"][i]]
    assert rows == len(table) == table["person"].n_unique()
    assert not [name for name in table.columns if "DPQ" in name]


def test_codes_mean_the_same_in_every_cycle_and_what_was_refused_is_missing(brought):
    table = open_survey("2005-2020", brought).frame
    for cycle in (CYCLES[0], CYCLES[-1]):
        people, _ = made_cycle(cycle)
        own = table.filter(year=cycle.year)
        married = "DMDMARTZ" if cycle is CYCLES[-1] else "DMDMARTL"
        for code, words in ((1, "married or with a partner"), (77, None)):
            who = {who for who, found in zip(people["SEQN"], people[married], strict=True) if found == code}
            assert set(own.filter(pl.col("person").is_in(list(map(int, who))))["marital"]) == {words}
    assert "Asian" in table.filter(pl.col("year") >= 2011)["race"]
    assert "Asian" not in table.filter(pl.col("year") < 2011)["race"]
    assert table["age_group"].unique().sort().to_list() == ["20–39", "40–59", "60 and over"]
    assert set(table["income_ratio"].drop_nulls()) == {0.0, 1.3, 5.0}


def test_weights_of_the_cycles_sum_to_one_population():
    made = {}
    for cycle in SPANS["2013-2020"]:
        people, answers = made_cycle(cycle)
        ones = (
            pl.DataFrame(dict(people))
            .fill_nan(None)
            .with_columns(pl.lit(1.0).alias(cycle.weight), RIDAGEYR=40.0, RIDSTATR=2.0)
        )
        made[cycle] = ones.join(pl.DataFrame(dict(answers)), on="SEQN", how="left")
    table = survey_table(made)
    by_year = table.group_by("year").agg(pl.col("weight").first()).sort("year")["weight"].to_numpy()
    assert by_year == pytest.approx(np.array([2, 2, 3.2]) / 7.2)
    assert by_year.sum() == pytest.approx(1)


def test_a_study_names_which_years():
    assert load("nhanes-depression").data.table == "2013-2020"
    text = '[study]\nname = "s"\nkind = "prognosis"\n[data]\ndataset = "nhanes"\n[outcome]\ncolumn = "phq9"\n'
    with pytest.raises(StudyError, match="table: this key is required"):
        loads(text)
    with pytest.raises(StudyError, match='expected "2005-2020" or "2013-2020"'):
        loads(text.replace('"nhanes"', '"nhanes"\ntable = "2013"'))


def test_the_study_opens_what_is_brought(brought):
    study = load("nhanes-depression")
    found = open_data(study, data_dir=brought)
    found.require(
        [*study.include, "phq9", "person", "weight", "psu", "stratum", *study.validation.groups, "year"]
    )
    assert found.source == "nhanes, 2013-2020"


def test_without_the_files_it_says_where_they_can_be_had(tmp_path, monkeypatch):
    monkeypatch.delenv("ALLEVIATE_DATA", raising=False)
    with pytest.raises(
        DataError, match=r"The files of NHANES do not come with Alleviate.*cdc\.gov.*--data-dir"
    ):
        open_survey("2013-2020")
    with pytest.raises(DataError, match=r"expected a folder nhanes with P_DEMO\.xpt"):
        open_survey("2013-2020", tmp_path)


def test_a_file_that_is_none_or_is_not_there_is_named(tmp_path):
    folder = write_survey(tmp_path) / "nhanes"
    write_transport(folder / "DPQ_H.xpt", {"DPQ010": [1.0]})
    with pytest.raises(DataError, match=r'DPQ_H\.xpt: expected a column "SEQN", found none'):
        open_survey("2013-2020", tmp_path)
    (folder / "DPQ_H.xpt").write_bytes(b"no transport file" * 20)
    with pytest.raises(DataError, match=r"DPQ_H\.xpt: expected a SAS transport file"):
        open_survey("2013-2020", tmp_path)
    (folder / "DPQ_H.xpt").unlink()
    with pytest.raises(DataError, match=r"expected the file DPQ_H\.xpt, found none"):
        open_survey("2013-2020", tmp_path)


def test_without_pandas_it_says_what_to_install(brought, monkeypatch):
    monkeypatch.setattr(nhanes.reading, "READER", None)
    with pytest.raises(DataError, match=r"alleviate\[examples\]"):
        open_survey("2013-2020", brought)


@pytest.mark.skipif(not (DATA / "nhanes").is_dir(), reason=f"NHANES is not there: {DATA / 'nhanes'}")
def test_one_adult_in_twelve_was_depressed_in_2013_to_2016_in_the_people_learned_from():
    """8.1 % of adults, 10.4 % of women and 5.5 % of men: NCHS Data Brief 303 (2018), weighted."""
    study = load("nhanes-depression")
    found = cohort(study, open_data(study, data_dir=DATA))
    development, test = found.split()
    assert (len(development), len(test)) == (9942, 7888)
    assert (development.events, test.events) == (888, 728)
    y, weight = development.people.y, development.people.weight
    assert round(100 * np.average(y, weights=weight), 1) == 8.1
    for sex, percent in (("female", 10.4), ("male", 5.5)):
        own = (development.groups["sex"] == sex).to_numpy()
        assert abs(100 * np.average(y[own], weights=weight[own]) - percent) < 0.15
    assert found.warnings == ("1776 of 19606 people have no known outcome, and were left out.",)
    assert len(np.unique(development.people.strata)) == 30
