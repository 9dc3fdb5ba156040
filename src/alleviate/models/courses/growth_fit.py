"""Empirical Bayes for the growth model: variances by maximum likelihood, linear in the number of visits.

Time correlation is taken out visit by visit; then a person's scores come down to K·M numbers and matrices of
that size, which are the same for all who came at the same times. The gradient is Fisher's identity: that of
the complete-data likelihood, expected given the scores (Louis 1982). Features at intake shift the curves; how
much they can tell is learned too: their coefficients are N(0, τ²) with τ found by EM.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from alleviate.models.courses.growth import Basis, Growth, Whitened, by_person, steps
from alleviate.models.courses.histories import Histories
from alleviate.models.trial import Floats, Ints

__all__ = ["Likelihood", "fit_growth"]

MOST_PEOPLE = 8_000
"""Curves are learned from at most this many people, evenly spaced: variances are then off by below 2 %."""

ROUNDS = 6
SETTLED = 0.01
"""Rounds end where the log likelihood moves by less."""

HIGHEST = 0.95
"""Largest correlation of what is left at two visits one typical gap apart."""

SHRINKING_STEPS = 30

RHO_PRIOR = (-1.0, 1.5)
"""Mean and SD of the log odds of ρ / ``HIGHEST`` before any data: keeps the search off its ends."""

LOG_BOUNDS, ODDS_BOUNDS = (-9.0, 5.0), (-15.0, 15.0)
"""Of SDs in units of those of the scores, on the log scale, and of ρ / ``HIGHEST``."""

PRIOR_PEOPLE = 2.0
"""The curves' covariance is held off 0 as by this many people with a hundredth of the scores' variance."""


@dataclass(frozen=True, slots=True)
class _Parameters:
    """``root``: Cholesky factor of D; measures are in units of their SD here."""

    root: Floats
    sd: Floats
    rho: Floats

    @classmethod
    def of(cls, theta: Floats, size: int, measures: int) -> "_Parameters":
        root = np.zeros((size, size))
        cut = size * (size + 1) // 2
        root[np.tril_indices(size)] = theta[:cut]
        np.fill_diagonal(root, np.exp(np.diag(root)))
        rho = HIGHEST / (1.0 + np.exp(-theta[cut + measures :]))
        return cls(root, np.exp(theta[cut : cut + measures]), rho)

    @property
    def precision(self) -> Floats:
        """D⁻¹, from its root: D itself may be singular to the last digit where few people tell of it."""
        own = solve_triangular(self.root, np.eye(len(self.root)), lower=True)
        return np.asarray(own.T @ own, dtype=float)

    def given(self, information: Floats) -> tuple[Floats, Floats]:
        """(D⁻¹ + A)⁻¹ and log |D⁻¹ + A| of each A of ``information`` (g, S, S), by L (1 + L'AL)⁻¹ L'.

        What is inverted has no eigenvalue below 1.
        """
        inner = np.eye(len(self.root)) + self.root.T @ information @ self.root
        covariance = self.root @ np.linalg.inv(inner) @ self.root.T
        determinants = np.linalg.slogdet(inner)[1] - 2.0 * np.log(np.diag(self.root)).sum()
        return np.asarray(covariance, dtype=float), np.asarray(determinants, dtype=float)


class Likelihood:
    """The marginal likelihood of the scores of ``histories`` given intake columns ``x`` (n, 1 + p)."""

    def __init__(self, histories: Histories, x: Floats, scores: Floats, basis: Basis) -> None:
        self.histories, self.x, self.scores, self.basis = histories, x, scores, basis
        self.measures = scores.shape[1]
        self.size = self.measures * basis.size
        self.curve = basis.at(histories.time)
        self.alike, self.pattern = _patterns(histories, scores)
        self.people = np.bincount(self.pattern, minlength=len(self.alike)).astype(float)
        self.examples = histories.take(self.alike)
        rows = np.repeat(histories.first[self.alike], self.examples.count)
        self.example_scores = scores[rows + self.examples.stage - 1]
        self.pairs = [_Pairs.of(histories, scores[:, m], basis.gap) for m in range(self.measures)]
        self.example_pairs = [
            _Pairs.of(self.examples, self.example_scores[:, m], basis.gap) for m in range(self.measures)
        ]

    def statistics(self, sd: Floats, rho: Floats) -> tuple[Floats, Floats, Floats, float]:
        """A (g, S, S) of each pattern; b (n, S) and y'y (n, M) of each person; the sum of log variances."""
        examples, k, n = self.examples, self.basis.size, len(self.histories)
        like = Whitened.of(examples.person, examples.time, self.example_scores, self.basis, sd, rho)
        zz, information = by_person(like.zz, examples), np.zeros((len(examples), self.size, self.size))
        for m in range(self.measures):
            block = slice(m * k, (m + 1) * k)
            information[:, block, block] = zz[:, m]
        logs = float(self.people @ by_person(like.log, examples).sum(axis=1))
        b, yy = np.empty((n, self.size)), np.empty((n, self.measures))
        for m, pairs in enumerate(self.pairs):
            z, y = pairs.whitened(self.curve, self.scores[:, m], sd[m], rho[m])
            for i in range(k):
                b[:, m * k + i] = np.bincount(pairs.person, z[:, i] * y, minlength=n)
            yy[:, m] = np.bincount(pairs.person, y * y, minlength=n)
        return information, b, yy, logs

    def value(self, theta: Floats, coefficients: Floats) -> tuple[float, Floats]:
        """−log posterior per person (less a constant) and its gradient at ``theta``, Γ (1 + p, S) given."""
        p, k = _Parameters.of(theta, self.size, self.measures), self.basis.size
        information, b, yy, logs = self.statistics(p.sd, p.rho)
        spread, inverse = p.root @ p.root.T, p.precision
        covariance, determinants = p.given(information)
        prior = self.x @ coefficients
        shift = self._times(information, prior)
        rest = b - shift
        effect = self._times(covariance, rest)
        squares = yy.sum() - 2.0 * (prior * b).sum() + (prior * shift).sum() - (rest * effect).sum()
        n, least = len(prior), 0.01 * np.eye(self.size)
        log_spread = 2.0 * np.log(np.diag(p.root)).sum()
        value = logs + squares + self.people @ determinants + n * log_spread
        value += PRIOR_PEOPLE * (log_spread + np.trace(inverse @ least))

        within: Floats = np.einsum("g,gij->ij", self.people, covariance)
        moment = within + effect.T @ effect + PRIOR_PEOPLE * least
        by_spread = inverse @ (moment - (n + PRIOR_PEOPLE) * spread) @ inverse
        by_root = np.tril(by_spread @ p.root)
        np.fill_diagonal(by_root, np.diag(by_root) * np.diag(p.root))
        mean = prior + effect
        seen = self._times(information, mean)
        by_sd, by_rho = np.empty(self.measures), np.empty(self.measures)
        for m in range(self.measures):
            block = slice(m * k, (m + 1) * k)
            own = mean[:, block]
            spare = np.einsum(
                "g,gij,gij->", self.people, covariance[:, block, block], information[:, block, block]
            )
            fitted = yy[:, m].sum() + (own * (seen[:, block] - 2.0 * b[:, block])).sum() + spare
            by_sd[m] = fitted - len(self.pairs[m].person)
            by_rho[m] = self._by_rho(m, own, covariance[:, block, block], p)
        inner = by_rho * p.rho * (1.0 - p.rho / HIGHEST)
        gradient = np.concatenate([by_root[np.tril_indices(self.size)], by_sd, inner])
        off = theta[-self.measures :] - RHO_PRIOR[0]
        value += float(off @ off) / RHO_PRIOR[1] ** 2
        gradient[-self.measures :] -= off / RHO_PRIOR[1] ** 2
        return 0.5 * float(value) / n, -gradient / n

    def _times(self, matrix: Floats, vector: Floats) -> Floats:
        """Each person's vector (n, S) times the matrix (g, S, S) of their pattern."""
        if len(matrix) == 1:
            return np.asarray(vector @ matrix[0].T)
        return np.asarray((matrix[self.pattern] @ vector[:, :, None])[:, :, 0])

    def _by_rho(self, m: int, mean: Floats, covariance: Floats, p: _Parameters) -> float:
        """d log likelihood / d ρ_m: from pairs of neighbouring visits."""
        pairs, y = self.pairs[m], self.scores[:, m]
        who = mean[pairs.person]
        off = y[pairs.here] - (self.curve[pairs.here] * who).sum(axis=1)
        before, after = off[pairs.second - 1], off[pairs.second]
        own = _slope(pairs.sums(after**2, before * after, before**2), pairs.apart, p.rho[m], p.sd[m])
        like, curve = self.example_pairs[m], self.basis.at(self.examples.time)
        one, two = curve[like.here[like.second - 1]], curve[like.here[like.second]]
        group = like.person[like.second]
        spare, weight = covariance[group], self.people[group]
        doubt = like.sums(
            *(
                weight * np.einsum("ri,rij,rj->r", i, spare, j)
                for i, j in ((two, two), (one, two), (one, one))
            )
        )
        kept = p.rho[m] ** like.apart
        level = like.sums(weight)[0] * like.apart * kept**2 / (1.0 - kept**2) / p.rho[m]
        return own + _slope(doubt, like.apart, p.rho[m], p.sd[m]) + float(level.sum())

    def coefficients(self, theta: Floats) -> Floats:
        """Γ (1 + p, S) by generalised least squares, slopes of each curve coefficient N(0, τ²), τ by EM."""
        p = _Parameters.of(theta, self.size, self.measures)
        information, b, _, _ = self.statistics(p.sd, p.rho)
        covariance, _ = p.given(information)
        turned = information @ covariance
        known = (information - turned @ information)[self.pattern]
        target = b - self._times(turned, b)
        width = self.x.shape[1]
        normal = np.empty((width, self.size, width, self.size))
        for i in range(self.size):
            for j in range(self.size):
                normal[:, i, :, j] = self.x.T @ (self.x * known[:, i, j, None])
        flat = normal.reshape(width * self.size, -1)
        response, told = (self.x.T @ target).ravel(), np.ones(self.size)
        for _ in range(SHRINKING_STEPS):
            penalty = np.concatenate([np.zeros(self.size), np.tile(1.0 / told, width - 1)])
            variance = np.linalg.inv(flat + np.diag(penalty))
            found = (variance @ response).reshape(width, -1)
            if width > 1:
                own = np.diag(variance).reshape(width, -1)
                told = np.maximum((found[1:] ** 2 + own[1:]).mean(axis=0), 1e-6)
        return found


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Where a measure was taken: rows ``here`` (R,) of ``person`` (R,); ``second``: which of them have one

    before, ``apart[step]`` typical gaps ago."""

    here: Ints
    person: Ints
    second: Ints
    apart: Floats
    step: Ints

    @classmethod
    def of(cls, histories: Histories, scores: Floats, gap: float) -> "_Pairs":
        here = np.flatnonzero(np.isfinite(scores))
        person = histories.person[here]
        second = np.flatnonzero(np.diff(person) == 0) + 1
        apart, step = np.unique(steps(np.diff(histories.time[here])[second - 1], gap), return_inverse=True)
        return cls(here, person, second, apart, step)

    def whitened(self, curve: Floats, y: Floats, sd: float, rho: float) -> tuple[Floats, Floats]:
        """Curves (R, K) and scores (R,) once correlation in time is taken out, as ``Whitened`` does."""
        kept = (rho**self.apart)[self.step]
        z, y = curve[self.here], y[self.here]
        own, score = z / sd, y / sd
        new = sd * np.sqrt(1.0 - kept**2)
        own[self.second] = (z[self.second] - kept[:, None] * z[self.second - 1]) / new[:, None]
        score[self.second] = (y[self.second] - kept * y[self.second - 1]) / new
        return own, score

    def sums(self, *values: Floats) -> list[Floats]:
        """Values (pairs,) summed over pairs as far apart, one for each of ``apart``."""
        return [np.asarray(np.bincount(self.step, value, len(self.apart)), dtype=float) for value in values]


def _slope(squares: list[Floats], apart: Floats, rho: float, sd: float) -> float:
    """Σ d/dρ of −(a − 2φb + φ²c) / 2σ²(1 − φ²), φ = ρ^apart: ``squares`` a after, b across, c before."""
    a, b, c = squares
    kept = rho**apart
    left = 1.0 - kept**2
    slope = (kept * c - b) * left + kept * (a - 2.0 * kept * b + kept**2 * c)
    return -float((slope / (left**2 * sd**2) * apart * kept / rho).sum())


def _patterns(histories: Histories, scores: Floats) -> tuple[Ints, Ints]:
    """One person (g,) of each set of moments and measures taken, and whom everybody (n,) is like in that."""
    most, stage = int(histories.count.max()), histories.stage - 1
    seen = np.full((len(histories), most, 1 + scores.shape[1]), -1.0)
    seen[histories.person, stage, 0] = histories.time
    seen[histories.person, stage, 1:] = np.isfinite(scores)
    flat = np.ascontiguousarray(seen.reshape(len(histories), -1))
    keys = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))).ravel()
    _, alike, pattern = np.unique(keys, return_index=True, return_inverse=True)
    return alike, pattern.ravel()


def fit_growth(
    histories: Histories, x: Floats, like: Growth | None = None, sizes: tuple[int, ...] = (2, 3)
) -> Growth:
    """Learn the curves of people with encoded features ``x`` (n, p).

    The basis is of one of the ``sizes``, by BIC; or as in ``like``, from where the search then starts.
    """
    if len(histories) > MOST_PEOPLE:
        some = np.linspace(0, len(histories) - 1, MOST_PEOPLE).round().astype(np.int64)
        histories, x = histories.take(some), x[some]
    if like is not None:
        return _fit(histories, x, like.basis, like)[1]
    gap, end = histories.gap(), float(np.median(histories.horizon))
    found = [_fit(histories, x, Basis(size, gap, end), None) for size in sizes]
    return min(found, key=lambda one: one[0])[1]


def _start(size: int, unit: Floats, like: Growth | None) -> Floats:
    """The parameters to search from, measures in units of their SD."""
    if like is None:
        root: Floats = 0.6 * np.eye(size)
        sd, rho = np.full(len(unit), 0.6), np.full(len(unit), 0.25)
    else:
        units = np.repeat(unit, like.basis.size)
        root = np.asarray(np.linalg.cholesky(like.spread / units[:, None] / units), dtype=float)
        sd, rho = like.sd / unit, np.clip(like.rho, 0.01, HIGHEST - 0.01)
    np.fill_diagonal(root, np.log(np.diag(root)))
    return np.concatenate([root[np.tril_indices(size)], np.log(sd), np.log(rho / (HIGHEST - rho))])


def _bounds(size: int, measures: int) -> list[tuple[float | None, float | None]]:
    """Of logarithms and log odds, so that no trial step of the search overflows where people are few."""
    diagonal = np.equal(*np.tril_indices(size))
    most = float(np.exp(LOG_BOUNDS[1]))
    curves = [LOG_BOUNDS if on else (-most, most) for on in diagonal]
    return [*curves, *[LOG_BOUNDS] * measures, *[ODDS_BOUNDS] * measures]


def _fit(histories: Histories, x: Floats, basis: Basis, like: Growth | None) -> tuple[float, Growth]:
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    columns = np.column_stack([np.ones(len(x)), (x - centre) / scale])
    scores = np.column_stack([histories.score, histories.further])
    level, unit = np.nanmean(scores, axis=0), np.maximum(np.nanstd(scores, axis=0), 1e-9)
    likelihood = Likelihood(histories, columns, (scores - level) / unit, basis)
    measures, size, k = scores.shape[1], likelihood.size, basis.size
    theta, value = _start(size, unit, like), np.inf
    coefficients = likelihood.coefficients(theta)
    for _ in range(ROUNDS):
        step = minimize(
            likelihood.value,
            theta,
            args=(coefficients,),
            jac=True,
            method="L-BFGS-B",
            bounds=_bounds(size, measures),
            options={"ftol": 1e-9, "gtol": 1e-6},
        )
        theta, before, value = step.x, value, len(x) * float(step.fun)
        coefficients = likelihood.coefficients(theta)
        if before - value < SETTLED:
            break
    p = _Parameters.of(theta, size, measures)
    units = np.repeat(unit, k)
    coefficients = coefficients * units
    coefficients[0, ::k] += level
    growth = Growth(
        basis,
        centre,
        scale,
        coefficients,
        p.root @ p.root.T * units[:, None] * units,
        p.sd * unit,
        p.rho,
    )
    freedom = len(theta) + size
    return 2.0 * value + freedom * float(np.log(len(histories))), growth
