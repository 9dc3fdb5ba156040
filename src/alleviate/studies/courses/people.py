"""Rows of scores as courses: a person's scores in order, cut into episodes, with the planned end."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.packages.course import Following, nothing_known
from alleviate.studies.courses.cells import dates, mostly_dates, numbers, yes
from alleviate.studies.courses.columns import further_of, intake_of
from alleviate.studies.courses.rows import ID, LEFT, PLANNED, TIME, Rows

__all__ = ["Courses", "courses_of", "scale_of", "usual_end", "with_ends"]

UNDER_WAY = 4.0
"""Whose last score is no older than so many usual gaps, when the records end, may still come."""


@dataclass(frozen=True, slots=True)
class Courses:
    """``histories`` of n courses and N scores. ``row`` (N,): of the table. ``who`` (n,): whose it is, from 0.

    ``pause`` (n,): time since the episode before, NaN for the first; ``too_good`` (n,): began too near the
    best score to improve reliably; ``planned`` (n,): whether the end was given; ``under_way`` (n,).
    """

    rows: Rows
    histories: Histories
    row: Ints
    who: Ints
    pause: Floats
    too_good: Bools
    planned: Bools
    under_way: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def take(self, people: Ints) -> "Courses":
        """These courses, in this order."""
        visits = np.concatenate(
            [np.arange(self.histories.first[i], self.histories.last[i] + 1) for i in people]
            or [np.zeros(0, dtype=np.int64)]
        )
        return Courses(
            self.rows,
            self.histories.take(people),
            self.row[visits],
            self.who[people],
            self.pause[people],
            self.too_good[people],
            self.planned[people],
            self.under_way[people],
        )


def scale_of(following: Following, scores: Floats) -> Scale:
    """The instrument's, in steps of its points where all scores lie on them."""
    instrument = following.instrument
    low, high = instrument.range
    steps = (scores - low) / instrument.factor
    whole = bool(np.allclose(steps, np.round(steps), atol=1e-9))
    change = instrument.reliable_change
    assert change is not None
    better: Literal["lower", "higher"] = "lower" if instrument.direction == "higher is worse" else "higher"
    return Scale(low, high, better, change.least, float(instrument.factor) if whole else 0.0)


def usual_end(rows: Rows) -> float:
    """The time after the first score that half of those who came twice reach."""
    last = rows.used.group_by(ID).agg(n=pl.len(), last=pl.col("at").last() - pl.col("at").first())
    several = last.filter(pl.col("n") > 1)["last"]
    return float(several.quantile(0.5, "lower") or 1.0)


def courses_of(rows: Rows, following: Following, scale: Scale, horizon: float) -> Courses:
    """Everybody's courses. ``horizon``: the planned end where the table gives none."""
    table, used = rows.table, rows.used
    pause = pl.col("at").diff().over(ID)
    limit = float("inf") if following.episode_gap is None else following.episode_gap
    new = pause.is_null() | (pause > limit)
    used = used.with_columns(pause=pause, course=new.cum_sum() - 1, whom=pl.col(ID).rank("dense") - 1)
    start = used.group_by("course", maintain_order=True).first()
    course, row = used["course"].to_numpy().astype(np.int64), used["row"].to_numpy().astype(np.int64)
    at = used["at"].to_numpy()
    first = start["at"].to_numpy()
    end, planned = _ends(rows, start, horizon)
    score = used["score"].to_numpy()
    begun = start["score"].to_numpy()
    room = begun - scale.low if scale.better == "lower" else scale.high - begun
    histories = Histories(
        course,
        at - first[course],
        score,
        _known_at_start(rows, following, start),
        end,
        np.zeros(len(start), dtype=bool),
        further_of(table, following.further)[row],
    )
    return Courses(
        rows,
        histories,
        row,
        start["whom"].to_numpy().astype(np.int64),
        start["pause"].fill_null(float("nan")).to_numpy(),
        room < scale.reliable - 1e-9,
        planned,
        np.zeros(len(start), dtype=bool),
    )


def _ends(rows: Rows, start: pl.DataFrame, horizon: float) -> tuple[Floats, Bools]:
    """When each course is planned to end, since its first score, and whether the table says so."""
    usual = np.full(len(start), horizon)
    if PLANNED not in rows.table.columns:
        return usual, np.zeros(len(start), dtype=bool)
    dated = rows.column == TIME and mostly_dates(rows.table, PLANNED)
    told = dates(rows.table, PLANNED) if dated else numbers(rows.table, PLANNED)
    given = told.gather(start["row"]).fill_null(float("nan")).to_numpy() - start["at"].to_numpy()
    sound = np.isfinite(given) & (given > 0)
    return np.where(sound, given, usual), sound


def _known_at_start(rows: Rows, following: Following, start: pl.DataFrame) -> pl.DataFrame:
    """Of each course, what was last told of intake up to its first score."""
    if not following.spec.features:
        return nothing_known(len(start))
    names = following.spec.names
    told = rows.frame.select("row", ID, "at").hstack(intake_of(rows.table, following.spec))
    told = told.sort(ID, "at", "row", nulls_last=False)
    known = told.with_columns(pl.col(names).forward_fill().over(ID)).select("row", *names)
    return start.select("row").join(known, on="row", how="left", maintain_order="left").select(names)


def with_ends(courses: Courses) -> Courses:
    """What became of courses, to learn from them or to judge: who left, who is under way, what ended early.

    A score within half a usual gap before the planned end is that of the end. Who has none, and none lately,
    has left; where a column says who left, it is believed.
    """
    h, rows = courses.histories, courses.rows
    gap, last = h.gap(), h.time[h.last]
    horizon = np.where((last < h.horizon) & (last >= h.horizon - gap / 2) & (last > 0), last, h.horizon)
    at = rows.frame["at"].to_numpy()
    recent = np.zeros(len(h), dtype=bool)
    if rows.unit == "weeks" and rows.dated:
        recent = at[courses.row[h.last]] >= np.nanmax(at[courses.row]) - UNDER_WAY * gap
    short = last < horizon
    if LEFT in rows.table.columns:
        said = yes(rows.table, LEFT).to_numpy()[courses.row].astype(float)
        left = np.maximum.reduceat(said, h.first) > 0
        under_way = short & ~left
        left = left & short
    else:
        under_way = short & recent
        left = short & ~recent
    ended = Histories(h.person, h.time, h.score, h.features, horizon, left, h.further)
    return Courses(
        rows, ended, courses.row, courses.who, courses.pause, courses.too_good, courses.planned, under_way
    )
