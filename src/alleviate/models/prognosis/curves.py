"""A sum of one curve a column: what every additive candidate comes down to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from alleviate.models.trial import Floats

__all__ = ["Curve", "Curves"]


@dataclass(frozen=True, slots=True)
class Curve:
    """Straight between its ``knots`` (k,), ascending, where it has ``values`` (k,); level beyond them.

    So nobody outside the range learned from is foreseen as more extreme than its edge.
    """

    knots: Floats
    values: Floats

    def __call__(self, x: Floats) -> Floats:
        return np.interp(x, self.knots, self.values)


@dataclass(frozen=True)
class Curves:
    """``level`` plus one curve for each of p columns, each of mean 0 over the people learned from.

    Without interactions and with those means 0, a curve's value is its column's Shapley value.
    """

    level: float
    curves: tuple[Curve, ...]
    complexity: float

    @cached_property
    def _straight(self) -> tuple[tuple[int, ...], Floats, Floats, Floats, Floats]:
        """Columns that are one straight piece: which, low, high, value at low, slope."""
        at = tuple(j for j in self.used() if len(self.curves[j].knots) == 2)
        low, high = (np.array([self.curves[j].knots[i] for j in at]) for i in (0, 1))
        start, end = (np.array([self.curves[j].values[i] for j in at]) for i in (0, 1))
        return at, low, high, start, (end - start) / (high - low)

    def linear(self, x: Floats) -> Floats:
        at, low, high, start, slope = self._straight
        total: Floats = np.full(len(x), self.level)
        if at:
            total += (np.clip(x[:, list(at)], low, high) - low) @ slope + start.sum()
        for j in self.used():
            if len(self.curves[j].knots) != 2:
                total += self.curves[j](x[:, j])
        return total

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        added = np.zeros(x.shape)
        for j in self.used():
            added[:, j] = self.curves[j](x[:, j])
        return self.level, added

    def used(self) -> tuple[int, ...]:
        return self._used

    @cached_property
    def _used(self) -> tuple[int, ...]:
        return tuple(j for j, curve in enumerate(self.curves) if np.any(curve.values))

    def to_json(self) -> dict[str, Any]:
        kept = {str(j): [self.curves[j].knots.tolist(), self.curves[j].values.tolist()] for j in self.used()}
        return {
            "level": self.level,
            "columns": len(self.curves),
            "curves": kept,
            "complexity": self.complexity,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Curves":
        none = Curve(np.zeros(1), np.zeros(1))
        curves = [none] * int(data["columns"])
        for j, (knots, values) in data["curves"].items():
            curves[int(j)] = Curve(np.array(knots, dtype=float), np.array(values, dtype=float))
        return cls(float(data["level"]), tuple(curves), float(data["complexity"]))

    @classmethod
    def mixed(cls, parts: Sequence["Curves"], weights: Sequence[float]) -> "Curves":
        """The weighted sum of some, which is again one curve a column."""
        curves = []
        for own in zip(*(part.curves for part in parts), strict=True):
            knots = np.unique(
                np.concatenate([curve.knots for curve in own if np.any(curve.values)] or [np.zeros(1)])
            )
            values = sum(
                (w * curve(knots) for w, curve in zip(weights, own, strict=True)), np.zeros(len(knots))
            )
            curves.append(Curve(knots, values))
        total = zip(weights, parts, strict=True)
        level, freedom = np.sum([[w * part.level, w * part.complexity] for w, part in total], axis=0)
        return cls(float(level), tuple(curves), float(freedom))
