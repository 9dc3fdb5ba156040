import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from alleviate.models.courses import growth_fit
from alleviate.models.courses.bayes import draw_growth
from alleviate.models.courses.growth import Basis, Growth
from alleviate.models.courses.growth_fit import Likelihood, fit_growth
from alleviate.models.courses.histories import Histories
from courses_p5 import COVARIANCE, LOG, draw, histories

X = np.random.default_rng(4).normal(size=(40, 2))


def irregular(n: int = 40, seed: int = 3) -> Histories:
    """Two measures, the second at two of three visits, at any moments."""
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 7, n)
    person = np.repeat(np.arange(n), count)
    time = np.concatenate([np.r_[0, np.sort(rng.uniform(0.2, 9, c - 1))] for c in count])
    level = rng.normal(size=n)[person]
    score = 15 + 3 * level - 2 * np.log1p(time) + rng.normal(size=len(time))
    other = 5 + 2 * level - np.log1p(time) + rng.normal(size=len(time))
    other[rng.uniform(size=len(time)) < 1 / 3] = np.nan
    features = pl.DataFrame(X[:n], schema=["a", "b"])
    return Histories(person, time, score, features, np.full(n, 10.0), np.zeros(n, dtype=bool), other[:, None])


def a_growth(size: int, measures: int = 2) -> Growth:
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size * measures, size * measures)) + np.eye(size * measures)
    return Growth(
        Basis(size, 1.3, 10.0),
        np.zeros(2),
        np.ones(2),
        rng.normal(size=(3, size * measures)),
        root @ root.T,
        np.array([1.4, 0.8])[:measures],
        np.array([0.4, 0.15])[:measures],
    )


def dense(growth: Growth, time: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Covariance of one person's scores, visits before measures, written out; ``taken`` (T, M)."""
    place = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(time) / growth.basis.gap, 1.0))])
    curve, measures = growth.basis.at(time), taken.shape[1]
    whole = np.kron(np.eye(measures), curve)
    covariance = whole @ growth.spread @ whole.T
    for m in range(measures):
        own = np.flatnonzero(taken[:, m])
        steps = np.abs(place[own][:, None] - place[own])
        if len(own):  # a measure's own gaps: from each of its visits to the next
            moments = np.diff(time[own]) / growth.basis.gap
            reached = np.concatenate([[0.0], np.cumsum(np.maximum(moments, 1.0))])
            steps = np.abs(reached[:, None] - reached)
        rows = m * len(time) + own
        covariance[np.ix_(rows, rows)] += growth.sd[m] ** 2 * growth.rho[m] ** steps
    return covariance


@pytest.mark.parametrize("size", [2, 3])
def test_the_likelihood_is_that_of_the_dense_normal_distribution(size: int) -> None:
    h = irregular()
    columns = np.column_stack([np.ones(40), X])
    scores = np.column_stack([h.score, h.further])
    likelihood = Likelihood(h, columns, scores, Basis(size, 1.3, 10.0))

    def plain(theta: np.ndarray, growth: Growth) -> float:
        total = 0.0
        for i in range(len(h)):
            part = slice(h.first[i], h.first[i] + h.count[i])
            y, taken = scores[part].T.ravel(), np.isfinite(scores[part])
            keep = np.isfinite(y)
            mean = np.kron(np.eye(2), growth.basis.at(h.time[part])) @ growth.prior(X[i : i + 1])[0]
            covariance = dense(growth, h.time[part], taken)[np.ix_(keep, keep)]
            total -= multivariate_normal.logpdf(y[keep], mean[keep], covariance)
        n = len(growth.spread)
        prior = 2.0 * np.linalg.slogdet(growth.spread)[1] + 2.0 * np.trace(
            np.linalg.inv(growth.spread) * 0.01
        )
        off = theta[-2:] + 1.0
        total += 0.5 * (prior + (off @ off) / 1.5**2)
        return total - 0.5 * np.isfinite(scores).sum() * np.log(2 * np.pi) + 0 * n

    values = []
    for seed in (0, 1):
        base = a_growth(size)
        rng = np.random.default_rng(seed)
        root = np.tril(0.4 * rng.normal(size=base.spread.shape))
        theta = np.concatenate([root[np.tril_indices(len(root))], rng.normal(size=4) * 0.5])
        np.fill_diagonal(root, np.exp(np.diag(root)))
        rho = 0.95 / (1 + np.exp(-theta[-2:]))
        growth = replace(base, spread=root @ root.T, sd=np.exp(theta[-4:-2]), rho=rho)
        fast, gradient = likelihood.value(theta, base.coefficients)
        values.append((40 * fast, plain(theta, growth)))
        slope = approx_fprime(theta, lambda t, c=base.coefficients: likelihood.value(t, c)[0], 1e-6)
        np.testing.assert_allclose(gradient, slope, rtol=1e-3, atol=1e-4)
    assert values[0][0] - values[1][0] == pytest.approx(values[0][1] - values[1][1], rel=1e-9)


