"""The fast ridge solvers against explicit solves, and against the textbook's posterior."""

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import multivariate_t

from alleviate.models.ridge import PENALTIES, bayesian_ridge, ridge_gcv

SPREADS = np.array([0.0, 0.1, 0.4, 1.0])
PRIOR = np.array([1.0, 0.8, 0.5, 0.2])


def problem(seed, n=60, q=5, r=2, signal=1.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, q)) @ rng.normal(size=(q, q))
    fixed = np.column_stack([np.ones(n), rng.normal(size=(n, r - 1))])
    y = signal * z @ rng.normal(size=q) + fixed @ rng.normal(size=r) * 3 + rng.normal(size=n) * 2
    return z, fixed, y


def solve(z, fixed, y, penalty):
    """Coefficients and hat matrix of one ridge, by the normal equations of everything at once."""
    w = np.column_stack([fixed, z])
    inverse = np.linalg.inv(w.T @ w + penalty * np.diag([0.0] * fixed.shape[1] + [1.0] * z.shape[1]))
    return inverse @ w.T @ y, w @ inverse @ w.T


def scan(z, fixed, y):
    """The least generalised cross-validation error over the grid, and over no slopes at all."""
    n, r = fixed.shape
    least = np.linalg.lstsq(fixed, y, rcond=None)[0]
    options = [
        ((((y - fixed @ least) ** 2).sum()) / (n - r) ** 2, np.concatenate([least, np.zeros(z.shape[1])]))
    ]
    for penalty in n * PENALTIES:
        coefficients, hat = solve(z, fixed, y, penalty)
        if (freedom := n - np.trace(hat)) > 1:
            options.append(((((y - hat @ y) ** 2).sum()) / freedom**2, coefficients))
    return min(options, key=lambda option: option[0])[1]


class TestGeneralisedCrossValidation:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(("n", "q", "r"), [(60, 5, 2), (40, 1, 1), (25, 40, 2)])
    def test_it_is_the_explicit_solve_at_the_penalty_of_an_explicit_scan(self, seed, n, q, r):
        z, fixed, y = problem(seed, n, q, r)
        b, a = ridge_gcv(z, fixed, y)
        assert np.concatenate([a, b]) == pytest.approx(scan(z, fixed, y), rel=1e-5, abs=1e-7)

    def test_an_infinite_penalty_wins_where_nothing_is_to_be_seen(self):
        z, fixed, _ = problem(1)
        both = np.column_stack([fixed, z])
        noise = np.random.default_rng(2).normal(size=60)
        noise -= both @ np.linalg.lstsq(both, noise, rcond=None)[0]
        b, a = ridge_gcv(z, fixed, noise + fixed @ [2.0, -1.0])
        assert b.tolist() == [0.0] * 5
        assert a == pytest.approx([2.0, -1.0])

    def test_a_clear_signal_is_hardly_shrunk(self):
        z, fixed, _ = problem(3)
        b, a = ridge_gcv(z, fixed, z @ np.arange(5.0) + fixed @ [7.0, 1.0])
        assert b == pytest.approx(np.arange(5.0), abs=0.05)
        assert a == pytest.approx([7.0, 1.0], abs=0.05)

    def test_what_is_fixed_is_not_penalised(self):
        z, fixed, y = problem(4)
        b, a = ridge_gcv(z, fixed, y)
        mix = np.array([[100.0, 1.0], [-0.5, 1e-3]])
        mixed, mixed_a = ridge_gcv(z, fixed @ mix, y)
        assert mixed == pytest.approx(b)
        assert mix @ mixed_a == pytest.approx(a)
        shifted, shifted_a = ridge_gcv(z + fixed @ np.ones((2, 5)), fixed, y + fixed @ [1e3, -50.0])
        assert shifted == pytest.approx(b)
        assert shifted_a == pytest.approx(a + np.array([1e3, -50.0]) - b.sum())

    def test_a_fixed_column_given_twice_counts_once(self):
        z, fixed, y = problem(5)
        b, a = ridge_gcv(z, np.column_stack([fixed, fixed[:, 1]]), y)
        assert b == pytest.approx(ridge_gcv(z, fixed, y)[0])
        assert np.column_stack([fixed, fixed[:, 1]]) @ a == pytest.approx(fixed @ ridge_gcv(z, fixed, y)[1])

    def test_no_columns_to_penalise(self):
        _, fixed, y = problem(6)
        b, a = ridge_gcv(np.empty((60, 0)), fixed, y)
        assert b.shape == (0,)
        assert a == pytest.approx(np.linalg.lstsq(fixed, y, rcond=None)[0])


