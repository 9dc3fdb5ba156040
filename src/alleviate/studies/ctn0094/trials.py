"""One table a trial: who was randomised, to what, where, what was known before, and what came of it."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from alleviate.intake.tables import Table, table_of
from alleviate.studies.ctn0094 import outcomes
from alleviate.studies.ctn0094.baseline import baseline, first_phase
from alleviate.studies.ctn0094.reading import NAME, Tables, read_tables
from alleviate.studies.ctn0094.screens import weekly_screens

__all__ = ["TABLES", "TRIALS", "open_trial", "randomised", "trial_table"]

TRIALS: Mapping[str, str] = {"ctn0027": "27", "ctn0030": "30", "ctn0051": "51"}
"""What each trial is called in a study file, and in the tables."""

IN_TWO_PHASES = "ctn0030"

BUPRENORPHINE: Mapping[str, str] = {"ctn0027": "Outpatient BUP", "ctn0051": "Inpatient BUP"}
"""The arm of each trial that makes up the table "buprenorphine"."""

TABLES = (*TRIALS, "buprenorphine")
"""What can be opened: a trial each, or those who were given buprenorphine in two of them."""


def open_trial(name: str, data_dir: Path | None = None) -> Table:
    """The trial's table, from the folder of CTN-0094. Raises ``DataError`` where it cannot be had."""
    tables = read_tables(data_dir)
    table = trial_table(tables, name) if name in TRIALS else _buprenorphine(tables)
    return table_of(table, f"{NAME}, {name}")


def randomised(tables: Tables, name: str, which: int = 1) -> pl.DataFrame:
    """``who``, ``day``, ``arm``: those whose first (or second) lot was drawn in this trial.

    Only CTN-0030 has a second one; the tables repeat the first where there is none.
    """
    here = tables["everybody"].filter(pl.col("project") == TRIALS[name])
    lots = tables["randomization"].filter(pl.col("which") == str(which))
    return lots.join(here, on="who", how="semi").select("who", day="when", arm="treatment").sort("who")


def trial_table(tables: Tables, name: str) -> pl.DataFrame:
    """One row a person randomised in the trial ``name``, ordered by ``who``.

    ``who``, ``site``, ``arm`` (CTN-0030: ``arm_1`` and ``arm_2``, null for who was not randomised again),
    features and outcomes, as docs/ctn0094.md lists them.
    """
    people = randomised(tables, name)
    sites = tables["site_masked"].select("who", site="site_masked")
    screens = weekly_screens(tables, people)
    table = people.select("who", "arm").join(sites, on="who", how="left")
    parts = [baseline(tables, people)]
    if name == IN_TWO_PHASES:
        table = table.rename({"arm": "arm_1"})
        parts += _phases(tables, people)
    else:
        parts += [outcomes.relapse(screens), outcomes.retention(screens), outcomes.shares(screens)]
    for part in parts:
        table = table.join(part, on="who", how="left", validate="1:1")
    if name == IN_TWO_PHASES:
        table = table.with_columns(success=pl.max_horizontal("success_1", "success_2"))
    return table.sort("who")


def _buprenorphine(tables: Tables) -> pl.DataFrame:
    """The buprenorphine arms of CTN-0027 and CTN-0051, with ``project`` and ``dropped_out`` (0/1).

    Sites are masked within a trial, so that their names are made different.
    """
    arms = []
    for name, arm in BUPRENORPHINE.items():
        project = f"CTN-00{TRIALS[name]}"
        own = trial_table(tables, name).filter(pl.col("arm") == arm).drop("arm")
        arms.append(
            own.with_columns(project=pl.lit(project), site=pl.concat_str(pl.lit(f"{project} "), "site"))
        )
    both = pl.concat(arms).with_columns(dropped_out=1 - pl.col("completed")).drop("completed")
    return both.select("who", "project", pl.exclude("who", "project")).sort("who")


def _phases(tables: Tables, people: pl.DataFrame) -> list[pl.DataFrame]:
    again = randomised(tables, IN_TWO_PHASES, which=2)
    both = again.select("who", "day").join(people.select("who", first="day"), on="who")
    return [
        again.select("who", arm_2="arm"),
        first_phase(tables, both),
        outcomes.phase_one_success(tables, people),
        outcomes.phase_two_success(tables, again),
    ]
