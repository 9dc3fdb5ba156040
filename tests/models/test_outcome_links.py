"""Outcome models on the scale of log odds or logarithm: near the truth where that is straight."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from alleviate.models.outcome import OUTCOME_MODELS, models_for


def drawn(n, seed, kind):
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(n, 3)) * [1.0, 5.0, 0.1] + 4.0, rng.integers(0, 3, n)
    linear = ((x[:, 0] - 4) - 0.2 * (x[:, 1] - 4))[:, None] + np.array([-1.0, 0.0, 0.5])
    if kind == "binary":
        mean = 1 / (1 + np.exp(-linear))
        return x, arm, (rng.uniform(size=n) < mean[np.arange(n), arm]) * 1.0, mean
    mean = np.exp(0.5 * linear)
    own = mean[np.arange(n), arm]
    return x, arm, rng.poisson(own * rng.gamma(2.0, 0.5, n)) * 1.0, mean  # twice as spread as Poisson


KINDS = {"logistic": "binary", "log-linear": "count", "boosted-count": "count"}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("sign", [1, -1], ids=["higher is better", "lower is better"])
def test_each_arm_is_predicted_as_it_is(name, sign):
    x, arm, y, mean = drawn(4000, 1, KINDS[name])
    predicted = OUTCOME_MODELS[name](x, arm, sign * y, 3, 1).predict(x)
    assert np.sqrt(((sign * predicted - mean) ** 2).mean()) < (0.4 if name == "boosted-count" else 0.08)


@pytest.mark.parametrize("name", ["logistic", "log-linear"])
def test_where_nothing_is_shrunk_it_is_maximum_likelihood(name):
    x, arm, y, _ = drawn(20_000, 2, KINDS[name])
    z = np.column_stack([np.eye(3)[arm][:, 1:], (x - x.mean(axis=0)) / x.std(axis=0)])
    if name == "logistic":
        expected = LogisticRegression(C=np.inf, max_iter=500).fit(z, y).predict_proba(z)[:, 1]
    else:
        expected = PoissonRegressor(alpha=0.0, max_iter=500).fit(z, y).predict(z)
    own = OUTCOME_MODELS[name](x, arm, y, 3, 1).predict(x)[np.arange(len(y)), arm]
    assert own == pytest.approx(expected, rel=0.02, abs=0.005)


@pytest.mark.parametrize("name", KINDS)
def test_an_arm_without_any_event_is_no_trouble(name):
    x, arm, y, _ = drawn(90, 3, KINDS[name])
    for wanted in (np.where(arm == 0, 0.0, y), np.zeros(90)):
        predicted = OUTCOME_MODELS[name](x, arm, wanted, 3, 1).predict(x * 100)
        assert np.isfinite(predicted).all()


def test_chances_stay_between_none_and_all():
    x, arm, y, _ = drawn(60, 4, "binary")
    predicted = OUTCOME_MODELS["logistic"](x, arm, y, 3, 1).predict(x * 1000)
    assert predicted.min() > 0
    assert predicted.max() < 1


def test_what_is_tried_depends_on_the_kind_of_outcome():
    assert "logistic" in models_for("binary")
    assert "log-linear" in models_for("count")
    assert models_for("numeric") == ("linear", "ridge", "boosted")
    for kind in ("numeric", "binary", "count"):
        assert set(models_for(kind)) <= set(OUTCOME_MODELS)
