"""Which columns are chosen again and again."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis import stability
from alleviate.models.prognosis.candidates.selected import CANDIDATE
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.stability import frequencies


def design(x: np.ndarray, y: np.ndarray) -> Design:
    columns = tuple(EncodedColumn(f"x{j}", "value", None, 0.0, 1.0) for j in range(x.shape[1]))
    return Design(x, columns, y, np.ones(len(y)), "numeric")


def test_what_matters_is_chosen_always_and_noise_seldom() -> None:
    rng = np.random.default_rng(10_001)
    x = rng.normal(size=(200, 20))
    share = frequencies(design(x, x[:, 3] - x[:, 7] + rng.normal(size=200)), 1)
    assert share[[3, 7]] == pytest.approx([1.0, 1.0])
    assert np.delete(share, [3, 7]).max() < 0.5
    assert share.sum() <= 4.0 + 1e-9


def test_columns_enter_as_along_scikit_learns_path() -> None:
    rng = np.random.default_rng(10_002)
    z = rng.normal(size=(100, 6))
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    y = z @ np.array([2.0, -1.0, 0.5, 0.2, 0.0, 0.0]) + rng.normal(size=100)
    y -= y.mean()
    gram, score = z.T @ z / 100, z.T @ y / 100
    for first in (1, 2, 3):
        ours = stability._first(gram[None], score[None], first)[0]
        top = float(np.abs(score).max())
        for share in stability.PENALTIES:
            path = ElasticNet(alpha=share * top, l1_ratio=stability.MIX, fit_intercept=False, tol=1e-10)
            entered = path.fit(z, y).coef_ != 0
            if entered.sum() >= first:
                break
        assert entered.sum() == first
        assert np.array_equal(ours, entered)


def test_of_very_many_columns_those_most_correlated_are_looked_at() -> None:
    rng = np.random.default_rng(10_003)
    x = rng.normal(size=(80, 200))
    share = frequencies(design(x, 2 * x[:, 150] + rng.normal(size=80)), 1)
    assert share[150] == 1.0
    assert (share > 0).sum() <= stability.SCREENED


def test_people_held_out_had_no_part_in_the_selection() -> None:
    """With pure noise in many columns, selecting first and testing afterwards would look good."""
    rng = np.random.default_rng(10_004)
    x, y = rng.normal(size=(60, 150)), rng.normal(size=60)
    held_out = CANDIDATE.tune(design(x, y), np.arange(60) % 5, 1, Budget()).held_out
    assert np.corrcoef(held_out, y)[0, 1] < 0.3


def test_only_what_was_selected_is_used() -> None:
    rng = np.random.default_rng(10_005)
    x = rng.normal(size=(150, 10))
    made = design(x, x[:, 2] + rng.normal(size=150))
    tuned = CANDIDATE.tune(made, np.arange(150) % 5, 1, Budget())
    predictor = CANDIDATE.fit(made, tuned.settings, 1)
    assert predictor.used() == (2,)
    assert np.array_equal(CANDIDATE.restore(predictor.to_json()).linear(x), predictor.linear(x))
