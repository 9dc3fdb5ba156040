"""The honest forest: what it predicts is what a plain walk through its trees adds up to."""

from dataclasses import replace

import numpy as np
import pytest

from alleviate.models.effects import LEARNERS, forest
from alleviate.models.trial import EffectData, contrasts


def trial(n, seed, arms=2):
    rng = np.random.default_rng(seed)
    x, arm = rng.uniform(-1, 1, size=(n, 4)), rng.integers(0, arms, n)
    mean = np.zeros((n, arms))
    mean[:, 0] = np.where(x[:, 0] * x[:, 1] > 0, 1.0, -1.0)
    y = mean[np.arange(n), arm] + 0.5 * rng.normal(size=n)
    expected = np.zeros((n, arms))
    scores = expected.copy()
    scores[np.arange(n), arm] += y * arms
    chances = np.full((n, arms), 1 / arms)
    return EffectData(x, arm, y, y, chances, scores, expected, np.ones(n)), mean


def leaf_of(node, person):
    """The number of the leaf that a person falls in, step by step."""
    while "leaf_index" not in node and "split_feature" in node:
        goes_left = person[node["split_feature"]] <= node["threshold"]
        node = node["left_child" if goes_left else "right_child"]
    return node.get("leaf_index", 0)


@pytest.mark.parametrize("arms", [2, 3])
def test_it_is_an_r_learner_among_neighbours_by_a_plain_walk(arms):
    data, _ = trial(200, 1, arms)
    model = LEARNERS["forest"].fit(data, 1)
    trees = model.trees.dump_model()["tree_info"]
    assert len(trees) == forest.TREES
    basis, q = contrasts(arms), arms - 1
    for person in trial(10, 2)[0].x:
        leaves = [leaf_of(tree["tree_structure"], person) for tree in trees]
        rows = [model.means[start + leaf] for start, leaf in zip(model.start, leaves, strict=True)]
        rows = [row for row in rows if row[-1]]
        near = np.mean(rows, axis=0)
        gram = near[: q * q].reshape(q, q)
        treated, residual = near[q * q + q : q * q + 2 * q], near[-2]
        variance = gram - np.outer(treated, treated) + model.floor * np.eye(q)
        own = np.linalg.solve(variance, near[q * q : q * q + q] - treated * residual)
        assert model.predict(person[None])[0] == pytest.approx(basis @ own)


def test_leaves_hold_only_people_who_did_not_grow_the_tree(monkeypatch):
    """Where all scores that grow trees are noise, a forest that looked would find it in its leaves."""
    monkeypatch.setattr(forest, "LEAF", 2)
    data, _ = trial(400, 3)
    noise = np.random.default_rng(4).normal(size=400)
    scores = np.outer(noise, [1.0, -1.0]) * 5
    residual = (np.eye(2)[data.arm] - 0.5) @ [1.0, -1.0] * noise
    found = LEARNERS["forest"].fit(replace(data, scores=scores, residual=residual), 1).predict(data.x)
    assert np.corrcoef(found[:, 0], noise)[0, 1] < 0.6  # grown and filled by the same people: above 0.9


def test_it_finds_what_no_single_feature_shows():
    data, mean = trial(4000, 5)
    truth = mean - mean.mean(axis=1, keepdims=True)
    found = LEARNERS["forest"].fit(data, 1).predict(data.x)
    assert np.sqrt(((found - truth) ** 2).mean()) < 0.25


def test_a_tree_takes_no_more_people_than_it_may(monkeypatch):
    monkeypatch.setattr(forest, "LARGEST", 100)
    data, _ = trial(2000, 6)
    model = LEARNERS["forest"].fit(data, 1)
    assert np.diff(model.start).max() <= 50 / forest.LEAF


def test_many_people_are_predicted_in_pieces(monkeypatch):
    data, _ = trial(300, 7)
    model = LEARNERS["forest"].fit(data, 1)
    whole = model.predict(data.x)
    monkeypatch.setattr(forest, "ROWS", 64)
    assert (model.predict(data.x) == whole).all()
