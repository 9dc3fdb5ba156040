"""Settings chosen apart from those who are foreseen with them."""

import numpy as np
import pytest

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis.apart import best_apart, chosen_apart, fold_losses
from alleviate.models.prognosis.candidates import boosted, forest
from alleviate.models.prognosis.contract import Budget, Candidate, Design
from alleviate.models.prognosis.losses import losses


def design(y: np.ndarray, weight: np.ndarray | None = None, x: np.ndarray | None = None) -> Design:
    x = np.zeros((len(y), 1)) if x is None else x
    columns = tuple(EncodedColumn(f"x{j}", "value", None, 0.0, 1.0) for j in range(x.shape[1]))
    return Design(x, columns, y, np.ones(len(y)) if weight is None else weight, "binary")


def test_each_fold_gets_the_row_that_did_best_among_the_others() -> None:
    by_fold = np.array([[0.0, 5.0, 5.0], [4.0, 1.0, 4.0], [3.0, 3.0, 0.5]])
    plain = [np.argmin(np.delete(by_fold, k, axis=1).sum(axis=1)) for k in range(3)]
    assert best_apart(by_fold).tolist() == plain == [2, 2, 0]


def test_the_loss_of_a_fold_is_that_of_its_people_by_weight() -> None:
    rng = np.random.default_rng(1)
    y, said, weight = rng.integers(0, 2, 30).astype(float), rng.normal(size=30), rng.uniform(0, 2, 30)
    folds = np.arange(30) % 4
    plain = [(weight * losses(y, said, "binary"))[folds == k].sum() for k in range(4)]
    assert fold_losses(design(y, weight), said, folds) == pytest.approx(plain)


def test_the_best_of_many_that_know_nothing_does_not_look_good() -> None:
    """Chosen by all folds, the best of 40 looks better than each truly is; chosen apart it does not."""
    rng = np.random.default_rng(10_001)
    chosen, apart = [], []
    for _ in range(40):
        y = rng.integers(0, 2, 60).astype(float)
        said, folds = 0.5 * rng.normal(size=(40, 60)), np.arange(60) % 10
        best, held_out = chosen_apart(design(y), said, folds)
        chosen.append(losses(y, said[best], "binary").mean())
        apart.append(losses(y, held_out, "binary").mean())
    truly = float(np.mean([losses(t, 0.5 * rng.normal(size=9999), "binary").mean() for t in (0.0, 1.0)]))
    assert np.mean(chosen) < truly - 0.05
    assert np.mean(apart) == pytest.approx(truly, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("candidate", [forest.CANDIDATE, boosted.CANDIDATE])
def test_trees_tuned_on_noise_do_not_seem_to_foresee_it(candidate: Candidate) -> None:
    """Their loss held out is no less than that of the average."""
    rng = np.random.default_rng(10_002)
    gains = []
    for seed in range(5):
        y, folds = rng.permutation(np.arange(80) % 3 == 0).astype(float), rng.permutation(80) % 5
        held_out = candidate.tune(design(y, x=rng.normal(size=(80, 6))), folds, seed, Budget()).held_out
        average = np.log(y.mean() / (1 - y.mean()))
        gains.append(losses(y, np.full(80, average), "binary").mean() - losses(y, held_out, "binary").mean())
    assert np.mean(gains) < 0.01
