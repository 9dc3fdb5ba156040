"""What is usually done to foresee a course: a mixed model, the last value carried on, the mean course."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit
from statsmodels.regression.mixed_linear_model import MixedLM

from alleviate.models.courses.course import fit_courses
from alleviate.models.courses.growth import so_far
from alleviate.models.courses.histories import Histories
from alleviate.models.courses.scale import Scale
from alleviate.models.encoding import Encoder
from alleviate.models.trial import Floats, Ints

__all__ = ["RIVALS", "WAYS", "Foreseen", "Rival", "foresee"]

Rival = Literal["mixed model", "last value", "mean course"]
RIVALS: tuple[Rival, ...] = ("mixed model", "last value", "mean course")
WAYS = ("ours", *RIVALS)
SCORES = ("next", "next_low", "next_high", "end", "low", "high")
REACH = 1.645
"""A normal band of 90 %."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One entry per visit (N,), from the scores up to it. ``off``: the chance of no reliable improvement.

    Where a way has no bands they are NaN; where it has no chances ``off`` only puts people in order."""

    next: Floats
    next_low: Floats
    next_high: Floats
    end: Floats
    low: Floats
    high: Floats
    off: Floats

    @classmethod
    def empty(cls, rows: int) -> "Foreseen":
        return cls(*(np.full(rows, np.nan) for _ in cls.__slots__))

    def put(self, rows: Ints, found: "Foreseen") -> None:
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(found, name)


def foresee(way: str, train: Histories, test: Histories, scale: Scale, seed: int) -> Foreseen:
    """Learned from ``train`` alone. Visits are one apart."""
    if way == "ours":
        found = fit_courses(train, scale, seed=seed).forecast(test)
        bands = {name: getattr(found, name) for name in SCORES}
        return Foreseen(**bands, off=1.0 - found.p_improve)
    if way == "mixed model":
        return _mixed(train, test, scale)
    if way == "last value":
        return _points(test, scale, test.score, test.score)
    mean = np.array([train.score[train.time == t].mean() for t in range(int(train.horizon.max()) + 1)])
    end = test.horizon[test.person].astype(int)
    return _points(test, scale, mean[np.minimum(test.time.astype(int) + 1, end)], mean[end])


def _points(test: Histories, scale: Scale, near: Floats, end: Floats) -> Foreseen:
    """Without bands; people in order of the change so foreseen."""
    none = np.full(len(near), np.nan)
    start = test.score[test.first][test.person]
    gain = start - end if scale.better == "lower" else end - start
    return Foreseen(near, none, none, end, none, none, expit(-gain / scale.reliable))


def _mixed(train: Histories, test: Histories, scale: Scale) -> Foreseen:
    """Random intercept and slope in log time, intake bearing on both; ``test`` by BLUP after each visit."""
    encoder = Encoder.fit(train.features)
    x, new = (encoder.transform(part.features).x for part in (train, test))
    centre, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    x, new = (x - centre) / spread, (new - centre) / spread
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of the edge of its parameters, and is judged there too
        fitted = MixedLM(
            train.score, _fixed(train.time, x[train.person]), train.person, _random(train.time)
        ).fit(method=["bfgs", "lbfgs"])
    beta, noise = np.asarray(fitted.fe_params), float(fitted.scale)
    between = np.asarray(fitted.cov_re) + 1e-6 * noise * np.eye(2)
    z, mine = _random(test.time), new[test.person]
    left = test.score - _fixed(test.time, mine) @ beta
    precision = np.linalg.inv(between) + so_far(z[:, :, None] * z[:, None, :], test) / noise
    own = np.linalg.solve(precision, so_far(z * left[:, None], test)[:, :, None] / noise)[:, :, 0]
    horizon = test.horizon[test.person]
    found = []
    for time in (np.minimum(test.time + 1, horizon), horizon):
        way = _random(time)
        mean = _fixed(time, mine) @ beta + (way * own).sum(axis=1)
        doubt = (way * np.linalg.solve(precision, way[:, :, None])[:, :, 0]).sum(axis=1)
        found.append((mean, np.sqrt(doubt + noise)))
    (near, near_sd), (end, end_sd) = found
    better, _ = scale.change(end, end_sd, test.score[test.first][test.person])
    shown = [
        scale.clip(mean + reach * sd)
        for mean, sd in ((near, near_sd), (end, end_sd))
        for reach in (0, -REACH, REACH)
    ]
    return Foreseen(**dict(zip(SCORES, shown, strict=True)), off=1.0 - better)


def _random(time: Floats) -> Floats:
    return np.column_stack([np.ones_like(time), np.log1p(time)])


def _fixed(time: Floats, x: Floats) -> Floats:
    return np.column_stack([_random(time), x, x * np.log1p(time)[:, None]])
