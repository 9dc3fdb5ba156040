"""What a person's daily data warn of, at a rate of false alarms that is stated beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from scipy import special

from alleviate.models.trial import Floats
from alleviate.progress.early_warning.charts import LEVEL, SLOW, Chart, alarms, threshold
from alleviate.progress.early_warning.surprise import surprise
from alleviate.terms.errors import DataError

__all__ = [
    "LEAST",
    "LEAST_SLOWING",
    "LONGEST_GAP",
    "Kind",
    "Measure",
    "Warned",
    "Watched",
    "slowing",
    "watch",
]

LEAST = 28
"""Days with a value the day before too, from which on a shift is judged."""
LEAST_SLOWING = 56
"""The same for a rising spread and a slower return."""
LONGEST_GAP = 90
"""Days; after a longer gap everything is learned anew."""

Kind = Literal["shift", "spread", "slower return"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of daily values, and which way is worse."""

    name: str
    worse: Literal["low", "high", "either"]


@dataclass(frozen=True, slots=True)
class Warned:
    """On this day the chart of ``kind`` passed its threshold. ``way``: up or down, for a shift."""

    measure: str
    kind: Kind
    day: date
    way: Literal["up", "down", ""] = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """The warnings by day. ``false_alarms`` are expected per 100 weeks of a person watched in full.

    ``judged``: days on which each measure could be judged. ``missing``: what is not judged yet, and what it
    still needs; silence there means nothing.
    """

    warnings: tuple[Warned, ...]
    false_alarms: float
    judged: dict[str, int]
    missing: tuple[str, ...]


def watch(days: pl.DataFrame, measures: Sequence[Measure], *, rate: float = 2.0) -> Watched:
    """Watch one person. ``days``: a column ``day`` (Date) and one a measure (null: nothing was recorded).

    ``rate``: false alarms per 100 weeks over all measures and charts together, shared equally among them.
    Raises DataError for a day that comes twice, a column that lacks, or a value that is no number.
    """
    if not measures:
        raise DataError("There is no measure to watch.", hint="Name one.")
    sides = [_sides(measure) for measure in measures]
    share = rate / sum(len(side) + 2 for side in sides)
    grid, first = _grid(days, [measure.name for measure in measures])
    warnings: list[Warned] = []
    judged: dict[str, int] = {}
    missing: list[str] = []
    for measure, side, values in zip(measures, sides, grid, strict=True):
        scores = surprise(values[None, :], LEAST)
        late = surprise(values[None, :], LEAST_SLOWING)
        spread, back = slowing(late)
        charts: list[tuple[Kind, Literal["up", "down", ""], Floats, Chart]] = [
            *(("shift", "up" if sign > 0 else "down", sign * scores, LEVEL) for sign in side),
            ("spread", "", spread, SLOW),
            ("slower return", "", back, SLOW),
        ]
        for kind, way, series, chart in charts:
            at = np.flatnonzero(alarms(series, chart, threshold(chart, share))[0])
            warnings += [Warned(measure.name, kind, date.fromordinal(first + int(day)), way) for day in at]
        judged[measure.name] = int(np.isfinite(scores).sum())
        missing += _missing(measure.name, values)
    warnings.sort(key=lambda warned: (warned.day, warned.measure, warned.kind))
    return Watched(tuple(warnings), rate, judged, tuple(missing))


def slowing(scores: Floats) -> tuple[Floats, Floats]:
    """Normal scores (series, days) of the spread and of the slowness of return, from those of the days.

    Critical slowing down (Scheffer et al. 2009, Nature 461:53-59): rising variance and autocorrelation. The
    spread is the normal score of the squared surprise; the return that of a day's surprise with the sign of
    the one before. Both are independent standard normal as long as the surprises are.
    """
    there = np.isfinite(scores)
    square = special.gammainc(0.5, np.where(there, scores, 1.0) ** 2 / 2)
    tiny = np.finfo(float).eps
    spread = np.where(there, special.ndtri(np.clip(square, tiny, 1 - tiny)), np.nan)
    back = np.full(scores.shape, np.nan)
    sign = np.full(len(scores), np.nan)
    for day in range(scores.shape[1]):
        back[:, day] = scores[:, day] * sign
        sign = np.where(there[:, day], np.where(scores[:, day] < 0, -1.0, 1.0), sign)
    return spread, back


def _sides(measure: Measure) -> list[int]:
    sides = {"low": [-1], "high": [1], "either": [-1, 1]}
    if measure.worse not in sides:
        raise DataError(
            f"Worse is low, high or either, got {measure.worse!r} of {measure.name}.", hint="Choose one."
        )
    return sides[measure.worse]


def _grid(days: pl.DataFrame, names: Sequence[str]) -> tuple[Floats, int]:
    """Values (measures, days) without a day left out, after the last gap too long; the first day's number."""
    if lacking := [name for name in ("day", *names) if name not in days.columns]:
        raise DataError(f"The daily data have no column {', '.join(lacking)}.", hint="Name them so.")
    if days["day"].dtype != pl.Date or days["day"].null_count():
        raise DataError("The column day must hold a date in each row.", hint="Cast it to a date.")
    table = days.select("day", pl.col(*names).cast(pl.Float64)).sort("day")
    twice = table.filter(pl.col("day").is_duplicated())["day"]
    if len(twice):
        raise DataError(f"The day {twice[0]} comes twice.", hint="Give one value a day.")
    values = table.select(names).to_numpy().T.astype(float)
    if np.isinf(values).any():
        raise DataError("A daily value is infinite.", hint="Leave it empty where it is not known.")
    ordinals = np.array([day.toordinal() for day in table["day"]], dtype=int)
    kept = np.isfinite(values).any(axis=0)
    ordinals, values = ordinals[kept], values[:, kept]
    if not len(ordinals):
        return np.empty((len(names), 0)), 1
    gaps = np.flatnonzero(np.diff(ordinals) > LONGEST_GAP)
    start = int(gaps[-1]) + 1 if len(gaps) else 0
    ordinals, values = ordinals[start:], values[:, start:]
    grid = np.full((len(names), ordinals[-1] - ordinals[0] + 1), np.nan)
    grid[:, ordinals - ordinals[0]] = values
    return grid, int(ordinals[0])


def _missing(name: str, values: Floats) -> list[str]:
    there = np.isfinite(values)
    pairs = int((there[1:] & there[:-1]).sum())
    wanted = (("a shift", LEAST), ("a rising spread and a slower return", LEAST_SLOWING))
    return [
        f"{name}: {what} is judged from {least} days with the day before recorded too; there are {pairs}, "
        f"{least - pairs} more are needed"
        for what, least in wanted
        if pairs < least
    ]
