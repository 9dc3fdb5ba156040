"""The exact policy tree is the best tree, and ties have one answer."""

import json
from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.policies.trees import (
    DEPTHS,
    TOLERANCE,
    Leaf,
    Split,
    Tree,
    assign,
    cut_points,
    fit_tree,
    from_dict,
    leaves,
    to_dict,
    total,
)
from alleviate.policies.trees_plain import fit_tree_slow
from alleviate.terms.errors import DataError, InputError

FEW = settings(max_examples=60, deadline=None)


@st.composite
def problems(draw, max_people=9, max_features=3, max_arms=4):
    """Small X and Γ on coarse grids: many ties between values, cuts, features and arms."""
    n = draw(st.integers(1, max_people))
    p = draw(st.integers(1, max_features))
    arms = draw(st.integers(1, max_arms))
    values = st.integers(0, 3).map(float)
    gains = st.integers(-4, 4).map(lambda gain: gain / 2)
    X = draw(st.lists(st.lists(values, min_size=p, max_size=p), min_size=n, max_size=n))
    scores = draw(st.lists(st.lists(gains, min_size=arms, max_size=arms), min_size=n, max_size=n))
    return np.array(X), np.array(scores)


def random_problem(seed, n=200, p=4, arms=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    scores = rng.normal(size=(n, arms))
    scores[:, 1] += (X[:, 0] > 0) ^ (X[:, 1] > 0)
    return X, scores


def splits(tree: Tree) -> int:
    return 0 if isinstance(tree, Leaf) else 1 + splits(tree.left) + splits(tree.right)


class TestItIsTheBestTree:
    def test_depth_0_is_the_best_single_arm(self):
        assert fit_tree([[1.0], [2.0]], [[0, 3], [2, 0]], depth=0) == Leaf(1)

    def test_depth_1_finds_the_one_threshold_that_matters(self):
        X = [[5, 1], [5, 2], [6, 8], [5, 9]]
        scores = [[1, 0], [1, 0], [0, 1], [0, 1]]
        assert fit_tree(X, scores, depth=1) == Split(1, 5.0, Leaf(0), Leaf(1))

    def test_depth_2_finds_exclusive_or_which_no_greedy_search_sees(self):
        X = [[0, 0], [0, 1], [1, 0], [1, 1]] * 5
        scores = [[1, 0], [0, 1], [0, 1], [1, 0]] * 5
        tree = fit_tree(X, scores, depth=2)
        assert tree == Split(0, 0.5, Split(1, 0.5, Leaf(0), Leaf(1)), Split(1, 0.5, Leaf(1), Leaf(0)))
        assert fit_tree(X, scores, depth=1) == Leaf(0)

    @FEW
    @given(problems(), st.sampled_from(DEPTHS), st.integers(1, 4), st.integers(1, 3), st.data())
    def test_it_is_the_tree_of_the_slow_plain_twin(self, problem, depth, cuts, min_leaf, data):
        X, scores = problem
        prefer = data.draw(st.none() | st.integers(0, scores.shape[1] - 1))
        options = {"depth": depth, "cuts": cuts, "min_leaf": min_leaf, "prefer": prefer}
        assert fit_tree(X, scores, **options) == fit_tree_slow(X.tolist(), scores.tolist(), **options)

    @FEW
    @given(problems(max_people=7, max_features=2), st.data())
    def test_with_weights_too(self, problem, data):
        X, scores = problem
        weight = st.sampled_from([0.0, 0.5, 1.0, 3.0])
        weights = data.draw(st.lists(weight, min_size=len(X), max_size=len(X)).filter(any))
        slow = fit_tree_slow(X.tolist(), scores.tolist(), depth=2, weights=weights)
        assert fit_tree(X, scores, depth=2, weights=weights) == slow

    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("arms", [1, 2, 3, 4])
    def test_on_scores_without_ties_the_value_is_the_slow_twins(self, seed, arms):
        X, scores = random_problem(seed, n=40, p=3, arms=max(arms, 2))
        scores = scores[:, :arms]
        fast = fit_tree(X, scores, depth=2, cuts=6, min_leaf=3)
        slow = fit_tree_slow(X.tolist(), scores.tolist(), depth=2, cuts=6, min_leaf=3)
        assert total(fast, X, scores) == pytest.approx(total(slow, X, scores), abs=1e-9)
        assert fast == slow

    @given(problems(), st.integers(1, 3))
    def test_a_deeper_tree_is_never_worse(self, problem, min_leaf):
        X, scores = problem
        values = [total(fit_tree(X, scores, depth=depth, min_leaf=min_leaf), X, scores) for depth in DEPTHS]
        assert all(shallow <= deep for shallow, deep in pairwise(values))


class TestTiesGoToTheSimpler:
    def test_no_split_where_a_split_adds_nothing(self):
        assert fit_tree([[0], [1], [2], [3]], [[1, 1]] * 4, depth=2) == Leaf(0)

    def test_no_split_for_a_gain_within_the_tolerance(self):
        X, gains = [[0], [1]], [[1.0, 0.0], [1.0, 1.0 + TOLERANCE]]
        assert fit_tree(X, gains, depth=1) == Leaf(0)
        gains[1][1] += 3 * TOLERANCE
        assert fit_tree(X, gains, depth=1) == Split(0, 0.5, Leaf(0), Leaf(1))

    def test_two_leaves_over_three_though_an_earlier_feature_could_do_it_with_three(self):
        X = [[0, 0], [1, 1], [2, 0]]
        scores = [[1, 0], [0, 1], [1, 0]]
        assert fit_tree(X, scores, depth=2) == Split(1, 0.5, Leaf(0), Leaf(1))

    def test_the_earlier_of_two_equal_features(self):
        X, scores = random_problem(1)
        doubled = np.column_stack([X, X])
        assert fit_tree(doubled, scores, depth=2) == fit_tree(X, scores, depth=2)

    def test_the_lower_of_two_equal_cuts(self):
        scores = [[1, 0], [1, 1], [0, 1]]
        assert fit_tree([[0], [1], [2]], scores, depth=1) == Split(0, 0.5, Leaf(0), Leaf(1))

    def test_the_preferred_arm_else_the_lowest(self):
        scores = [[0.1 + 0.2, 1, 1], [0.3, 1, 1]]
        assert fit_tree([[0], [1]], scores, depth=2) == Leaf(1)
        assert fit_tree([[0], [1]], scores, depth=2, prefer=2) == Leaf(2)
        assert fit_tree([[0], [1]], scores, depth=2, prefer=0) == Leaf(1)

    @FEW
    @given(problems(), st.data())
    def test_the_order_of_people_does_not_matter(self, problem, data):
        X, scores = problem
        order = data.draw(st.permutations(range(len(X))))
        scores = scores / 3  # not exact in binary: sums would depend on the order
        assert fit_tree(X[order], scores[order], depth=2) == fit_tree(X, scores, depth=2)


class TestWhatDoesNotChangeIt:
    @FEW
    @given(problems(), st.sampled_from([np.exp, np.cbrt, lambda x: 1e300 * x, lambda x: x**3 - 7]))
    def test_a_monotone_transform_of_a_feature_leaves_the_advice(self, problem, transform):
        X, scores = problem
        bent = X.copy()
        bent[:, 0] = transform(X[:, 0])
        for cuts in (2, 32):
            tree, other = (fit_tree(x, scores, depth=2, cuts=cuts) for x in (X, bent))
            assert assign(tree, X).tolist() == assign(other, bent).tolist()

    @given(problems())
    def test_a_constant_feature_is_never_asked(self, problem):
        X, scores = problem
        with_constant = np.column_stack([X, np.full(len(X), 7.0)])
        assert fit_tree(with_constant, scores, depth=2) == fit_tree(X, scores, depth=2)

    @given(problems(), st.data())
    def test_a_person_of_weight_0_is_as_good_as_absent(self, problem, data):
        X, scores = problem
        kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(X), max_size=len(X)).filter(any)))
        dropped = fit_tree(X[kept], scores[kept], depth=2, min_leaf=2)
        assert fit_tree(X, scores, depth=2, min_leaf=2, weights=kept.astype(float)) == dropped

    @pytest.mark.parametrize("scale", [2.0**-900, 1e-300, 1.0, 1e150, 1e307])
    def test_the_unit_of_the_scores(self, scale):
        X, scores = random_problem(2, n=30)
        assert fit_tree(X, scores * scale, depth=2) == fit_tree(X, scores, depth=2)

    def test_scores_of_zero_are_fine(self):
        assert fit_tree([[0], [1]], np.zeros((2, 3)), depth=2) == Leaf(0)


