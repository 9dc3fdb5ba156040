"""Partial pooling: one effect from each of several groups (sites, trials), and what they share.

yᵢ ~ N(μ + uᵢ, vᵢ), uᵢ ~ N(0, τ²), with vᵢ taken as known. τ² by the moment estimator of Paule & Mandel
(1982, J Res Natl Bur Stand 87:377; recommended by Veroniki et al. 2016, Res Synth Methods 7:55), μ with the
interval of Hartung & Knapp (2001, Stat Med 20:3875), never narrower than that of a common effect (Röver,
Knapp & Friede 2015, BMC Med Res Methodol 15:99).

A few groups say little of τ²: it is often put at 0 where it is not. Intervals for one group, a known or a new
one, therefore go over all of its confidence distribution, by the Q-profile of Viechtbauer (2007, Stat Med
26:37), as Nagashima, Noma & Furukawa (2019, Stat Methods Med Res 28:1689) do it for a new one.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, stdtr, stdtrit

from alleviate.models.trial import Floats
from alleviate.terms.errors import InputError
from alleviate.terms.estimates import LEVEL, Estimate

__all__ = ["Pooled", "pool"]

STEPS = 50
"""Points of the confidence distribution of τ², all as likely."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """``mean`` of all groups' effects; ``prediction``: where the effect of a new group lies, 95 times in 100.

    ``shrunk``: each group's effect, drawn towards the mean the more, the less is known of the group.
    ``tau2``: variance of the true effects, in squared units; ``i2``: their share in the variance of
    what was observed, 0 to 1.
    """

    mean: Estimate
    prediction: Estimate
    shrunk: tuple[Estimate, ...]
    tau2: float
    i2: float


def pool(effects: Floats, variances: Floats) -> Pooled:
    """Pool ``effects`` (G,) with their ``variances`` (G,) > 0, G ≥ 2. Raises InputError."""
    y, v = np.asarray(effects, dtype=float), np.asarray(variances, dtype=float)
    if y.shape != v.shape or y.ndim != 1 or len(y) < 2 or not (np.isfinite(y).all() and (v > 0).all()):
        raise InputError(
            f"Expected two effects or more, each with a variance above 0, got {y.tolist()} and {v.tolist()}.",
            hint="Leave out groups of which nothing is known.",
        )
    freedom = len(y) - 1
    tau2 = _between(y, v, freedom)
    centre, error2 = _centre(y, v, np.array([tau2]))
    half = float(stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(error2[0]))
    kept = tau2 / (v + tau2)
    chances = (np.arange(STEPS) + 0.5) / STEPS
    spreads = np.array([_between(y, v, target) for target in chdtri(freedom, chances)])
    centres, errors2 = _centre(y, v, spreads)
    fixed = 1.0 / v
    typical = freedom * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())

    def own(i: int) -> Estimate:
        share = spreads / (v[i] + spreads)
        error = np.sqrt(share * v[i] + (1 - share) ** 2 * errors2)
        middle = float(kept[i] * y[i] + (1 - kept[i]) * centre[0])
        return _over(middle, share * y[i] + (1 - share) * centres, error, freedom)

    return Pooled(
        mean=Estimate(float(centre[0]), float(centre[0]) - half, float(centre[0]) + half),
        prediction=_over(float(centre[0]), centres, np.sqrt(spreads + errors2), freedom),
        shrunk=tuple(own(i) for i in range(len(y))),
        tau2=tau2,
        i2=float(tau2 / (tau2 + typical)),
    )


def _centre(y: Floats, v: Floats, tau2: Floats) -> tuple[Floats, Floats]:
    """μ and its squared error at each of ``tau2`` (T,): (T,) and (T,)."""
    weight = 1.0 / (v + tau2[:, None])
    centre = weight @ y / weight.sum(axis=1)
    spread = (weight * (y - centre[:, None]) ** 2).sum(axis=1) / (len(y) - 1)
    return centre, np.maximum(spread, 1.0) / weight.sum(axis=1)


def _between(y: Floats, v: Floats, target: float) -> float:
    """The τ² at which Q = Σ (yᵢ - μ)² / (vᵢ + τ²) is ``target``; 0 where Q is less even there.

    Chance gives Q = G - 1 on average, which is Paule & Mandel's target.
    """

    def excess(tau2: float) -> float:
        weight = 1.0 / (v + tau2)
        return float(weight @ (y - weight @ y / weight.sum()) ** 2) - target

    if excess(0.0) <= 0:
        return 0.0
    top = float(((y - y.mean()) ** 2).sum()) / target  # there Q is below the target: every weight is < 1/top
    return float(brentq(excess, 0.0, top, xtol=1e-13 * top))


def _over(middle: float, centres: Floats, errors: Floats, freedom: int) -> Estimate:
    """``middle`` with the interval of the mixture of t distributions around ``centres``, all as likely."""

    def quantile(chance: float) -> float:
        ends = centres + errors * stdtrit(freedom, chance)
        low, high = float(ends.min()), float(ends.max())
        if low == high:
            return low
        return float(brentq(lambda at: stdtr(freedom, (at - centres) / errors).mean() - chance, low, high))

    return Estimate(middle, min(quantile((1 - LEVEL) / 2), middle), max(quantile((1 + LEVEL) / 2), middle))
