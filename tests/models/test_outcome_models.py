"""Nuisance models of the outcome: a prediction for each arm, close where the truth is simple."""

import lightgbm as lgb
import numpy as np
import pytest

from alleviate.models.outcome import BOOSTING, OUTCOME_MODELS, models_for
from alleviate.models.ridge import ridge_gcv


def simulated(n, seed, arms=3):
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(n, 3)) * [1.0, 5.0, 0.1] + 4.0, rng.integers(0, arms, n)
    mean = (x[:, 0] - 0.2 * x[:, 1])[:, None] + np.array([0.0, 1.0, 3.0])
    return x, arm, mean[np.arange(n), arm] + 0.5 * rng.normal(size=n), mean


@pytest.mark.parametrize(("name", "off"), [("linear", 0.05), ("ridge", 0.05), ("boosted", 0.5)])
def test_each_arm_is_predicted_as_it_is(name, off):
    x, arm, y, mean = simulated(3000, 1)
    predicted = OUTCOME_MODELS[name](x, arm, y, 3, 1).predict(x)
    assert predicted.shape == mean.shape
    assert np.sqrt(((predicted - mean) ** 2).mean(axis=0)).max() < off


def test_linear_is_the_analysis_of_covariance_of_a_plain_trial():
    x, arm, y, _ = simulated(90, 2)
    a, b = np.split(np.linalg.lstsq(np.column_stack([np.eye(3)[arm], x]), y, rcond=None)[0], [3])
    assert OUTCOME_MODELS["linear"](x, arm, y, 3, 1).predict(x) == pytest.approx((x @ b)[:, None] + a)


def test_ridge_is_the_same_with_shrunken_slopes():
    x, arm, y, _ = simulated(90, 2)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    slope, level = ridge_gcv(z, np.eye(3)[arm], y)
    expected = np.array([[row @ slope + level[k] for k in range(3)] for row in z])
    assert OUTCOME_MODELS["ridge"](x, arm, y, 3, 1).predict(x) == pytest.approx(expected)


@pytest.mark.parametrize("name", models_for("numeric"))
def test_a_constant_feature_is_no_trouble(name):
    x, arm, y, _ = simulated(60, 3)
    x[:, 2] = 7.0
    assert np.isfinite(OUTCOME_MODELS[name](x, arm, y, 3, 1).predict(x)).all()


@pytest.mark.parametrize("name", models_for("numeric"))
def test_more_features_than_people_are_no_trouble(name):
    rng = np.random.default_rng(7)
    x, arm, y = rng.normal(size=(40, 60)), np.arange(40) % 3, rng.normal(size=40)
    assert np.isfinite(OUTCOME_MODELS[name](x, arm, y, 3, 1).predict(x)).all()


def test_boosting_sees_the_arm_as_features_and_answers_arm_by_arm():
    x, arm, y, _ = simulated(200, 4)
    table = lgb.Dataset(np.column_stack([x, np.eye(3)[arm]]), y, params={"verbosity": -1})
    booster = lgb.train({**BOOSTING, "seed": 5}, table, num_boost_round=120)
    asked = [[booster.predict([[*row, *np.eye(3)[k]]])[0] for k in range(3)] for row in x[:10]]
    assert OUTCOME_MODELS["boosted"](x, arm, y, 3, 5).predict(x[:10]) == pytest.approx(np.array(asked))


@pytest.mark.parametrize("name", models_for("numeric"))
@pytest.mark.parametrize("arms", [2, 4])
def test_without_features_each_arm_has_its_mean(name, arms):
    rng = np.random.default_rng(6)
    arm, y = np.arange(400) % arms, rng.normal(size=400)
    y += 3 * arm
    predicted = OUTCOME_MODELS[name](np.empty((400, 0)), arm, y, arms, 1).predict(np.empty((2, 0)))
    means = [y[arm == k].mean() for k in range(arms)]
    assert predicted == pytest.approx(np.array([means, means]), abs=0.3 if name == "boosted" else 1e-9)
