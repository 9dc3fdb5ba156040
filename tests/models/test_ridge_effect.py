"""The ridge R-learner: recovers true slopes, prefers no arm, and is least squares where nothing is shrunk."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from alleviate.models.effects import ridge
from alleviate.models.effects.ridge import RidgeModel, fit_moderation
from alleviate.models.trial import EffectData, contrasts

SLOPES = np.array([[0.6, 0.0, -0.3], [-0.2, 0.1, 0.1]])
"""Change of each of three arms' outcome per unit of two features."""


def trial(n, seed, noise=1.0):
    """Three arms with unequal, varying chances; nuisances exactly known."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)) * [1.0, 2.0] + [0.0, 10.0]
    mean = x[:, :1] + (x - [0.0, 10.0]) @ SLOPES + [0.0, 0.5, 0.2]
    tilt = 1 / (1 + np.exp(-x[:, 0]))
    chances = np.column_stack([0.2 + 0.3 * tilt, 0.5 - 0.3 * tilt, np.full(n, 0.3)])
    arm = (rng.uniform(size=n)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    y = mean[np.arange(n), arm] + noise * rng.normal(size=n)
    residual = y - (chances * mean).sum(axis=1)
    return EffectData(x, arm, y, residual, chances, mean, mean, np.ones(n)), mean


def centred(effects):
    """What differs between arms and between people, without what all people share."""
    effects = effects - effects.mean(axis=1, keepdims=True)
    return effects - effects.mean(axis=0)


def permuted(data, order):
    """The same trial, its arms called otherwise: the new arm j is the old arm ``order[j]``."""
    return replace(
        data,
        arm=np.argsort(order)[data.arm],
        probability=data.probability[:, order],
        scores=data.scores[:, order],
        expected=data.expected[:, order],
    )


def test_many_people_show_the_true_slopes():
    data, mean = trial(20_000, 1)
    model = fit_moderation(data)
    assert model.predict(data.x) == pytest.approx(centred(mean), abs=0.12)
    assert np.corrcoef(model.predict(data.x).ravel(), centred(mean).ravel())[0, 1] > 0.998
    assert model.no_signal < 1e-6
    for arm, against in permutations(range(3), 2):
        slope, error = model.slopes(arm, against)
        truth = (SLOPES[:, arm] - SLOPES[:, against]) * data.x.std(axis=0)
        assert (np.abs(slope - truth) < 3 * error).all()
        assert (error < 0.03).all()


def test_its_posterior_covers_the_true_slopes_as_often_as_it_says():
    """Where the truth is drawn from its prior: two arms, benefit z'b, b ~ N(0, h²/p)."""
    rng, inside = np.random.default_rng(11), []
    for _ in range(200):
        h = rng.choice(ridge.SPREADS[1:], p=ridge.SPREAD_PRIOR[1:] / ridge.SPREAD_PRIOR[1:].sum())
        x, arm = rng.normal(size=(200, 4)), np.arange(200) % 2
        truth = h * rng.normal(size=4) / 2
        y = (arm - 0.5) * (x @ truth) + rng.normal(size=200)
        nobody = np.zeros((200, 2))
        data = EffectData(x, arm, y, y, np.full((200, 2), 0.5), nobody, nobody, np.ones(200))
        slope, error = fit_moderation(data).slopes(1, 0)
        inside += list(np.abs(slope - truth * x.std(axis=0)) < 1.96 * error)
    assert 0.93 < np.mean(inside) < 0.98


def test_a_prior_that_shrinks_nothing_leaves_least_squares_with_interactions(monkeypatch):
    monkeypatch.setattr(ridge, "SPREADS", np.array([0.0, 1e5]))
    monkeypatch.setattr(ridge, "SPREAD_PRIOR", np.array([0.0, 1.0]))
    data, _ = trial(200, 2)
    assigned = np.eye(3)[data.arm] - data.probability
    z = (data.x - data.x.mean(axis=0)) / data.x.std(axis=0)
    design = np.column_stack([assigned, *(z[:, j, None] * assigned for j in range(2))])
    found = np.linalg.lstsq(design, data.residual, rcond=None)[0].reshape(3, 3)
    assert fit_moderation(data).predict(data.x) == pytest.approx(centred(z @ found[1:]), abs=1e-6)


