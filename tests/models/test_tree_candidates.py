"""Forest, boosted trees and the explainable boosting machine: what they learn, keep and say of themselves."""

import importlib
import json
from itertools import permutations

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis.candidates import boosted, ebm, forest
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.losses import average, mean_loss
from alleviate.models.prognosis.shrunken_trees import ShrunkenTrees
from alleviate.models.prognosis.tables import Table, Tables
from alleviate.models.prognosis.tree_sum import QUIET, TreeSum, parts_of, plain_text
from alleviate.terms.errors import InputError

N, P = 240, 5
TREES = (forest.CANDIDATE, boosted.CANDIDATE)
ALL = (*TREES, ebm.CANDIDATE)


def columns(p):
    return tuple(EncodedColumn(f"x{j}", "value", None, 0.0, 1.0) for j in range(p))


def people(loss, n=N, p=P, seed=10_100, signal=1.0):
    """A step, a product and a line in three columns; the others say nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    truth = signal * (2.0 * (x[:, 0] > 0.3) + 1.5 * x[:, 1] * (x[:, 2] > 0) - 0.6)
    if loss == "binary":
        y = (rng.random(n) < 1.0 / (1.0 + np.exp(-truth))).astype(float)
    else:
        y = truth + rng.normal(size=n)
    return Design(x, columns(p), y, np.ones(n), loss), truth


def folds_of(design, folds=4):
    return np.arange(len(design.y)) % folds


@pytest.fixture(scope="module")
def learned():
    """Of each candidate and loss: people, truth, what tuning found, and the fit."""
    found = {}
    for candidate in ALL:
        for loss in ("binary", "numeric"):
            design, truth = people(loss)
            folds = folds_of(design, 2 if candidate is ebm.CANDIDATE else 4)  # the slowest
            tuned = candidate.tune(design, folds, 10_000, Budget())
            fitted = candidate.fit(design, tuned.settings, 10_000)
            found[candidate.name, loss] = design, truth, tuned, fitted
    return found


CASES = [(candidate, loss) for candidate in ALL for loss in ("binary", "numeric")]
NAMED = [f"{candidate.name}-{loss}" for candidate, loss in CASES]


@pytest.mark.parametrize(("candidate", "loss"), CASES, ids=NAMED)
class TestEachCandidate:
    def test_foresees_people_held_out_better_than_their_average(self, learned, candidate, loss):
        design, truth, tuned, _ = learned[candidate.name, loss]
        flat = np.full(N, average(design))
        told = mean_loss(design.y, tuned.held_out, design.weight, loss)
        assert told < mean_loss(design.y, flat, design.weight, loss) - 0.02
        assert np.corrcoef(tuned.held_out, truth)[0, 1] > 0.5

    def test_predicts_the_same_when_read_back_from_text(self, learned, candidate, loss):
        design, _, _, fitted = learned[candidate.name, loss]
        again = candidate.restore(json.loads(json.dumps(fitted.to_json())))
        np.testing.assert_array_equal(again.linear(design.x), fitted.linear(design.x))
        assert again.used() == fitted.used()
        assert again.complexity == fitted.complexity
        assert again.to_json() == fitted.to_json()

    def test_contributions_sum_to_what_is_foreseen(self, learned, candidate, loss):
        design, _, _, fitted = learned[candidate.name, loss]
        level, added = fitted.contributions(design.x)
        assert added.shape == design.x.shape
        np.testing.assert_allclose(level + added.sum(axis=1), fitted.linear(design.x), atol=1e-9)

    def test_depends_only_on_the_columns_it_says(self, learned, candidate, loss):
        design, _, _, fitted = learned[candidate.name, loss]
        other = np.random.default_rng(10_001).normal(size=design.x.shape)
        other[:, list(fitted.used())] = design.x[:, list(fitted.used())]
        np.testing.assert_array_equal(fitted.linear(other), fitted.linear(design.x))
        assert {0, 1} <= set(fitted.used())

    def test_is_the_same_from_the_same_seed(self, learned, candidate, loss):
        design, _, tuned, fitted = learned[candidate.name, loss]
        assert candidate.fit(design, tuned.settings, 10_000).to_json() == fitted.to_json()

    def test_has_settings_that_are_plain_and_more_than_one_parameter(self, learned, candidate, loss):
        _, _, tuned, fitted = learned[candidate.name, loss]
        assert json.loads(json.dumps(dict(tuned.settings))) == dict(tuned.settings)
        assert 1.0 < fitted.complexity < N


@pytest.mark.parametrize("candidate", TREES, ids=lambda each: each.name)
class TestTrees:
    def test_tuning_is_the_same_from_the_same_seed(self, learned, candidate):
        design, _, tuned, _ = learned[candidate.name, "binary"]
        again = candidate.tune(design, folds_of(design), 10_000, Budget())
        assert again.settings == tuned.settings
        np.testing.assert_array_equal(again.held_out, tuned.held_out)

    def test_when_time_is_up_the_first_settings_are_taken(self, candidate):
        design, _ = people("binary")
        budget = Budget(0.0)
        tuned = candidate.tune(design, folds_of(design), 10_000, budget)
        assert budget.cut
        assert np.isfinite(tuned.held_out).all()

    def test_people_of_weight_nought_say_nothing_to_the_forecast(self, candidate):
        """They may be counted in a leaf's least number, but not in what it says."""
        design, _ = people("binary", n=200)
        turned = design.y.copy()
        weight = np.r_[np.ones(150), np.zeros(50)]
        turned[150:] = 1.0 - turned[150:]
        settings = candidate.tune(design, folds_of(design), 1, Budget(0.0)).settings
        one, other = (
            candidate.fit(Design(design.x, design.columns, y, weight, "binary"), settings, 1)
            for y in (design.y, turned)
        )
        np.testing.assert_allclose(one.linear(design.x), other.linear(design.x), atol=1e-6)

    def test_noise_is_foreseen_as_next_to_nothing(self, candidate):
        design, _ = people("binary", signal=0.0)
        tuned = candidate.tune(design, folds_of(design), 10_000, Budget())
        fitted = candidate.fit(design, tuned.settings, 10_000)
        assert fitted.linear(design.x).std() < 0.5

    def test_one_kind_of_outcome_is_no_infinity(self, candidate):
        design = Design(people("binary", n=60)[0].x, columns(P), np.ones(60), np.ones(60), "binary")
        tuned = candidate.tune(design, folds_of(design), 1, Budget())
        linear = candidate.fit(design, tuned.settings, 1).linear(design.x)
        assert (linear > 2.0).all()
        assert np.isfinite(linear).all()

    def test_without_columns_the_average_is_foreseen(self, candidate):
        design = people("binary", n=80)[0]
        bare = Design(np.zeros((80, 0)), (), design.y, design.weight, "binary")
        tuned = candidate.tune(bare, folds_of(bare), 1, Budget())
        fitted = candidate.fit(bare, tuned.settings, 1)
        np.testing.assert_allclose(fitted.linear(bare.x), average(design), atol=0.1)
        assert fitted.contributions(bare.x)[1].shape == (80, 0)
        assert fitted.used() == ()

    def test_says_nothing_of_nobody(self, learned, candidate):
        fitted = learned[candidate.name, "binary"][3]
        assert fitted.contributions(np.zeros((0, P)))[1].shape == (0, P)


