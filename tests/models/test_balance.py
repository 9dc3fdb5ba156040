"""Balance: standardised differences by hand, and what weights cost."""

import numpy as np
import pytest

from alleviate.models.balance import balance, effective_size


def test_differences_are_means_less_that_of_all_in_sds_of_all():
    x = np.array([[1.0], [2.0], [3.0], [6.0]])
    arm = np.array([0, 0, 1, 1])
    found = balance(x, arm, np.full((4, 2), 0.5))
    sd = np.sqrt(((x - 3) ** 2).mean())
    assert found.before[0] == pytest.approx([(1.5 - 3) / sd, (4.5 - 3) / sd])
    assert found.after == pytest.approx(found.before)
    assert found.effective == pytest.approx([2, 2])


def test_weights_are_one_over_the_chance_of_the_arm_got():
    x = np.array([[0.0], [1.0], [0.0], [1.0]])
    arm = np.array([0, 0, 1, 1])
    chances = np.array([[0.8, 0.2], [0.4, 0.6], [0.8, 0.2], [0.4, 0.6]])
    found = balance(x, arm, chances)
    weighted = [2.5 / (1.25 + 2.5), (1 / 0.6) / (5 + 1 / 0.6)]
    assert found.after[0] == pytest.approx([(mean - 0.5) / 0.5 for mean in weighted])
    assert found.effective == pytest.approx([3.75**2 / (1.25**2 + 2.5**2), (5 + 5 / 3) ** 2 / (25 + 25 / 9)])


@pytest.mark.parametrize("arms", [2, 3])
def test_true_chances_balance_what_they_depend_on(arms):
    rng = np.random.default_rng(arms)
    x = rng.normal(size=(20_000, 3))
    logits = x[:, :1] * np.linspace(-0.6, 0.6, arms)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    arm = (rng.uniform(size=len(x))[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    found = balance(x, arm, chances)
    assert np.abs(found.before[0]).max() > 0.3
    assert np.abs(found.after).max() < 0.05


def test_what_is_the_same_for_everybody_does_not_differ():
    found = balance(np.ones((4, 1)), np.array([0, 1, 0, 1]), np.full((4, 2), 0.5))
    assert (found.before == 0).all()
    assert (found.after == 0).all()


def test_nobody_tells_nothing():
    assert effective_size(np.empty(0)) == 0
    assert effective_size(np.ones(7)) == pytest.approx(7)
