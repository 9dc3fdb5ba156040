"""Penalised regression against scikit-learn, against direct integration, and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge

from alleviate.models.prognosis.penalised import averaged, narrowed, penalised


def drawn(seed: int, n: int = 80, q: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, q))
    linear = z @ rng.normal(size=q) - 0.3
    return z, (rng.random(n) < expit(linear)).astype(float), linear + rng.normal(size=n)


def test_a_logistic_fit_is_scikit_learns_at_the_same_penalty() -> None:
    z, y, _ = drawn(1)
    ours = penalised(z, y, np.ones(80), np.full(4, 2.5), "binary")
    theirs = LogisticRegression(C=1 / 2.5, tol=1e-10, max_iter=1000).fit(z, y)
    assert ours.slopes == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert ours.level == pytest.approx(theirs.intercept_[0], abs=1e-5)


def test_a_linear_fit_is_scikit_learns_at_the_same_penalty() -> None:
    z, _, y = drawn(2)
    ours = penalised(z, y, np.ones(80), np.full(4, 2.5), "numeric")
    theirs = Ridge(alpha=2.5).fit(z, y)
    assert ours.slopes == pytest.approx(theirs.coef_, abs=1e-8)
    assert ours.level == pytest.approx(theirs.intercept_, abs=1e-8)


def test_each_column_may_have_its_own_penalty() -> None:
    z, y, _ = drawn(3)
    penalty = np.array([0.5, 1.0, 4.0, 1e8])
    ours = penalised(z, y, np.ones(80), penalty, "binary")
    scaled = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(z / np.sqrt(penalty), y)
    assert ours.slopes == pytest.approx(scaled.coef_[0] / np.sqrt(penalty), abs=1e-5)
    assert ours.slopes[3] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("loss", ["binary", "numeric"])
def test_counting_somebody_twice_is_having_two_of_them(loss: str) -> None:
    z, risk, number = drawn(4)
    y = risk if loss == "binary" else number
    times = np.random.default_rng(5).integers(0, 4, 80)
    weighted = penalised(z, y, times.astype(float), np.full(4, 1.0), loss)  # type: ignore[arg-type]
    repeated = penalised(
        np.repeat(z, times, axis=0),
        np.repeat(y, times),
        np.ones(times.sum()),
        np.full(4, 1.0),
        loss,  # type: ignore[arg-type]
    )
    assert weighted.slopes == pytest.approx(repeated.slopes, abs=1e-7)
    assert weighted.evidence == pytest.approx(repeated.evidence, abs=1e-6)
    assert weighted.freedom == pytest.approx(repeated.freedom, abs=1e-6)


def test_effective_parameters_run_from_the_level_alone_to_all() -> None:
    z, y, _ = drawn(6)
    few, many = (penalised(z, y, np.ones(80), np.full(4, penalty), "binary") for penalty in (1e8, 1e-8))
    assert few.freedom == pytest.approx(1.0, abs=1e-4)
    assert many.freedom == pytest.approx(5.0, abs=1e-4)


def test_the_marginal_likelihood_of_a_risk_is_the_integral_over_its_slope() -> None:
    """Differences in evidence between penalties are those of brute-force integration over level and slope."""
    z, y, _ = drawn(7, n=60, q=1)
    level, slope = np.meshgrid(np.linspace(-4, 4, 400), np.linspace(-5, 5, 500), indexing="ij")
    eta = level[..., None] + slope[..., None] * z[:, 0]
    likelihood = (y * eta - np.logaddexp(0, eta)).sum(axis=-1)

    def integral(penalty: float) -> float:
        prior = 0.5 * np.log(penalty) - 0.5 * penalty * slope**2
        whole = likelihood + prior
        return float(whole.max() + np.log(np.exp(whole - whole.max()).sum()))

    fits = [penalised(z, y, np.ones(60), np.array([penalty]), "binary").evidence for penalty in (0.3, 10.0)]
    assert fits[0] - fits[1] == pytest.approx(integral(0.3) - integral(10.0), abs=0.05)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["binary", "numeric"]))
def test_the_order_of_columns_and_of_people_does_not_matter(seed: int, loss: str) -> None:
    z, risk, number = drawn(seed)
    y = risk if loss == "binary" else number
    rng = np.random.default_rng(seed)
    columns, people = rng.permutation(4), rng.permutation(80)
    block, size = np.zeros(4, dtype=np.int64), np.array([4.0])
    one = averaged(z, block, size, y, np.ones(80), loss)  # type: ignore[arg-type]
    other = averaged(z[people][:, columns], block, size, y[people], np.ones(80), loss)  # type: ignore[arg-type]
    assert other.slopes == pytest.approx(one.slopes[columns], abs=1e-6)
    assert other.level == pytest.approx(one.level, abs=1e-6)


def test_people_who_count_nothing_change_nothing() -> None:
    z, y, _ = drawn(8)
    weight = np.r_[np.ones(60), np.zeros(20)]
    block, size = np.zeros(4, dtype=np.int64), np.array([4.0])
    some = averaged(z, block, size, y, weight, "binary")
    without = averaged(z[:60], block, size, y[:60], np.ones(60), "binary")
    assert some.slopes == pytest.approx(without.slopes, abs=1e-12)


def test_a_number_in_other_units_is_foreseen_in_those() -> None:
    z, _, y = drawn(9)
    block, size = np.zeros(4, dtype=np.int64), np.array([4.0])
    plain = averaged(z, block, size, y, np.ones(80), "numeric")
    scaled = averaged(z, block, size, 1000.0 * y + 5.0, np.ones(80), "numeric")
    assert scaled.slopes == pytest.approx(1000.0 * plain.slopes, rel=1e-6)
    assert scaled.level == pytest.approx(1000.0 * plain.level + 5.0, rel=1e-6)


def test_noise_is_shrunk_and_signal_is_not() -> None:
    rng = np.random.default_rng(10)
    z = rng.normal(size=(400, 5))
    block, size = np.zeros(5, dtype=np.int64), np.array([5.0])
    noise = averaged(z, block, size, rng.normal(size=400), np.ones(400), "numeric")
    signal = averaged(z, block, size, z.sum(axis=1) + rng.normal(size=400), np.ones(400), "numeric")
    assert np.abs(noise.slopes).max() < 0.1
    assert signal.slopes == pytest.approx(np.ones(5), abs=0.2)
    assert noise.freedom < 3.5 < signal.freedom


def test_many_columns_are_narrowed_without_a_change_of_the_fit() -> None:
    rng = np.random.default_rng(11)
    z = rng.normal(size=(30, 90))
    block = np.repeat([0, 1], [70, 20])
    y = (rng.random(30) < 0.5).astype(float)
    narrow, narrow_block, back = narrowed(z, block)
    assert narrow.shape[1] == 50
    penalty = np.array([20.0, 5.0])
    wide = penalised(z, y, np.ones(30), penalty[block], "binary")
    thin = penalised(narrow, y, np.ones(30), penalty[narrow_block], "binary")
    assert back @ thin.slopes == pytest.approx(wide.slopes, abs=1e-6)
    assert thin.freedom == pytest.approx(wide.freedom, abs=1e-6)
