"""Ridge with unpenalised columns, in closed form: by generalised cross-validation, by Bayesian averaging.

People may count by a ``weight`` ≥ 0; together they count as many as their effective number (Kish 1965).
"""

from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import Floats

__all__ = ["Posterior", "bayesian_ridge", "effective", "ridge_gcv"]

PENALTIES = np.logspace(-4, 4, 33)
"""Grid of penalties, as multiples of n."""


@dataclass(frozen=True, slots=True)
class _Spectrum:
    """The problem rotated: eigenvalues (q,), rotation (q, q), rotated response (q,), |response|²."""

    values: Floats
    vectors: Floats
    response: Floats
    squares: float
    rank: int
    people: float


def effective(weight: Floats) -> Floats:
    """(n,) weights scaled to sum to their effective number, (Σw)² / Σw²; all 1 where all are equal."""
    squares = float((weight**2).sum())
    scaled: Floats = weight * (weight.sum() / squares) if squares > 0 else weight
    return scaled


def _spectrum(z: Floats, fixed: Floats, y: Floats, weight: Floats | None) -> _Spectrum:
    people = float(len(y))
    if weight is not None:
        weight = effective(weight)
        root, people = np.sqrt(weight), float(weight.sum())
        z, fixed, y = z * root[:, None], fixed * root[:, None], y * root
    basis, triangle = np.linalg.qr(fixed)
    keep = np.abs(np.diag(triangle)) > 1e-10 * max(1.0, float(np.abs(triangle).max()))
    basis = basis[:, keep]
    z = z - basis @ (basis.T @ z)
    y = y - basis @ (basis.T @ y)
    values, vectors = np.linalg.eigh(z.T @ z)
    return _Spectrum(
        np.maximum(values, 0.0), vectors, vectors.T @ (z.T @ y), float(y @ y), int(keep.sum()), people
    )


def ridge_gcv(z: Floats, fixed: Floats, y: Floats, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """Minimise |y - fixed·a - z·b|² + λ|b|², λ by generalised cross-validation (Golub, Heath & Wahba 1979).

    ``z`` (n, q) penalised, ``fixed`` (n, r) not; returns b (q,) and a (r,). λ = ∞ (b = 0) competes too.
    """
    s = _spectrum(z, fixed, y, weight)
    n = s.people
    safe = np.where(s.values > 0, s.values, 1.0)
    energy = np.where(s.values > 1e-10 * max(s.values.max(initial=0.0), 1e-300), s.response**2 / safe, 0.0)
    share = s.values / (s.values + n * PENALTIES[:, None])
    rss = s.squares - energy.sum() + ((1 - share) ** 2 * energy).sum(axis=1)
    freedom = n - s.rank - share.sum(axis=1)
    gcv = np.where(freedom > 1, rss / np.maximum(freedom, 1.0) ** 2, np.inf)
    best = int(np.argmin(gcv[::-1]))
    penalty = float(PENALTIES[::-1][best])
    flat = s.squares / max(n - s.rank, 1) ** 2
    b: Floats = np.zeros(z.shape[1])
    if gcv[::-1][best] < flat:
        b = s.vectors @ (s.response / (s.values + n * penalty))
    left, root = y - z @ b, np.ones(len(y)) if weight is None else np.sqrt(weight)
    a = np.asarray(np.linalg.lstsq(fixed * root[:, None], left * root, rcond=None)[0], dtype=float)
    return b, a


@dataclass(frozen=True, slots=True)
class Posterior:
    """Coefficients b: ``mean`` (q,), ``covariance`` (q, q), and the weight of "no signal at all"."""

    mean: Floats
    covariance: Floats
    no_signal: float


def bayesian_ridge(
    z: Floats,
    fixed: Floats,
    y: Floats,
    *,
    scale: float,
    spreads: Floats,
    prior: Floats,
    weight: Floats | None = None,
) -> Posterior:
    """Average ridge fits over how large the signal may be, the case of no signal included.

    y = fixed·a + z·b + e with a flat prior on a, b ~ N(0, h²σ²/scale) and e ~ N(0, σ²); h runs over
    ``spreads`` (the first is 0) with weights ``prior`` and is weighted by the marginal likelihood (σ²
    integrated out). ``scale`` is the sum of squares that turns the variance of one coefficient into that of
    z·b, so that h is the SD of the signal in units of σ.
    """
    s = _spectrum(z, fixed, y, weight)
    g = (spreads**2 / max(scale, 1e-12))[:, None]
    inflation = 1.0 + g * s.values
    coefficients = g * s.response / inflation
    rss = np.maximum(s.squares - (coefficients * s.response).sum(axis=1), 1e-12)
    freedom = max(s.people - s.rank, 1.0)
    log_likelihood = -0.5 * np.log(inflation).sum(axis=1) - 0.5 * freedom * np.log(rss)
    weight = prior * np.exp(log_likelihood - log_likelihood.max())
    weight /= weight.sum()
    mean = weight @ coefficients
    within = (weight[:, None] * (rss / freedom)[:, None] * g / inflation).sum(axis=0)
    spread = coefficients - mean
    covariance = np.diag(within) + (weight[:, None] * spread).T @ spread
    rotate = s.vectors
    return Posterior(rotate @ mean, rotate @ covariance @ rotate.T, float(weight[0]))
