"""Features of a whole cohort in one pass: the same rows as ``at`` gives, compiled to Polars."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from alleviate.features.plain import DAY, WEEK, YEAR, kind_error
from alleviate.features.spec import Feature, FeatureSpec, Take
from alleviate.features.tables import schema
from alleviate.terms.errors import DataError

__all__ = ["cohort_table"]

BATCH = 100_000
"""So many moments are worked out at once: what bounds the memory."""

UTC_TIME = pl.Datetime("us", "UTC")
ORDER = ("row", "time", "known_at", "rank", "number", "text")
"""Of the events of a line. Null comes first, as in a record."""

row, number, time, moment = map(pl.col, ("row", "number", "time", "moment"))


def _spans(later: pl.Expr, earlier: pl.Expr, unit: timedelta) -> pl.Expr:
    return (later - earlier).dt.total_microseconds().truediv(unit / timedelta(microseconds=1))


def _slope() -> pl.Expr:
    """By least squares, a week. Times count from the first, so that none is lost to rounding."""
    weeks = _spans(time, time.first(), WEEK)
    off = weeks - weeks.mean()
    return (off * (number - number.mean())).sum() / (off * off).sum()


OF_EVENTS: Mapping[Take, pl.Expr] = {
    "count": pl.len().cast(pl.Float64),
    "ever": pl.len() > 0,
    "time-since": _spans(moment.first(), time.last(), DAY),
    "time-since-first": _spans(moment.first(), time.first(), DAY),
    "duration": _spans(time.last(), time.first(), DAY),
    "age": _spans(moment.first(), time.last(), YEAR),
}
OF_NUMBERS: Mapping[Take, pl.Expr] = {
    "mean": number.mean(),
    "min": number.min(),
    "max": number.max(),
    "sd": number.std(),
    "slope": pl.when(pl.len() > 1).then(_slope()),
    "change": pl.when(pl.len() > 1).then(number.last() - number.first()),
    "change-last-two": number.last() - number.get(-2, null_on_oob=True),
}
FOUND = pl.struct("number", "text", "time")
OF_VALUES: Mapping[Take, pl.Expr] = {
    "last": FOUND.last(),
    "first": FOUND.filter(number.is_not_null() | pl.col("text").is_not_null()).first(),
}
NOTHING: Mapping[Take, float | bool] = {"count": 0.0, "ever": False}
"""What a take gives without any events; the others are unknown."""


def cohort_table(
    events: pl.DataFrame | pl.LazyFrame, moments: pl.DataFrame, spec: FeatureSpec
) -> pl.DataFrame:
    """One line a line of ``moments``, in its order: subject_id, moment, and each feature as known then.

    ``events``: as ``alleviate.records.EVENTS``. ``moments``: subject_id, moment (UTC), and, if a feature
    looks since the start, ``start`` (UTC, null where there is none); a person may have several. Raises
    DataError where these are otherwise, or where a last or first value is not of its feature's kind.
    """
    lines = _lines(moments, spec)
    ranks = _ranks(events, spec)
    batches = [
        _batch(events.lazy(), lines[i : i + BATCH], ranks, spec) for i in range(0, lines.height, BATCH)
    ]
    table = pl.concat(batches) if batches else pl.DataFrame(schema=schema(spec))
    return pl.concat([lines.select("subject_id", "moment"), table], how="horizontal")


def _lines(moments: pl.DataFrame, spec: FeatureSpec) -> pl.DataFrame:
    """Row, subject_id, moment, start: checked, and start null where it is not given."""
    taken = {"subject_id", "moment"}.intersection(spec.names)
    if taken:
        raise DataError(f"A feature may not be called {min(taken)}.", hint="Rename it.")
    needed = ["subject_id", "moment", *(["start"] if any(f.since_start for f in spec.features) else [])]
    for name in needed:
        if name not in moments.columns:
            raise DataError(
                f'Moments need a column "{name}", found {", ".join(moments.columns)}.', hint="Add it."
            )
    for name in needed[1:]:
        dtype = moments.schema[name]
        if not (isinstance(dtype, pl.Datetime) and dtype.time_zone == "UTC"):
            raise DataError(f'"{name}" must hold moments in UTC, got {dtype}.', hint="Convert it.")
    if any(moments[name].null_count() for name in needed[:2]):
        raise DataError("A line of moments has no subject_id or no moment.", hint="Leave it out.")
    start = pl.col("start") if "start" in needed else pl.lit(None)
    return moments.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        pl.col("subject_id").cast(pl.String),
        pl.col("moment").cast(UTC_TIME),
        start.cast(UTC_TIME).alias("start"),
    )


def _ranks(events: pl.DataFrame | pl.LazyFrame, spec: FeatureSpec) -> pl.DataFrame:
    """The codes that any feature means, with their rank in order of the alphabet."""
    there = events.lazy().select(pl.col("code").unique()).collect(engine="streaming")["code"]
    used = sorted(code for code in there if any(feature.matches(code) for feature in spec.features))
    return pl.DataFrame(
        {"code": used, "rank": range(len(used))}, schema={"code": pl.String, "rank": pl.UInt32}
    )


def _batch(events: pl.LazyFrame, lines: pl.DataFrame, ranks: pl.DataFrame, spec: FeatureSpec) -> pl.DataFrame:
    """The features of some lines."""
    known = _known(events, lines, ranks, spec)
    rows = lines.select("row", "start")
    by_source: dict[tuple[Any, ...], list[Feature]] = {}
    for feature in spec.features:
        by_source.setdefault(feature.selection, []).append(feature)
    for features in by_source.values():
        for found in _worked_out(_selected(known, features[0], ranks), features):
            rows = rows.join(found, on="row", how="left", maintain_order="left")
    return rows.select(_finished(feature, rows, lines) for feature in spec.features)


def _known(events: pl.LazyFrame, lines: pl.DataFrame, ranks: pl.DataFrame, spec: FeatureSpec) -> pl.DataFrame:
    """The events that each line knew, in the order of a record, then of their time."""
    kinds = ["kind"] if any(feature.events for feature in spec.features) else []
    starts = ["start"] if any(feature.since_start for feature in spec.features) else []
    until = pl.col("known_until")
    return (
        events.join(ranks.lazy(), on="code")
        .join(lines.lazy(), on="subject_id")
        .filter(pl.col("known_at") <= pl.col("moment"), until.is_null() | (until > pl.col("moment")))
        .rename({"numeric_value": "number", "text_value": "text"})
        .select(*ORDER, "moment", *kinds, *starts)
        .collect(engine="streaming")
        .sort(ORDER)
        .with_columns(row.set_sorted())
    )


def _selected(known: pl.DataFrame, feature: Feature, ranks: pl.DataFrame) -> pl.DataFrame:
    """The events that a feature is made of."""
    meant = [rank for code, rank in ranks.iter_rows() if feature.matches(code)]
    conditions = [pl.col("rank").is_in(meant)]
    if feature.days is not None:
        conditions.append(time >= moment - pl.duration(days=feature.days))
    if feature.since_start:
        conditions.append(time >= pl.col("start"))
    if feature.text:
        conditions.append(pl.col("text").is_in(list(feature.text)))
    if feature.events is not None:
        conditions.append(pl.col("kind") == feature.events)
    return known.filter(conditions)


def _worked_out(events: pl.DataFrame, features: Iterable[Feature]) -> Iterable[pl.DataFrame]:
    """Row and takes: of these events; of those that stand, one a time; of those of them with a number."""
    settled = ((row != row.shift(-1)) | (time != time.shift(-1))).fill_null(True)
    for takes, condition in (
        (OF_EVENTS, None),
        (OF_VALUES, settled),
        (OF_NUMBERS, settled & number.is_not_null()),
    ):
        wanted = [takes[feature.take].alias(feature.name) for feature in features if feature.take in takes]
        if wanted:
            part = events if condition is None else events.filter(condition)
            yield part.group_by("row", maintain_order=True).agg(wanted)


def _finished(feature: Feature, rows: pl.DataFrame, lines: pl.DataFrame) -> pl.Series:
    """The column of a feature: values of its kind, and what it is without events."""
    column = rows[feature.name]
    if feature.take in OF_VALUES:
        return _typed(feature, column, lines)
    if feature.take not in NOTHING:
        return column
    filled = column.fill_null(NOTHING[feature.take])
    return filled.set(rows["start"].is_null(), None) if feature.since_start else filled


def _typed(feature: Feature, column: pl.Series, lines: pl.DataFrame) -> pl.Series:
    """The number or the text of the values found. Raises DataError where one is of another kind."""
    number, text = column.struct.field("number"), column.struct.field("text")
    if feature.kind == "category":
        unfit, values = text.is_null() & number.is_not_null(), text
    elif feature.kind == "boolean":
        unfit = number.is_in([0.0, 1.0]).not_() | (number.is_null() & text.is_not_null())
        values = number == 1.0
    else:
        unfit, values = number.is_null() & text.is_not_null(), number
    for line in unfit.fill_null(False).arg_true().head(1):
        found = text[line] if number[line] is None else number[line]
        raise kind_error(feature, lines["subject_id"][line], found, column.struct.field("time")[line])
    return values.alias(feature.name)
