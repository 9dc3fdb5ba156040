"""The events of people's records as lists, for models that read courses: what was known at a moment."""

import polars as pl

__all__ = ["event_lists"]

PERSONAL = ("person", "consent", "note")
"""Kinds of events that say who somebody is, what they allow, or anything in words: none is learned from."""

EVENT = pl.struct("code", "days", "value")
DAY = 86_400_000_000
"""Microseconds."""


def event_lists(events: pl.DataFrame | pl.LazyFrame, moments: pl.DataFrame) -> pl.Series:
    """A list a line of ``moments``, in its order: each event's code, days before the moment (≥ 0), and value.

    ``events``: as ``alleviate.records.EVENTS``. ``moments``: subject_id, moment (UTC). The oldest event comes
    first; only what was known at the moment and stood then. Who had no event by then has an empty list.
    """
    lines = moments.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), pl.col("subject_id").cast(pl.String), "moment"
    )
    until = pl.col("known_until")
    known = (
        events.lazy()
        .filter(~pl.col("kind").cast(pl.String).is_in(PERSONAL))
        .join(lines.lazy(), on="subject_id")
        .filter(pl.col("known_at") <= pl.col("moment"), until.is_null() | (until > pl.col("moment")))
        .with_columns(
            apart=(pl.col("moment") - pl.col("time")).dt.total_microseconds(), value="numeric_value"
        )
        .sort("row", "time", "known_at", "code", "value", "entry")
        .collect()
    )
    # divided by numpy: polars may round the same quotient otherwise in a longer column
    days = pl.Series("days", known["apart"].to_numpy() / DAY)
    listed = known.with_columns(days).group_by("row", maintain_order=True).agg(EVENT.alias("events"))
    found = lines.select("row").join(listed, on="row", how="left", maintain_order="left")["events"]
    return found.fill_null(pl.Series([[]], dtype=found.dtype).first()) if found.null_count() else found
