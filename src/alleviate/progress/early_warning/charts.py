"""Control charts over standard normal scores, with thresholds that keep a stated rate of false alarms.

CUSUM (Page 1954, Biometrika 41:100-115) and one-sided EWMA (Roberts 1959, Technometrics 1:239-250) are one
recursion, ``s = max(0, keep · s + gain · (score - slack))``; it warns at a threshold and starts again.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize, special

from alleviate.models.trial import Floats
from alleviate.terms.errors import DataError

__all__ = ["DAYS", "LEVEL", "SLOW", "Chart", "Limit", "alarms", "run_length", "threshold"]

DAYS = 700
"""Days in 100 weeks: rates are alarms per 100 weeks of days with a value."""

_STATES = 160
_SETTLED = 200  # days after which a chart has forgotten where it began


@dataclass(frozen=True, slots=True)
class Chart:
    """The recursion's numbers. ``slack``: half of the shift in SD that it is to find fastest."""

    keep: float
    gain: float
    slack: float


LEVEL = Chart(1.0, 1.0, 0.25)
"""A CUSUM for a shift of half a standard deviation of a day's surprise."""
SLOW = Chart(0.95, 0.05, 0.0)
"""An EWMA of about the last 40 days, for what rises slowly."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a chart warns, and where it starts, at first and after a warning.

    It starts about where it is while nothing changes (a head start, Lucas & Crosier 1982, Technometrics
    24:199-205): from 0 false alarms would be rarer than stated at first.
    """

    at: float
    start: float


def alarms(scores: Floats, chart: Chart, limit: Limit) -> np.ndarray:
    """Where (series, days) the chart warns. A day without a score leaves it as it was."""
    state = np.full(len(scores), limit.start)
    warned = np.zeros(scores.shape, bool)
    for day in range(scores.shape[1]):
        score = scores[:, day]
        moved = np.maximum(0.0, chart.keep * state + chart.gain * (score - chart.slack))
        state = np.where(np.isfinite(score), moved, state)
        warned[:, day] = state >= limit.at
        state[warned[:, day]] = limit.start
    return warned


def run_length(chart: Chart, at: float) -> tuple[float, float]:
    """The mean number of days to a false alarm, and the start from which that is.

    The start is the root mean square of where the chart is while nothing changes and it has not warned. By a
    Markov chain (Brook & Evans 1972, Biometrika 59:539-549) on 0 and the middles of 160 equal steps.
    """
    width = at / _STATES
    edges = np.concatenate([[0.0], width * np.arange(1, _STATES + 1)])
    states = np.concatenate([[0.0], width * (np.arange(_STATES) + 0.5)])
    below = special.ndtr((edges[None, :] - chart.keep * states[:, None]) / chart.gain + chart.slack)
    moves = np.diff(below, axis=1, prepend=0.0)
    length = np.linalg.solve(np.eye(_STATES + 1) - moves, np.ones(_STATES + 1))
    usual = np.full(_STATES + 1, 1 / (_STATES + 1))
    for _ in range(_SETTLED):
        usual = usual @ moves
        usual /= usual.sum()
    start = float(np.sqrt(usual @ states**2))
    return float(np.interp(start, states, length)), start


@cache
def threshold(chart: Chart, rate: float) -> Limit:
    """The limit at which ``rate`` false alarms come in 100 weeks of days (0.01 to 50). Raises DataError."""
    if not 0.01 <= rate <= 50:
        raise DataError(
            f"A rate of false alarms is from 0.01 to 50 per 100 weeks, got {rate:g}.", hint="Say 1 or 2."
        )
    wanted = np.log(DAYS / rate)

    def off(at: float) -> float:
        return float(np.log(run_length(chart, at)[0]) - wanted)

    high = chart.gain
    while off(high) < 0:  # upwards: far beyond the answer the chain is too long to solve
        high *= 1.5
    at = float(optimize.brentq(off, 0.01 * chart.gain, high, xtol=1e-6))
    return Limit(at, run_length(chart, at)[1])
