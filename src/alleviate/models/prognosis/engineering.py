"""Features made from others, without a look at the outcome."""

from collections.abc import Mapping

import polars as pl

from alleviate.terms.errors import InputError

__all__ = ["with_changes"]


def with_changes(frame: pl.DataFrame, changes: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    """``frame`` with a column "later − earlier" for each of ``changes``: name → (later, earlier).

    Null where either lacks; all null where ``frame`` has no such column. Raises ``InputError`` for text.
    """
    made: list[pl.Expr] = []
    for name, pair in changes.items():
        if not set(pair) <= set(frame.columns):
            made.append(pl.lit(None, dtype=pl.Float64).alias(name))
            continue
        for source in pair:
            if not (frame[source].dtype.is_numeric() or frame[source].dtype == pl.Null):
                raise InputError(
                    f"The change {name} needs numbers, but {source} holds {frame[source].dtype}.",
                    hint="Name two columns of numbers under [features] changes.",
                )
        later, earlier = (pl.col(source).cast(pl.Float64) for source in pair)
        made.append((later - earlier).alias(name))
    return frame.with_columns(made) if made else frame