class TestShrunkenTrees:
    """Against one tree whose every split is known, by hand."""

    X = np.array([[0.0], [0.0], [0.0], [1.0], [2.0], [2.0], [2.0], [2.0]])
    Y = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    W = np.array([1.0, 2.0, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0])

    def tree(self, y, weight, rounds=1, leaves=3):
        settings = {
            **QUIET,
            "objective": "regression",
            "boosting": "rf",
            "bagging_fraction": 0.99,
            "bagging_freq": 1,
            "min_child_samples": 1,
            "min_sum_hessian_in_leaf": 0.0,
            "min_data_in_bin": 1,
            "num_leaves": leaves,
        }
        return lgb.train(settings, lgb.Dataset(self.X, y, weight=weight, params=settings), rounds)

    def test_without_shrinkage_a_leaf_says_its_people_s_weighted_mean(self):
        trees = ShrunkenTrees.of(self.tree(self.Y, self.W), self.X, self.Y, self.W, "numeric")
        said = trees.foreseen(self.X, trees.values(0.0))
        for value in np.unique(said):
            same = said == value
            assert value == pytest.approx(np.average(self.Y[same], weights=self.W[same]))

    def test_each_step_down_is_kept_to_its_share(self):
        """The definition, by recursion over the people themselves."""
        shrinkage, booster = 2.0, self.tree(self.Y, self.W)
        trees = ShrunkenTrees.of(booster, self.X, self.Y, self.W, "numeric")
        head = booster.dump_model()["tree_info"][0]["tree_structure"]

        def walk(node, people, said):
            if "leaf_index" in node:
                return np.where(people, said, 0.0)
            left = people & (self.X[:, 0] <= node["threshold"])
            right = people & ~left
            total = np.zeros(len(people))
            own = np.average(self.Y[people], weights=self.W[people])
            for child, part in (("left_child", left), ("right_child", right)):
                step = np.average(self.Y[part], weights=self.W[part]) - own
                total += walk(node[child], part, said + step / (1 + shrinkage / self.W[people].sum()))
            return total

        everybody = np.ones(len(self.X), dtype=bool)
        wanted = walk(head, everybody, np.average(self.Y, weights=self.W))
        np.testing.assert_allclose(trees.foreseen(self.X, trees.values(shrinkage)), wanted)

    def test_the_trace_of_what_a_tree_does_to_outcomes_is_its_complexity(self):
        booster = self.tree(self.Y, np.ones(8))
        trees = [ShrunkenTrees.of(booster, self.X, np.eye(8)[i], np.ones(8), "numeric") for i in range(8)]
        traced = sum(t.foreseen(self.X, t.values(1.5))[i] for i, t in enumerate(trees))
        assert trees[0].complexity(1.5) == pytest.approx(traced)
        assert trees[0].complexity(0.0) == pytest.approx(3.0)

    def test_it_grows_what_a_regression_tree_grows(self):
        """One tree of all people, its leaves not shrunk: scikit-learn's."""
        design, _ = people("numeric", n=120)
        settings = {**QUIET, "objective": "regression", "num_leaves": 4, "max_bin": 255, "min_data_in_bin": 1}
        settings |= {"min_child_samples": 10, "boost_from_average": False, "learning_rate": 1.0}
        booster = lgb.train(settings, lgb.Dataset(design.x, design.y, params=settings), 1)
        trees = ShrunkenTrees.of(booster, design.x, design.y, design.weight, "numeric")
        peer = DecisionTreeRegressor(max_leaf_nodes=4, min_samples_leaf=10).fit(design.x, design.y)
        np.testing.assert_allclose(trees.foreseen(design.x, trees.values(0.0)), peer.predict(design.x))

    def test_what_is_written_sums_to_the_mean_over_trees(self):
        design, _ = people("binary", n=90)
        grown = forest._grown(design, forest.GROWTHS[0], 3)
        values = grown.values(5.0)
        kept = TreeSum(grown.written(values), 0.25, 1.0)
        np.testing.assert_allclose(kept.linear(design.x), 0.25 + grown.foreseen(design.x, values))

    def test_a_pure_leaf_is_finite_and_a_tree_without_a_split_says_the_smoothed_risk(self):
        y = (self.X[:, 0] > 0).astype(float)
        trees = ShrunkenTrees.of(self.tree(y, np.ones(8)), self.X, y, np.ones(8), "binary")
        assert np.isfinite(trees.values(1.0)).all()
        none = ShrunkenTrees.of(self.tree(np.ones(8), np.ones(8)), self.X, np.ones(8), np.ones(8), "binary")
        np.testing.assert_allclose(none.values(1.0), np.log(8.5 / 0.5))
        assert none.complexity(1.0) == 1.0


