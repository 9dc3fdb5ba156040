"""Only differences that were shown become a rule, and of those the simplest that is good enough."""

import numpy as np
import pytest

from alleviate.models.scores import aipw
from alleviate.policies.candidates import GATE, NO_SIGNAL
from alleviate.policies.evidence import (
    Calibration,
    calibrate,
    cautious_level,
    choose,
    had_it_been_even,
    insured,
)
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


ALL = ("none", "sparse", "ridge", "tree1", "tree2", "boosted", "bcf", "blend")
NOISE = np.tile([-1.0, 1.0], 50)
SURE, UNSURE = NO_SIGNAL - 0.01, NO_SIGNAL


class TestTheChoice:
    def test_nothing_passes_no_rule(self):
        weak = {name: seen(GATE, NOISE) for name in ALL}
        assert choose(weak, UNSURE) == "none"

    def test_no_effect_at_all_needs_no_rival(self):
        assert choose({"none": seen(0.0, NOISE)}, UNSURE) == "none"

    def test_posterior_odds_let_the_simplest_pass_and_nobody_else(self):
        weak = {name: seen(0.9, NOISE) for name in ALL}
        assert choose(weak, SURE) == "sparse"
        del weak["sparse"]
        assert choose(weak, SURE) == "ridge"

    @pytest.mark.parametrize("name", ["sparse", "ridge", "tree1", "tree2"])
    def test_a_rival_must_pass_and_the_blend_with_it(self, name):
        found = {other: seen(0.0, NOISE) for other in ALL}
        rival = found | {name: seen(GATE + 0.01, NOISE - 9)}
        assert choose(rival, UNSURE) == "none"
        assert choose(rival | {"blend": seen(GATE + 0.01, NOISE)}, UNSURE) == name

    @pytest.mark.parametrize("name", ["boosted", "bcf"])
    def test_what_nobody_could_explain_counts_only_within_the_blend(self, name):
        found = {other: seen(0.0, NOISE) for other in ALL} | {name: seen(9.0, NOISE - 9)}
        assert choose(found | {"blend": seen(GATE + 0.01, NOISE)}, UNSURE) == "blend"
        assert choose({"none": seen(0.0, NOISE), name: seen(GATE + 0.01, NOISE)}, UNSURE) == name

    def test_the_simplest_within_one_standard_error_of_the_best(self):
        """Losses of the simpler lie above those of the best by 1 ± s: error s / 10 for 100 people."""
        for s, chosen in ((10.1, "ridge"), (9.9, "blend")):
            found = {"ridge": seen(5.0, 1 + s * NOISE), "blend": seen(5.0, np.zeros(100))}
            assert choose(found, UNSURE) == chosen

    def test_the_simplest_is_asked_first_whatever_the_order_given(self):
        found = {name: seen(5.0, NOISE) for name in reversed(ALL)}
        assert choose(found, UNSURE) == "sparse"

    def test_the_best_where_all_simpler_ones_are_far_behind(self):
        found = {"ridge": seen(5.0, NOISE + 3), "tree1": seen(5.0, NOISE + 2), "tree2": seen(5.0, NOISE)}
        assert choose(found, SURE) == "tree2"


class TestTheOddsHadTheyBeenEven:
    @pytest.mark.parametrize("prior", [0.2, 0.35, 0.5])
    def test_what_says_nothing_leaves_them_even(self, prior):
        assert had_it_been_even(prior, prior) == pytest.approx(0.5)

    def test_odds_are_multiplied_by_the_evidence(self):
        """Prior odds 1 : 3 that nobody differs, evidence 6 : 1 for it: 2 : 1; from even odds 6 : 1."""
        assert had_it_been_even(2 / 3, 1 / 4) == pytest.approx(6 / 7)

    def test_certainty_stays(self):
        assert (had_it_been_even(0.0), had_it_been_even(1.0)) == (0.0, 1.0)


class TestTheInsurance:
    """Two arms: the first better by 0.5 on average, known to ± 0.1; the second said to suit some."""

    def scores(self, gap=0.5):
        noise = np.tile([-1.0, 1.0], 50)
        return np.column_stack([gap + noise / 2, -noise / 2])

    def effects(self):
        wish = np.linspace(-1, 1, 100)
        return np.column_stack([-wish, wish])

    def cost(self, slope, gap=0.5):
        scores, effects = self.scores(gap), self.effects()
        second = (scores.mean(axis=0) + slope * effects).argmax(axis=1)
        return float(second.mean()) * (gap + 1.2816 * 0.1)

    def test_what_costs_less_is_let_be(self):
        assert insured(self.effects(), self.scores(), self.scores().mean(axis=0), 0.26, 0.02) == 0.26
        assert 0 < self.cost(0.26) <= 0.02

    @pytest.mark.parametrize("limit", [0.02, 0.1, 0.2])
    def test_what_costs_more_is_shrunk_until_it_does_not(self, limit):
        slope = insured(self.effects(), self.scores(), self.scores().mean(axis=0), 1.0, limit)
        assert self.cost(slope) <= limit < self.cost(slope + 0.02)

    def test_where_nothing_may_be_lost_nobody_is_told_apart(self):
        assert self.cost(insured(self.effects(), self.scores(), self.scores().mean(axis=0), 1.0, 0.0)) == 0

    def test_three_arms_each_cost_their_own(self):
        scores = np.column_stack([self.scores()[:, 0], np.full(100, 0.4), np.full(100, -1.5)])
        wish, value = np.linspace(-1, 1, 100), scores.mean(axis=0)
        near = np.column_stack([-wish, wish, np.zeros(100)])
        far = near[:, [0, 2, 1]]
        assert insured(near, scores, value, 5.0, 0.1) > insured(far, scores, value, 5.0, 0.1)


class TestTheLevel:
    """Three arms, the difference of the first two known to ± 0.1."""

    def scores(self, gap):
        noise = np.tile([-1.0, 1.0], 50)
        return np.column_stack([gap + noise / 2, -noise / 2, np.full(100, -3.0)])

    def test_is_the_mean_score_where_both_analyses_agree(self):
        scores = self.scores(0.01)
        assert cautious_level(scores, np.array([1.0, 0.0, 0.5])) == pytest.approx(scores.mean(axis=0))

    @pytest.mark.parametrize(("gap", "changed"), [(0.049, True), (0.051, False)])
    def test_the_plain_pick_is_kept_unless_something_speaks_for_another(self, gap, changed):
        found = cautious_level(self.scores(gap), np.array([0.0, 0.1, -1.0]))
        assert found == pytest.approx([0.0, gap, -3.0] if changed else [gap, 0.0, -3.0])
