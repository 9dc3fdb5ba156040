"""How strong a hidden confounder would have to be: bounds under the marginal sensitivity model, and E-values.

Tan's (2006, JASA 101:1619) model: had we known a person's outcome Y(k) besides their features, the odds of
arm k would differ from e_k(x) / (1 - e_k(x)) by a factor of at most Γ either way. Then E[Y(k) | x] lies
between e μ + (1 - e) ρ⁻ and e μ + (1 - e) ρ⁺, with ρ⁺(x) = E[R | x, k], τ = Γ / (Γ + 1) and

    R = Y/Γ + (1 - 1/Γ) (Q + (Y - Q)₊ / (1 - τ)),   Q the τ-quantile of Y given x and k.

The bounds are sharp where Q is right and hold, wider, for any other Q (Dorn & Guo 2022, JASA 118:2645). The
scores here are those of Dorn, Guo & Kallus (2024, JASA): their mean is a bound if either e or ρ is right.
For Γ = 1 they are the doubly robust scores.
"""

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from alleviate.models.trial import Bools, Floats, Ints

__all__ = ["Scored", "Sides", "bounds", "e_value", "e_value_of_means", "odds_moved"]

SD_TO_LOG_RATIO = 0.91
"""A difference of one SD in means is about as much as a risk ratio of exp(.91) (VanderWeele & Ding 2017)."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What bounds are made of: expectations, chances > 0 (n, K); ``arm``, ``y``, ``weight`` (n,).

    ``weight``: R/π, 0 where the outcome is unknown. ``binary``: ``y`` has two values only.
    """

    expected: Floats
    probability: Floats
    arm: Ints
    y: Floats
    weight: Floats
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """(n, K) scores whose means bound the value of each arm; and, person by person, of any rule."""

    low: Floats
    high: Floats


def bounds(data: Scored, gamma: float) -> Sides:
    """The sides for ``gamma`` ≥ 1."""
    return Sides(-_upper(data, -1.0, gamma), _upper(data, 1.0, gamma))


def _upper(data: Scored, sign: float, gamma: float) -> Floats:
    """(n, K) scores of the upper bound for ``sign`` · Y."""
    result = np.empty_like(data.expected)
    y = sign * data.y
    for k in range(data.expected.shape[1]):
        mean, chance, own = sign * data.expected[:, k], data.probability[:, k], data.arm == k
        seen = own & (data.weight > 0)
        worst, of_each = (_of_two_values if data.binary else _of_numbers)(mean, y, seen, data.weight, gamma)
        got = mean + data.weight * (y - mean + (1.0 - chance) / chance * (of_each - worst))
        result[:, k] = np.where(own, got, worst)
    return result


def _of_numbers(mean: Floats, y: Floats, seen: Bools, weight: Floats, gamma: float) -> tuple[Floats, Floats]:
    """ρ⁺ and R (n,) each, where residuals have one distribution for all: Q is the mean and their quantile."""
    residual = y - mean
    q = float(np.quantile(residual[seen], gamma / (gamma + 1.0)))
    excess = residual / gamma + (1.0 - 1.0 / gamma) * (q + (gamma + 1.0) * np.maximum(residual - q, 0.0))
    shift = float(np.average((excess - residual)[seen], weights=weight[seen]))
    return mean + shift, mean + excess


def _of_two_values(
    mean: Floats, y: Floats, seen: Bools, weight: Floats, gamma: float
) -> tuple[Floats, Floats]:
    """The same for an outcome of two values, whose risk is all there is to know."""
    low, high = float(y[seen].min()), float(y[seen].max())
    size = high - low or 1.0
    risk = np.clip((mean - low) / size, 0.0, 1.0)
    q = np.where(risk * (gamma + 1.0) > 1.0, high, low)
    rest = 1.0 - 1.0 / gamma
    worst = mean / gamma + rest * (low + size * np.minimum(1.0, risk * (gamma + 1.0)))
    return worst, y / gamma + rest * (q + (gamma + 1.0) * np.maximum(y - q, 0.0))


def e_value(ratio: float) -> float:
    """Least risk ratio of a hidden confounder with both arm and outcome that would explain ``ratio`` away.

    VanderWeele & Ding 2017 (Ann Intern Med 167:268). ``ratio`` > 0; below 1 it is turned round.
    """
    ratio = max(ratio, 1.0 / ratio)
    return ratio + sqrt(ratio * (ratio - 1.0))


def e_value_of_means(difference: float, sd: float) -> float:
    """The same for a difference of means, in outcome units, with ``sd`` > 0 that of the outcome."""
    return e_value(exp(SD_TO_LOG_RATIO * abs(difference) / sd))


def odds_moved(full: Floats, without: Floats, share: float = 0.95) -> float:
    """By which factor, at the quantile ``share`` of people, the odds of an arm differ without a feature.

    ``full``, ``without`` (n, K) chances; of the arm whose odds move most.
    """

    def logit(p: Floats) -> Floats:
        inside = np.clip(p, 1e-9, 1.0 - 1e-9)
        return np.asarray(np.log(inside / (1.0 - inside)))

    return exp(float(np.quantile(np.abs(logit(full) - logit(without)), share, axis=0).max()))
