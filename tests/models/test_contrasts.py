"""Contrasts of K arms favour none of them; a trial's rows stay together."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.models.trial import EffectData, Trial, contrasts


@given(st.integers(2, 9))
def test_contrasts_are_orthonormal_and_compare(arms):
    basis = contrasts(arms)
    assert basis.shape == (arms, arms - 1)
    assert basis.T @ basis == pytest.approx(np.eye(arms - 1), abs=1e-12)
    assert basis.sum(axis=0) == pytest.approx(np.zeros(arms - 1), abs=1e-12)


@given(st.integers(2, 9))
def test_any_effects_that_sum_to_0_can_be_told_in_contrasts(arms):
    effects = np.arange(arms) ** 2.0
    effects -= effects.mean()
    basis = contrasts(arms)
    assert basis @ (basis.T @ effects) == pytest.approx(effects)


def test_two_arms_have_one_contrast_of_length_1():
    assert contrasts(2)[:, 0] == pytest.approx([-np.sqrt(0.5), np.sqrt(0.5)])


@pytest.mark.parametrize("known", [True, False])
def test_rows_of_a_trial_are_the_people_asked_for_in_that_order(known):
    chances = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]) if known else None
    trial = Trial(pl.DataFrame({"a": ["x", "y", "z"]}), np.array([0, 1, 0]), np.arange(3.0), 2, chances)
    rows = trial.rows(np.array([2, 0]))
    assert len(rows) == 2
    assert rows.features["a"].to_list() == ["z", "x"]
    assert (rows.arm.tolist(), rows.y.tolist(), rows.arms) == ([0, 0], [2.0, 0.0], 2)
    assert (None if rows.probability is None else rows.probability[:, 0].tolist()) == (
        [0.3, 0.1] if known else None
    )


def test_rows_of_a_learners_data_too():
    data = EffectData(
        *(np.arange(3.0) + 10 * j for j in range(4)),
        *(np.full((3, 4), v) for v in (0.25, 1.0, 2.0)),
        np.array([1.0, 0.0, 2.0]),
    )
    rows = data.rows(np.array([1]))
    assert [rows.x, rows.arm, rows.y, rows.residual] == [1, 11, 21, 31]
    assert rows.probability.shape == rows.scores.shape == rows.expected.shape == (1, 4)
    assert rows.weight == [0.0]
    assert data.arms == 4
