"""The end score regressed on the scores so far and on intake, one ridge regression per stage.

It assumes no curve. Whoever left has no end score; those who stayed stand for them by inverse probability.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.courses.growth import Foreseen, so_far
from alleviate.models.courses.histories import Histories
from alleviate.models.regressors import AveragedRidge
from alleviate.models.trial import Floats, Ints

__all__ = ["Direct", "course_features", "fit_direct"]

LAGS = 3


def course_features(histories: Histories, gap: float) -> Floats:
    """(N, 9): of the main scores so far the first, the last, the three before it, the mean and the slope;

    the time left, and log time."""
    rows, stage = np.arange(len(histories.score)), histories.stage
    start = histories.first[histories.person]
    lags = [histories.score[np.maximum(rows - lag, start)] for lag in range(LAGS + 1)]
    first = histories.score[start]
    log = np.log1p(histories.time / gap)
    sums = so_far(
        np.column_stack([histories.score - first, log, log**2, log * (histories.score - first)]), histories
    )
    y, t, tt, ty = sums.T
    slope = (ty - t * y / stage) / (tt - t**2 / stage + 1.0)
    return np.column_stack([first, *lags, first + y / stage, slope, histories.remaining, log])


@dataclass(frozen=True, slots=True)
class Direct:
    """``coefficients`` (S, q), ``level`` (S,), ``sd`` (S,): for people with 1, 2, … S or more scores."""

    coefficients: Floats
    level: Floats
    sd: Floats

    def foresee(self, stage: Ints, columns: Floats) -> Foreseen:
        """``stage`` (N,) from 0; ``columns`` (N, q): course features, then intake."""
        mean = (self.coefficients[stage] * columns).sum(axis=1) + self.level[stage]
        return Foreseen(mean, self.sd[stage])

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Direct":
        return cls(*(np.array(data[name], dtype=float) for name in cls.__slots__))


def fit_direct(stage: Ints, columns: Floats, end: Floats, weight: Floats, stages: int) -> Direct:
    """``stage`` (R,) from 0, ``columns`` (R, q), known ``end``, ``weight`` (R,) > 0; one fit per stage."""
    coefficients, level, sd = np.zeros((stages, columns.shape[1])), np.zeros(stages), np.ones(stages)
    for s in range(stages):
        here = np.flatnonzero(stage == s)
        x, y, w = columns[here], end[here], weight[here]
        ridge = AveragedRidge().fit(x, y, w)
        coefficients[s], level[s] = ridge.coef_, ridge.intercept_
        off = y - ridge.predict(x)
        people = float(w.sum() ** 2 / (w**2).sum())
        lost = min(columns.shape[1] + 1.0, people / 2)
        sd[s] = np.sqrt(np.average(off**2, weights=w) * people / (people - lost))
    return Direct(coefficients, level, np.maximum(sd, 1e-6))