class TestLimits:
    @FEW
    @given(problems(), st.integers(1, 5))
    def test_every_leaf_of_a_split_holds_enough_people(self, problem, min_leaf):
        X, scores = problem
        tree = fit_tree(X, scores, depth=2, min_leaf=min_leaf)
        sizes = np.bincount(leaves(tree, X), minlength=splits(tree) + 1)
        assert isinstance(tree, Leaf) or sizes.min() >= min_leaf

    def test_ten_thousand_people_with_twenty_features_take_seconds_at_most(self):
        X, scores = random_problem(3, n=10_000, p=20)
        start = perf_counter()
        fit_tree(X, scores, depth=2)
        assert perf_counter() - start < 5  # 0.07 s on a quiet core

    def test_one_person_gets_the_best_arm(self):
        assert fit_tree([[3.0, 4.0]], [[0, 2, 1]], depth=2) == Leaf(1)

    def test_no_features_leave_one_leaf(self):
        assert fit_tree(np.empty((2, 0)), [[0, 1], [1, 1]], depth=2) == Leaf(1)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"X": [1.0, 2.0]}, "X must have two dimensions"),
            ({"X": [[float("nan")], [1.0]]}, "X must be finite"),
            ({"scores": [[1.0], [float("inf")]]}, "scores must be finite"),
            ({"scores": [[1.0]]}, "same rows"),
            ({"X": np.empty((0, 1)), "scores": np.empty((0, 2))}, "same rows"),
            ({"scores": np.empty((2, 0))}, "same rows"),
            ({"depth": 3}, "depth must be 0, 1 or 2, got 3"),
            ({"cuts": 0}, "cuts and min_leaf must be 1 or more, got 0 and 1"),
            ({"min_leaf": 0}, "got 32 and 0"),
            ({"prefer": 2}, "prefer must be an arm from 0 to 1, got 2"),
            ({"weights": [1.0]}, "weights must be 2 finite numbers"),
            ({"weights": [1.0, -1.0]}, "weights must be"),
            ({"weights": [1.0, float("nan")]}, "weights must be"),
            ({"weights": [0.0, 0.0]}, "weights must be"),
        ],
    )
    def test_what_cannot_be_fitted_is_refused_with_a_hint(self, change, message):
        given = {"X": [[0.0], [1.0]], "scores": [[0, 1], [1, 0]], "depth": 1, "cuts": 32} | change
        with pytest.raises(InputError, match=message) as caught:
            fit_tree(given.pop("X"), given.pop("scores"), **given)
        assert caught.value.hint