@pytest.mark.parametrize("size", [2, 3])
def test_what_is_foreseen_is_the_conditional_normal_distribution(size: int) -> None:
    """At every visit, for both moments asked, by conditioning the dense distribution on the scores so far."""
    h, growth = irregular(), a_growth(size)
    later, end = h.time + 0.7, np.full(len(h.time), 10.0)
    found = growth.foresee(h, X, later, end)
    scores = np.column_stack([h.score, h.further])
    for row in range(len(h.time)):
        i = h.person[row]
        part = slice(h.first[i], row + 1)
        prior = growth.prior(X[i : i + 1])[0]
        for part_found, moment in zip(found, (later[row], end[row]), strict=True):
            time = np.append(h.time[part], moment)
            taken = np.vstack([np.isfinite(scores[part]), [True, False]])
            y = np.vstack([scores[part], [np.nan, np.nan]]).T.ravel()
            whole = dense(growth, time, taken)
            mean = np.kron(np.eye(2), growth.basis.at(time)) @ prior
            seen, target = np.flatnonzero(np.isfinite(y)), len(time) - 1
            weights = np.linalg.solve(whole[np.ix_(seen, seen)], whole[seen, target])
            assert part_found.mean[row] == pytest.approx(mean[target] + weights @ (y[seen] - mean[seen]))
            variance = whole[target, target] - weights @ whole[seen, target]
            assert part_found.sd[row] == pytest.approx(np.sqrt(variance))


def test_the_truth_is_recovered() -> None:
    courses = draw(4000, np.random.default_rng(50_001))
    inside = (courses.scores > 0).all(axis=1) & (courses.scores < 27).all(axis=1)
    own = histories(courses, np.flatnonzero(inside))
    found = fit_growth(own, courses.x[inside], sizes=(2,))
    assert found.sd[0] == pytest.approx(2.5, rel=0.05)
    assert found.rho[0] == pytest.approx(0.35, abs=0.04)
    implied = found.basis.at(np.arange(11.0)) @ found.spread @ found.basis.at(np.arange(11.0)).T
    assert implied[0, 0] + found.sd[0] ** 2 < COVARIANCE[0, 0]  # those at the ends are left out
    assert found.basis.at(np.arange(11.0))[:, 1] == pytest.approx(LOG)


def test_starting_from_a_fit_ends_at_the_same_place() -> None:
    courses = draw(400, np.random.default_rng(50_002))
    own = histories(courses)
    cold = fit_growth(own, courses.x, sizes=(2,))
    warm = fit_growth(own, courses.x, like=cold)
    np.testing.assert_allclose(warm.spread, cold.spread, rtol=0.02, atol=0.1)
    np.testing.assert_allclose(warm.coefficients, cold.coefficients, rtol=0.02, atol=0.02)


def test_a_bend_is_kept_only_where_there_is_one() -> None:
    rng = np.random.default_rng(50_003)
    n, time = 300, np.arange(9.0)
    person, moments = np.repeat(np.arange(n), 9), np.tile(time, n)

    def fitted(course: np.ndarray) -> int:
        score = (course + 2 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 9))).ravel()
        frame = pl.DataFrame({"a": np.zeros(n)})
        none = np.empty((len(score), 0))
        h = Histories(person, moments, score, frame, np.full(n, 8.0), np.zeros(n, dtype=bool), none)
        return fit_growth(h, np.empty((n, 0))).basis.size

    assert fitted(15 - 3 * np.log1p(time)) == 2
    assert fitted(15 - 0.1 * time**2) == 3