def conjugate(z, fixed, y, h, scale):
    """Textbook posterior of b for p(a, σ²) ∝ 1/σ²: its mean, and the scale matrix of its multivariate t."""
    n, r = fixed.shape
    if h == 0:
        return np.zeros(z.shape[1]), np.zeros((z.shape[1],) * 2)
    w = np.column_stack([fixed, z])
    precision = w.T @ w + np.diag([0.0] * r + [scale / h**2] * z.shape[1])
    mean = np.linalg.solve(precision, w.T @ y)
    variance = (y @ y - mean @ precision @ mean) / (n - r)
    return mean[r:], variance * np.linalg.inv(precision)[r:, r:]


def densities(z, fixed, y, scale):
    """Marginal likelihood of each spread, by brute force: a multivariate t of what ``fixed`` cannot explain.

    A prior 1/σ² on the variance is the limit of no degrees of freedom.
    """
    rest = null_space(fixed.T)
    u, v = rest.T @ y, rest.T @ z
    shapes = [np.eye(len(u)) + h**2 / scale * v @ v.T for h in SPREADS]
    logs = np.array([multivariate_t.logpdf(u, shape=shape, df=1e-9) for shape in shapes])
    weight = PRIOR * np.exp(logs - logs.max())
    return weight / weight.sum()


class TestBayesianAveraging:
    @pytest.mark.parametrize("h", [0.1, 0.5, 3.0])
    @pytest.mark.parametrize(("n", "q"), [(60, 5), (20, 30)])
    def test_one_spread_is_the_textbooks_conjugate_posterior(self, h, n, q):
        z, fixed, y = problem(7, n, q)
        found = bayesian_ridge(z, fixed, y, scale=4.0, spreads=np.array([0.0, h]), prior=np.array([0.0, 1.0]))
        mean, covariance = conjugate(z, fixed, y, h, 4.0)
        assert found.mean == pytest.approx(mean)
        assert found.covariance == pytest.approx(covariance)
        assert found.no_signal == 0.0

    @pytest.mark.parametrize("signal", [0.0, 0.1, 0.4])
    def test_spreads_are_weighted_by_their_marginal_likelihood(self, signal):
        z, fixed, y = problem(8, signal=signal)
        weight = densities(z, fixed, y, 5.0)
        assert weight.max() < 0.999 or signal == 0.4
        found = bayesian_ridge(z, fixed, y, scale=5.0, spreads=SPREADS, prior=PRIOR)
        assert found.no_signal == pytest.approx(weight[0], rel=1e-5)
        each = [conjugate(z, fixed, y, h, 5.0) for h in SPREADS]
        mean = sum(w * m for w, (m, _) in zip(weight, each, strict=True))
        second = sum(w * (c + np.outer(m, m)) for w, (m, c) in zip(weight, each, strict=True))
        assert found.mean == pytest.approx(mean, rel=1e-5)
        assert found.covariance == pytest.approx(second - np.outer(mean, mean), rel=1e-5, abs=1e-9)

    def test_no_signal_is_believed_where_there_is_none_and_not_where_there_is(self):
        weights = [
            bayesian_ridge(
                *problem(9, n=200, signal=signal), scale=5.0, spreads=SPREADS, prior=PRIOR
            ).no_signal
            for signal in (0.0, 1.0)
        ]
        assert weights[0] > 0.4
        assert weights[1] < 1e-6

    def test_the_unit_of_the_outcome_is_only_a_unit(self):
        z, fixed, y = problem(10, signal=0.2)
        one, thousand = (
            bayesian_ridge(z, fixed, u * y, scale=5.0, spreads=SPREADS, prior=PRIOR) for u in (1, 1e3)
        )
        assert thousand.mean == pytest.approx(1e3 * one.mean)
        assert thousand.covariance == pytest.approx(1e6 * one.covariance)
        assert thousand.no_signal == pytest.approx(one.no_signal)