def test_noise_is_shrunk_to_almost_nothing():
    data, _ = trial(200, 3)
    noise = np.random.default_rng(4).normal(size=200)
    model = fit_moderation(replace(data, y=noise, residual=noise))
    assert np.abs(model.predict(data.x)).max() < 0.15
    assert model.no_signal > 0.2


@pytest.mark.parametrize("order", [list(order) for order in permutations(range(3))], ids=str)
def test_no_arm_is_the_reference(order):
    data, _ = trial(250, 5)
    plain, other = fit_moderation(data), fit_moderation(permuted(data, order))
    assert other.predict(data.x) == pytest.approx(plain.predict(data.x)[:, order])
    weights, missing = np.array([1.0, -0.25, -0.75]), (data.x > 9).astype(float)
    assert other.variance(data.x, weights[order], missing) == pytest.approx(
        plain.variance(data.x, weights, missing)
    )


def test_the_arms_own_effects_are_not_part_of_it():
    data, _ = trial(250, 6)
    lifted = data.residual + (np.eye(3)[data.arm] - data.probability) @ [5.0, -2.0, 1.0]
    moved = replace(data, residual=lifted)
    assert fit_moderation(moved).predict(data.x) == pytest.approx(fit_moderation(data).predict(data.x))


def test_units_of_features_do_not_matter_and_constants_are_ignored():
    data, _ = trial(250, 7)
    plain = fit_moderation(data).predict(data.x)
    other = np.column_stack([data.x[:, 0], 1e3 * data.x[:, 1] - 7, np.full(250, 3.0)])
    rescaled = replace(data, x=other)
    assert fit_moderation(rescaled).predict(other) == pytest.approx(plain)


def test_the_variance_of_a_prediction_entry_by_entry():
    data, _ = trial(120, 8)
    model = fit_moderation(data)
    weights, missing = np.array([0.7, -1.0, 0.3]), np.array([[0.0, 1.0]])
    z, basis, total = model.standardise(data.x[:1])[0], contrasts(3), 0.0
    for i, j, a, b in np.ndindex(2, 2, 2, 2):
        pair = model.covariance[2 * i + a, 2 * j + b] * (weights @ basis[:, a]) * (weights @ basis[:, b])
        total += z[i] * z[j] * pair
        if i == j:
            second = pair + model.mean[i, a] * model.mean[i, b] * (weights @ basis[:, a]) * (
                weights @ basis[:, b]
            )
            total += missing[0, i] * second
    assert model.variance(data.x[:1], weights, missing) == pytest.approx([total])


def test_slopes_are_the_change_of_the_benefit_per_sd():
    data, _ = trial(120, 9)
    model = fit_moderation(data)
    up = data.x + [0.0, 1.0] * data.x.std(axis=0)
    change = (model.predict(up) - model.predict(data.x)) @ [0.0, 1.0, -1.0]
    slope, error = model.slopes(1, 2)
    assert change == pytest.approx(np.full(120, slope[1]))
    unit = model.centre + [0.0, 1.0] * model.scale
    assert error[1] ** 2 == pytest.approx(
        model.variance(unit[None], np.array([0.0, 1.0, -1.0]), np.zeros((1, 2)))[0]
    )


@pytest.mark.parametrize("p", [0, 1, 3])
def test_it_survives_json(p):
    rng = np.random.default_rng(1)
    data = EffectData(rng.normal(size=(50, p)), np.arange(50) % 4, *rng.normal(size=(2, 50)),
                      np.full((50, 4), 0.25), *rng.normal(size=(2, 50, 4)), np.ones(50))  # fmt: skip
    model = fit_moderation(data)
    again = RidgeModel.from_json(model.to_json())
    assert (again.predict(data.x) == model.predict(data.x)).all()
    assert again.to_json() == model.to_json()
    assert again.arms == 4
