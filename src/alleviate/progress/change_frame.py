"""Many changes at once: the fast twin of `alleviate.progress.change`, held equal to it by a test."""

import polars as pl

from alleviate.instruments import Instrument
from alleviate.progress.change import RESPONSE, ROUNDING
from alleviate.terms.errors import DataError

__all__ = ["CHANGES", "change_frame"]

CHANGES = (
    "improvement", "reliable", "important", "response", "remission",
    "case_first", "case_last", "recovery", "reliable_recovery",
)  # fmt: skip
"""The columns of `change_frame`, as the fields of `Change`."""


def change_frame(instrument: Instrument, frame: pl.DataFrame) -> pl.DataFrame:
    """``first`` and ``last`` (totals, null where missing) in, the columns ``CHANGES`` out, row by row.

    ``sex`` is used where it is there. Raises DataError for a total out of range.
    """
    if instrument.total != "sum":
        raise DataError(f"{instrument.abbreviation} has no change in points.", hint="Follow its levels.")
    low, high = instrument.range
    for name in ("first", "last"):
        wrong = frame.filter(~pl.col(name).cast(pl.Float64).is_between(low, high))[name]
        if len(wrong):
            raise DataError(
                f"A total of {instrument.abbreviation} is from {low:g} to {high:g}, got {wrong[0]:g} in "
                f"{name!r}.",
                hint="Leave it empty where it is not known.",
            )
    down = instrument.direction == "higher is worse"
    first, last = pl.col("first").cast(pl.Float64), pl.col("last").cast(pl.Float64)
    improvement = first - last if down else last - first
    both = improvement.is_not_null()
    rule, remission = instrument.reliable_change, instrument.remission
    verdict = _verdict(improvement, rule.least) if rule else _nothing(pl.String())
    proven = rule is not None and rule.kind == "reliable change"
    reliable = verdict if proven else _nothing(pl.String())
    important = _nothing(pl.String()) if proven else verdict
    response = (
        pl.when(first > low).then(improvement >= RESPONSE * (first - low) - ROUNDING)
        if down
        else _nothing(pl.Boolean())
    )
    remitted = (
        _nothing(pl.Boolean())
        if remission is None
        else last <= remission.threshold
        if down
        else last >= remission.threshold
    )
    threshold = _threshold(instrument, frame)
    before, after = ((total >= threshold if down else total <= threshold) for total in (first, last))
    recovery = pl.when(before).then(~after)
    lasting = pl.when(before & reliable.is_not_null()).then(~after & (reliable == "improved"))
    columns = (improvement, reliable, important, response, remitted, before, after, recovery, lasting)
    return frame.select(
        pl.when(both).then(column).alias(name) for name, column in zip(CHANGES, columns, strict=True)
    )


def _nothing(dtype: pl.DataType) -> pl.Expr:
    return pl.lit(None, dtype=dtype)


def _verdict(improvement: pl.Expr, least: float) -> pl.Expr:
    return (
        pl.when(improvement >= least - ROUNDING)
        .then(pl.lit("improved"))
        .when(-improvement >= least - ROUNDING)
        .then(pl.lit("deteriorated"))
        .when(improvement.is_not_null())
        .then(pl.lit("no reliable change"))
    )


def _threshold(instrument: Instrument, frame: pl.DataFrame) -> pl.Expr:
    if instrument.caseness is None:
        return _nothing(pl.Float64())
    threshold = pl.lit(instrument.caseness.threshold, dtype=pl.Float64)
    if "sex" in frame.columns:
        for sex, own in instrument.caseness.by_sex.items():
            threshold = pl.when(pl.col("sex") == sex).then(pl.lit(float(own))).otherwise(threshold)
    return threshold
