"""Sparse moderation: the same as every model tried by hand; finds what moderates, and says how sure it is."""

import json
from dataclasses import replace
from itertools import combinations, product
from math import comb

import numpy as np
import pytest

from alleviate.models import moderators
from alleviate.models.effects import LEARNERS
from alleviate.models.effects.sparse import SparseModel
from alleviate.models.moderator_terms import CUTS, SMALLEST_SIDE
from alleviate.models.moderators import BOTH, MORE, NOBODY, ONE, SPREAD_PRIOR, SPREADS, SUM
from alleviate.models.trial import EffectData, contrasts


def trial(n, seed, arms=2, moderated=0.8, noise=1.0, p=3):
    """The first arm does better by ``moderated`` where feature 0 is above 0.2 and feature 1 below 0.5."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    arm = rng.integers(0, arms, n)
    right = (x[:, 0] > 0.2) & (x[:, 1] < 0.5)
    mean = np.zeros((n, arms))
    mean[:, 0] = moderated * right
    chances = np.full((n, arms), 1 / arms)
    y = mean[np.arange(n), arm] + noise * rng.normal(size=n)
    residual = y - (chances * mean).sum(axis=1)
    return EffectData(x, arm, y, residual, chances, mean, mean, np.ones(n)), mean


def columns(x):
    """Each feature's line and thresholds: {feature: [(is threshold, values, prior share)]}."""
    found = {}
    for j, column in enumerate(x.T):
        cuts = sorted(
            {np.quantile(column, k / (CUTS + 1), method="averaged_inverted_cdf") for k in range(1, CUTS + 1)}
        )
        steps = [column > cut for cut in cuts]
        steps = [step for step in steps if min(step.mean(), 1 - step.mean()) >= SMALLEST_SIDE]
        if len(np.unique(column)) == 2:
            found[j] = [(True, steps[0].astype(float), 1.0)]
        else:
            found[j] = [(False, column, 0.5), *((True, s.astype(float), 0.5 / len(steps)) for s in steps)]
    return found


def models(x, tried):
    """(features, columns, prior) of every model, nobody first; of three and four features those ``tried``."""
    found, p = columns(x), x.shape[1]
    yield (), [], NOBODY
    for j, forms in found.items():
        for _, values, share in forms:
            yield (j,), [values], ONE * share / p
    pairs = p * (p - 1) / 2
    for i, j in combinations(found, 2):
        for (_, a, first), (_, b, second) in product(found[i], found[j]):
            yield (i, j), [a, b], SUM * first * second / pairs
        steps = [[values for step, values, _ in found[k] if step] for k in (i, j)]
        for a, b in product(*steps):
            for u, v in product((a, 1 - a), (b, 1 - b)):
                if min((u * v).mean(), 1 - (u * v).mean()) >= SMALLEST_SIDE:
                    yield (i, j), [u * v], BOTH / pairs / (4 * len(steps[0]) * len(steps[1]))
    for size, chance in enumerate(MORE, start=3):
        for features in filter(tried, combinations(found, size)):
            for forms in product(*(found[j] for j in features)):
                share = np.prod([share for *_, share in forms])
                yield features, [values for _, values, _ in forms], chance * share / comb(p, size)


def plain(data, tried=lambda features: True):
    """Mean effects, second moment of the last arm over the first, nobody, inclusion: one model at a time.

    The marginal likelihood by the determinant of the outcome's covariance, not that of the coefficients.
    """
    n, k = data.scores.shape
    basis = contrasts(k)
    treated = (np.eye(k)[data.arm] - data.probability) @ basis
    free = np.linalg.svd(np.eye(n) - treated @ np.linalg.pinv(treated))[0][:, : n - k + 1]
    y = free.T @ data.residual
    difference = basis[-1] - basis[0]
    weights, means, seconds, used = [], [], [], []
    for features, values, prior in models(data.x, tried):
        z = np.column_stack([(v - v.mean()) / v.std() for v in values]) if values else np.zeros((n, 0))
        design = np.einsum("ni,na->nia", z, treated).reshape(n, -1)
        for spread, chance in zip(SPREADS, SPREAD_PRIOR, strict=True):
            g = spread**2 / (2 * max(len(values), 1))
            d = free.T @ design
            covariance = np.eye(len(y)) + g * d @ d.T
            squares = y @ np.linalg.solve(covariance, y)
            weights.append(
                np.log(prior * chance) - np.linalg.slogdet(covariance)[1] / 2 - len(y) / 2 * np.log(squares)
            )
            b = g * d.T @ np.linalg.solve(covariance, y)
            spread_of_b = g * (np.eye(len(b)) - g * d.T @ np.linalg.solve(covariance, d)) * squares / len(y)
            means.append(z @ b.reshape(len(values), k - 1) @ basis.T)
            reach = np.einsum("ni,a->nia", z, difference).reshape(n, -1)
            seconds.append((reach @ b) ** 2 + np.einsum("nd,de,ne->n", reach, spread_of_b, reach))
            used.append(np.isin(np.arange(data.x.shape[1]), features))
    weight = np.exp(np.array(weights) - max(weights))
    weight /= weight.sum()
    nobody = weight[[not u.any() for u in used]].sum()
    return np.tensordot(weight, means, 1), weight @ np.array(seconds), nobody, weight @ np.array(used)


