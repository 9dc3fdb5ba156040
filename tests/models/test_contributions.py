"""What each feature adds to a benefit: Shapley values, as all subsets of features give them."""

from dataclasses import replace
from itertools import chain, combinations
from math import factorial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from alleviate.models.effects.ridge import fit_moderation
from alleviate.models.encoding import Encoder
from alleviate.models.explanation import Box, Question, box_contributions
from alleviate.models.explanation.contributions import contributions
from alleviate.models.forecaster import Baseline, Forecaster
from alleviate.models.moderator_terms import ABOVE, BELOW, LINE, NONE, Terms
from alleviate.models.regressors import keep
from alleviate.models.trial import EffectData
from alleviate.models.uncertainty import fit_neighbourhoods
from alleviate.policies.candidates import CANDIDATES
from alleviate.policies.super_learner import BlendModel, Part

ARMS, N = 3, 400
FEATURES = [f"x{j}" for j in range(5)]
EXACT = ("none", "sparse", "ridge", "tree1", "tree2", "boosted", "t_learner", "dr_learner", "x_learner")


def shapley(worth, players):
    """By the definition: the mean over all orders of what each player adds on joining."""
    p, added = len(players), []
    for j in players:
        others = [i for i in players if i != j]
        subsets = chain.from_iterable(combinations(others, size) for size in range(p))
        added.append(
            sum(
                factorial(len(s))
                * factorial(p - len(s) - 1)
                / factorial(p)
                * (worth({*s, j}) - worth(set(s)))
                for s in subsets
            )
        )
    return np.array(added)


def with_known(predict, person, people):
    """The mean prediction for ``people`` who all have this person's values of the known columns."""

    def worth(known):
        made = people.copy()
        made[:, list(known)] = person[list(known)]
        return float(predict(made).mean())

    return worth


@pytest.fixture(scope="module")
def data():
    """Three arms, five columns; the effects have a line, a threshold and two that must both hold."""
    rng = np.random.default_rng(10_001)
    x = np.column_stack([rng.normal(size=(N, 3)), rng.integers(0, 2, N), rng.integers(0, 4, N)]).astype(float)
    arm = np.arange(N) % ARMS
    effect = np.column_stack([0 * x[:, 0], 1.5 * x[:, 1], 2.0 * (x[:, 0] > 0) * (x[:, 3] > 0.5)])
    residual = effect[np.arange(N), arm] - effect.mean(axis=1) + 0.5 * rng.normal(size=N)
    chance = np.full((N, ARMS), 1 / ARMS)
    scores = residual[:, None] * np.eye(ARMS)[arm] / chance
    return EffectData(x, arm, residual, residual, chance, scores, np.zeros((N, ARMS)), np.ones(N))


@pytest.fixture(scope="module")
def models(data):
    names = (*EXACT, "t_boosted", "forest")
    found = {name: CANDIDATES[name].fit(data, 1) for name in names}
    parts = tuple(Part(name, weight, found[name]) for name, weight in (("sparse", 0.5), ("boosted", 0.3)))
    return found | {"blend": BlendModel(ARMS, parts)}


@pytest.fixture(scope="module")
def forecaster(data, models):
    def of(name, slope=0.7):
        frame = pl.DataFrame(data.x, schema=FEATURES)
        p, model = data.x.shape[1], models[name]
        return Forecaster(
            Encoder.fit(frame),
            Baseline(np.zeros(p), np.ones(p), np.zeros(p), np.zeros((p, p))),
            np.array([0.3, 0.1, 0.2]),
            np.zeros((ARMS, ARMS)),
            model,
            slope,
            model.predict(data.x).mean(axis=0),
            fit_moderation(data),
            fit_neighbourhoods(data.x, data.arm, ARMS, 1),
        )

    return of


def told_and_wanted(forecaster, x):
    """Contributions to the benefit of arm 2 over arm 0 or 1 in turn, and that benefit less the average."""
    arm, against = np.full(len(x), 2), np.arange(len(x)) % 2
    rows, difference = np.arange(len(x)), forecaster.differences(x)
    benefit = difference[rows, arm] - difference[rows, against]
    return contributions(forecaster, x, arm, against, FEATURES), benefit - (
        forecaster.value[2] - forecaster.value[against]
    )


@pytest.mark.parametrize("name", [*EXACT, "blend"])
def test_contributions_add_up_to_the_benefit_less_the_average_benefit(forecaster, data, name):
    rule = forecaster(name)
    new = np.random.default_rng(10_002).normal(size=(50, 5))
    for x in (data.x, new):
        told, wanted = told_and_wanted(rule, x)
        assert told.shape == (len(x), 5)
        np.testing.assert_allclose(told.sum(axis=1), wanted, atol=1e-5)


def test_trees_of_each_arm_add_up_but_for_how_its_people_differ_from_all(forecaster, data):
    """Each arm's trees know the average of their own people only: one number, the same for everybody."""
    told, wanted = told_and_wanted(forecaster("t_boosted"), data.x)
    rest = wanted - told.sum(axis=1)
    for against in (0, 1):
        assert np.ptp(rest[against::2]) < 1e-9
        assert abs(rest[against]) < 0.2 * wanted.std()