def test_a_subset_of_many_people_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    courses = draw(1200, np.random.default_rng(50_006))
    own = histories(courses)
    whole = fit_growth(own, courses.x, sizes=(2,))
    monkeypatch.setattr(growth_fit, "MOST_PEOPLE", 600)
    half = fit_growth(own, courses.x, sizes=(2,))
    np.testing.assert_allclose(half.sd, whole.sd, rtol=0.05)
    np.testing.assert_allclose(np.diag(half.spread), np.diag(whole.spread), rtol=0.2)


def test_features_that_tell_nothing_are_shrunk_away() -> None:
    courses = draw(300, np.random.default_rng(50_004))
    noise = np.random.default_rng(1).normal(size=(300, 20))
    found = fit_growth(histories(courses), noise, sizes=(2,))
    x = np.random.default_rng(2).normal(size=(2000, 20))
    assert found.prior(x)[:, 1].std() < 1.0  # unshrunk: 4.9 * sqrt(20 / 300), about 1.3


def test_a_growth_model_is_plain_values() -> None:
    growth = a_growth(3)
    again = Growth.from_json(json.loads(json.dumps(growth.to_json())))
    h = irregular()
    for one, two in zip(growth.foresee(h, X, h.time), again.foresee(h, X, h.time), strict=True):
        assert (one.mean == two.mean).all()


@pytest.mark.slow
def test_empirical_bayes_agrees_with_its_slow_twin() -> None:
    """Means, spreads and 90 % intervals of the end, against a full Bayesian fit by Gibbs sampling."""
    courses = draw(50, np.random.default_rng(50_005), dropout=True)
    own = histories(courses)
    fast = fit_growth(own, courses.x, sizes=(2,))
    slow = draw_growth(own, courses.x, fast.basis, draws=120, warm=40, seed=1)
    slopes = fast.coefficients[1:] / fast.scale[:, None]
    off = np.abs(slopes - slow.coefficients[:, 1:].mean(axis=0)) / slow.coefficients[:, 1:].std(axis=0)
    assert off.max() < 2.5  # the fast one shrinks them
    low, high = np.quantile(slow.sd, [0.01, 0.99])
    assert low < fast.sd[0] < high
    low, high = np.quantile(slow.rho, [0.01, 0.99])
    assert low < fast.rho[0] < high
    last = own.last
    (end,) = fast.foresee(own, courses.x, np.maximum(10.0, own.time))
    mean, sd = slow.end.mean(axis=0), slow.end.std(axis=0)
    left = courses.stayed < 10
    assert np.corrcoef(end.mean[last][left], mean[left])[0, 1] > 0.97
    # learned from only fifty, it is a little too sure: it takes the variances for known
    assert 0.8 < np.median(end.sd[last][left] / sd[left]) < 1.05
    np.testing.assert_allclose(end.mean[last][~left], mean[~left], atol=1e-6)


@pytest.mark.parametrize("off", [0.0, 148.0, 1e4, 1e6])
def test_a_trial_step_far_away_is_judged_and_is_no_singular_matrix(off: float) -> None:
    """Of few people the search once tried a spread that no digits hold, and nothing was learned."""
    there = irregular()
    scores = np.column_stack([there.score, there.further])
    likelihood = Likelihood(there, np.column_stack([np.ones(40), X]), scores, Basis(2, 1.0, 10.0))
    size = likelihood.size
    root = np.tril(np.full((size, size), off), -1) + np.diag(np.full(size, -9.0))
    theta = np.concatenate([root[np.tril_indices(size)], np.zeros(4)])
    coefficients = likelihood.coefficients(theta)
    value, gradient = likelihood.value(theta, np.zeros((3, size)))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.isfinite(coefficients).all()
