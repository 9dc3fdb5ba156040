"""A posterior over functions: its algebra by a second computation, its promises by simulation."""

import json

import numpy as np
import pytest

from alleviate.models.uncertainty import Surface, fit_surface
from alleviate.models.uncertainty import surface as module
from alleviate.terms.estimates import Z


def nothing(x):
    return np.zeros((len(x), 0))


def fitted(
    x, f, *, seed=1, treated=None, weight=None, noise=1.0, learnt=None, learner=nothing, relevance=None,
    rest=0.0,
):  # fmt: skip
    rng = np.random.default_rng(seed)
    treated = rng.choice([-0.5, 0.5], size=(len(x), 1)) if treated is None else treated
    y = 0.3 * treated.sum(axis=1) + (treated * f).sum(axis=1) + noise * rng.normal(size=len(x))
    return fit_surface(
        x,
        treated,
        treated,
        y,
        weight=np.ones(len(x)) if weight is None else weight,
        relevance=np.ones(x.shape[1]) if relevance is None else relevance,
        length=1.0,
        seed=seed,
        learnt=nothing(x) if learnt is None else learnt,
        learner=learner,
        rest=rest,
    )


def people(n, p=3, seed=1):
    return np.random.default_rng(seed).normal(size=(n, p))


def test_one_kind_of_f_is_a_ridge_with_the_penalty_that_its_spread_stands_for(monkeypatch):
    """By the textbook: covariance = σ² (Z'Z + 1/g)⁻¹, Z without what the fixed column explains."""
    monkeypatch.setattr(module, "MIXES", ((1.0, (1.0, 0, 0, 0, 0, 0)),))
    monkeypatch.setattr(module, "SPREADS", np.array([0.5]))
    monkeypatch.setattr(module, "SPREAD_PRIOR", np.array([1.0]))
    x, rng = people(200), np.random.default_rng(2)
    treated = rng.choice([-0.5, 0.5], size=(200, 1))
    y = treated[:, 0] * x[:, 0] + rng.normal(size=200)
    found = fit_surface(
        x, treated, treated, y, weight=np.ones(200), relevance=np.ones(3), length=1.0, seed=1,
        learnt=nothing(x), learner=nothing,
    )  # fmt: skip
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    annihilator = np.eye(200) - treated @ np.linalg.pinv(treated)
    design, left = annihilator @ (z * treated), annihilator @ y
    inverse = np.linalg.inv(design.T @ design + np.eye(3) * 3 / 0.25)
    mean = inverse @ design.T @ left
    noise = (left @ left - mean @ design.T @ left) / 199
    assert found.mean[:3, 0] == pytest.approx(mean, rel=1e-4)
    assert found.covariance[0, 0, :3, :3] == pytest.approx(noise * inverse, rel=1e-3, abs=1e-5)
    assert (found.mean[3:] == 0).all()
    some = people(5, seed=3)
    at = (some - x.mean(axis=0)) / x.std(axis=0)
    assert found.values(some, nothing(some))[:, 0] == pytest.approx(at @ mean, rel=1e-3, abs=1e-4)
    spread = found.spread(some, nothing(some), np.zeros((5, 3)))[:, 0, 0]
    assert spread == pytest.approx([row @ (noise * inverse) @ row for row in at], rel=1e-3)


def test_whole_weights_are_people_counted_again_but_for_the_spectators():
    """Equal weights are no weights, whatever their size."""
    x = people(150)
    f = x[:, :1]
    one, other = fitted(x, f), fitted(x, f, weight=np.full(150, 7.0))
    assert other.mean == pytest.approx(one.mean, rel=1e-5, abs=1e-7)
    assert other.covariance == pytest.approx(one.covariance, rel=1e-4, abs=1e-7)


def test_people_of_weight_nought_say_nothing():
    x = people(300)
    weight = np.repeat([1.0, 0.0], 150)
    rng = np.random.default_rng(4)
    treated = rng.choice([-0.5, 0.5], size=(300, 1))
    y = treated[:, 0] * x[:, 0] + rng.normal(size=300)
    wild = np.where(weight > 0, y, 1e6)
    both = [
        fit_surface(
            x, treated, treated, outcome, weight=weight, relevance=np.ones(3), length=1.0, seed=1,
            learnt=nothing(x), learner=nothing,
        )
        for outcome in (y, wild)
    ]  # fmt: skip
    assert (both[0].mean == both[1].mean).all()


def test_it_is_on_average_nought_over_the_people_learned_from():
    x = people(250)
    found = fitted(x, np.sin(2 * x[:, :1]))
    assert found.values(x, nothing(x)).mean() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "least"), [("line", 0.85), ("step", 0.72), ("wave", 0.72), ("corner", 0.62)]
)
def test_its_intervals_cover_lines_and_know_of_curves(shape, least):
    """20 trials of 400, 90 % intervals. A curve that the data hardly show is covered less."""
    truth = {
        "line": lambda x: 0.5 * x[:, :1],
        "step": lambda x: 1.0 * (x[:, :1] > 0.3),
        "wave": lambda x: 0.6 * np.sin(1.5 * x[:, :1]),
        "corner": lambda x: 1.2 * ((x[:, :1] > 0) & (x[:, 1:2] > 0)),
    }[shape]
    inside = []
    for seed in range(20):
        x, new = people(400, seed=seed), people(200, seed=1000 + seed)
        f, level = truth(x), truth(x).mean()
        found = fitted(x, f, seed=seed)
        error = np.sqrt(found.spread(new, nothing(new), np.zeros(new.shape))[:, 0, 0])
        inside.append(
            np.mean(np.abs(found.values(new, nothing(new)) + level - truth(new))[:, 0] < 1.645 * error)
        )
    assert least < np.mean(inside) < 0.98


