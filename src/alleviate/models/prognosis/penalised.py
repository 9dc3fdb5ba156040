"""Penalised regression in blocks, averaged over how strongly each block is penalised.

Coefficients of block b are N(0, s_b²/q_b) a priori (in units of the residual SD for a number), q_b being the
block's size, so that s_b is the SD of what the block adds. Fits are averaged over a grid of s, weighted by
the marginal likelihood of the data (Laplace's approximation; MacKay, Neural Comput 1992; exact for numbers,
σ² integrated out): on small data that is steadier than the single best penalty by cross-validation, and no
fold is needed, so that people held out remain so.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from alleviate.models.prognosis.people import Loss
from alleviate.models.trial import Floats, Ints

__all__ = ["SPREADS", "Averaged", "Fit", "averaged", "narrowed", "penalised"]

SPREADS = 0.06 * 1.8 ** np.arange(9)
"""Grid of s: .06 … 6.6."""

STEPS = 50

USUAL = (3.0, 0.7)
"""Half-normal prior on s: of what is linear (block 0), and of what is not, which is less in medicine."""

NEGLIGIBLE = 4.0
"""A grid point whose log marginal likelihood lies this far below the best is left out."""


@dataclass(frozen=True, slots=True)
class Fit:
    """``level``, ``slopes`` (q,), log marginal likelihood (up to a constant), effective parameters."""

    level: float
    slopes: Floats
    evidence: float
    freedom: float


@dataclass(frozen=True, slots=True)
class Averaged:
    """As ``Fit``, over the grid; ``best``: the spread of each block at the best point."""

    level: float
    slopes: Floats
    evidence: float
    freedom: float
    best: tuple[int, ...]


def penalised(
    z: Floats,
    y: Floats,
    weight: Floats,
    penalty: Floats,
    loss: Loss,
    start: Floats | None = None,
    offset: Floats | None = None,
) -> Fit:
    """Minimise Σ weight·loss(y, offset + level + z·slopes) + ½ Σ penalty·slopes², by Newton's method.

    ``z`` (n, q); loss: log loss of a logistic model, or half the squared error. ``penalty`` (q,) > 0;
    ``start`` (q + 1,) level first. Evidence is the log of the integral over the coefficients (see above).
    """
    n, q = z.shape
    design = np.column_stack([np.ones(n), z])
    ridge = np.concatenate([[0.0], penalty])
    solve = _logistic if loss == "binary" else _least_squares
    known = np.zeros(n) if offset is None else offset
    beta, curved, fitted = solve(design, y, weight, ridge, start, known)
    factor = cho_factor(curved + np.diag(ridge) + 1e-10 * np.eye(q + 1))
    determinant = 2.0 * float(np.log(np.diag(factor[0])).sum())
    evidence = fitted + 0.5 * float(np.log(penalty).sum()) - 0.5 * determinant
    freedom = float(np.trace(cho_solve(factor, curved))) if q else 1.0
    return Fit(float(beta[0]), beta[1:], evidence, freedom)


def _least_squares(
    design: Floats, y: Floats, weight: Floats, ridge: Floats, start: Floats | None, known: Floats
) -> tuple[Floats, Floats, float]:
    y = y - known
    weighted = design * weight[:, None]
    curved = design.T @ weighted
    regular = curved + np.diag(ridge) + 1e-10 * np.eye(len(ridge))
    beta: Floats = np.asarray(np.linalg.solve(regular, weighted.T @ y), dtype=float)
    left = float(weight @ (y - design @ beta) ** 2 + ridge @ beta**2)
    return beta, curved, -0.5 * max(float(weight.sum()) - 1.0, 1.0) * float(np.log(max(left, 1e-12)))


def _logistic(
    design: Floats, y: Floats, weight: Floats, ridge: Floats, start: Floats | None, known: Floats
) -> tuple[Floats, Floats, float]:
    if start is None:
        rate = float(np.clip(np.average(y, weights=weight), 1e-6, 1 - 1e-6))
        start = np.concatenate(
            [[np.log(rate / (1 - rate)) - np.average(known, weights=weight)], np.zeros(len(ridge) - 1)]
        )

    def value(beta: Floats) -> tuple[float, Floats]:
        eta = known + design @ beta
        return float(weight @ (np.logaddexp(0.0, eta) - y * eta) + 0.5 * ridge @ beta**2), eta

    beta = start
    (now, eta), curved = value(beta), np.zeros((len(ridge), len(ridge)))
    for _ in range(STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(eta, -500.0, 500.0)))
        slope = design.T @ (weight * (p - y)) + ridge * beta
        curved = design.T @ (design * (weight * p * (1.0 - p))[:, None])
        move = np.linalg.solve(curved + np.diag(ridge) + 1e-10 * np.eye(len(ridge)), slope)
        gain, step = float(slope @ move), 1.0
        after, eta_after = value(beta - move)
        while after > now - 1e-4 * step * gain and step > 1e-6:
            step /= 2
            after, eta_after = value(beta - step * move)
        beta, now, eta = beta - step * move, after, eta_after
        # Newton's error is squared by each step
        if gain < 1e-5:
            break
    return beta, curved, -now


def averaged(
    z: Floats,
    block: Ints,
    size: Floats,
    y: Floats,
    weight: Floats,
    loss: Loss,
    start: tuple[int, ...] | None = None,
    offset: Floats | None = None,
) -> Averaged:
    """Average over ``SPREADS`` for each block: from ``start`` (an index a block) as far as it matters.

    ``z`` (n, q), ``block`` (q,) 0 … B − 1 of ``size`` (B,) before it was narrowed; rows of weight 0 do not
    count. A number is fitted in units of its SD. ``offset`` (n,): a part that is known; what comes on top of
    it is taken to be less.
    """
    usual = USUAL if offset is None else USUAL[1:]
    known = weight > 0
    offset = None if offset is None else offset[known]
    z, y, weight = z[known], y[known], weight[known]
    unit = float(np.sqrt(np.cov(y, aweights=weight))) if loss == "numeric" else 1.0
    y, offset = y / unit, None if offset is None else offset / unit
    at = start or (len(SPREADS) // 2,) * len(size)
    fits: dict[tuple[int, ...], Fit] = {}
    waiting, best = [at], at
    near: Floats | None = None
    while waiting:
        point = min(waiting, key=lambda p: (sum(abs(a - b) for a, b in zip(p, best, strict=True)), p))
        waiting.remove(point)
        fit = penalised(z, y, weight, (size / SPREADS[list(point)] ** 2)[block], loss, near, offset)
        near = np.concatenate([[fit.level], fit.slopes])
        belief = sum(0.5 * (SPREADS[i] / usual[min(b, len(usual) - 1)]) ** 2 for b, i in enumerate(point))
        fits[point] = replace(fit, evidence=fit.evidence - float(belief))
        best = max(fits, key=lambda p: (fits[p].evidence, p))
        if fits[point].evidence > fits[best].evidence - NEGLIGIBLE:
            waiting += [p for p in _neighbours(point) if p not in fits and p not in waiting]
    top = fits[best].evidence
    share = {p: np.exp(f.evidence - top) for p, f in sorted(fits.items()) if f.evidence > top - NEGLIGIBLE}
    total = float(sum(share.values()))
    mean = sum(
        (w * np.concatenate([[fits[p].level, fits[p].freedom], fits[p].slopes]) for p, w in share.items())
    )
    level, freedom, *slopes = mean / total
    evidence = top + float(np.log(total)) - len(size) * float(np.log(len(SPREADS)))
    return Averaged(unit * float(level), unit * np.array(slopes), evidence, float(freedom), best)


def _neighbours(point: tuple[int, ...]) -> list[tuple[int, ...]]:
    moves = product(range(len(point)), (-1, 1))
    near = [(*point[:b], point[b] + move, *point[b + 1 :]) for b, move in moves]
    return [other for other in near if min(other) >= 0 and max(other) < len(SPREADS)]


def narrowed(z: Floats, block: Ints) -> tuple[Floats, Ints, Floats]:
    """Blocks wider than there are people, turned onto the few directions in which people differ.

    (z' (n, r), block' (r,), back (q, r)): a ridge penalty does not see the turning, and slopes (q,) are
    ``back`` @ slopes of z'.
    """
    if z.shape[1] <= len(z):
        return z, block, np.eye(z.shape[1])
    parts, of, turns = [], [], []
    for b in np.unique(block):
        own = np.flatnonzero(block == b)
        turn = np.eye(len(own))
        if len(own) > len(z):
            values, left = np.linalg.eigh(z[:, own] @ z[:, own].T)
            left, values = left[:, values > 1e-9 * values[-1]], values[values > 1e-9 * values[-1]]
            turn = z[:, own].T @ (left / np.sqrt(values))
        full = np.zeros((z.shape[1], turn.shape[1]))
        full[own] = turn
        parts.append(z[:, own] @ turn)
        of += [int(b)] * turn.shape[1]
        turns.append(full)
    return np.column_stack(parts), np.array(of, dtype=np.int64), np.column_stack(turns)
