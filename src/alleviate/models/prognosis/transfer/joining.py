"""One encoder for two populations: the source model sees there what it would see by its own."""

from dataclasses import replace

import numpy as np
import polars as pl

from alleviate.models.encoding import EncodedColumn, Encoder
from alleviate.models.encoding.encoder import POOLED
from alleviate.models.prognosis.contract import Predictor
from alleviate.models.prognosis.placed import placed
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["joined", "moved"]


def joined(source: Encoder, frame: pl.DataFrame) -> Encoder:
    """The columns of ``source`` whose features ``frame`` has, then what ``frame`` has besides.

    Gaps are filled as the source fills them. Raises ``InputError`` where a feature of one name is a category
    in one population and a number in the other.
    """
    own = Encoder.fit(frame)
    for name, kind in own.kinds.items():
        if ("category" in (kind, there := source.kinds.get(name, kind))) and kind != there:
            raise InputError(
                f"Expected the feature {name} to be a {there}, as in the source, got a {kind}.",
                hint="Give it the source's values, or another name.",
            )
    columns = [column for column in source.columns if column.feature in own.kinds]
    known = {_key(column) for column in columns}
    # the source's pool of rare levels stays its own
    pools = {column.feature for column in columns if column.level == POOLED}
    columns += [
        c for c in own.columns if _key(c) not in known and not (c.level == POOLED and c.feature in pools)
    ]
    both = {name: {*source.levels.get(name, ()), *levels} for name, levels in own.levels.items()}
    return replace(
        own,
        fill={name: float(source.fill.get(name, value)) for name, value in own.fill.items()},
        levels={name: sorted(levels) for name, levels in both.items()},
        pooled={
            name: list(source.pooled[name] if name in pools else pooled)
            for name, pooled in own.pooled.items()
        },
        columns=tuple(columns),
        dropped={name: why for name, why in own.dropped.items() if name not in {c.feature for c in columns}},
    )


def moved(predictor: Predictor, source: Encoder, encoder: Encoder) -> Predictor:
    """A predictor on the columns of ``source``, on those of ``encoder`` (see ``joined``)."""
    at, always = _places(source, encoder)
    return placed(predictor, at, always, len(encoder.columns))


def _places(source: Encoder, encoder: Encoder) -> tuple[Ints, Floats]:
    there = {_key(column): j for j, column in enumerate(encoder.columns)}
    at = np.array([there.get(_key(column), -1) for column in source.columns], dtype=np.int64)
    return at, np.array([_missing(source, column) for column in source.columns], dtype=float)


def _missing(source: Encoder, column: EncodedColumn) -> float:
    """What the source's encoder makes of a feature that is missing."""
    if column.role == "missing":
        return 1.0
    return source.fill[column.feature] if column.role == "value" else column.mean


def _key(column: EncodedColumn) -> tuple[str, str, str | None]:
    return column.feature, column.role, column.level
