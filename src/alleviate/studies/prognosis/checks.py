"""Refuses what would make a prognosis look better than it is: features that are, or tell, the outcome."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.stats import rankdata

from alleviate.intake.tables import Table
from alleviate.intake.tables.table import quoted
from alleviate.models.trial import Bools, Floats
from alleviate.terms.errors import DataError

__all__ = ["CERTAIN", "COPY", "SUSPICIOUS", "leaks"]

CERTAIN, SUSPICIOUS = 0.99, 0.97
"""AUC of one feature alone from which it is refused, or spoken of: the best of breast cancer has .975."""

COPY, NEAR_COPY = 0.98, 0.95
"""So too for agreement with a number: rank correlation, or share of variance between categories."""

TOGETHER = 0.999
"""Share of a number's variance that numbers together explain, from which they are its parts."""

FEWEST, FEWEST_EACH = 20, 10
"""People, and people with and without the event, below which one feature may tell all by chance."""

LARGE_LEVEL = 5
"""A category counts as evidence only with at least this many people."""

PEOPLE_A_FEATURE = 5


def leaks(table: Table, features: pl.DataFrame, y: Floats, number: Floats | None, outcome: str) -> list[str]:
    """Warnings of suspicious features. Raises ``DataError`` for one that all but is the outcome.

    ``y`` (n,) NaN where unknown: 0/1, or a number, or a level. ``number`` (n,): what 0/1 was cut from, or the
    time to an event. A feature is judged by its values, and by whether it was recorded at all (a date of
    discharge is there once someone was discharged). Numbers are also judged together, as parts of a sum.
    """
    two = bool(np.isin(y[np.isfinite(y)], (0.0, 1.0)).all())
    numbers = [values for values in (number, None if two else y) if values is not None]
    suspicious: list[str] = []
    for name in features.columns:
        certain, near = False, False
        for x, category in _readings(features[name]):
            if two:
                auc = _auc(x, y, category)
                certain, near = certain or auc >= CERTAIN, near or auc >= SUSPICIOUS
            for values in numbers:
                same = _agreement(x, values, category)
                certain, near = certain or same >= COPY, near or same >= NEAR_COPY
        if certain:
            raise DataError(
                f"{table.source}: expected features known before the outcome, but {quoted(name)} alone "
                f"all but tells {quoted(outcome)}.",
                hint=f"List {quoted(name)} under [features] known_after, or take it out of include.",
            )
        if near:
            suspicious.append(quoted(name))
    for values in numbers:
        _refuse_parts(table, features, values, outcome)
    if not suspicious:
        return []
    verb = "tells" if len(suspicious) == 1 else "each tell"
    return [
        f"{', '.join(suspicious)} alone {verb} {quoted(outcome)} almost surely: "
        "check that it is known beforehand, else list it under known_after."
    ]


def _readings(column: pl.Series) -> Iterator[tuple[Floats, bool]]:
    """(n,) the values, NaN where missing, and whether they are categories; and whether they are missing."""
    category = column.dtype == pl.String
    values = column.rank("dense") if category else column
    yield values.cast(pl.Float64).to_numpy(), category
    if column.null_count():
        yield column.is_null().cast(pl.Float64).to_numpy(), False


def _auc(x: Floats, y: Floats, category: bool) -> float:
    """From .5 to 1; of categories by the share of events in each."""
    x, y = _counted(x, y, category)
    event: Bools = y == 1.0
    events, others = int(event.sum()), int((~event).sum())
    if min(events, others) < FEWEST_EACH:
        return 0.5
    auc = float(rankdata(x)[event].sum() - events * (events + 1) / 2) / (events * others)
    return max(auc, 1.0 - auc)


def _agreement(x: Floats, y: Floats, category: bool) -> float:
    """From 0 to 1: the share of the variance of y between categories, or the rank correlation."""
    x, y = _counted(x, y, category)
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(x.var() / y.var()) if category else abs(float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]))


def _counted(x: Floats, y: Floats, category: bool) -> tuple[Floats, Floats]:
    """Those of whom both are known; of categories that are large enough, x is then their mean of y."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if not category:
        return x, y
    level = x.astype(int)
    people, total = np.bincount(level), np.bincount(level, weights=y)
    large = people[level] >= LARGE_LEVEL
    return (total[level] / people[level])[large], y[large]


def _refuse_parts(table: Table, features: pl.DataFrame, values: Floats, outcome: str) -> None:
    """Raises ``DataError`` where numbers add up to the outcome, as answers do to a questionnaire's total."""
    numbers = features.select(pl.selectors.float())
    x = numbers.to_numpy()
    whole = np.isfinite(values) & np.isfinite(x).all(axis=1)
    if numbers.width < 2 or whole.sum() < PEOPLE_A_FEATURE * (numbers.width + 1):
        return
    x, own = x[whole] - x[whole].mean(axis=0), values[whole] - values[whole].mean()
    slopes = np.linalg.lstsq(x, own)[0]
    if (own**2).sum() * (1.0 - TOGETHER) > ((own - x @ slopes) ** 2).sum():
        most = np.argsort(-np.abs(slopes) * x.std(axis=0), kind="stable")[:3]
        named = ", ".join(quoted(numbers.columns[i]) for i in most)
        raise DataError(
            f"{table.source}: expected features known before the outcome, but numbers among them add up to "
            f"{quoted(outcome)} ({named} and others).",
            hint="List the parts of the outcome under [features] known_after.",
        )
