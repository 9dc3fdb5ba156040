"""Shares, medians and rates with their 95 % intervals."""

from collections.abc import Sequence
from math import sqrt

from scipy.stats import binom, chi2

from alleviate.terms.errors import InputError
from alleviate.terms.estimates import LEVEL, Estimate, Z

__all__ = ["FEWEST_FOR_MEDIAN", "median", "per_100", "share"]

FEWEST_FOR_MEDIAN = 6
"""Values below which no two of them enclose the median with 95 %: of five, least and most do with 93.75 %."""


def share(hits: int, n: int) -> Estimate | None:
    """``hits`` of ``n`` (0 to 1) with Wilson's interval (Wilson 1927, J Am Stat Assoc 22:209); None of
    nobody.

    Raises InputError for counts that cannot be.
    """
    if not 0 <= hits <= n:
        raise InputError(f"Expected between 0 and {n} hits, got {hits}.", hint="Count them among the n.")
    if not n:
        return None
    value, spread = hits / n, Z**2 / n
    middle = (value + spread / 2) / (1 + spread)
    reach = Z * sqrt(value * (1 - value) / n + spread / (4 * n)) / (1 + spread)
    return Estimate(value, max(0.0, min(middle - reach, value)), min(1.0, max(middle + reach, value)))


def median(values: Sequence[float]) -> Estimate | None:
    """The median between two of the values that enclose it with at least 95 %, whatever their distribution
    (Conover 1999, Practical Nonparametric Statistics, 3.2); None where there are too few for any.
    """
    n = len(values)
    if n < FEWEST_FOR_MEDIAN:
        return None
    ordered = sorted(float(value) for value in values)
    # The r-th least and the r-th most enclose it unless fewer than r of n lie on one side.
    r = int(binom.ppf((1 - LEVEL) / 2, n, 0.5))
    while binom.cdf(r - 1, n, 0.5) > (1 - LEVEL) / 2:
        r -= 1
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    return Estimate(middle, ordered[r - 1], ordered[n - r])


def per_100(events: int, n: int) -> Estimate | None:
    """Events to 100 people, with the exact Poisson interval (Garwood 1936, Biometrika 28:437); None of
    nobody.

    Raises InputError for counts that cannot be.
    """
    if events < 0 or n < 0:
        raise InputError(f"Expected counts, got {events} events of {n} people.", hint="Count from 0.")
    if not n:
        return None
    tail = (1 - LEVEL) / 2
    low = float(chi2.ppf(tail, 2 * events)) / 2 if events else 0.0
    high = float(chi2.ppf(1 - tail, 2 * events + 2)) / 2
    return Estimate(*(100 * value / n for value in (events, low, high)))
