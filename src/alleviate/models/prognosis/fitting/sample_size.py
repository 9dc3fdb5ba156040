"""How many people a prognosis should be learned from, at least (Riley et al., BMJ 2020;368:m441).

The criteria: little overfitting (expected shrinkage), little optimism in the share explained, a precise
overall level and, for a risk, a small mean error of the risks (van Smeden et al. 2019). They are for a model
fitted by maximum likelihood: with a penalty fewer may do, trees need more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, exp, inf, log, sqrt

from scipy.stats import chi2, t

from alleviate.terms.errors import InputError
from alleviate.terms.estimates import Z

__all__ = ["Needed", "cox_snell", "for_number", "for_risk", "for_time", "most_explained"]

SHRINKAGE = 0.9
"""Expected calibration slope on new people."""

OPTIMISM = 0.05
"""Of the share explained (for a risk: of the largest share there can be)."""

PRECISION = 0.05
"""Half the width of the interval of the overall risk; also the mean absolute error of the risks."""

MULTIPLE = 1.1
"""Of a number's residual SD and mean: the interval's end over the estimate."""

GUESS = 0.15
"""Share explained, of the largest there can be, where nothing is known (Riley et al. 2020)."""

LEAST_EXPLAINED = 1e-6
MOST_SOUGHT = 1_000_000


@dataclass(frozen=True, slots=True)
class Needed:
    """``people``, the most that any criterion asks for; ``by``: what each asks for. ``events`` among them."""

    people: int
    by: Mapping[str, int]
    events: int | None = None


def cox_snell(without: float, loss: float) -> float:
    """Share explained (Cox & Snell 1989) from mean log losses per person: without predictors, and with."""
    return 1.0 - exp(-2.0 * (without - loss))


def most_explained(risk: float) -> float:
    """The largest R² of Cox and Snell there can be at this overall risk."""
    return 1.0 - exp(2.0 * (risk * log(risk) + (1.0 - risk) * log(1.0 - risk)))


def for_risk(parameters: int, risk: float, explained: float | None = None) -> Needed:
    """For a binary outcome: ``parameters`` > 0 tried, overall ``risk``, R² of Cox and Snell ``explained``."""
    _check(parameters, risk=risk)
    most = most_explained(risk)
    explained = GUESS * most if explained is None else explained
    error = exp((-0.508 + 0.259 * log(risk) + 0.504 * log(parameters) - log(PRECISION)) / 0.544)
    by = _criteria(parameters, explained, most) | {
        "level": ceil((Z / PRECISION) ** 2 * risk * (1.0 - risk)),
        "error of the risks": ceil(error),
    }
    people = max(by.values())
    return Needed(people, by, ceil(people * risk))


def for_time(
    parameters: int, rate: float, followed: float, horizon: float, explained: float | None = None
) -> Needed:
    """For an event in time: ``rate`` a unit of time, mean time ``followed``; risk at ``horizon``.

    ``rate`` times ``followed``, the events a person, is less than 1.
    """
    events = rate * followed
    _check(parameters, events=events)
    most = 1.0 - exp(2.0 * (events * log(events) - events))
    explained = GUESS * most if explained is None else explained
    free = exp(-rate * horizon) - PRECISION
    level = 0.0
    if free > 0.0:
        level = rate * (Z / (-log(free) / horizon - rate)) ** 2 / followed
    by = _criteria(parameters, explained, most) | {"level": max(ceil(level), 1)}
    people = max(by.values())
    return Needed(people, by, ceil(people * events))


def for_number(
    parameters: int, explained: float, mean: float | None = None, sd: float | None = None
) -> Needed:
    """For a number: R² ``explained``; ``mean`` and ``sd`` of the outcome where its 0 means "none"."""
    _check(parameters, explained=explained)
    by = {
        "overfitting": _first(parameters + 2, lambda n: _slope(n, parameters, explained) >= SHRINKAGE),
        "optimism": ceil(1.0 + parameters * (1.0 - explained) / OPTIMISM),
        "noise": _first(parameters + 2, lambda n: _multiple(n - parameters - 1) <= MULTIPLE),
    }
    if mean and sd is not None:
        noise = sd * sqrt(1.0 - explained)
        by["level"] = _first(
            parameters + 2,
            lambda n: t.ppf(0.975, n - parameters - 1) * noise / sqrt(n) <= (MULTIPLE - 1.0) * abs(mean),
        )
    return Needed(max(by.values()), by)


def _check(parameters: int, **shares: float) -> None:
    wrong = {name: share for name, share in shares.items() if not 0.0 < share < 1.0}
    if parameters < 1 or wrong:
        found = ", ".join([f"parameters {parameters}", *(f"{k} {v:g}" for k, v in wrong.items())])
        raise InputError(
            f"a sample size needs at least one parameter and shares between 0 and 1; found {found}",
            hint="without variation in the outcome, or anything to predict from, no number is enough",
        )


def _criteria(parameters: int, explained: float, most: float) -> dict[str, int]:
    """Overfitting and optimism of a model fitted by likelihood; no share explained is taken to be 0."""
    explained = min(max(explained, LEAST_EXPLAINED), 0.999 * most)
    return {
        "overfitting": _for_slope(parameters, explained, SHRINKAGE),
        "optimism": _for_slope(parameters, explained, explained / (explained + OPTIMISM * most)),
    }


def _for_slope(parameters: int, explained: float, slope: float) -> int:
    return ceil(parameters / ((slope - 1.0) * log(1.0 - explained / slope)))


def _slope(n: int, parameters: int, explained: float) -> float:
    """Expected shrinkage of a linear model (Copas 1983, as in Riley et al. 2019, Stat Med 38:1262)."""
    apparent = (explained * (n - parameters - 1) + parameters) / (n - 1)
    return 1.0 + (parameters - 2) / (n * log(1.0 - apparent)) if apparent < 1.0 else -inf


def _multiple(freedom: int) -> float:
    ends = freedom / chi2.ppf(0.025, freedom), chi2.ppf(0.975, freedom) / freedom
    return sqrt(max(ends))


def _first(start: int, holds: Callable[[int], bool]) -> int:
    """The smallest n from ``start`` on for which ``holds``, which stays true once it is."""
    high = start
    while not holds(high) and high < MOST_SOUGHT:
        high *= 2
    low = max(start - 1, high // 2)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