@pytest.mark.parametrize("arms", [2, 3])
def test_it_is_the_average_over_every_model_tried_by_hand(arms, monkeypatch):
    monkeypatch.setattr(moderators, "MASS", 1.0)
    monkeypatch.setattr(moderators, "KEPT", 100_000)
    data, _ = trial(60, 1, arms, p=2)
    data = replace(
        data, x=np.column_stack([data.x, data.x[:, 0] + 0.5 > 0])[:, [0, 2] if arms == 3 else [0, 1]]
    )
    model = LEARNERS["sparse"].fit(data, 1)
    mean, second, nobody, inclusion = plain(data)
    assert model.predict(data.x) == pytest.approx(mean, abs=1e-8)
    assert model.no_signal == pytest.approx(nobody)
    assert model.inclusion == pytest.approx(inclusion)
    weights = np.eye(arms)[-1] - np.eye(arms)[0]
    found = model.variance(data.x, weights, np.zeros_like(data.x))
    assert found == pytest.approx(second - (mean @ weights) ** 2, abs=1e-8)


def several(n, seed, lines, thresholds):
    """Three arms; features of lines, then of thresholds at 0. The last arm does better by 1, 1 and .7 SD
    of features 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, lines + thresholds))
    x[:, lines:] = x[:, lines:] > 0
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    mean = np.zeros((n, 3))
    mean[:, 2] = z[:, :3] @ [1.0, 1.0, 0.7]
    arm = rng.integers(0, 3, n)
    y = mean[np.arange(n), arm] + 0.7 * rng.normal(size=n)
    return EffectData(x, arm, y, y - mean.mean(axis=1), np.full((n, 3), 1 / 3), mean, mean, np.ones(n))


@pytest.mark.parametrize(
    ("extended", "lines", "thresholds", "tried"),
    [
        (100_000, 1, 3, lambda features: True),
        (1, 0, 5, lambda features: set(features) >= ({0, 1} if len(features) == 3 else {0, 1, 2})),
    ],
)
def test_of_three_and_four_it_averages_those_that_extend_the_likeliest(
    extended, lines, thresholds, tried, monkeypatch
):
    monkeypatch.setattr(moderators, "MASS", 1.0)
    monkeypatch.setattr(moderators, "KEPT", 100_000)
    monkeypatch.setattr(moderators, "EXTENDED", extended)
    data = several(90, 1, lines, thresholds)
    model = LEARNERS["sparse"].fit(data, 1)
    mean, second, nobody, inclusion = plain(data, tried)
    assert model.predict(data.x) == pytest.approx(mean, abs=1e-8)
    assert model.no_signal == pytest.approx(nobody)
    assert model.inclusion == pytest.approx(inclusion)
    weights = np.array([-1.0, 0.0, 1.0])
    found = model.variance(data.x, weights, np.zeros_like(data.x))
    assert found == pytest.approx(second - (mean @ weights) ** 2, abs=1e-8)


def test_it_finds_three_features_that_add_up():
    data = several(500, 2, 8, 0)
    model = LEARNERS["sparse"].fit(data, 1)
    assert model.inclusion[:3] == pytest.approx([1, 1, 1], abs=1e-3)
    assert model.inclusion[3:].max() < 0.2
    truth = data.expected - data.expected.mean(axis=1, keepdims=True)
    error = model.predict(data.x) - truth + truth.mean(axis=0)
    assert (error**2).mean() < 0.02 * (truth**2).mean()


def test_models_left_out_count_as_nobody_differing_and_matter_little(monkeypatch):
    data, _ = trial(300, 2)
    short = LEARNERS["sparse"].fit(data, 1).predict(data.x)
    monkeypatch.setattr(moderators, "KEPT", 100_000)
    monkeypatch.setattr(moderators, "MASS", 1.0)
    whole = LEARNERS["sparse"].fit(data, 1).predict(data.x)
    assert np.abs(short - whole).max() < 0.03 * np.abs(whole).max()
    assert (short**2).mean() <= (whole**2).mean()


def test_it_finds_the_two_features_that_must_both_hold():
    data, mean = trial(4000, 3, p=8)
    model = LEARNERS["sparse"].fit(data, 1)
    assert model.inclusion[:2] == pytest.approx([1, 1], abs=1e-3)
    assert model.inclusion[2:].max() < 0.05
    assert model.no_signal < 1e-6
    truth = mean - mean.mean(axis=1, keepdims=True)
    assert np.sqrt(((model.predict(data.x) - truth + truth.mean(axis=0)) ** 2).mean()) < 0.08


def test_where_nobody_differs_it_says_so():
    chances = [
        LEARNERS["sparse"].fit(trial(400, seed, moderated=0.0, p=10)[0], 1).no_signal for seed in range(20)
    ]
    assert np.mean(chances) > 0.4


def test_its_intervals_cover_where_the_truth_is_drawn_from_its_prior():
    """One line among four features, two arms."""
    rng, inside = np.random.default_rng(5), []
    for _ in range(120):
        x, arm = rng.normal(size=(200, 4)), np.arange(200) % 2
        drawn = rng.choice(len(SPREADS), p=SPREAD_PRIOR)
        slope = SPREADS[drawn] * rng.normal()
        y = (arm - 0.5) * slope * x[:, 0] + rng.normal(size=200)
        nothing = np.zeros((200, 2))
        data = EffectData(x, arm, y, y, np.full((200, 2), 0.5), nothing, nothing, np.ones(200))
        model = LEARNERS["sparse"].fit(data, 1)
        fresh = rng.normal(size=(20, 4))
        error = model.predict(fresh) @ [-1, 1] - slope * fresh[:, 0]
        spread = np.sqrt(model.variance(fresh, np.array([-1.0, 1.0]), np.zeros((20, 4))))
        inside += list(np.abs(error) < 1.645 * spread)
    assert 0.86 < np.mean(inside) < 0.97


def test_a_missing_feature_widens_by_what_it_could_have_said():
    data, _ = trial(500, 6)
    model = LEARNERS["sparse"].fit(data, 1)
    weights, nothing = np.array([1.0, -1.0]), np.zeros((1, 3))
    gone = [model.variance(data.x[:1], weights, np.eye(3)[[j]]) for j in range(3)]
    known = model.variance(data.x[:1], weights, nothing)
    assert gone[0] > known
    assert gone[0] - known > 3 * (gone[2] - known)


@pytest.mark.parametrize("times", [1, 3])
def test_weights_of_all_people_alike_change_nothing(times):
    data, _ = trial(200, 7)
    weighed = LEARNERS["sparse"].fit(replace(data, weight=np.full(200, float(times))), 1)
    assert weighed.predict(data.x) == pytest.approx(LEARNERS["sparse"].fit(data, 1).predict(data.x))


def test_more_features_than_are_paired_are_still_all_tried_alone():
    data, _ = trial(1500, 8, p=moderators.PAIRED + 5)
    x = data.x[:, ::-1]
    model = LEARNERS["sparse"].fit(replace(data, x=x), 1)
    assert np.argsort(model.inclusion)[-2:].min() >= moderators.PAIRED + 3


def test_it_is_stored_as_it_is():
    data, _ = trial(150, 9, 3)
    model = LEARNERS["sparse"].fit(data, 1)
    files = model.to_files()
    again = LEARNERS["sparse"].load(files)
    assert isinstance(again, SparseModel)
    weights, imputed = np.array([0.5, 0.5, -1.0]), (data.x > 1).astype(float)
    assert (again.variance(data.x, weights, imputed) == model.variance(data.x, weights, imputed)).all()
    assert (again.inclusion == model.inclusion).all()
    assert json.loads(files["effect.json"])["arms"] == 3
