"""Shares of candidates, and the slope that people held out ask for."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.prognosis.stacking import cross_stacked, recalibrated, shares


def test_the_better_of_two_gets_the_larger_share_and_noise_gets_none() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=600)
    y = (rng.random(600) < expit(truth)).astype(float)
    said = np.column_stack([truth, np.zeros(600), 2 * rng.normal(size=600)])
    found = shares(said, y, np.ones(600), "binary", np.full(3, 1 / 3))
    assert found.sum() == pytest.approx(1.0)
    assert found[0] > 0.6
    assert found[2] < 0.1


def test_few_people_hardly_move_shares_from_where_they_were() -> None:
    rng = np.random.default_rng(7)
    y = (rng.random(30) < 0.5).astype(float)
    said = np.column_stack([0.5 * (2 * y - 1), np.zeros(30)])
    few = shares(said, y, np.ones(30), "binary", np.array([0.5, 0.5]))
    many = shares(np.tile(said, (40, 1)), np.tile(y, 40), np.ones(1200), "binary", np.array([0.5, 0.5]))
    assert 0.5 < few[0] < 0.65
    assert many[0] > 0.95


@pytest.mark.parametrize("loss", ["binary", "numeric"])
def test_two_that_err_differently_are_mixed_as_a_plain_search_would(loss: str) -> None:
    rng = np.random.default_rng(2)
    truth = 1.5 * rng.normal(size=3000)
    y = (rng.random(3000) < expit(truth)).astype(float) if loss == "binary" else truth
    said = truth[:, None] + rng.normal(size=(3000, 2))
    found = shares(said, y, np.ones(3000), loss, np.array([0.7, 0.3]))  # type: ignore[arg-type]
    grid = np.linspace(0, 1, 201)
    by_loss = [mean_loss(y, said @ [1 - w, w], np.ones(3000), loss) for w in grid]  # type: ignore[arg-type]
    assert found[1] == pytest.approx(grid[np.argmin(by_loss)], abs=0.05)


def test_one_alone_has_it_all() -> None:
    assert shares(np.ones((5, 1)), np.ones(5), np.ones(5), "binary", np.ones(1)).tolist() == [1.0]


def test_a_stack_is_judged_by_shares_found_among_others() -> None:
    rng = np.random.default_rng(3)
    said, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    folds = np.arange(60) % 3
    found = cross_stacked(said, y, np.ones(60), "numeric", np.array([0.5, 0.5]), folds)
    changed = y.copy()
    changed[folds == 1] += 10.0
    again = cross_stacked(said, changed, np.ones(60), "numeric", np.array([0.5, 0.5]), folds)
    assert np.array_equal(found[folds == 1], again[folds == 1])


def test_with_many_people_the_slope_is_the_one_of_logistic_regression() -> None:
    rng = np.random.default_rng(4)
    said = 2.0 * rng.normal(size=20_000)
    y = (rng.random(20_000) < expit(0.5 * said - 0.4)).astype(float)
    intercept, slope = recalibrated(said, y, np.ones(20_000), "binary")
    plain = LogisticRegression(C=1e9).fit(said[:, None], y)
    assert slope == pytest.approx(plain.coef_[0, 0], abs=0.02)
    assert intercept == pytest.approx(plain.intercept_[0], abs=0.02)


def test_with_few_people_the_slope_stays_near_1_and_the_mean_is_right() -> None:
    rng = np.random.default_rng(5)
    said = rng.normal(size=40)
    y = (rng.random(40) < 0.4).astype(float)
    intercept, slope = recalibrated(said, y, np.ones(40), "binary")
    assert 0.7 < slope < 1.0
    assert expit(intercept + slope * said).mean() == pytest.approx(y.mean(), abs=1e-3)


def test_a_number_is_recalibrated_in_its_own_units() -> None:
    rng = np.random.default_rng(6)
    said = 100.0 * rng.normal(size=5000)
    y = 0.8 * said + 7.0 + rng.normal(size=5000)
    intercept, slope = recalibrated(said, y, np.ones(5000), "numeric")
    assert slope == pytest.approx(0.8, abs=0.02)
    assert intercept == pytest.approx(7.0, abs=2.0)


def test_what_says_the_same_of_all_needs_no_slope() -> None:
    assert recalibrated(np.full(10, 0.3), np.ones(10), np.ones(10), "binary") == (0.0, 1.0)