class TestCalibrationOfTheForest:
    def test_it_finds_the_level_and_slope_of_many_people(self):
        rng = np.random.default_rng(10_200)
        said = rng.normal(size=20_000)
        y = (rng.random(20_000) < 1 / (1 + np.exp(-(0.4 + 1.6 * said)))).astype(float)
        level, slope = forest._calibration(y, said, np.ones(20_000), "binary")
        assert level == pytest.approx(0.4, abs=0.06)
        assert slope == pytest.approx(1.6, abs=0.08)
        level, slope = forest._calibration(0.4 + 1.6 * said, said, np.ones(20_000), "numeric")
        assert (level, slope) == pytest.approx((0.4, 1.6), abs=0.01)

    def test_a_forest_that_errs_backwards_is_given_no_say(self):
        rng = np.random.default_rng(10_201)
        said = rng.normal(size=2_000)
        y = (rng.random(2_000) < 1 / (1 + np.exp(2 * said))).astype(float)
        assert forest._calibration(y, said, np.ones(2_000), "binary")[1] == 0.0


class TestBoosted:
    def test_people_held_out_are_foreseen_nearly_as_a_refit_foresees_them(self, learned):
        """Nearly: each fold's own settings are chosen by the others, so that no fold flatters itself."""
        design, _, tuned, _ = learned["boosted", "binary"]
        folds, again = folds_of(design), np.zeros(N)
        for fold in range(4):
            rest = design.take(np.flatnonzero(folds != fold))
            fitted = boosted.CANDIDATE.fit(rest, tuned.settings, 10_000)
            again[folds == fold] = fitted.linear(design.x[folds == fold])
        assert np.corrcoef(again, tuned.held_out)[0, 1] > 0.95
        assert not np.array_equal(again, tuned.held_out)

    def test_the_text_kept_predicts_as_the_booster_did(self):
        design, _ = people("numeric")
        settings = {**QUIET, "objective": "regression"}
        booster = lgb.train(settings, lgb.Dataset(design.x, design.y, params=settings), 30)
        kept = TreeSum(plain_text(*parts_of(booster)), 0.0, 1.0)
        np.testing.assert_array_equal(kept.linear(design.x), booster.predict(design.x))
        assert len(kept.text) < 0.8 * len(booster.model_to_string())

    def test_without_a_round_the_average_is_foreseen(self):
        design, _ = people("binary")
        settings = {**boosted.FIRST, "rounds": 0}
        fitted = boosted.CANDIDATE.fit(design, settings, 1)
        np.testing.assert_array_equal(fitted.linear(design.x), np.full(N, average(design)))
        assert fitted.complexity == 1.0

    def test_effective_parameters_are_the_trace_of_what_boosting_does(self):
        """A column of three values, cut fully each round: what is reached of three groups' means."""
        x = np.repeat([[0.0], [1.0], [2.0]], 40, axis=0)
        y = np.repeat([0.0, 2.0, 5.0], 40)
        design = Design(x, columns(1), y, np.ones(120), "numeric")
        settings = {"leaves": 3, "least": 1, "ridge": 0.0, "columns": 1.0, "people": 1.0, "random": False}
        fitted = boosted.CANDIDATE.fit(design, {**settings, "rounds": 5}, 1)
        told = [boosted._freedom(fitted, design, settings, seed) for seed in range(10_000, 10_060)]
        reached = 1.0 - (1.0 - boosted.RATE) ** 5
        assert np.mean(told) == pytest.approx(1.0 + 3.0 * reached, abs=0.1)


