"""Other values for a feature of people who are encoded already."""

from collections.abc import Sequence

import numpy as np

from alleviate.models.encoding import Encoder
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.trial import Floats, Ints

__all__ = ["Value", "columns_of", "with_values"]

Value = float | str | bool

POOLED = "(rare)"


def columns_of(encoder: Encoder, feature: str) -> Ints:
    """Its columns among the encoded."""
    return np.array([j for j, c in enumerate(encoder.columns) if c.feature == feature], dtype=np.int64)


def with_values(model: PrognosisModel, x: Floats, feature: str, values: Sequence[Value]) -> Floats:
    """A copy of encoded people (n, p), each with their own of ``values`` (n)."""
    x, encoder = x.copy(), model.encoder
    for j in columns_of(encoder, feature):
        column = encoder.columns[j]
        if column.role == "missing":
            x[:, j] = 0.0
        elif column.role == "level":
            named = encoder.pooled[feature] if column.level == POOLED else (column.level,)
            x[:, j] = [value in named for value in values]
        else:
            x[:, j] = np.array(values, dtype=float)
    return x
