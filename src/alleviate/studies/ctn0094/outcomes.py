"""What came of each person: relapse, retention and screens of 24 weeks, success in the phases of CTN-0030."""

import polars as pl

from alleviate.studies.ctn0094.reading import Tables
from alleviate.studies.ctn0094.screens import attended, positive

__all__ = [
    "SCREENED",
    "SELF_REPORTED",
    "phase_one_success",
    "phase_two_success",
    "relapse",
    "retention",
    "shares",
]

IN_A_ROW = 4
"""So many weeks one after the other make a relapse or a dropout."""

FIRST_WEEK = 3
"""Use in the first two weeks after randomisation is no relapse yet."""

SELF_REPORTED = ("Opioid", "Heroin", "Methadone", "Buprenorphine")
SCREENED = ("Opioid", "Methadone")
"""In CTN-0030 everybody took buprenorphine, so that a screen with it says nothing."""

PHASE_ONE = ("P1Wk1B", "P1Wk2", "P1Wk3", "P1Wk4", "P1Wk6", "P1Wk8", "P1Wk10", "P1Wk12")
PHASE_TWO = ("P2Wk9", "P2Wk10", "P2Wk11", "P2Wk12")
FINAL, FINAL_FROM = "P1Finl", 77
"""The final visit stands for that of week 12 from its day on."""

MONTH, MONTHS, MOST_DAYS = 28, 3, 4


def relapse(screens: pl.DataFrame) -> pl.DataFrame:
    """``who``, ``relapsed`` (0/1), ``relapse_week``: the week with which it began, or the last one watched.

    Relapse: four weeks in a row, from the third week on, each with a positive screen or none (Lee et al.
    2018, Lancet 391:309, as derived by CTNote: ``lee2018_rel_event``). The paper also counts seven days of
    self-reported use in a row; CTNote does not, and neither do we.
    """
    begins = _first_run(screens.filter(pl.col("week") >= FIRST_WEEK), pl.col("screen") != "negative")
    last = screens.group_by("who", maintain_order=True).agg(last=pl.col("week").max())
    return last.join(begins, on="who", how="left").select(
        "who",
        relapsed=pl.col("begins").is_not_null().cast(pl.Int64),
        relapse_week=pl.coalesce("begins", "last"),
    )


def retention(screens: pl.DataFrame) -> pl.DataFrame:
    """``who``, ``completed`` (0/1): never four weeks in a row without a screen (no dropout by CTNote)."""
    gone = _first_run(screens, pl.col("screen") == "missing")
    return (
        screens.select("who")
        .unique(maintain_order=True)
        .join(gone, on="who", how="left")
        .select("who", completed=pl.col("begins").is_null().cast(pl.Int64))
    )


def shares(screens: pl.DataFrame) -> pl.DataFrame:
    """``who``, ``negative_weeks``: share of all weeks with a negative screen, a missing one being none;
    ``positive_given``: share positive among the weeks with a screen, null where there was none.
    """
    negative, known = (pl.col("screen") == "negative"), (pl.col("screen") != "missing")
    given = screens.group_by("who", maintain_order=True).agg(
        negative_weeks=negative.mean(), negatives=negative.sum(), given=known.sum()
    )
    positives = 1.0 - pl.col("negatives") / pl.col("given")
    return given.select("who", "negative_weeks", positive_given=pl.when(pl.col("given") > 0).then(positives))


def phase_one_success(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """``who``, ``success_1`` (0/1): success at week 12 of CTN-0030, from the first randomisation, ``day``.

    As Weiss et al. (2011, Arch Gen Psychiatry 68:1238): week 12 reached, at most one screen missed, never two
    positive screens in a row, and in no month more than four days of self-reported use. The paper also asks
    for no other treatment of addiction, which the tables do not hold.
    """
    visits = _screened(tables, people, (*PHASE_ONE, FINAL)).filter(
        (pl.col("visit") != FINAL) | (pl.col("when") - pl.col("day") >= FINAL_FROM)
    )
    order = {label: place for place, label in enumerate((*PHASE_ONE, FINAL))}
    order[FINAL] = order[PHASE_ONE[-1]]
    visits = (
        visits.with_columns(place=pl.col("visit").replace_strict(order, return_dtype=pl.Int64))
        .sort("who", "place", "when")
        .unique(["who", "place"], keep="first", maintain_order=True)
    )
    by_screens = visits.group_by("who").agg(
        kept=pl.len() >= len(PHASE_ONE) - 1,
        reached=(pl.col("place") == order[FINAL]).any(),
        twice=(pl.col("positive") & pl.col("positive").shift(-1, fill_value=False)).any(),
    )
    month = (pl.col("when") - pl.col("day")) // MONTH
    heavy = (
        _used(tables)
        .join(people, on="who")
        .filter(month.is_between(0, MONTHS - 1))
        .group_by("who", month.alias("month"))
        .len()
        .filter(pl.col("len") > MOST_DAYS)
    )
    good = by_screens.filter(pl.col("kept") & pl.col("reached") & ~pl.col("twice")).join(
        heavy, on="who", how="anti"
    )
    return people.select("who", success_1=pl.col("who").is_in(good["who"].to_list()).cast(pl.Int64))


def phase_two_success(tables: Tables, people: pl.DataFrame) -> pl.DataFrame:
    """``who``, ``success_2`` (0/1): success at week 12 of phase 2 of CTN-0030, for the ``people`` in it.

    As Weiss et al. (2011): abstinent in week 12 and in two at least of the three weeks before. A week is
    abstinent with its visit kept, no positive screen, and no self-reported use in the seven days before.
    """
    visits = _screened(tables, people, PHASE_TWO).sort("who", "when").unique(["who", "visit"], keep="first")
    used = visits.join(_used(tables).rename({"when": "used"}), on="who").filter(
        pl.col("used").is_between(pl.col("when") - 7, pl.col("when") - 1)
    )
    clean = visits.filter(~pl.col("positive")).join(used, on=["who", "visit"], how="anti")
    good = (
        clean.group_by("who")
        .agg(at_end=(pl.col("visit") == PHASE_TWO[-1]).any(), weeks=pl.len())
        .filter(pl.col("at_end"), pl.col("weeks") >= len(PHASE_TWO) - 1)
    )
    return people.select("who", success_2=pl.col("who").is_in(good["who"].to_list()).cast(pl.Int64))


def _first_run(screens: pl.DataFrame, bad: pl.Expr) -> pl.DataFrame:
    """``who``, ``begins``: the week with which the first ``IN_A_ROW`` bad weeks in a row begin, if any."""
    runs = bad.cast(pl.Int64).rolling_sum(IN_A_ROW).over("who", order_by="week")
    ends = screens.with_columns(run=runs).filter(pl.col("run") == IN_A_ROW)
    return ends.group_by("who").agg(begins=pl.col("week").min() - IN_A_ROW + 1)


def _screened(tables: Tables, people: pl.DataFrame, labels: tuple[str, ...]) -> pl.DataFrame:
    """The kept visits of those labels, with ``day`` and whether the screen of that day was ``positive``."""
    return (
        attended(tables)
        .filter(pl.col("visit").is_in(labels))
        .join(people.select("who", "day"), on="who")
        .join(positive(tables, SCREENED).with_columns(positive=True), on=["who", "when"], how="left")
        .with_columns(pl.col("positive").fill_null(False))
    )


def _used(tables: Tables) -> pl.DataFrame:
    """``who``, ``when``: the days on which a person said to have used an opioid."""
    return tables["tlfb"].filter(pl.col("what").is_in(SELF_REPORTED)).select("who", "when").unique()
