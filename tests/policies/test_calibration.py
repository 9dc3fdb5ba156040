"""Only differences that were shown become a rule, and of those the simplest that is good enough."""

import numpy as np
import pytest

from alleviate.models.scores import aipw
from alleviate.policies.candidates import DEFAULT_GATE, RIVAL_GATE
from alleviate.policies.selection import Calibration, calibrate, choose
from problems import p1, p2


def by_hand(tau, difference):
    """Regress the scores' difference on the effect, two arms: slope, and its corrected sandwich error."""
    tau, difference = tau - tau.mean(), difference - difference.mean()
    slope = sum(t * d for t, d in zip(tau, difference, strict=True)) / sum(t * t for t in tau)
    meat = sum((t * (d - slope * t)) ** 2 for t, d in zip(tau, difference, strict=True))
    nadeau_bengio = 1 + (1 / 5) / (1 / 5) + (1 / 4)  # five folds: people shared between fits
    return slope, np.sqrt(meat * nadeau_bengio) / sum(t * t for t in tau)


class TestTheSlope:
    @pytest.mark.parametrize("seed", range(3))
    def test_of_two_arms_is_the_regression_done_by_hand(self, seed):
        rng = np.random.default_rng(seed)
        tau = rng.normal(size=80)
        scores = rng.normal(size=(80, 2)) * 3 + np.column_stack([np.zeros(80), 0.8 * tau + 0.3])
        slope, error = by_hand(tau, scores[:, 1] - scores[:, 0])
        found = calibrate(np.column_stack([-tau / 2, tau / 2]), scores)
        assert (found.slope, found.z) == pytest.approx((slope, slope / error))

    def test_of_three_arms_is_a_regression_over_people_and_arms(self):
        rng = np.random.default_rng(3)
        effects, scores = rng.normal(size=(2, 60, 3))
        scores += 0.5 * effects
        signal = effects - effects.mean(axis=1, keepdims=True)
        signal -= signal.mean(axis=0)
        design = np.column_stack(
            [signal.ravel(), np.tile(np.eye(3), (60, 1)), np.repeat(np.eye(60), 3, axis=0)]
        )
        coefficients = np.linalg.lstsq(design, scores.ravel(), rcond=None)[0]
        rest = (scores.ravel() - design @ coefficients).reshape(60, 3)
        error = np.sqrt(2.25 * ((signal * rest).sum(axis=1) ** 2).sum()) / (signal**2).sum()
        found = calibrate(effects, scores)
        assert (found.slope, found.z) == pytest.approx((coefficients[0], coefficients[0] / error))

    @pytest.mark.parametrize("draw", [p1("lin", 3000, 1), p2(3000, 1)], ids=["P1", "P2"])
    def test_of_the_true_effects_is_1(self, draw):
        found = calibrate(draw.mean, aipw(draw.mean, draw.probability, draw.arm, draw.y))
        assert found.slope == pytest.approx(1.0, abs=3 * found.slope / found.z)
        assert found.z > 4

    def test_of_twice_the_true_effects_is_a_half(self):
        draw = p2(500, 2)
        scores = aipw(draw.mean, draw.probability, draw.arm, draw.y)
        once, twice = calibrate(draw.mean, scores), calibrate(2 * draw.mean, scores)
        assert (twice.slope, twice.z) == pytest.approx((once.slope / 2, once.z))

    def test_does_not_see_what_all_arms_or_all_people_share(self):
        rng = np.random.default_rng(4)
        effects, scores = rng.normal(size=(2, 50, 3))
        found = calibrate(effects, scores)
        moved = calibrate(
            effects + rng.normal(size=(50, 1)) + [1, 2, 3], scores + rng.normal(size=(50, 1)) + [0, 5, 9]
        )
        assert (moved.slope, moved.z) == pytest.approx((found.slope, found.z))
        assert moved.loss == pytest.approx(found.loss)

    def test_of_no_effect_is_0(self):
        scores = np.random.default_rng(5).normal(size=(40, 3))
        found = calibrate(np.ones((40, 3)), scores)
        assert (found.slope, found.z, found.shrinkage) == (0.0, 0.0, 0.0)
        centred = scores - scores.mean(axis=1, keepdims=True)
        assert found.loss == pytest.approx(((centred - centred.mean(axis=0)) ** 2).sum(axis=1))

    def test_of_noise_is_seldom_large(self):
        rng = np.random.default_rng(6)
        large = [calibrate(*rng.normal(size=(2, 150, 2))).z > 1.96 for _ in range(300)]
        assert np.mean(large) < 0.03  # the correction for folds makes it careful

    @pytest.mark.parametrize(("slope", "kept"), [(-0.5, 0.0), (0.4, 0.4), (1.7, 1.0)])
    def test_shrinks_and_never_turns_or_stretches(self, slope, kept):
        rng = np.random.default_rng(7)
        effects = rng.normal(size=(60, 2))
        effects -= effects.mean(axis=1, keepdims=True)
        effects -= effects.mean(axis=0)
        found = calibrate(effects, slope * effects + 1e-6 * rng.normal(size=(60, 2)))
        assert found.slope == pytest.approx(slope, abs=1e-5)
        assert found.shrinkage == pytest.approx(kept, abs=1e-5)
        assert found.loss == pytest.approx((((slope - kept) * effects) ** 2).sum(axis=1), abs=1e-4)


def seen(z, loss):
    return Calibration(1.0, z, np.asarray(loss, dtype=float))


ALL = ("none", "ridge", "tree1", "tree2", "boosted", "bcf")
NOISE = np.tile([-1.0, 1.0], 50)


class TestTheChoice:
    def test_nothing_passes_no_rule(self):
        weak = {name: seen(0.9, NOISE) for name in ALL}
        assert choose(weak, ALL) == "none"

    def test_no_effect_at_all_needs_no_rival(self):
        assert choose({"none": seen(0.0, NOISE)}, ("none",)) == "none"

    @pytest.mark.parametrize(
        ("name", "gate"), [("ridge", DEFAULT_GATE), ("tree1", RIVAL_GATE), ("bcf", RIVAL_GATE)]
    )
    def test_each_must_pass_its_own_gate(self, name, gate):
        found = {other: seen(0.0, NOISE) for other in ALL}
        assert choose(found | {name: seen(gate, NOISE - 9)}, ALL) == "none"
        assert choose(found | {name: seen(gate + 0.01, NOISE - 9)}, ALL) == name

    def test_what_was_not_asked_for_is_not_taken(self):
        found = {name: seen(9.0, NOISE) for name in ALL}
        assert choose(found, ("tree2", "boosted")) == "tree2"

    def test_the_simplest_within_one_standard_error_of_the_best(self):
        """Losses of the simpler lie above those of the best by 1 ± s: error s / 10 for 100 people."""
        for s, chosen in ((10.1, "ridge"), (9.9, "boosted")):
            found = {"ridge": seen(5.0, 1 + s * NOISE), "boosted": seen(5.0, np.zeros(100))}
            assert choose(found, ("ridge", "boosted")) == chosen

    def test_the_simplest_is_asked_first_whatever_the_order_given(self):
        found = {name: seen(5.0, NOISE) for name in ALL}
        assert choose(found, tuple(reversed(ALL))) == "ridge"

    def test_the_best_where_all_simpler_ones_are_far_behind(self):
        found = {"ridge": seen(5.0, NOISE + 3), "tree1": seen(5.0, NOISE + 2), "tree2": seen(5.0, NOISE)}
        assert choose(found, tuple(found)) == "tree2"
