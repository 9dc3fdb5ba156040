"""Comparable people: groups large enough to hide each, and a fair judgement of who is unlike them all."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.models.uncertainty import Neighbourhoods, fit_neighbourhoods
from alleviate.models.uncertainty.neighbourhoods import LARGEST_NUMBER, LEAST_REACH, SMALLEST


def people(n, p=4, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * 3 + 20, np.arange(n) % 3


def fitted(n, p=4, seed=1):
    x, arm = people(n, p, seed)
    return fit_neighbourhoods(x, arm, 3, 1)


def asked(groups, x):
    return groups.nearest(x, np.ones(x.shape, dtype=bool))


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 400), st.integers(0, 4), st.integers(0, 3), st.booleans())
def test_every_group_holds_enough_people_and_everybody_is_in_one(n, p, seed, discrete):
    x, arm = people(n, p, seed)
    x = np.round(x / 6) if discrete else x
    groups = fit_neighbourhoods(x, arm, 3, seed)
    assert groups.counts.sum(axis=1).min() >= SMALLEST
    assert groups.counts.sum(axis=0).tolist() == np.bincount(arm, minlength=3).tolist()
    assert len(groups.centres) == len(groups.counts) == len(groups.reach) <= LARGEST_NUMBER
    assert np.isfinite(groups.reach).all()


def test_stragglers_join_the_nearest_group():
    x, arm = people(300)
    x[:5] += 100.0
    groups = fit_neighbourhoods(x, arm, 3, 1)
    assert groups.counts.sum(axis=1).min() >= SMALLEST
    group, _ = asked(groups, x[:5])
    others, _ = asked(groups, x[5:])
    assert len(set(group)) == 1
    assert group[0] in others


@pytest.mark.parametrize("n", [1, 15, 39, 119])
def test_a_small_study_is_one_group_with_its_averages(n):
    x, arm = people(n)
    groups = fit_neighbourhoods(x, arm, 3, 1)
    assert groups.counts.tolist() == [np.bincount(arm, minlength=3).tolist()]
    assert groups.centres == pytest.approx(np.zeros((1, 4)), abs=1e-12)


def test_the_nearest_group_and_the_share_of_its_reach_one_by_one():
    x, _ = people(50, seed=2)
    groups = fitted(600)
    group, share = asked(groups, x)
    for i, person in enumerate((x - groups.centre) / groups.scale):
        distances = [np.linalg.norm(person - centre) for centre in groups.centres]
        assert group[i] == np.argmin(distances)
        assert share[i] == pytest.approx(min(distances) / groups.reach[group[i]])


def test_a_missing_value_is_unlike_nobodys():
    x, _ = people(50, seed=3)
    groups, known = fitted(600), np.ones((50, 4), dtype=bool)
    known[:, 1] = False
    group, share = groups.nearest(x, known)
    z, others = (x - groups.centre) / groups.scale, [0, 2, 3]
    for i in range(50):
        distances = np.linalg.norm(z[i, others] - groups.centres[:, others], axis=1)
        assert group[i] == distances.argmin()
        assert share[i] == pytest.approx(distances.min() / groups.reach[group[i]])
    x[:, 1] = 1e9
    assert (groups.nearest(x, known)[1] == share).all()


def test_typical_people_are_within_reach_and_strangers_are_not():
    groups = fitted(900)
    fresh, _ = people(900, seed=4)
    assert (asked(groups, fresh)[1] <= 1).mean() > 0.97
    assert (asked(groups, fresh + np.array([0, 0, 0, 40]))[1] > 1).all()


def test_people_who_are_all_alike_are_within_their_own_reach():
    rng = np.random.default_rng(5)
    x, arm = rng.integers(0, 2, size=(600, 3)).astype(float), np.arange(600) % 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groups = fit_neighbourhoods(x, arm, 3, 1)
    assert groups.reach.tolist() == [LEAST_REACH] * 8
    assert asked(groups, x)[1].max() < 1e-6
    assert (asked(groups, x + np.array([2.0, 0, 0]))[1] > 1).all()


def test_the_same_seed_gives_the_same_groups_and_json_keeps_them():
    groups = fitted(400)
    assert json.dumps(fitted(400).to_json()) == json.dumps(groups.to_json())
    again = Neighbourhoods.from_json(json.loads(json.dumps(groups.to_json())))
    x, _ = people(30, seed=6)
    for a, b in zip(asked(again, x), asked(groups, x), strict=True):
        assert (a == b).all()
    assert (again.counts == groups.counts).all()


def test_a_study_without_features_is_one_group_that_everybody_is_like():
    groups = fit_neighbourhoods(np.empty((100, 0)), np.arange(100) % 2, 2, 1)
    again = Neighbourhoods.from_json(json.loads(json.dumps(groups.to_json())))
    group, share = asked(again, np.empty((3, 0)))
    assert (group.tolist(), share.tolist(), again.counts.tolist()) == ([0, 0, 0], [0, 0, 0], [[50, 50]])
