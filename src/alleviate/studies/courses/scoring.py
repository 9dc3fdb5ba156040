"""Every score of a long table, judged by learned courses: what to expect, whether on track, and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from alleviate.intake.tables import Table
from alleviate.models.trial import Bools, Ints
from alleviate.packages.course import CoursePackage
from alleviate.progress.change_frame import CHANGES, change_frame
from alleviate.studies.courses.columns import unfit
from alleviate.studies.courses.judging import off_track
from alleviate.studies.courses.people import Courses, courses_of
from alleviate.studies.courses.rows import Rows, read_rows
from alleviate.studies.courses.words import said, worded

__all__ = ["score_courses", "scored_rows"]

NOTABLE = 0.2
"""A chance of leaving from which on it is told."""

_TOLD = (
    "expected", "low", "high", "end", "end_low", "end_high", "p_improve", "p_no_change", "p_worse",
    "p_dropout",
)  # fmt: skip
_FIELDS = (
    "next",
    "next_low",
    "next_high",
    "end",
    "low",
    "high",
    "p_improve",
    "p_no_change",
    "p_worse",
    "p_dropout",
)
_DIGITS = 6


def score_courses(package: CoursePackage, table: Table, now: datetime) -> list[dict[str, Any]]:
    """A dictionary a row, in the order of the table, as `alleviate track score --json` prints it.

    Raises ``DataError`` where the whole table cannot be used.
    """
    following = package.following
    rows = read_rows(table, following.instrument, now, following.unit)
    if rows.used.is_empty():
        raise rows.no_row()
    return scored_rows(package, rows)


def scored_rows(package: CoursePackage, rows: Rows) -> list[dict[str, Any]]:
    """The same of rows that have been read."""
    courses = courses_of(rows, package.following, package.model.scale, package.model.horizon)
    judged = _judged(package, courses)
    frame = rows.frame.join(judged, on="row", how="left", maintain_order="left")
    late = pl.lit(unfit(rows.table, package.following.spec)).cast(pl.String)
    notes = pl.concat_list(pl.col("note"), late).list.drop_nulls().list.join("; ")
    bad = pl.col("problem").is_not_null()
    frame = frame.with_columns(
        session=pl.coalesce(pl.col("session"), pl.col("nth").cast(pl.String)),
        note=pl.when(notes != "").then(notes),
        reasons=pl.when(bad).then(pl.lit([], dtype=pl.List(pl.String))).otherwise("reasons"),
    )
    names = ("id", "line", "session", pl.col("told_at").alias("time"), "score", *_TOLD)
    rest = ("on_track", "alert", "reasons", "change", "safety", "note", "problem")
    return [_plain(row) for row in frame.select(*names, *rest).iter_rows(named=True)]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Sessions that are whole numbers as numbers."""
    session = row["session"]
    if session is not None and session.isdigit():
        row["session"] = int(session)
    return row


def _judged(package: CoursePackage, courses: Courses) -> pl.DataFrame:
    """A line a used row: forecasts, on track, alert, reasons, change."""
    model, h = package.model, courses.histories
    found = model.forecast(h)
    plan, stage = package.plan, model.stage(h)
    too_good = courses.too_good[h.person]
    off = off_track(plan.thresholds, stage, found, too_good) & (h.remaining > 0)
    limit = plan.thresholds[np.minimum(stage, len(plan.thresholds) - 1)]
    known = np.isfinite(limit) & ~too_good & (h.remaining > 0)
    first = h.score[h.first][h.person]
    frame = pl.DataFrame(
        {
            "row": courses.row,
            "course": h.person,
            "nth": h.stage,
            "start": first,
            "now": h.score,
            "open": h.remaining > 0,
            "too_good": too_good,
            "pause": courses.pause[h.person],
            "threshold": 100 * limit,
            "off": off,
            "alert": _raised(courses, off, package.per),
            "on_track": pl.Series(~off).set(pl.Series(~known), None),
            **{told: getattr(found, name).round(_DIGITS) for told, name in zip(_TOLD, _FIELDS, strict=True)},
        }
    )
    frame = frame.with_columns(change=_change(package, courses))
    return frame.with_columns(reasons=_reasons(package)).select(
        "row", "nth", *_TOLD, "on_track", "alert", "reasons", "change"
    )


def _raised(courses: Courses, off: Bools, per: str) -> Bools:
    """At every session that is off track, or at the first of a course."""
    if per == "session":
        return off
    h = courses.histories
    total = np.cumsum(off)
    before: Ints = total - off - (total - off)[h.first][h.person]
    return np.asarray(off & (before == 0))


def _change(package: CoursePackage, courses: Courses) -> pl.Series:
    """What may be said from the first score to this one; all null at the first."""
    h = courses.histories
    first = h.score[h.first][h.person]
    later = pl.Series(np.where(h.stage > 1, h.score, np.nan)).fill_nan(None)
    frame = pl.DataFrame({"first": first, "last": later})
    if "sex" in package.following.spec.names and h.features["sex"].dtype == pl.String:
        frame = frame.with_columns(sex=h.features["sex"].gather(h.person))
    found = change_frame(package.following.instrument, frame)
    return found.select(change=pl.struct(*CHANGES)).to_series()


def _reasons(package: CoursePackage) -> pl.Expr:
    """Sentences, the most telling first."""
    scale = package.model.scale
    sign = 1.0 if scale.better == "lower" else -1.0
    now, nth = pl.col("now"), pl.col("nth")
    low, high = (pl.col(name).shift(1).over("course") for name in ("low", "high"))
    above, below = (now > high, now < low) if sign > 0 else (now < low, now > high)
    gain = sign * (pl.col("start") - now)
    least = scale.reliable - 1e-9
    percent = said(100 * (1 - pl.col("p_improve")), 0)
    needs: Mapping[str, object] = {"least": scale.reliable}
    cases: list[tuple[str, pl.Expr, list[pl.Expr], Mapping[str, object]]] = [
        ("off", pl.col("off"), [percent, said(pl.col("threshold"), 0)], {}),
        ("worse", above, [said(now), said(low), said(high)], {}),
        ("better", below, [said(now), said(low), said(high)], {}),
        ("improved", gain >= least, [said(gain)], {}),
        ("deteriorated", gain <= -least, [said(-gain)], {}),
        ("little-better", (gain > 0) & (gain < least), [said(gain)], needs),
        ("little-worse", (gain < 0) & (gain > -least), [said(-gain)], needs),
        ("same", (gain == 0) & (nth > 1), [], needs),
        (
            "dropout",
            pl.col("open") & (pl.col("p_dropout") >= NOTABLE),
            [said(100 * pl.col("p_dropout"), 0)],
            {},
        ),
        ("too-good", pl.col("too_good"), [said(pl.col("start"))], {}),
        ("first", nth == 1, [], {}),
        ("over", pl.col("open").not_(), [], {}),
    ]
    told = [
        pl.when(holds).then(worded("reason", name, *values, **named)) for name, holds, values, named in cases
    ]
    pause = worded("note", "episode", said(pl.col("pause"), 0), unit=package.following.unit)
    told.append(pl.when((nth == 1) & pl.col("pause").is_not_nan()).then(pause))
    return pl.concat_list(told).list.drop_nulls()
