"""Two sets of predictions of the same people: paired, corrected for shared folds, honest where alike."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t

from alleviate.models.performance.comparison import compared, resampled
from alleviate.models.performance.judged import Judged
from alleviate.terms.errors import InputError


def pair(n=300, seed=10_600, noise=1.0, part=True):
    rng = np.random.default_rng(seed)
    linear = rng.normal(-0.5, 1.2, n)
    y = (rng.random(n) < expit(linear)).astype(float)
    fold = rng.permutation(n) % 5 if part else None
    first = Judged(y, expit(linear), np.ones(n), fold)
    return first, first.foreseen(expit(linear + noise * rng.normal(size=n)))


def test_differences_are_of_the_estimates_and_paired():
    first, second = pair(part=False)
    found = compared([first], [second])
    loss = (first.y - first.p) ** 2 - (first.y - second.p) ** 2
    assert found.differences["brier"].estimate == pytest.approx(loss.mean())
    half = found.differences["brier"].high - loss.mean()
    assert half == pytest.approx(2 * loss.std(ddof=1) / np.sqrt(300), rel=0.05)
    assert found.folds is None
    assert list(found.differences)[:2] == ["auc", "brier"]


def test_the_better_is_named_where_it_is_shown():
    first, second = pair(2000, noise=1.5)
    assert set(compared([first], [second]).better.values()) == {"first"}
    assert set(compared([second], [first]).better.values()) == {"second"}
    assert set(compared([first], [first]).better.values()) == {"neither"}


def test_the_corrected_resampled_t_test_is_nadeau_and_bengios():
    first, second = pair()
    found = resampled([first, first], [second, second])
    loss = (first.y - first.p) ** 2 - (first.y - second.p) ** 2
    folds = np.array([loss[first.part == f].mean() for f in range(5)] * 2)
    error = np.sqrt((1 / 10 + 60 / 240) * folds.var(ddof=1))
    assert found.difference.estimate == pytest.approx(folds.mean())
    assert found.difference.high - folds.mean() == pytest.approx(t.ppf(0.975, 9) * error)
    assert found.chance == pytest.approx(2 * t.sf(abs(folds.mean() / error), 9))
    assert found.folds == 10
    assert compared([first], [second]).folds.folds == 5
    assert resampled([first], [first]).chance == 1.0


def test_models_equally_good_are_seldom_told_apart():
    wrong = 0
    for seed in range(10_700, 10_800):
        rng = np.random.default_rng(seed)
        linear = rng.normal(-0.5, 1.2, 200)
        y = (rng.random(200) < expit(linear)).astype(float)
        one, other = (Judged(y, expit(linear + rng.normal(size=200)), np.ones(200)) for _ in range(2))
        wrong += compared([one], [other]).better["brier"] != "neither"
    assert wrong <= 10


def test_one_fold_is_no_resampling_and_other_people_no_pair():
    first, second = pair(part=False)
    with pytest.raises(InputError, match="two folds"):
        resampled([first], [second])
    with pytest.raises(InputError, match="same people"):
        compared([first], [pair(300, 1)[0]])
