"""The buprenorphine arms of two trials as one table, and the prognoses that are learned from it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_ctn0094 import made_tables, write_tables

from alleviate.studies.ctn0094 import open_trial, randomised, trial_table
from alleviate.studies.datasets import open_data
from alleviate.studies.files import load
from alleviate.studies.prognosis.cohort import cohort

DATA = Path(__file__).parents[3] / "shared" / "data"
ARMS = {"ctn0027": "Outpatient BUP", "ctn0051": "Inpatient BUP"}


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(made_tables(), tmp_path_factory.mktemp("data"))


def test_it_holds_who_was_given_buprenorphine_as_the_tables_of_their_trials_do(brought):
    table = open_trial("buprenorphine", brought).frame
    tables = made_tables()
    for name, arm in ARMS.items():
        project = f"CTN-00{name[-2:]}"
        own = table.filter(project=project)
        alone = trial_table(tables, name).filter(pl.col("arm") == arm)
        assert own["who"].to_list() == alone["who"].to_list()
        assert set(own["who"]) <= set(randomised(tables, name)["who"])
        assert own["relapsed"].to_list() == alone["relapsed"].to_list()
        assert own["dropped_out"].to_list() == (1 - alone["completed"]).to_list()
        assert own["age"].to_list() == alone["age"].to_list()
        assert all(site.startswith(f"{project} ") for site in own["site"])
    assert set(table["project"]) == {"CTN-0027", "CTN-0051"}
    assert not {"arm", "completed"} & set(table.columns)


@pytest.mark.parametrize("name", ["ctn-dropout", "ctn-relapse"])
def test_each_trial_is_left_out_in_turn(brought, name):
    study = load(name)
    found = cohort(study, open_data(study, data_dir=brought))
    assert study.validation.left_out == "project"
    assert set(found.sites) == {"CTN-0027", "CTN-0051"}
    later = {"relapsed", "relapse_week", "negative_weeks", "positive_given", "dropped_out"}
    assert later - set(study.known_after) == {study.outcome.name}
    assert not later & set(found.spec.names)


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "ctn0094").is_dir(), reason=f"CTN-0094 is not there: {DATA / 'ctn0094'}")
def test_among_the_real_people_half_leave_and_seven_in_ten_relapse():
    for name, percents in (("ctn-dropout", (52.8, 54.7)), ("ctn-relapse", (75.1, 57.8))):
        study = load(name)
        found = cohort(study, open_data(study, data_dir=DATA))
        assert (len(found), found.missing_outcome, found.warnings) == (1027, 0, ())
        sites, y = np.array(found.sites), found.people.y
        assert [(sites == project).sum() for project in ("CTN-0027", "CTN-0051")] == [740, 287]
        shares = [100 * y[sites == project].mean() for project in ("CTN-0027", "CTN-0051")]
        assert [round(share, 1) for share in shares] == list(percents)
        gaps = found.people.features.select(pl.all().is_null().mean()).row(0)
        assert max(gaps) < 0.15
