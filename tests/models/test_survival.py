"""Ridge Cox models: Kaplan-Meier without features, the partial likelihood's maximum with them."""

import numpy as np
import pytest
from scipy.optimize import minimize

from alleviate.models.survival import choose_hazard, fit_hazard


def drawn(n, seed, slope=(0.8, -0.5, 0.0), rounded=None):
    """Times to an event whose hazard is exp(x'slope) / 5, cut off at random."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(slope)))
    time, cut = rng.exponential(5 / np.exp(x @ np.array(slope))), rng.exponential(8, n)
    followed = np.minimum(time, cut)
    return x, followed if rounded is None else np.ceil(followed / rounded) * rounded, time <= cut


def kaplan_meier(time, event, t, others_first):
    """The share without the event before ``t``; ``others_first``: who leaves then is not at risk."""
    kept = 1.0
    for u in sorted(set(time[event])):
        if u >= t:
            break
        at_risk = (time > u).sum() + ((time == u) & event).sum()
        if not others_first:
            at_risk += ((time == u) & ~event).sum()
        kept *= 1 - ((time == u) & event).sum() / at_risk
    return kept


@pytest.mark.parametrize("rounded", [None, 1.0])
def test_without_features_it_is_kaplan_meier(rounded):
    x, time, event = drawn(80, 1, rounded=rounded)
    fitted = fit_hazard(x, time, event, np.inf, 0.0)
    for t in (0.0, 0.5, 1.0, 2.0, 3.3, 50.0):
        expected = kaplan_meier(time, event, t, others_first=True)
        assert fitted.survival(x[:1], np.array([t]))[0] == pytest.approx(expected, abs=1e-8)


def test_through_a_time_counts_what_happens_then():
    fitted = fit_hazard(np.zeros((4, 1)), np.arange(1.0, 5.0), np.full(4, True), np.inf, 0.0)
    two = np.array([2.0])
    assert fitted.survival(np.zeros((1, 1)), two) == pytest.approx(0.75)
    assert fitted.survival(np.zeros((1, 1)), two, through=True) == pytest.approx(0.5)


def test_steps_are_the_survival_at_each_time_or_at_some_of_them():
    x, time, event = drawn(200, 2)
    fitted = fit_hazard(x, time, event, 0.1, 1.0)
    for most in (10, 10_000):
        times, kept = fitted.steps(x[:3], most)
        assert len(times) == min(most, event.sum())
        for i in range(3):
            own = fitted.survival(np.tile(x[i], (len(times), 1)), times, through=True)
            assert kept[i] == pytest.approx(own)


@pytest.mark.parametrize("rounded", [None, 2.0])
def test_slopes_maximise_the_penalised_partial_likelihood(rounded):
    x, time, event = drawn(150, 3, rounded=rounded)
    z = (x - x.mean(axis=0)) / x.std(axis=0)

    def minus_penalised(beta):
        total = -0.5 * 0.05 * event.sum() * beta @ beta
        for i in np.flatnonzero(event):
            at_risk = (time > time[i]) | ((time == time[i]) & event)
            total += z[i] @ beta - np.log(np.exp(z[at_risk] @ beta).sum())
        return -total

    expected = minimize(minus_penalised, np.zeros(3), tol=1e-10).x
    assert fit_hazard(x, time, event, 0.05, 1.0).slope == pytest.approx(expected, abs=1e-4)
    assert fit_hazard(x, time, event, 0.05, 0.5).slope == pytest.approx(expected / 2, abs=1e-4)


def test_many_people_show_the_true_slopes_and_survival():
    x, time, event = drawn(5000, 4)
    folds = np.arange(5000) % 5
    fitted = fit_hazard(x, time, event, *choose_hazard(x, time, event, folds))
    assert fitted.slope / fitted.scale == pytest.approx([0.8, -0.5, 0.0], abs=0.06)
    new = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    hazard = np.exp(new @ [0.8, -0.5, 0.0]) / 5
    assert fitted.survival(new, np.full(3, 2.0)) == pytest.approx(np.exp(-2 * hazard), abs=0.03)


def test_features_that_tell_nothing_get_little_say():
    said = []
    for seed in range(5):
        x, time, event = drawn(150, 100 + seed, slope=(0.0,) * 8)
        fitted = fit_hazard(x, time, event, *choose_hazard(x, time, event, np.arange(150) % 5))
        said.append(np.abs(x @ fitted.slope).mean())
    plain = np.abs(x @ fit_hazard(x, time, event, 1e-6, 1.0).slope).mean()
    assert np.mean(said) < plain / 3


def test_where_nobody_has_the_event_everybody_is_without_it():
    x = np.zeros((3, 1))
    fitted = fit_hazard(x, np.ones(3), np.full(3, False), 0.1, 1.0)
    assert fitted.survival(x, np.full(3, 9.0)).tolist() == [1, 1, 1]
    assert fitted.steps(x, 10)[1].shape == (3, 0)


def test_nobody_far_from_the_rest_is_given_an_endless_hazard():
    x, time, event = drawn(300, 5)
    fitted = fit_hazard(x, time, event, 0.001, 1.0)
    far = fitted.survival(np.array([[50.0, 0.0, 0.0], [1e9, 0.0, 0.0]]), np.full(2, 0.3))
    assert far[0] == far[1] > 0
