"""What was known of a person before the lot was drawn; nothing later may enter.

Tables without days are those of the first interviews, before randomisation by protocol. Of tables with days,
only rows before the day of randomisation count, since on the day itself use and withdrawal may follow it
(withdrawal was measured before the first dose, by which the arm was known); an interview of the day counts.
"""

from collections.abc import Mapping

import polars as pl

from alleviate.studies.ctn0094.outcomes import SCREENED, SELF_REPORTED
from alleviate.studies.ctn0094.reading import COLUMNS, Tables
from alleviate.studies.ctn0094.screens import attended, positive

__all__ = ["DAYS_BEFORE", "USED", "baseline", "first_phase"]

INTERVIEWS = ("demographics", "asi", "qol", "psychiatric", "fagerstrom", "rbs_iv")

RENAMED = {"days": "iv_days", "shared": "shared_needles"}

USED: Mapping[str, str] = {
    "Heroin": "heroin_days",
    "Opioid": "opioid_days",
    "Methadone": "methadone_days",
    "Buprenorphine": "buprenorphine_days",
    "Cocaine": "cocaine_days",
    "Amphetamine": "amphetamine_days",
    "Benzodiazepine": "benzodiazepine_days",
    "THC": "cannabis_days",
    "Alcohol": "alcohol_days",
}
"""Substances of the timeline follow-back, and the feature that counts the days of their use."""

DAYS_BEFORE = 28


def baseline(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """One row each of ``people`` (``who``, ``day`` of randomisation), a column a feature."""
    found = people.select("who", wait_days="day")
    for name in INTERVIEWS:
        asked = tables[name].select("who", *COLUMNS[name]).unique("who", keep="first", maintain_order=True)
        found = found.join(asked.rename(RENAMED, strict=False), on="who", how="left")
    found = found.with_columns(pl.col("ftnd").cast(pl.Float64))
    for more in (_pain, _withdrawal, _detoxification, _days_of_use):
        found = found.join(more(tables, people), on="who", how="left")
    return found.sort("who")


def first_phase(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """What phase 1 of CTN-0030 had shown by the second randomisation, of those who had one.

    ``people``: ``who``, ``first`` and ``day``, the days of the two randomisations. Gives ``who``,
    ``phase1_days`` (its length), ``phase1_visits``, ``phase1_positive`` (share of the visits' screens),
    ``phase1_use_days`` (days of self-reported opioid use in the 28 before) and ``phase1_dose`` (highest, mg).
    """
    before = pl.col("when").is_between(pl.col("first"), pl.col("day") - 1)
    screens = positive(tables, SCREENED).with_columns(positive=True)
    visits = (
        attended(tables)
        .join(screens, on=["who", "when"], how="left")
        .join(people, on="who")
        .filter(before)
        .group_by("who")
        .agg(
            phase1_visits=pl.col("when").n_unique().cast(pl.Int64),
            phase1_positive=pl.col("positive").fill_null(False).mean(),
        )
    )
    used = (
        _in_days_before(tables, people)
        .filter(pl.col("what").is_in(SELF_REPORTED))
        .group_by("who")
        .agg(phase1_use_days=pl.col("when").n_unique().cast(pl.Int64))
    )
    doses = tables["treatment"].join(people, on="who").filter(before)
    return (
        people.select("who", phase1_days=pl.col("day") - pl.col("first"))
        .join(visits, on="who", how="left")
        .join(used, on="who", how="left")
        .join(doses.group_by("who").agg(phase1_dose=pl.col("amount").max()), on="who", how="left")
        .with_columns(pl.col("phase1_visits", "phase1_use_days").fill_null(0))
    )


def _pain(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    asked = tables["pain"].join(people, on="who").filter(pl.col("when") <= pl.col("day"))
    return asked.sort("who", "when", "pain").group_by("who").agg(pl.col("pain").last())


def _withdrawal(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """``withdrawal``: 0 none, 1 mild, 2 moderate, 3 severe, the worst of the last day measured before."""
    known = tables["withdrawal"].join(people, on="who").filter(pl.col("when") < pl.col("day"))
    return (
        known.drop_nulls("withdrawal")
        .sort("who", "when", "withdrawal")
        .group_by("who")
        .agg(pl.col("withdrawal").last().cast(pl.Float64))
    )


def _detoxification(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """``detox_days``: since admission for detoxification. Discharge may follow randomisation: not used."""
    admitted = tables["detox"].join(people, on="who").filter(
        pl.col("what") == "admission", pl.col("when") < pl.col("day")
    )  # fmt: skip
    return admitted.group_by("who").agg(detox_days=(pl.col("day") - pl.col("when")).min())


def _days_of_use(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """Days of use by substance in the 28 before; null for who reported nothing at all in them."""
    recent = _in_days_before(tables, people)
    counted = recent.group_by("who").agg(
        pl.col("when").filter(pl.col("what") == what).n_unique().cast(pl.Int64).alias(name)
        for what, name in USED.items()
    )
    return counted.sort("who")


def _in_days_before(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """What people said to have taken in the ``DAYS_BEFORE`` before the day, without the day itself."""
    within = pl.col("when").is_between(pl.col("day") - DAYS_BEFORE, pl.col("day") - 1)
    return tables["tlfb"].join(people, on="who").filter(within)
