"""The slow twin of the growth model: all its unknowns drawn from their posterior, by plain Gibbs sampling.

Written person by person with dense matrices, sharing nothing with the fast fit but the basis of time, to hold
it to. Flat priors on Γ, σ and ρ, a weak inverse Wishart on D (Gelfand et al. 1990, JASA 85:972).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import invwishart

from alleviate.models.courses.growth import Basis
from alleviate.models.courses.histories import Histories
from alleviate.models.trial import Floats

__all__ = ["Draws", "draw_growth"]

PROPOSAL_SD = 0.05


@dataclass(frozen=True, slots=True)
class Draws:
    """R draws: ``coefficients`` (R, 1 + p, K) on features as they are, ``spread`` (R, K, K), ``sd``, ``rho``

    (R,), and the latent score at the planned end from all scores given, ``end`` (R, n)."""

    coefficients: Floats
    spread: Floats
    sd: Floats
    rho: Floats
    end: Floats


def draw_growth(histories: Histories, x: Floats, basis: Basis, *, draws: int, warm: int, seed: int) -> Draws:
    """``draws`` kept after ``warm``; ``x`` (n, p) encoded features; the main measure only."""
    rng, n, k = np.random.default_rng(seed), len(histories), basis.size
    parts = [
        slice(first, first + count) for first, count in zip(histories.first, histories.count, strict=True)
    ]
    times = [histories.time[part] for part in parts]
    curves, scores = [basis.at(time) for time in times], [histories.score[part] for part in parts]
    ends = np.maximum(histories.horizon, histories.time[histories.last])
    last = basis.at(ends)
    columns = np.column_stack([np.ones(n), x])
    inner = np.linalg.inv(columns.T @ columns + 1e-9 * np.eye(columns.shape[1]))
    variance, rho = float(np.var(histories.score)) / 2, 0.2
    spread, prior = np.eye(k) * variance, np.zeros((n, k))
    least = 0.01 * float(np.var(histories.score)) * np.eye(k)
    prior[:, 0] = histories.score.mean()
    kept: list[tuple[Floats, Floats, float, float, Floats]] = []
    for step in range(warm + draws):
        correlations = [_correlation(time, rho, basis.gap) for time in times]
        inverse = np.linalg.inv(spread)
        curve = np.empty((n, k))
        for i in range(n):
            turned = np.linalg.solve(correlations[i], curves[i]) / variance
            covariance = np.linalg.inv(inverse + curves[i].T @ turned)
            mean = covariance @ (inverse @ prior[i] + turned.T @ scores[i])
            curve[i] = rng.multivariate_normal(mean, covariance)
        root = np.linalg.cholesky(spread)
        coefficients = inner @ (columns.T @ curve)
        coefficients += np.linalg.cholesky(inner) @ rng.normal(size=coefficients.shape) @ root.T
        prior = columns @ coefficients
        rest = curve - prior
        spread = np.atleast_2d(invwishart.rvs(n + k + 2, rest.T @ rest + least, random_state=rng))
        left = [score - z @ u for score, z, u in zip(scores, curves, curve, strict=True)]
        squares = sum(float(e @ np.linalg.solve(r, e)) for e, r in zip(left, correlations, strict=True))
        variance = squares / 2 / float(rng.gamma(len(histories.score) / 2))
        proposed = abs(rho + PROPOSAL_SD * rng.normal())
        gain = _density(left, times, proposed, variance, basis.gap) - _density(
            left, times, rho, variance, basis.gap
        )
        if np.log(rng.uniform()) < gain:
            rho = proposed
        if step >= warm:
            ahead = ends - histories.time[histories.last]
            carried = np.where(ahead > 0, rho ** np.maximum(ahead / basis.gap, 1.0), 1.0)
            end = (last * curve).sum(axis=1) + carried * np.array([e[-1] for e in left])
            end += np.sqrt(variance * (1 - carried**2)) * rng.normal(size=n)
            kept.append((coefficients, spread, np.sqrt(variance), rho, end))
    return Draws(*(np.array(found) for found in zip(*kept, strict=True)))


def _correlation(time: Floats, rho: float, gap: float) -> Floats:
    """From visit to visit ρ^(gap in typical gaps, at least 1), multiplied up between any two."""
    place = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(time) / gap, 1.0))])
    return np.asarray(rho ** np.abs(place[:, None] - place))


def _density(left: list[Floats], times: list[Floats], rho: float, variance: float, gap: float) -> float:
    """Log density of what is left at the visits; no chance at all from a correlation of 1 on."""
    if rho >= 1:
        return -np.inf
    total = 0.0
    for e, time in zip(left, times, strict=True):
        correlation = _correlation(time, rho, gap)
        total -= 0.5 * (np.linalg.slogdet(correlation)[1] + e @ np.linalg.solve(correlation, e) / variance)
    return total