def conditional(node, x, known):
    """What a tree says of a person of whom only ``known`` columns are known: shares of people else."""
    if "leaf_value" in node:
        return node["leaf_value"]
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return conditional(left if x[node["split_feature"]] <= node["threshold"] else right, x, known)
    counts = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    parts = [conditional(child, x, known) for child in (left, right)]
    return float(np.average(parts, weights=counts))


def shapley(worth, p):
    """By the definition: the mean over all orders of what each column adds on becoming known."""
    added = np.zeros(p)
    orders = list(permutations(range(p)))
    for order in orders:
        for place, j in enumerate(order):
            added[j] += worth({*order[: place + 1]}) - worth({*order[:place]})
    return added / len(orders)


@pytest.mark.parametrize(("candidate", "loss"), CASES[:4], ids=NAMED[:4])
def test_contributions_are_shapley_values_by_their_definition(candidate, loss):
    design, _ = people(loss, n=120, p=4)
    tuned = candidate.tune(design, folds_of(design), 10_000, Budget(0.0))
    fitted = candidate.fit(design, tuned.settings, 10_000)
    trees = [tree["tree_structure"] for tree in fitted.booster.dump_model()["tree_info"]]

    for person in design.x[:2]:

        def worth(known, person=person):
            return sum(conditional(tree, person, known) for tree in trees)

        level, added = fitted.contributions(person[None])
        np.testing.assert_allclose(added[0], shapley(cache_by_set(worth), 4), atol=1e-9)
        assert level == pytest.approx(fitted.level + worth(set()))


