"""A long table, one score a row: each row read, or left out with what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from alleviate.instruments import Instrument, score_frame
from alleviate.instruments.parts import Item
from alleviate.intake.tables import Table
from alleviate.studies.courses.cells import dates, mostly_dates, numbers, weeks_since_1970
from alleviate.studies.courses.words import said, shown, worded
from alleviate.terms.errors import DataError

__all__ = ["ID", "PLAIN", "Rows", "Unit", "item_columns", "read_rows"]

Unit = Literal["weeks", "sessions"]

ID, TIME, SESSION, SCORE, INSTRUMENT = "id", "time", "session", "score", "instrument"
PLANNED, LEFT = "planned", "left"
PLAIN = (ID, TIME, SESSION, SCORE, INSTRUMENT, PLANNED, LEFT)
"""Columns whose names mean something; all others are features or further measures."""

ZONES = 1 / 7
"""Weeks by which a moment may lie ahead: a file's dates carry no zone."""

SAME = 0.05
"""Points by which a score and that of the items may differ: means for missing items are rounded."""


@dataclass(frozen=True, slots=True)
class Rows:
    """``frame``: a line a row of ``table``: ``row``, ``line``, ``id``, ``at`` (in ``unit``), ``session`` (as

    told, else null), ``score``, ``problem`` (null where the row is used), ``note``, ``safety`` (flags)."""

    table: Table
    frame: pl.DataFrame
    unit: Unit
    column: str
    dated: bool

    @property
    def used(self) -> pl.DataFrame:
        """By person and time."""
        return self.frame.filter(pl.col("problem").is_null()).sort(ID, "at", "row")

    def no_row(self) -> DataError:
        """What to say where no row can be used: the first reason stands for all."""
        first = self.frame["problem"].drop_nulls()[0]
        return DataError(
            f"{self.table.source}: no row can be used; {self.table.where([0])}: {first}.",
            hint="One score a row: id, time or session, score. See docs/tracking.md.",
        )


def read_rows(table: Table, instrument: Instrument, now: datetime, unit: Unit | None = None) -> Rows:
    """Every row, judged on its own and among the others of its person. ``now`` (UTC): later is the future.

    ``unit``: as learned, else as found. Raises ``DataError`` where the whole cannot be used.
    """
    table.require([ID])
    column = _time_column(table)
    found: Unit = "sessions" if column == SESSION else "weeks"
    if unit is not None and unit != found:
        raise DataError(
            f"{table.source}: expected time in {unit} as it was learned, got {found}.",
            hint=f"Give a column {TIME if unit == 'weeks' else SESSION!r}.",
        )
    items = item_columns(table, instrument)
    if SCORE not in table.columns and not items:
        raise DataError(
            f"{table.source}: expected a column 'score', or items of the {instrument.abbreviation}.",
            hint=f"Name the items as {instrument.items[0].id} or {instrument.id}_{instrument.items[0].id}.",
        )
    dated = column == TIME and mostly_dates(table, column)
    frame = pl.DataFrame(
        {
            "row": pl.int_range(len(table.frame), eager=True),
            "line": list(table.lines),
            ID: table.text(ID),
            "told_at": table.text(column),
            "at": dates(table, column) if dated else numbers(table, column),
        }
    ).with_columns(
        *(_text(table, name) for name in (SESSION, SCORE, INSTRUMENT)),
        *_scores(table, instrument, items),
    )
    latest = weeks_since_1970(now) + ZONES if dated else None
    frame = frame.with_columns(problem=pl.coalesce(_alone(table, instrument, column, items, latest)))
    return Rows(table, _ordered(_doubled(frame, table, column)), found, column, dated)


def _text(table: Table, name: str) -> pl.Series | pl.Expr:
    there = name in table.columns
    return (table.text(name) if there else pl.lit(None, dtype=pl.String)).alias(f"told_{name}")


def _scores(table: Table, instrument: Instrument, items: dict[str, str]) -> list[pl.Series]:
    """``given`` and ``made`` (of the items) scores, the flags that single answers raise, the items' cells."""
    n = len(table.frame)
    empty = pl.repeat(None, n, dtype=pl.Float64, eager=True)
    answers = pl.DataFrame({item: numbers(table, column) for item, column in items.items()})
    flags = [
        pl.when(pl.col(flag.item) >= flag.at_least).then(pl.lit(flag.name))
        for flag in instrument.flags
        if flag.item in items
    ]
    raised = (
        answers.select(safety=pl.concat_list(flags).list.drop_nulls()).to_series()
        if flags
        else pl.Series("safety", [[]] * n, dtype=pl.List(pl.String))
    )
    made = score_frame(instrument, answers.select(_possible(instrument, items)))["total"] if items else empty
    given = numbers(table, SCORE) if SCORE in table.columns else empty
    cells = [table.text(column).alias(f"item {item}") for item, column in items.items()]
    return [given.alias("given"), made.alias("made"), raised, *cells]


