"""How surprising each day is, given this person's days before it: standard normal while nothing changes.

A self-starting chart (Hawkins 1987, The Statistician 36:299-315) on the recursive residuals (Brown, Durbin
& Evans 1975, JRSS B 37:149-192) of a person's own AR(1): level, dependence on the day before and noise are
learned from all earlier days, and a day's residual is divided by its prediction error, in which the
uncertainty of what was learned has its share. Hence there is no fixed baseline whose error every later day
repeats, and no threshold that is too tight because the parameters are only estimated.
"""

import numpy as np
from scipy import special

from alleviate.models.trial import Floats

__all__ = ["STEEPEST", "surprise"]

STEEPEST = 0.95
"""The largest dependence on the day before that is believed; beyond it a series has no level to return to."""

_MOST = 8.0
"""Standard deviations; what lies beyond counts as that."""


def surprise(days: Floats, least: int) -> Floats:
    """Normal scores (series, days) of ``days`` (series, days; NaN where nothing was recorded).

    NaN for a day without a value and until ``least`` pairs of days in a row (4 or more) have been seen. After
    a gap the day is predicted over the gap. The AR(1) coefficient is corrected for its bias in short series,
    (1 + 3φ)/n (Marriott & Pope 1954, Biometrika 41:390-402).
    """
    series, length = days.shape
    state = _Learned(series)
    scores = np.full((series, length), np.nan)
    for day in range(length):
        value = days[:, day]
        there = np.isfinite(value)
        judged = there & (state.pairs >= least)
        scores[judged, day] = state.scores(value, judged)
        state.learn(value, there)
    return scores


class _Learned:
    """What the days so far tell of every series: running sums of the pairs (day before, day)."""

    def __init__(self, series: int) -> None:
        self.pairs = np.zeros(series)
        self._mean = np.zeros((2, series))  # of the day before, of the day
        self._xx, self._xy, self._yy = np.zeros((3, series))
        self._known, self._level = np.zeros((2, series))  # days with a value, and their mean
        self._last = np.full(series, np.nan)
        self._gap = np.ones(series)  # days since the last value

    def scores(self, value: Floats, judged: np.ndarray) -> Floats:
        n, xx, xy, yy = (each[judged] for each in (self.pairs, self._xx, self._xy, self._yy))
        before, after = self._mean[:, judged]
        last, gap = self._last[judged], self._gap[judged]
        constant = xx <= 0
        xx = np.where(constant, 1.0, xx)
        slope = np.where(constant, 0.0, xy / xx)
        noise = np.maximum(yy - slope * xy, 0.0) / (n - 2)
        slope = np.clip(slope + (1 + 3 * slope) / n, -STEEPEST, STEEPEST)
        carried = slope**gap
        level = np.where(gap == 1, (after - slope * before) / (1 - slope), self._level[judged])
        expected = level + carried * (last - level)
        growth = (1 - carried**2) / (1 - slope**2)
        of_level = ((1 - carried) / (1 - slope)) ** 2 / n
        of_slope = (gap * slope ** (gap - 1) * (last - before)) ** 2 / xx
        error = np.sqrt(noise * (growth + of_level + of_slope))
        off = value[judged] - expected
        # A series that never moved: a day like all others is no surprise, any other one is beyond measure.
        beyond = np.where(np.abs(off) < 1e-9, 0.0, np.copysign(_MOST, off))
        t = np.divide(off, error, out=beyond, where=error > 1e-9)
        result: Floats = np.clip(special.ndtri(special.stdtr(n - 2, t)), -_MOST, _MOST)
        return result

    def learn(self, value: Floats, there: np.ndarray) -> None:
        pair = there & np.isfinite(self._last) & (self._gap == 1)
        x, y = self._last[pair], value[pair]
        self.pairs[pair] += 1
        n = self.pairs[pair]
        dx, dy = x - self._mean[0, pair], y - self._mean[1, pair]
        self._mean[:, pair] += np.stack([dx, dy]) / n
        self._xx[pair] += dx * (x - self._mean[0, pair])
        self._xy[pair] += dx * (y - self._mean[1, pair])
        self._yy[pair] += dy * (y - self._mean[1, pair])
        self._known[there] += 1
        self._level[there] += (value[there] - self._level[there]) / self._known[there]
        self._gap = np.where(there, 1.0, self._gap + 1)
        self._last = np.where(there, value, self._last)