def test_of_a_forest_the_ridge_posterior_speaks(forecaster, data):
    forest = forecaster("forest")
    plain = replace(forest, effect=forest.moderation, centre=forest.moderation.predict(data.x).mean(axis=0))
    np.testing.assert_allclose(told_and_wanted(forest, data.x)[0], told_and_wanted(plain, data.x)[0])


def test_where_nobody_differs_nothing_is_added(forecaster, data):
    assert not told_and_wanted(forecaster("ridge", slope=0.0), data.x)[0].any()


def test_a_feature_that_was_dropped_adds_nothing_and_the_order_is_as_asked(forecaster, data):
    arm, against = np.full(N, 2), np.zeros(N, dtype=np.int64)
    plain = contributions(forecaster("ridge"), data.x, arm, against, FEATURES)
    asked = contributions(forecaster("ridge"), data.x, arm, against, ["twin", *FEATURES[::-1]])
    np.testing.assert_array_equal(asked, np.column_stack([np.zeros(N), plain[:, ::-1]]))


@pytest.mark.parametrize("name", ["sparse", "ridge", "t_learner", "dr_learner", "x_learner"])
def test_lines_and_thresholds_are_as_all_subsets_give_them(models, data, name):
    model, weights = models[name], np.array([0.0, -1.0, 1.0])
    mean = data.x.mean(axis=0)
    for person in data.x[:3]:
        asked = Question(person[None], mean, weights[None], np.zeros((1, 5)))
        worth = with_known(lambda x: model.predict(x) @ weights, person, data.x)
        np.testing.assert_allclose(model.contributions(asked)[0], shapley(worth, range(5)), atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([ABOVE, BELOW, LINE]),
    st.sampled_from([ABOVE, BELOW, LINE, NONE]),
)
def test_a_product_of_two_is_shared_as_all_subsets_give_it(seed, first, second):
    """Also where the two go together among the people learned from."""
    rng = np.random.default_rng(seed)
    people = rng.normal(size=(40, 3))
    people[:, 1] += people[:, 0]
    columns, cuts = np.array([[0, 1]]), rng.normal(size=(1, 2))
    raw = Terms(np.array([[first, second]]), columns, cuts, np.zeros(1), np.ones(1), np.ones((1, 2)))
    one = replace(raw, kind=np.array([[first, NONE]])).values(people).mean()
    two = replace(raw, kind=np.array([[NONE, second]])).values(people).mean()
    terms = replace(raw, centre=raw.values(people).mean(axis=0), means=np.array([[one, two]]))
    worth = with_known(lambda x: 3.0 * terms.values(x)[:, 0], people[0], people)
    told = terms.contributions(people[:1], np.array([[3.0]]))[0]
    np.testing.assert_allclose(told, shapley(worth, range(3)), atol=1e-10)


def walked(tree, person, known, node=0):
    """What a tree of scikit-learn says of a person of whom ``known`` is known (Lundberg et al. 2020)."""
    if tree.feature[node] < 0:
        return tree.value[node, 0, 0]
    left, right = tree.children_left[node], tree.children_right[node]
    if tree.feature[node] in known:
        goes_left = np.float32(person[tree.feature[node]]) <= tree.threshold[node]
        return walked(tree, person, known, left if goes_left else right)
    here = tree.n_node_samples
    return sum(here[child] / here[node] * walked(tree, person, known, child) for child in (left, right))


def test_trees_are_as_all_subsets_give_them(data):
    forest = RandomForestRegressor(5, max_depth=5, bootstrap=False, max_features=0.6, random_state=1)
    fitted = forest.fit(data.x, data.residual)
    told = keep(fitted, data.x).contributions(data.x, data.x.mean(axis=0))
    for i in range(5):
        wanted = np.mean(
            [
                shapley(lambda known: walked(tree.tree_, data.x[i], known), range(5))  # noqa: B023
                for tree in fitted.estimators_
            ],
            axis=0,
        )
        np.testing.assert_allclose(told[i], wanted, atol=1e-10)
    np.testing.assert_allclose(told.sum(axis=1), fitted.predict(data.x) - data.residual.mean(), atol=1e-9)


@pytest.mark.parametrize("name", ["tree1", "tree2"])
def test_a_policy_tree_asked_of_nobody_else_adds_nothing_for_other_columns(models, data, name):
    model = models[name]
    weights = np.tile([1.0, -1.0, 0.0], (N, 1))
    told = model.contributions(Question(data.x, data.x.mean(axis=0), weights, np.zeros_like(data.x)))
    assert (told.any(axis=0)).sum() <= 3
    np.testing.assert_allclose(told.mean(axis=0).sum(), 0.0, atol=1e-12)


def test_a_box_that_nobody_asks_about_adds_nothing():
    everybody = Box.everybody(np.array([4.0]))
    assert not box_contributions([everybody], np.ones((3, 2)), np.ones((3, 1))).any()


def test_a_policy_tree_is_kept_with_its_people(models):
    for name in ("tree1", "tree2"):
        model = models[name]
        again = CANDIDATES[name].load(model.to_files())
        assert again.people.tolist() == model.people.tolist()
        assert model.people.sum() == N