class TestCutPoints:
    def test_lie_half_way_between_neighbouring_values(self):
        assert cut_points(np.array([3.0, 1.0, 1.0, 10.0]), 32).tolist() == [2.0, 6.5]

    def test_share_out_the_people_where_there_are_too_many(self):
        assert cut_points(np.arange(100.0), 3).tolist() == [24.5, 49.5, 74.5]

    def test_a_value_that_many_share_takes_one_cut(self):
        assert cut_points(np.array([0.0] * 90 + list(range(1, 11))), 4).tolist() == [0.5]

    def test_a_constant_column_has_none(self):
        assert cut_points(np.ones(5), 32).size == 0

    @given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(1, 5))
    def test_each_separates_two_neighbours_whatever_the_floats(self, values, cuts):
        found = cut_points(np.array(values), cuts)
        assert found.size <= cuts
        sides = [sum(value <= cut for value in values) for cut in found]
        assert all(0 < below < len(values) for below in sides)
        assert all(a < b for a, b in pairwise(sides))


TREE = Split(1, 0.5, Leaf(2), Split(0, -1.25, Leaf(0), Leaf(1)))


class TestATree:
    def test_sends_everybody_to_a_leaf_numbered_left_to_right(self):
        X = [[-2, 1], [0, 0], [0, 1], [-1.25, 0.5]]
        assert leaves(TREE, X).tolist() == [1, 0, 2, 0]
        assert assign(TREE, X).tolist() == [0, 2, 1, 2]

    def test_is_worth_the_scores_of_the_arms_it_gives(self):
        assert total(TREE, [[-2, 1], [0, 0]], [[1, 2, 4], [8, 16, 32]]) == 33.0

    def test_survives_json(self):
        assert from_dict(json.loads(json.dumps(to_dict(TREE)))) == TREE

    def test_refuses_people_without_its_features(self):
        with pytest.raises(InputError, match="asks for feature 1, X has 1 columns"):
            assign(TREE, [[1.0]])

    @pytest.mark.parametrize(
        "data",
        [{}, {"arm": "x"}, {"arm": -1}, {"arm": 1, "cut": 2}, 5, ["arm", 1],
         to_dict(TREE) | {"left": None}, to_dict(TREE) | {"cut": "inf"}, to_dict(TREE) | {"feature": -1}],
    )  # fmt: skip
    def test_a_malformed_one_is_refused_with_a_hint(self, data):
        with pytest.raises(DataError) as caught:
            from_dict(data)
        assert caught.value.hint
