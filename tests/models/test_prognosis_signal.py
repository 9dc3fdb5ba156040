"""The test of every column at once: its size under noise, its power, its respect for clusters."""

import numpy as np

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis import signal
from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.signal import signal_test


def design(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> Design:
    columns = tuple(EncodedColumn(f"x{j}", "value", None, 0.0, 1.0) for j in range(x.shape[1]))
    return Design(x, columns, y, np.ones(len(y)) if weight is None else weight, "numeric")


def test_under_noise_small_p_values_are_as_rare_as_they_should_be() -> None:
    rng = np.random.default_rng(10_001)
    found = []
    for seed in range(100):
        x = np.exp(rng.normal(size=(60, 6)))
        found.append(signal_test(design(x, rng.normal(size=60)), None, seed))
    assert np.mean(np.array(found) <= 0.05) <= 0.11
    assert 0.35 <= np.mean(np.array(found) <= 0.5) <= 0.65


def test_a_cluster_is_one_witness_however_many_people_it_has() -> None:
    """Outcome and column both differ between clusters only: people taken singly would find signal."""
    rng = np.random.default_rng(10_002)
    clusters = np.repeat(np.arange(12), 10)
    single, whole = [], []
    for seed in range(25):
        x, y = np.repeat(rng.normal(size=(12, 2)), 10, axis=0), np.repeat(rng.normal(size=12), 10)
        single.append(signal_test(design(x, y), None, seed))
        whole.append(signal_test(design(x, y), clusters, seed))
    assert np.mean(np.array(single) <= 0.05) > 0.5
    assert np.mean(np.array(whole) <= 0.05) < 0.25


def test_a_line_a_bend_and_an_interaction_are_found() -> None:
    rng = np.random.default_rng(10_003)
    x, noise = rng.normal(size=(300, 5)), rng.normal(size=300)
    for shape in (x[:, 0], x[:, 1] ** 2, x[:, 2] * x[:, 3]):
        assert signal_test(design(x, 0.5 * shape + noise), None, 1) < 0.05
        assert signal_test(design(x, 0.5 * shape + noise, rng.uniform(0.5, 1.5, 300)), None, 1) < 0.05


def test_without_columns_there_is_no_signal() -> None:
    assert signal_test(design(np.ones((40, 2)), np.arange(40.0)), None, 1) == 1.0


def test_people_who_count_nothing_are_not_asked() -> None:
    rng = np.random.default_rng(10_004)
    x, y = rng.normal(size=(80, 3)), rng.normal(size=80)
    weight = np.r_[np.ones(60), np.zeros(20)]
    assert signal_test(design(x, y, weight), None, 5) == signal_test(design(x[:60], y[:60]), None, 5)


def test_with_very_many_columns_only_squares_are_asked_beside_them() -> None:
    rng = np.random.default_rng(10_005)
    x = rng.normal(size=(40, 60))
    assert signal._products(x).shape == (40, 60)
    assert signal._products(x[:, :3]).shape == (40, 6)
