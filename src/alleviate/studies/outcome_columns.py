"""The outcome of each person, from the columns that a study names: a number, yes or no, an event in time."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from alleviate.intake.tables import Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import DataError
from alleviate.terms.outcomes import Outcome
from alleviate.terms.study import Study

__all__ = ["Outcomes", "completed", "numbers", "outcomes"]

IMPORTANT_SD = 0.2
"""Smallest difference worth having where a study names none, in SDs of the outcome: Cohen's small effect."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """``y`` (n,) in outcome units, NaN where unknown. ``followed`` (n,): of events in time, how long."""

    y: Floats
    followed: Floats | None = None

    def refuse_short(self, table: Table, outcome: Outcome, arm: Ints, arms: tuple[str, ...]) -> None:
        """Raises ``DataError`` where an arm's last are lost before the horizon: nobody saw what came then.

        ``arm`` (n,) is -1 where unknown.
        """
        if self.followed is None or outcome.horizon is None:
            return
        for k, name in enumerate(arms):
            own = arm == k
            last = float(self.followed[own].max())
            if last < outcome.horizon and not np.isfinite(self.y[own][self.followed[own] == last]).all():
                raise DataError(
                    f"{table.source}: expected somebody of {quoted(name)} to be followed to the horizon "
                    f"{outcome.horizon:g}, but nobody was beyond {last:g}.",
                    hint=f"Set [outcome] horizon = {last:g} or less.",
                )


def outcomes(study: Study, table: Table) -> Outcomes:
    """Raises ``DataError`` where the columns do not hold what the study says."""
    outcome = study.outcome
    if outcome.kind == "time-to-event":
        return _in_time(outcome, table)
    name = quoted(outcome.name)
    hint = "Code it as a number, 0/1 for an event, or name another column."
    y = numbers(table, outcome.name, "outcome", hint)
    _refuse_same(table, outcome.name, y)
    if outcome.binary:
        odd, hint = ~np.isin(y, (0.0, 1.0)), "Code it as 0 and 1, or leave binary out."
        _refuse(table, odd, y, f"0 and 1 only as the binary outcome {name}", hint)
    if outcome.kind == "count":
        odd, hint = (y < 0) | (y != np.round(y)), 'Write: kind = "numeric"'
        _refuse(table, odd, y, f"whole numbers from 0 on as the count {name}", hint)
    return Outcomes(y)


def completed(outcome: Outcome, y: Floats) -> tuple[Outcome, float]:
    """What the data settle where the study does not, and the outcome's SD; ``y``: known outcomes only."""
    sd = float(y.std(ddof=1))
    if outcome.kind == "time-to-event":
        binary: bool = outcome.measure == "event-free"
    else:
        binary = outcome.binary if outcome.binary is not None else bool(np.isin(y, (0.0, 1.0)).all())
    kind = outcome.kind or ("binary" if binary else "numeric")
    important = outcome.important or IMPORTANT_SD * sd
    return replace(outcome, binary=binary, kind=kind, important=important), sd


def _in_time(outcome: Outcome, table: Table) -> Outcomes:
    """Time without the event up to the horizon, or whether none came by then (one, if lower is better)."""
    assert outcome.event is not None
    assert outcome.horizon is not None
    table.require([outcome.event])
    coded = "Code it as 1 where the event came, 0 where it had not."
    time = numbers(table, outcome.name, "time followed", "Code it as a number of days, weeks or months.")
    event = numbers(table, outcome.event, "event", coded)
    start = "Count from the start of treatment."
    _refuse(table, time < 0, time, f"times of 0 or more in {quoted(outcome.name)}", start)
    odd = ~np.isin(event, (0.0, 1.0))
    _refuse(table, odd, event, f"0 and 1 only as the event {quoted(outcome.event)}", coded)
    happened = (event == 1) & np.isfinite(time) & (time <= outcome.horizon)
    free = (time > outcome.horizon) | ((time == outcome.horizon) & (event == 0))
    followed = np.minimum(np.nan_to_num(time, nan=0.0), outcome.horizon)
    if outcome.measure == "restricted-mean":
        y = np.where(happened | free, followed, np.nan)
    else:
        y = np.where(happened | free, (free if outcome.better == "higher" else happened) * 1.0, np.nan)
    known = y[np.isfinite(y)]
    if not len(known) or known.min() == known.max():
        raise DataError(
            f"{table.source}: expected events by {outcome.horizon:g} for some people and not for others, "
            f"got {int(happened.sum())} events in {quoted(outcome.event)} among {len(time)} people.",
            hint="Check [outcome] event and horizon.",
        )
    return Outcomes(y, followed)


def numbers(table: Table, name: str, role: str, hint: str) -> Floats:
    """(n,) NaN where missing; yes and no are 1 and 0."""
    column = typed(table, only=[name])
    values = column.frame[name]
    if values.null_count() == len(values):
        raise DataError(
            f"{table.source}: expected values of the {role} {quoted(name)}, got an empty column.",
            hint=f"Name the column that holds the {role}.",
        )
    if column.kinds[name] not in ("number", "boolean"):
        raise DataError(
            f"{table.source}: expected numbers, or yes and no, as the {role} {quoted(name)}, "
            f"got {quoted(str(values.drop_nulls()[0]))}.",
            hint=hint,
        )
    numbers: Floats = values.cast(pl.Float64).to_numpy(writable=True)
    return numbers


def _refuse_same(table: Table, name: str, y: Floats) -> None:
    seen = y[np.isfinite(y)]
    if seen.min() == seen.max():
        raise DataError(
            f"{table.source}: expected an outcome that differs between people, "
            f"but {quoted(name)} is {seen[0]:g} for everybody.",
            hint="Name the column that holds the outcome.",
        )


def _refuse(table: Table, wrong: Bools, values: Floats, expected: str, hint: str) -> None:
    """What is missing is not wrong."""
    odd = np.flatnonzero(wrong & np.isfinite(values))
    if len(odd):
        raise DataError(
            f"{table.source}: expected {expected}, got {values[odd[0]]:g} ({table.where(odd)}).", hint=hint
        )