def test_a_learner_that_is_right_is_believed_and_one_that_is_wrong_is_not():
    x, new = people(600), people(300, seed=9)
    effect = lambda x: 1.5 * ((x[:, :1] > 0) & (x[:, 1:2] > 0)) - 0.375  # noqa: E731
    alone = fitted(x, effect(x))
    told = fitted(x, effect(x), learnt=effect(x), learner=effect)
    fooled = fitted(x, effect(x), learnt=x[:, 2:], learner=lambda x: x[:, 2:])
    none, gone = nothing(new), np.zeros(new.shape)

    def wrong(surface, learnt):
        return float(np.mean((surface.values(new, learnt) - effect(new)) ** 2))

    assert wrong(told, effect(new)) < 0.3 * wrong(alone, none)
    assert wrong(fooled, new[:, 2:]) < 1.3 * wrong(alone, none)
    sure, unsure = told.spread(new, effect(new), gone).mean(), alone.spread(new, none, gone).mean()
    assert sure < 0.7 * unsure


def test_not_knowing_a_feature_costs_what_it_moves():
    x = people(500)
    found = fitted(x, 1.0 * x[:, :1])
    one, other = found.unknown[0, 0, 0], found.unknown[2, 0, 0]
    assert one == pytest.approx(1.0, abs=0.35)
    assert other < 0.2 * one
    gone = np.zeros((5, 3))
    gone[:, 0] = 1.0
    known = found.spread(x[:5], nothing(x[:5]), 0 * gone)
    assert found.spread(x[:5], nothing(x[:5]), gone) == pytest.approx(known + one)


def test_what_no_column_follows_widens_everybody_by_its_share_of_what_varies():
    """Against the plain average, over the people, of the squared mean and the variance of f."""
    x, rng = people(250), np.random.default_rng(7)
    treated = rng.normal(size=(250, 2))
    f = np.column_stack([np.sin(2 * x[:, 0]), 0.5 * x[:, 1]])
    alone, more = (fitted(x, f, treated=treated, rest=rest) for rest in (0.0, 0.2))
    none, gone = nothing(x), np.zeros(x.shape)
    mean, variance = alone.values(x, none), alone.spread(x, none, gone)
    expected = 0.2 * (mean.T @ mean / 250 + variance.mean(axis=0))
    assert (alone.rest == 0).all()
    assert more.spread(x, none, gone) - variance == pytest.approx(
        np.broadcast_to(expected, (250, 2, 2)), rel=1e-4, abs=1e-6
    )
    assert (more.mean == alone.mean).all()


def test_two_functions_at_once_and_people_by_the_thousand():
    """In parts of 4096 as in one; symmetric and positive semidefinite for everybody."""
    x, rng = people(9000, p=2), np.random.default_rng(5)
    treated = rng.normal(size=(9000, 2))
    found = fitted(x, np.column_stack([x[:, 0], x[:, 1] > 0]), treated=treated)
    learnt = nothing(x)
    spread = found.spread(x, learnt, np.zeros(x.shape))
    assert spread[5000:5010] == pytest.approx(
        found.spread(x[5000:5010], learnt[:10], np.zeros((10, 2))), rel=1e-9
    )
    assert (spread == spread.transpose(0, 2, 1)).all()
    assert np.linalg.eigvalsh(spread[:50]).min() > -1e-9
    assert found.values(x, learnt)[:, 0] == pytest.approx(x[:, 0] - x[:, 0].mean(), abs=0.5)


@pytest.mark.parametrize(("p", "q"), [(0, 1), (1, 2), (3, 1)])
def test_it_survives_json(p, q):
    x, rng = people(80, p=p), np.random.default_rng(6)
    learnt = rng.normal(size=(80, q))
    found = fitted(
        x, 0.0, treated=rng.normal(size=(80, q)), learnt=learnt, rest=0.1,
        learner=lambda x: np.zeros((len(x), q)),
    )  # fmt: skip
    assert (np.diagonal(found.rest) > 0).all() or p == 0
    again = Surface.from_json(json.loads(json.dumps(found.to_json())))
    assert again.learns == found.learns == q
    assert (again.values(x, learnt) == found.values(x, learnt)).all()
    gone = np.ones(x.shape)
    assert (again.spread(x, learnt, gone) == found.spread(x, learnt, gone)).all()


def test_nobody_at_all_may_be_asked():
    x = people(60)
    found = fitted(x, 0.0 * x[:, :1])
    assert found.values(x[:0], nothing(x[:0])).shape == (0, 1)
    assert found.spread(x[:0], nothing(x[:0]), x[:0]).shape == (0, 1, 1)


def test_the_same_seed_gives_the_same_bytes():
    x = people(120)
    texts = {json.dumps(fitted(x, x[:, :1]).to_json()) for _ in range(2)}
    assert len(texts) == 1


def test_where_nobody_differs_intervals_are_too_wide_and_that_is_known():
    inside = []
    for seed in range(10):
        x = people(300, seed=seed)
        found = fitted(x, 0.0 * x[:, :1], seed=seed)
        error = np.sqrt(found.spread(x, nothing(x), np.zeros(x.shape))[:, 0, 0])
        inside.append(np.mean(np.abs(found.values(x, nothing(x)))[:, 0] < Z * error))
    assert np.mean(inside) > 0.98
