"""The outcome to be foreseen, out of its columns: what kind it is, and each person's value."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Bools, Floats
from alleviate.studies.outcome_columns import numbers
from alleviate.studies.sections import nearest
from alleviate.terms.errors import DataError
from alleviate.terms.prognosis_study import PredictedOutcome

__all__ = ["Found", "outcome_values"]

MOST_LEVELS = 12
"""A number with more different values is no ordinal outcome."""


@dataclass(frozen=True, slots=True)
class Found:
    """``outcome`` with its kind, and levels if ordinal. ``y`` (n,) as ``People`` says, NaN where unknown.

    ``time`` (n,): of an event, when it came or the person was last seen. ``number`` (n,): what a binary
    outcome was cut from, if it was.
    """

    outcome: PredictedOutcome
    y: Floats
    time: Floats | None = None
    number: Floats | None = None


def outcome_values(outcome: PredictedOutcome, table: Table, *, judged: bool = False) -> Found:
    """Raises ``DataError`` where the columns do not hold what the study says.

    ``judged``: these people are to judge what others taught, so that not every value need be met.
    """
    table.require([outcome.name])
    if table.frame[outcome.name].null_count() == len(table.frame):
        raise DataError(
            f"{table.source}: expected values of the outcome {quoted(outcome.name)}, got an empty column.",
            hint="Name the column that holds the outcome.",
        )
    if outcome.kind == "time-to-event":
        return _in_time(outcome, table, judged)
    if outcome.present is not None:
        return _present(outcome, outcome.present, table, judged)
    if outcome.above is not None:
        number = numbers(table, outcome.name, "outcome", "Name a column of numbers, or say what is present.")
        y = np.where(np.isfinite(number), number >= outcome.above, np.nan)
        return Found(replace(outcome, kind="binary"), y, number=number)
    if outcome.kind == "ordinal":
        return _ordinal(outcome, table)
    return _as_found(outcome, table, judged)


def _as_found(outcome: PredictedOutcome, table: Table, judged: bool) -> Found:
    """Yes or no, 0 and 1, or a number: as the values are."""
    name = quoted(outcome.name)
    texts = table.text(outcome.name).drop_nulls().unique().sort()
    kind = typed(table, only=[outcome.name]).kinds[outcome.name]
    if outcome.kind != "numeric" and len(texts) == 2 and kind != "boolean" and set(texts) != {"0", "1"}:
        raise DataError(
            f"{table.source}: expected to know which value of {name} is the event, "
            f"{quoted(texts[0])} or {quoted(texts[1])}.",
            hint=f'Write under [outcome], as it may be: present = "{texts[1]}"',
        )
    if kind not in ("number", "boolean"):
        raise DataError(
            f"{table.source}: expected numbers, or yes and no, as the outcome {name}, "
            f"got {quoted(texts[0])}.",
            hint="Say which value counts, as present = …, or order them all, as levels = […].",
        )
    y = numbers(table, outcome.name, "outcome", "Code it as a number.")
    binary = kind == "boolean" or set(texts) <= {"0", "1"}
    if outcome.kind == "binary" and not binary:
        odd = np.flatnonzero(np.isfinite(y) & ~np.isin(y, (0.0, 1.0)))
        raise DataError(
            f"{table.source}: expected 0 and 1 only as the binary outcome {name}, "
            f"got {y[odd[0]]:g} ({table.where(odd)}).",
            hint="Say from which number on it counts, as in: above = 10",
        )
    found = outcome.kind or ("binary" if binary else "numeric")
    if found == "numeric" and len(texts) == 1 and not judged:
        raise DataError(
            f"{table.source}: expected an outcome that differs between people, "
            f"but {name} is {texts[0]} for everybody.",
            hint="Name the column that holds the outcome.",
        )
    return Found(replace(outcome, kind=found), y)


def _present(outcome: PredictedOutcome, value: str, table: Table, judged: bool) -> Found:
    texts = table.text(outcome.name)
    if not judged:
        _refuse_unmet(table, outcome.name, value, texts)
    y = (texts == value).cast(pl.Float64).to_numpy(writable=True)  # null where unknown, which is NaN here
    return Found(replace(outcome, kind="binary"), y)


def _ordinal(outcome: PredictedOutcome, table: Table) -> Found:
    texts = table.text(outcome.name)
    levels = outcome.levels or _numbered(outcome.name, table)
    strange = texts.is_not_null() & ~texts.is_in(list(levels))
    if strange.any():
        value = texts.filter(strange)[0]
        raise DataError(
            f"{table.source}: {quoted(value)} in {quoted(outcome.name)} is none of the levels "
            f"({table.where(strange.arg_true())}).",
            hint=nearest(value, levels),
        )
    order = {level: float(place) for place, level in enumerate(levels)}
    y = texts.replace_strict(order, default=None, return_dtype=pl.Float64).to_numpy(writable=True)
    return Found(replace(outcome, levels=levels), y)


def _numbered(name: str, table: Table) -> tuple[str, ...]:
    """The levels of a column of numbers, from the lowest."""
    y = numbers(
        table, name, "outcome", 'Order its values under [outcome], as in: levels = ["none", "mild", "severe"]'
    )
    values = np.unique(y[np.isfinite(y)])
    if not 2 < len(values) <= MOST_LEVELS:
        raise DataError(
            f"{table.source}: expected 3 to {MOST_LEVELS} different values of the ordinal outcome "
            f"{quoted(name)}, got {len(values)}.",
            hint='Write kind = "binary" for two, kind = "numeric" for many.',
        )
    by_number = dict(zip(y.tolist(), table.text(name), strict=True))
    return tuple(by_number[value] for value in values.tolist())


def _in_time(outcome: PredictedOutcome, table: Table, judged: bool) -> Found:
    """0 lost to follow-up, 1 the event, 2 a competing event, NaN where the time or the end is unknown."""
    assert outcome.event is not None
    assert outcome.horizon is not None
    time = numbers(table, outcome.name, "time followed", "Code it as a number of days, weeks or months.")
    soon = np.flatnonzero(np.isfinite(time) & (time <= 0))
    if len(soon):
        raise DataError(
            f"{table.source}: expected times above 0 in {quoted(outcome.name)}, "
            f"got {time[soon[0]]:g} ({table.where(soon)}).",
            hint="Leave out whose event was there at the start, or count the first day as 1.",
        )
    ends = table.text(outcome.event)
    if not judged:
        for value in (outcome.occurred, *outcome.competing):
            _refuse_unmet(table, outcome.event, value, ends)
    codes = {outcome.occurred: 1.0} | dict.fromkeys(outcome.competing, 2.0)
    y = ends.replace_strict(codes, default=0.0, return_dtype=pl.Float64).to_numpy(writable=True)
    y[ends.is_null().to_numpy() | ~np.isfinite(time)] = np.nan
    _refuse_short(table, outcome, outcome.horizon, time, y == 0)
    return Found(outcome, y, time)


def _refuse_short(table: Table, outcome: PredictedOutcome, horizon: float, time: Floats, lost: Bools) -> None:
    """Raises ``DataError`` where the last people are lost before the horizon: nobody saw what came then."""
    last = float(np.nanmax(time))
    if last < horizon and lost[time == last].any():
        raise DataError(
            f"{table.source}: expected somebody to be followed to the horizon {horizon:g} in "
            f"{quoted(outcome.name)}, but nobody was beyond {last:g}.",
            hint=f"Set [outcome] horizon = {last:g} or less.",
        )


def _refuse_unmet(table: Table, column: str, value: str, texts: pl.Series) -> None:
    met = texts.drop_nulls().unique().sort().to_list()
    if value not in met:
        raise DataError(
            f"{table.source}: expected {quoted(value)} to be met in {quoted(column)}, found it nowhere.",
            hint=nearest(value, met[:MOST_LEVELS]),
        )