def cache_by_set(worth):
    seen = {}

    def told(known):
        key = frozenset(known)
        if key not in seen:
            seen[key] = worth(key)
        return seen[key]

    return told


class TestExplainableBoosting:
    def test_our_tables_predict_as_interpret_does(self):
        glassbox = pytest.importorskip("interpret.glassbox")
        design, _ = people("binary")
        fitted = ebm.CANDIDATE.fit(design, {"pairs": 3}, 7)
        peer = glassbox.ExplainableBoostingClassifier(
            **ebm.BOUNDS, interactions=3, feature_types=["continuous"] * P, random_state=7
        ).fit(design.x, design.y.astype(int), sample_weight=design.weight)
        assert any(len(table.columns) == 2 for table in fitted.tables)
        new = np.random.default_rng(10_300).normal(size=(300, P)) * 2
        np.testing.assert_allclose(fitted.linear(new), peer.decision_function(new), atol=1e-12)

    def test_a_pair_s_score_is_halved(self):
        cut = np.array([0.5])
        tables = Tables(1.0, (Table((0, 2), (cut, cut), np.array([[0.0, 0.0], [0.0, 4.0]])),))
        level, added = tables.contributions(np.array([[1.0, 9.0, 1.0], [1.0, 9.0, 0.0]]))
        assert level == 1.0
        np.testing.assert_array_equal(added, [[2.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
        assert tables.used() == (0, 2)
        assert tables.complexity == 2.0
        line = Table((0,), (np.array([1.0, 2.0, 3.0]),), np.array([0.0, 1.0, 1.0, 2.0]))
        assert line.steps == pytest.approx(2.0)
        assert Table((0,), (cut,), np.zeros(2)).steps == 0.0

    def test_too_few_people_are_foreseen_as_their_average(self):
        design, _ = people("binary", n=8)
        fitted = ebm.CANDIDATE.fit(design, {"pairs": 0}, 1)
        np.testing.assert_array_equal(fitted.linear(design.x), np.full(8, average(design)))

    def test_when_time_is_up_no_pairs_are_tried(self):
        design, _ = people("binary", n=80)
        assert ebm.CANDIDATE.tune(design, folds_of(design), 1, Budget(0.0)).settings == {"pairs": 0}

    def test_it_is_asked_for_only_where_it_is_installed(self, monkeypatch):
        def missing(name):
            raise ImportError(name)

        monkeypatch.setattr(ebm, "import_module", missing)
        with pytest.raises(InputError, match="interpret-core") as raised:
            ebm.CANDIDATE.fit(people("binary")[0], {"pairs": 0}, 1)
        assert "alleviate[ebm]" in raised.value.hint
        importlib.reload(ebm)