def _possible(instrument: Instrument, items: dict[str, str]) -> list[pl.Expr]:
    """The answers that can be; others are taken as missing, and told as a problem."""
    return [
        pl.when(_fits(pl.col(item.id), item)).then(pl.col(item.id)).alias(item.id)
        for item in instrument.items
        if item.id in items
    ]


def _fits(value: pl.Expr, item: Item) -> pl.Expr:
    return value.is_between(item.low, item.high) & (value == value.floor())


def _alone(
    table: Table, instrument: Instrument, column: str, items: dict[str, str], latest: float | None
) -> list[pl.Expr]:
    """What is wrong with a row by itself, in the order in which it is told; null where nothing is."""
    low, high = instrument.range
    told, at = pl.col("told_at"), pl.col("at")
    score, given, made = pl.col("told_score"), pl.col("given"), pl.col("made")
    names = {instrument.id, instrument.abbreviation.lower(), instrument.abbreviation.lower().replace("-", "")}
    value = pl.coalesce(given, made)
    here = {"column": column, "abbreviation": instrument.abbreviation, "low": low, "high": high}
    unread = "not-a-number" if latest is None else "not-a-date"
    checks: list[tuple[pl.Expr, pl.Expr]] = [
        (pl.col(ID).is_null(), worded("problem", "id")),
        (
            pl.col("told_instrument").str.to_lowercase().is_in(sorted(names)).not_(),
            worded("problem", "instrument", shown(pl.col("told_instrument")), **here),
        ),
        (told.is_null(), worded("problem", "time", **here)),
        (at.is_null(), worded("problem", unread, shown(told), **here)),
        (at > (float("inf") if latest is None else latest), worded("problem", "future", shown(told), **here)),
        (score.is_not_null() & given.is_null(), worded("problem", "score-text", shown(score))),
        *(_answer(table, item, items[item.id]) for item in instrument.items if item.id in items),
        (value.is_null(), worded("problem", "items" if items else "score")),
        (value.is_between(low, high).not_(), worded("problem", "range", said(value), **here)),
        ((given - made).abs() > SAME, worded("problem", "contradicts", said(given), said(made))),
    ]
    return [pl.when(wrong).then(words) for wrong, words in checks]


def _answer(table: Table, item: Item, column: str) -> tuple[pl.Expr, pl.Expr]:
    cell = pl.col(f"item {item.id}")
    found = pl.lit(numbers(table, column))
    wrong = cell.is_not_null() & (found.is_null() | _fits(found, item).not_())
    return wrong, worded("problem", "item", shown(cell), column=column, low=item.low, high=item.high)


def _doubled(frame: pl.DataFrame, table: Table, column: str) -> pl.DataFrame:
    """Rows that say the same once more, and those that contradict each other, told from each other."""
    good = frame.filter(pl.col("problem").is_null()).with_columns(score=pl.coalesce("given", "made"))
    group = [ID, "at"]
    lines = pl.col("line").cast(pl.String).str.join(", ").over(group)
    place = table.place
    again = good.with_columns(
        first=pl.col("line").first().over(group),
        nth=pl.int_range(pl.len()).over(group),
        kinds=pl.col("score").n_unique().over(group),
        lines=lines,
    ).select(
        "row",
        "score",
        twice=pl.when(pl.col("kinds") > 1)
        .then(worded("problem", "conflict", pl.col("lines"), column=column, place=place))
        .when(pl.col("nth") > 0)
        .then(worded("problem", "doubled", pl.col("first"), column=column, place=place)),
    )
    joined = frame.join(again, on="row", how="left", maintain_order="left")
    return joined.with_columns(problem=pl.coalesce("problem", "twice"))


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """With a note where a row stood after one of a later time."""
    at = pl.when(pl.col("problem").is_null()).then("at")
    before = at.cum_max().shift(1).forward_fill().over(ID)
    late = pl.col("problem").is_null() & (pl.col("at") < before)
    return frame.with_columns(note=pl.when(late).then(worded("note", "order"))).select(
        "row",
        "line",
        ID,
        "at",
        "told_at",
        pl.col("told_session").alias(SESSION),
        "score",
        "problem",
        "note",
        "safety",
    )


def _time_column(table: Table) -> str:
    for name in (TIME, SESSION):
        if name in table.columns:
            return name
    raise DataError(
        f"{table.source}: expected a column 'time' or 'session', found none.",
        hint="Give the date, the weeks since the first score, or the number of the session.",
    )


def item_columns(table: Table, instrument: Instrument) -> dict[str, str]:
    """Item id → the column that holds its answers: 9, item_9, item9, phq9_9, or its code."""

    def names(item: Item) -> tuple[str, ...]:
        return (f"{instrument.id}_{item.id}", f"item_{item.id}", f"item{item.id}", item.code, item.id)

    there = set(table.columns) - set(PLAIN)
    found = {
        item.id: next((name for name in names(item) if name in there), None) for item in instrument.items
    }
    return {item: name for item, name in found.items() if name is not None}
