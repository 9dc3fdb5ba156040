"""What people have: values of each feature, and which go together. No person's row is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.prognosis.deep.sequences import EVENTS
from alleviate.models.prognosis.explained.values import Value, columns_of
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.trial import Floats

__all__ = ["Seen"]

POINTS = 15
"""Values kept of a number: so many quantiles."""

OUTER = 0.02
"""Share of people at either end whose values are nobody else's business, and no example."""

FEWEST = 10
"""A level that fewer people have is no example."""

COMMON = 0.95
"""Share of people who are taken to be like others."""


@dataclass(frozen=True, slots=True)
class Seen:
    """``values``: of each feature that the model uses, with its spread: the SD of a number, 1 of a level.

    ``columns`` (q,): the encoded columns judged together; their ``mean`` (q,) and ``precision`` (q, q), the
    inverse of their covariance, a little drawn to its diagonal. ``common``: the squared distance from the

    mean person that a share ``COMMON`` of people do not exceed."""

    values: Mapping[str, tuple[Value, ...]]
    spread: Mapping[str, float]
    columns: tuple[int, ...]
    mean: Floats
    precision: Floats
    common: float

    @classmethod
    def of(cls, model: PrognosisModel, frame: pl.DataFrame) -> "Seen":
        """Of the people learned from."""
        x, kept = model.encode(frame).x, set(model.features_kept)
        values: dict[str, tuple[Value, ...]] = {}
        spread: dict[str, float] = {}
        columns: list[int] = []
        for name in model.features:
            if name not in kept or name == EVENTS:
                continue
            number = model.encoder.kinds[name] == "number"
            own = frame[name].drop_nulls()
            roles = ("value",) if number else ("value", "level")
            columns += [
                j for j in columns_of(model.encoder, name).tolist() if model.encoder.columns[j].role in roles
            ]
            found = _quantiles(own) if number else _levels(own)
            if len(found) > 1:
                values[name] = found
                spread[name] = float(own.cast(pl.Float64).to_numpy().std()) or 1.0 if number else 1.0
        part = x[:, columns]
        covariance = np.atleast_2d(np.cov(part, rowvar=False)) if columns else np.zeros((0, 0))
        drawn = 0.95 * covariance + 0.05 * np.diag(np.diag(covariance)) + 1e-9 * np.eye(len(columns))
        mean, precision = part.mean(axis=0), np.asarray(np.linalg.inv(drawn), dtype=float)
        common = float(np.quantile(_distance(part - mean, precision), COMMON))
        return cls(values, spread, tuple(columns), mean, precision, common)

    def strangeness(self, x: Floats) -> Floats:
        """(n,) squared distance of Mahalanobis from the mean person."""
        return _distance(x[:, list(self.columns)] - self.mean, self.precision)

    def to_json(self) -> dict[str, Any]:
        return {
            "values": {name: list(own) for name, own in self.values.items()},
            "spread": dict(self.spread),
            "columns": list(self.columns),
            "mean": self.mean.tolist(),
            "precision": self.precision.tolist(),
            "common": self.common,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Seen":
        return cls(
            {name: tuple(own) for name, own in data["values"].items()},
            dict(data["spread"]),
            tuple(data["columns"]),
            np.array(data["mean"], dtype=float),
            np.array(data["precision"], dtype=float).reshape(2 * (len(data["columns"]),)),
            float(data["common"]),
        )


def _distance(away: Floats, precision: Floats) -> Floats:
    return np.asarray(((away @ precision) * away).sum(axis=1), dtype=float)


def _quantiles(own: pl.Series) -> tuple[Value, ...]:
    if not len(own):
        return ()
    at = np.linspace(OUTER, 1.0 - OUTER, POINTS)
    found = np.quantile(own.cast(pl.Float64).to_numpy(), at, method="nearest")
    return tuple(np.unique(found).tolist())


def _levels(own: pl.Series) -> tuple[Value, ...]:
    return tuple(level for level in sorted(own.unique().to_list()) if (own == level).sum() >= FEWEST)
