import json

import numpy as np
import pytest

from alleviate.models.courses.bands import Adaptive, Bands, fit_bands

CUTS = np.array([10.0, 20.0])


def fitted(n: int = 3000, seed: int = 0) -> Bands:
    """Strangeness grows with severity: a band alike for all would fail the worst off."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 30, n)
    strange = np.abs(rng.normal(size=n)) * (1 + (start > 20))
    return fit_bands(np.arange(n) % 2, start, strange, np.ones(n), CUTS, 2)


def test_each_third_of_severity_has_its_own_reach() -> None:
    bands = fitted()
    start = np.array([5.0, 15.0, 25.0])
    np.testing.assert_allclose(bands.at(np.zeros(3, dtype=int), start, 0.9), [1.645, 1.645, 3.29], rtol=0.12)
    np.testing.assert_array_equal(bands.third(start), [0, 1, 2])


def test_new_people_are_covered_as_asked() -> None:
    """Split-conformal: on average over what was learned from, at least the share asked, hardly more."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        bands = fitted(600, seed)
        start = rng.uniform(0, 30, 2000)
        strange = np.abs(rng.normal(size=2000)) * (1 + (start > 20))
        found.append((strange <= bands.at(np.arange(2000) % 2, start, 0.9)).mean())
    assert np.mean(found) == pytest.approx(0.9, abs=0.015)


def test_a_small_third_takes_the_reach_of_its_stage() -> None:
    start = np.concatenate([np.full(200, 5.0), np.full(10, 25.0)])
    strange = np.linspace(0, 1, 210)
    bands = fit_bands(np.zeros(210, dtype=int), start, strange, np.ones(210), CUTS, 1)
    whole = fit_bands(np.zeros(210, dtype=int), np.full(210, 5.0), strange, np.ones(210), CUTS, 1)
    np.testing.assert_array_equal(bands.reach[0, 2], whole.reach[0, 0])


def test_weights_stand_for_those_who_left() -> None:
    """Doubling people and doubling their weight come to the same, but for the one more at infinity."""
    rng = np.random.default_rng(5)
    strange, weight = rng.exponential(size=400), 1.0 + (np.arange(400) < 200)
    start, stage = np.full(400, 5.0), np.zeros(400, dtype=int)
    doubled = np.concatenate([strange, strange[:200]])
    one = fit_bands(stage, start, strange, weight, CUTS, 1).reach[0, 0]
    two = fit_bands(np.zeros(600, dtype=int), np.full(600, 5.0), doubled, np.ones(600), CUTS, 1).reach[0, 0]
    np.testing.assert_allclose(one[1:-2], two[1:-2], rtol=0.06, atol=0.01)


def test_the_adaptive_share_holds_under_drift() -> None:
    """Scores grow stranger and stranger; fixed bands lose half, adaptive ones lose a tenth."""
    rng, bands = np.random.default_rng(2), fitted()
    strange = np.abs(rng.normal(size=4000)) * np.linspace(1, 2.5, 4000)
    one = np.zeros(1, dtype=int)
    fixed = strange <= bands.at(one, np.array([5.0]), 0.9)[0]
    state, covered = Adaptive(rate=0.02), []
    for value in strange:
        covered.append(value <= bands.at(one, np.array([5.0]), 1 - state.miss)[0])
        state = state.after(np.array([covered[-1]]))
    assert np.mean(fixed[2000:]) < 0.75
    assert np.mean(covered[2000:]) > np.mean(fixed[2000:]) + 0.1


def test_the_adaptive_state_moves_as_published_and_is_plain() -> None:
    state = Adaptive(target=0.1, miss=0.1, rate=0.05)
    assert state.after(np.array([False])).miss == pytest.approx(0.1 + 0.05 * (0.1 - 1))
    assert state.after(np.array([True])).miss == pytest.approx(0.1 + 0.05 * 0.1)
    many = state.after(np.zeros(100, dtype=bool))
    assert many.miss == 0.001
    assert Adaptive.from_json(json.loads(json.dumps(many.to_json()))) == many


def test_bands_are_plain_values() -> None:
    bands = fitted()
    again = Bands.from_json(json.loads(json.dumps(bands.to_json())))
    np.testing.assert_allclose(again.reach, bands.reach, atol=1e-5)
