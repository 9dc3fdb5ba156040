"""A predictor from elsewhere, put to work on the columns of another encoder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.prognosis.contract import Predictor
from alleviate.models.prognosis.curves import Curve, Curves
from alleviate.models.trial import Floats, Ints

__all__ = ["Placed", "placed", "restored"]

AT, ALWAYS, INNER = "at", "always", "placed"


@dataclass(frozen=True, slots=True)
class Placed:
    """``at`` (p,): where each column of ``inner`` lies among those here, −1 where nobody here has it; it is

    then ``always`` (p,) the same. What such columns add, which varies only by interactions, is shared out in
    equal parts among the columns used, so that contributions still sum to ``linear``."""

    inner: Predictor
    at: Ints
    always: Floats

    def _inner(self, x: Floats) -> Floats:
        own = np.tile(self.always, (len(x), 1))
        here = self.at >= 0
        own[:, here] = x[:, self.at[here]]
        return own

    def linear(self, x: Floats) -> Floats:
        return self.inner.linear(self._inner(x))

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        level, own = self.inner.contributions(self._inner(x))
        here, added = self.at >= 0, np.zeros(x.shape)
        added[:, self.at[here]] = own[:, here]
        rest, used = own[:, ~here].sum(axis=1), list(self.used())
        if not used:
            return level + float(rest[0] if len(rest) else 0.0), added
        added[:, used] += rest[:, None] / len(used)
        return level, added

    @property
    def complexity(self) -> float:
        return self.inner.complexity

    def used(self) -> tuple[int, ...]:
        return tuple(sorted(int(self.at[j]) for j in self.inner.used() if self.at[j] >= 0))

    def to_json(self) -> dict[str, Any]:
        return {INNER: self.inner.to_json(), AT: self.at.tolist(), ALWAYS: self.always.tolist()}


def placed(predictor: Predictor, at: Ints, always: Floats, columns: int) -> Predictor:
    """``predictor`` among ``columns`` others. Of curves, those of columns that nobody has are a level."""
    if not isinstance(predictor, Curves):
        return Placed(predictor, at, always)
    curves = [Curve(np.zeros(1), np.zeros(1))] * columns
    level = predictor.level
    for curve, place, value in zip(predictor.curves, at.tolist(), always.tolist(), strict=True):
        if place >= 0:
            curves[place] = curve
        else:
            level += float(curve(np.array([value]))[0])
    return Curves(level, tuple(curves), predictor.complexity)


def restored(data: Mapping[str, Any], restore: Callable[[Mapping[str, Any]], Predictor]) -> Predictor:
    """What ``to_json`` left, ``restore`` reading the predictor itself."""
    if INNER not in data:
        return restore(data)
    return Placed(
        restored(data[INNER], restore),
        np.array(data[AT], dtype=np.int64),
        np.array(data[ALWAYS], dtype=float),
    )
