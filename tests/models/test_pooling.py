"""Effects of several groups, pooled: judged by a published analysis and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from alleviate.models.pooling import pool
from alleviate.terms.errors import InputError

# Thirteen trials of BCG vaccine (Colditz et al. 1994, JAMA 271:698): cases and others, vaccinated and not.
BCG = np.array(
    [
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
        (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892),
        (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ],
    dtype=float,
)  # fmt: skip


def log_risk_ratios():
    a, b, c, d = BCG.T
    return np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_the_spread_between_bcg_trials_is_as_published():
    """τ² .318 by Paule & Mandel, μ -.715 [-1.11, -.32] by Hartung & Knapp (R's metafor: PM, knha)."""
    found = pool(*log_risk_ratios())
    assert found.tau2 == pytest.approx(0.3181, abs=5e-5)
    assert found.mean.estimate == pytest.approx(-0.7150, abs=5e-4)
    assert found.i2 == pytest.approx(0.923, abs=1e-3)
    assert (found.mean.low, found.mean.high) == pytest.approx((-1.11, -0.32), abs=0.01)


def test_every_number_is_that_of_a_plain_second_computation():
    y, v = log_risk_ratios()
    found = pool(y, v)
    covariance = np.diag(v + found.tau2)
    precision = np.linalg.inv(covariance)
    one = np.ones(len(y))
    mean = one @ precision @ y / (one @ precision @ one)
    q = (y - mean) @ precision @ (y - mean) / (len(y) - 1)
    assert q == pytest.approx(1, abs=1e-9)  # which is how Paule & Mandel define τ²
    error = np.sqrt(1 / (one @ precision @ one))
    half = t.ppf(0.975, len(y) - 1)
    assert found.mean.estimate == pytest.approx(mean)
    assert found.mean.high - mean == pytest.approx(half * error)
    # the best linear unbiased prediction of the true effects, by matrices (Henderson 1975)
    blup = mean + found.tau2 * precision @ (y - mean)
    assert [e.estimate for e in found.shrunk] == pytest.approx(list(blup))


def test_intervals_of_one_group_are_those_of_draws():
    """τ² from its confidence distribution, then the mean, then the group: Nagashima's steps, drawn."""
    y, v = np.array([0.1, 0.9, 0.4, 1.3, -0.2]), np.array([0.05, 0.2, 0.1, 0.1, 0.3])
    rng, draws = np.random.default_rng(3), 4000
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 20_000)])
    weight = 1 / (v + grid[:, None])
    mean = weight @ y / weight.sum(axis=1)
    q = (weight * (y - mean[:, None]) ** 2).sum(axis=1)
    at = np.array([np.argmax(q <= target) for target in rng.chisquare(4, draws)])
    error2 = np.maximum(q[at] / 4, 1) / weight[at].sum(axis=1)
    found, noise = pool(y, v), rng.standard_t(4, draws)
    new = mean[at] + noise * np.sqrt(grid[at] + error2)
    share = grid[at] / (grid[at] + v[0])
    first = share * y[0] + (1 - share) * mean[at] + noise * np.sqrt(share * v[0] + (1 - share) ** 2 * error2)
    assert (found.prediction.low, found.prediction.high) == pytest.approx(
        np.quantile(new, [0.025, 0.975]), rel=0.2
    )
    assert (found.shrunk[0].low, found.shrunk[0].high) == pytest.approx(
        np.quantile(first, [0.025, 0.975]), abs=0.06
    )


def test_groups_that_agree_have_one_effect_and_no_spread():
    found = pool(np.array([0.5, 0.5, 0.5]), np.array([0.04, 0.09, 0.01]))
    assert (found.tau2, found.i2) == (0, 0)
    assert all(e.estimate == pytest.approx(0.5) for e in found.shrunk)
    assert found.mean.estimate == found.prediction.estimate
    assert found.mean.high - 0.5 == pytest.approx(t.ppf(0.975, 2) / np.sqrt(25 + 1 / 0.09 + 100))


def test_a_small_group_is_drawn_to_the_others_more_than_a_large_one():
    found = pool(np.array([1.0, 1.0, -1.0, -1.0]), np.array([0.01, 1.0, 0.01, 1.0]))
    large, small = found.shrunk[:2]
    assert 0 < small.estimate < large.estimate < 1


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 4)), min_size=2, max_size=12),
    st.floats(0.1, 10),
    st.floats(-5, 5),
)
def test_another_unit_or_zero_point_changes_nothing_else(groups, factor, shift):
    y, v = np.array(groups).T
    one, other = pool(y, v), pool(factor * y + shift, factor**2 * v)
    assert other.mean.low == pytest.approx(factor * one.mean.low + shift, rel=1e-6, abs=1e-5)
    assert other.prediction.high == pytest.approx(factor * one.prediction.high + shift, rel=1e-6, abs=1e-5)
    assert other.i2 == pytest.approx(one.i2, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_the_intervals_cover_with_eight_groups(spread):
    rng = np.random.default_rng(50_000)
    covered, predicted, own = [], [], []
    for _ in range(100):
        v = rng.uniform(0.02, 0.3, 8)
        true = 0.4 + spread * rng.standard_normal(8)
        found = pool(true + np.sqrt(v) * rng.standard_normal(8), v)
        new = 0.4 + spread * rng.standard_normal()
        covered.append(found.mean.low <= 0.4 <= found.mean.high)
        predicted.append(found.prediction.low <= new <= found.prediction.high)
        own += [e.low <= b <= e.high for e, b in zip(found.shrunk, true, strict=True)]
    for share in (np.mean(covered), np.mean(predicted), np.mean(own)):
        assert share >= 0.92


@pytest.mark.parametrize(
    ("effects", "variances"),
    [([1.0], [1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0])],
)
def test_what_cannot_be_pooled_is_refused(effects, variances):
    with pytest.raises(InputError, match="two effects or more"):
        pool(np.array(effects), np.array(variances))
