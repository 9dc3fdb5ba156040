"""Urine screens for opioids, week by week: the long table from which the trials' outcomes are derived."""

import polars as pl

from alleviate.studies.ctn0094.reading import Tables

__all__ = ["LAST_DAY", "OPIOIDS", "attended", "positive", "weekly_screens"]

OPIOIDS = ("Opioid", "Methadone", "Buprenorphine")
"""What counts as opioid in a urine screen; the trials did not list a person's own study drug there."""

LAST_DAY = 168
"""The trials lasted 24 weeks from consent."""


def attended(tables: Tables) -> pl.DataFrame:
    """``who``, ``when``, ``visit``: the appointments that were kept, on days that are known."""
    visits = tables["visit"].filter(pl.col("what").is_in(["visit", "final"]), pl.col("when").is_not_null())
    return visits.select("who", "when", "visit").unique(maintain_order=True)


def positive(tables: Tables, substances: tuple[str, ...] = OPIOIDS) -> pl.DataFrame:
    """``who``, ``when``: the days of a urine screen with one of the substances."""
    found = tables["uds"].filter(pl.col("what").is_in(substances), pl.col("when").is_not_null())
    return found.select("who", "when").unique(maintain_order=True)


def weekly_screens(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """``who``, ``week`` (from 1) and ``screen``: "positive", "negative" or "missing".

    ``people``: ``who`` and ``day``, the day of their randomisation, with which week 1 begins. A week is
    positive with one positive screen or more; negative with a visit and no positive screen; else missing.
    Weeks run to ``LAST_DAY`` after consent. So too in the R package CTNote 0.1.0 (Odom et al. 2022).
    """
    weeks = people.select(
        "who", week=pl.int_ranges(1, (LAST_DAY - pl.col("day")) // 7 + 2, dtype=pl.Int64)
    ).explode("week")
    return weeks.join(
        _weeks_of(positive(tables), people).with_columns(positive=True), on=["who", "week"], how="left"
    ).join(
        _weeks_of(attended(tables), people).with_columns(attended=True), on=["who", "week"], how="left"
    ).select(
        "who",
        "week",
        screen=pl.when("positive").then(pl.lit("positive"))
        .when("attended").then(pl.lit("negative")).otherwise(pl.lit("missing")),
    ).sort("who", "week")  # fmt: skip


def _weeks_of(days: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """``who``, ``week``: the weeks in which some of the ``days`` from randomisation to the end lie."""
    during = days.join(people, on="who").filter(pl.col("when").is_between(pl.col("day"), LAST_DAY))
    return during.select("who", week=(pl.col("when") - pl.col("day")) // 7 + 1).unique()
