"""Any regression that can be written down is kept as it is; the rest is refused in one line."""

import json
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import Lasso, LinearRegression, PoissonRegressor, RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from alleviate.models.effects import LEARNERS
from alleviate.models.effects.dr_learner import DRLearner
from alleviate.models.effects.t_learner import TLearner
from alleviate.models.effects.x_learner import XLearner
from alleviate.models.flat_trees import FlatTrees, from_text, to_text
from alleviate.models.regressors import AveragedRidge, keep, regress, restore
from alleviate.models.trial import EffectData
from alleviate.terms.errors import InputError

STORABLE = {
    "house": AveragedRidge(),
    "least squares": LinearRegression(),
    "ridge": RidgeCV(),
    "lasso": Lasso(0.01),
    "tree": DecisionTreeRegressor(max_depth=4),
    "forest": RandomForestRegressor(20, random_state=1),
    "extra trees": ExtraTreesRegressor(20, random_state=1),
    "boosting": GradientBoostingRegressor(n_estimators=30, random_state=1),
    "LightGBM": lgb.LGBMRegressor(n_estimators=20, verbosity=-1, num_threads=1),
}


def people(n=200, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return x, 3.0 + x[:, 0] - (x[:, 1] > 0) + 0.3 * rng.normal(size=n)


@pytest.mark.parametrize("name", STORABLE)
def test_what_is_read_back_predicts_the_same(name):
    x, y = people()
    fitted = STORABLE[name].fit(x, y)
    kept = keep(fitted, x)
    again = restore(json.loads(json.dumps(kept.to_json())))
    fresh = people(50, 2)[0]
    assert (again.predict(fresh) == kept.predict(fresh)).all()
    assert kept.predict(fresh) == pytest.approx(fitted.predict(fresh), abs=1e-5)


@pytest.mark.parametrize(
    "unfit",
    [KNeighborsRegressor(), PoissonRegressor(), AdaBoostRegressor(n_estimators=5, random_state=1)],
    ids=["nothing to write", "not what its coefficients say", "not the mean of its trees"],
)
def test_what_cannot_be_stored_is_refused(unfit):
    x, y = people()
    with pytest.raises(InputError, match="cannot be stored without pickle") as caught:
        keep(unfit.fit(x, np.exp(y)), x)
    assert "linear model" in caught.value.hint


def test_boosting_from_a_model_of_its_own_is_refused():
    x, y = people()
    with pytest.raises(InputError, match="GradientBoostingRegressor"):
        keep(GradientBoostingRegressor(init=LinearRegression(), n_estimators=5).fit(x, y), x)


class TestFlatTrees:
    def test_walk_as_a_plain_traversal(self):
        x, y = people()
        forest = RandomForestRegressor(5, random_state=1).fit(x, y)
        flat = FlatTrees.of([member.tree_ for member in forest.estimators_], 0.2)
        for person in people(30, 3)[0]:
            total = 0.0
            for member in forest.estimators_:
                tree, node = member.tree_, 0
                while tree.children_left[node] >= 0:
                    goes_left = np.float32(person[tree.feature[node]]) <= tree.threshold[node]
                    node = (tree.children_left if goes_left else tree.children_right)[node]
                total += 0.2 * tree.value[node, 0, 0]
            assert flat.predict(person[None])[0, 0] == pytest.approx(total, abs=1e-12)

    def test_only_numbers_are_read(self):
        assert (from_text(to_text(np.arange(6.0).reshape(2, 3))) == np.arange(6.0).reshape(2, 3)).all()
        with pytest.raises(ValueError, match="numbers expected"):
            from_text({"shape": [1], "type": "|O", "base64": "AAAAAAAAAAA="})


class TestTheHousesRidge:
    def test_shrinks_noise_and_keeps_the_level(self):
        x, _ = people()
        y = 100 + np.random.default_rng(3).normal(size=200)
        fitted = AveragedRidge().fit(x, y)
        assert np.abs(fitted.coef_).max() < 0.1
        assert fitted.predict(x).mean() == pytest.approx(y.mean())

    def test_many_people_give_least_squares(self):
        x, y = people(20_000)
        least = LinearRegression().fit(x, y)
        assert AveragedRidge().fit(x, y).coef_ == pytest.approx(least.coef_, abs=1e-3)

    def test_weights_count_as_copies_do_in_the_level(self):
        x, y = people()
        weight = 1.0 + (np.arange(200) % 2)
        fitted = AveragedRidge().fit(x, y, sample_weight=weight)
        assert np.average(y - fitted.predict(x), weights=weight) == pytest.approx(0, abs=1e-9)


def test_people_of_no_weight_are_left_out():
    x, y = people()
    weight = (np.arange(200) < 150) * np.where(np.arange(200) % 2, 2.0, 1.0)
    found = regress(lambda seed: LinearRegression(), 1, x, y, weight)
    wanted = LinearRegression().fit(x[:150], y[:150], sample_weight=weight[:150])
    assert found.predict(x) == pytest.approx(wanted.predict(x))


def test_an_arm_of_which_nothing_is_known_says_0():
    x, y = people()
    assert not regress(AveragedRidge, 1, x, y, np.zeros(200)).predict(x).any()


def trial(n, seed, arms=3):
    """The last arm's benefit grows with the first feature; the outcome's level with the second."""
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=(n, 4)), rng.integers(0, arms, n)
    mean = np.outer(x[:, 0], np.eye(arms)[-1]) + 2 * x[:, 1:2]
    y = mean[np.arange(n), arm] + rng.normal(size=n)
    expected = np.repeat(2 * x[:, 1:2], arms, axis=1)
    scores = expected.copy()
    scores[np.arange(n), arm] += (y - expected[:, 0]) * arms
    chances = np.full((n, arms), 1 / arms)
    return EffectData(x, arm, y, y - mean.mean(axis=1), chances, scores, expected, np.ones(n)), mean


@pytest.mark.parametrize("name", ["t_learner", "x_learner", "dr_learner"])
def test_many_people_show_the_true_effects(name):
    data, mean = trial(20_000, 1)
    truth = mean - mean.mean(axis=1, keepdims=True)
    assert LEARNERS[name].fit(data, 1).predict(data.x) == pytest.approx(truth, abs=0.3)


@pytest.mark.parametrize("learner", [TLearner, XLearner, DRLearner])
@pytest.mark.parametrize(
    "regressor",
    [
        lambda seed: RandomForestRegressor(10, min_samples_leaf=20, random_state=seed),
        lambda seed: lgb.LGBMRegressor(n_estimators=20, verbosity=-1, num_threads=1, seed=seed),
        lambda seed: RidgeCV(),
    ],
    ids=["forest", "LightGBM", "ridge"],
)
def test_any_regressor_serves_and_is_stored(learner, regressor):
    data, mean = trial(2000, 2)
    chosen = learner(regressor=regressor)
    weight = np.where(np.arange(2000) % 10 == 0, 0.0, 10 / 9)
    data = replace(data, weight=weight)
    model = chosen.fit(data, 3)
    again = LEARNERS[chosen.name].load(model.to_files())
    assert (again.predict(data.x) == model.predict(data.x)).all()
    truth = mean - mean.mean(axis=1, keepdims=True)
    assert np.corrcoef(model.predict(data.x)[:, -1], truth[:, -1])[0, 1] > 0.75
