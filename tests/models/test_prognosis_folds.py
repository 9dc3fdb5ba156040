"""Folds inside a training set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.models.prognosis.folds import inner_folds


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(20, 300), st.floats(0.15, 0.85))
def test_events_and_people_are_spread_evenly(seed: int, n: int, share: float) -> None:
    y = (np.arange(n) < share * n).astype(float)
    folds = inner_folds(y, np.ones(n), True, None, seed)
    people = np.bincount(folds)
    events = np.bincount(folds, weights=y)
    assert np.ptp(people) <= 1
    assert np.ptp(events) <= 1
    assert events.min() >= 1
    assert (people - events).min() >= 1


def test_small_sets_get_more_folds_and_few_events_fewer() -> None:
    assert inner_folds(np.arange(100.0), np.ones(100), False, None, 1).max() == 9
    assert inner_folds(np.arange(300.0), np.ones(300), False, None, 1).max() == 4
    assert inner_folds(np.r_[np.ones(8), np.zeros(300)], np.ones(308), True, None, 1).max() == 3


def test_numbers_have_like_means_in_every_fold() -> None:
    y = np.random.default_rng(1).lognormal(size=250)
    folds = inner_folds(y, np.ones(250), False, None, 2)
    ranks = y.argsort().argsort()
    means = [ranks[folds == fold].mean() for fold in range(5)]
    assert np.ptp(means) < 10


@pytest.mark.parametrize("binary", [True, False])
def test_a_cluster_is_never_torn_apart(binary: bool) -> None:
    rng = np.random.default_rng(3)
    clusters = rng.integers(0, 37, 240)
    y = (rng.random(240) < 0.3).astype(float) if binary else rng.normal(size=240)
    folds = inner_folds(y, np.ones(240), binary, clusters, 4)
    assert all(len(np.unique(folds[clusters == one])) == 1 for one in np.unique(clusters))
    assert np.bincount(folds).min() > 30
    if binary:
        assert np.bincount(folds, weights=y).min() >= 6


def test_the_same_seed_gives_the_same_folds_and_another_others() -> None:
    y = np.random.default_rng(5).normal(size=90)
    one, same, other = (inner_folds(y, np.ones(90), False, None, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
