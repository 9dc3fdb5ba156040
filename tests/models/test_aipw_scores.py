"""Doubly robust scores: right when either nuisance is, and never helped by a person's own outcome."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.models import scores
from alleviate.models.outcome import OUTCOME_MODELS, models_for
from alleviate.models.propensity import fit_propensity, truncation_bound
from alleviate.models.scores import (
    NuisancePlan,
    aipw,
    balanced_folds,
    crossfit,
    doubly_robust,
    plan_nuisances,
    stay_in_reach,
)
from alleviate.models.trial import Trial


def trial(x, arm, y, **known):
    return Trial(pl.DataFrame({f"x{j}": column for j, column in enumerate(x.T)}), arm, y, 2, **known)


def simulated(n, seed, p=2):
    """Confounded: x drives both the arm and the outcome. Returns the true means under each arm too."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    chance = 1 / (1 + np.exp(-x[:, 0]))
    arm = (rng.uniform(size=n) < chance).astype(np.int64)
    mean = np.column_stack([2 * x[:, 0], 1 + 2.5 * x[:, 0]])
    y = mean[np.arange(n), arm] + rng.normal(size=n)
    return x, arm, y, np.column_stack([1 - chance, chance]), mean


def test_scores_are_those_of_a_loop_written_by_hand():
    x, arm, y, chances, mean = simulated(50, 1)
    expected = mean + x[:, :1]
    scores = aipw(expected, chances, arm, y)
    for i in range(50):
        for k in range(2):
            correction = (y[i] - expected[i, k]) / chances[i, k] if arm[i] == k else 0.0
            assert scores[i, k] == pytest.approx(expected[i, k] + correction)


@pytest.fixture(scope="module")
def many():
    return simulated(100_000, 2)


class TestDoublyRobust:
    """The true means are 0 and 1; the errors below are about 0.01."""

    def means(self, many, expected=None, chances=None):
        _, arm, y, right_chances, right_means = many
        expected = right_means if expected is None else expected
        return aipw(expected, right_chances if chances is None else chances, arm, y).mean(axis=0)

    def test_unbiased_where_only_the_outcome_model_is_wrong(self, many):
        wrong = np.full((100_000, 2), 0.7)
        assert self.means(many, expected=wrong) == pytest.approx([0.0, 1.0], abs=0.05)

    def test_unbiased_where_only_the_probability_is_wrong(self, many):
        assert self.means(many, chances=np.full((100_000, 2), 0.5)) == pytest.approx([0.0, 1.0], abs=0.05)

    def test_biased_where_both_are_wrong(self, many):
        found = self.means(many, np.full((100_000, 2), 0.7), np.full((100_000, 2), 0.5))
        assert np.abs(found - [0.0, 1.0]).min() > 0.2


class TestCrossFitting:
    @pytest.mark.parametrize("outcome", models_for("numeric"))
    def test_nobodys_own_data_enter_what_is_expected_of_him(self, outcome):
        x, arm, y, _, _ = simulated(120, 3)
        folds = balanced_folds(arm, 4, np.random.default_rng(1))
        plan = NuisancePlan(outcome, 0.1, 1.0)

        def nuisances(arm, y):
            return crossfit(x, trial(x, arm, y), plan=plan, folds=folds, seed=1)

        before = nuisances(arm, y)
        changed_y, changed_arm = y.copy(), arm.copy()
        changed_y[7] += 1000.0
        changed_arm[7] = 1 - arm[7]
        after, own = nuisances(changed_arm, changed_y), folds == folds[7]
        assert (after.expected[own] == before.expected[own]).all()
        assert (after.probability[own] == before.probability[own]).all()
        assert (after.expected[~own] != before.expected[~own]).any()
        assert (after.probability[~own] != before.probability[~own]).any()

    def test_it_is_a_fit_outside_each_fold(self):
        x, arm, y, _, _ = simulated(90, 4)
        folds = balanced_folds(arm, 3, np.random.default_rng(2))
        plan = NuisancePlan("ridge", 0.01, 0.8)
        found = crossfit(x, trial(x, arm, y), plan=plan, folds=folds, seed=1)
        for fold in range(3):
            rest, own = folds != fold, folds == fold
            outcome = OUTCOME_MODELS["ridge"](x[rest], arm[rest], y[rest], 2, 1)
            chances = fit_propensity(x[rest], arm[rest], 2, 0.01, 0.8)
            assert found.expected[own] == pytest.approx(outcome.predict(x[own]))
            assert found.probability[own] == pytest.approx(chances.predict(x[own]))

    def test_known_probabilities_stay_as_given(self):
        x, arm, y, chances, _ = simulated(60, 5)
        folds = balanced_folds(arm, 3, np.random.default_rng(3))
        known = trial(x, arm, y, probability=chances)
        found = crossfit(x, known, plan=NuisancePlan("ridge"), folds=folds, seed=1)
        assert (found.probability == chances).all()

    def test_a_plan_without_propensity_estimates_none(self):
        x, arm, y, _, _ = simulated(60, 6)
        folds = balanced_folds(arm, 3, np.random.default_rng(3))
        with pytest.raises(ValueError, match="known"):
            crossfit(x, trial(x, arm, y), plan=NuisancePlan("ridge"), folds=folds, seed=1)

    def test_the_mean_of_estimated_scores_comes_close_to_the_truth(self):
        x, arm, y, _, mean = simulated(2000, 7)
        folds = balanced_folds(arm, 5, np.random.default_rng(4))
        plan = plan_nuisances(x, trial(x, arm, y), folds=folds, seed=1)
        found = crossfit(x, trial(x, arm, y), plan=plan, folds=folds, seed=1)
        scores = doubly_robust(found, trial(x, arm, y))
        assert scores.mean(axis=0) == pytest.approx(mean.mean(axis=0), abs=0.12)
        naive = [y[arm == k].mean() for k in (0, 1)]
        assert np.abs(naive - mean.mean(axis=0)).min() > 0.5


class TestThePlan:
    def plan(self, x, y, estimate=False):
        arm = np.arange(len(y)) % 2
        folds = balanced_folds(arm, 5, np.random.default_rng(5))
        chances = None if estimate else np.full((len(y), 2), 0.5)
        return plan_nuisances(x, trial(x, arm, y, probability=chances), folds=folds, seed=1)

    def test_takes_least_squares_where_the_truth_is_a_line(self):
        rng = np.random.default_rng(6)
        x = rng.normal(size=(400, 3))
        assert self.plan(x, x @ [1.0, -1.0, 0.5] + rng.normal(size=400)) == NuisancePlan("linear")

    def test_mostly_takes_the_simplest_where_none_sees_anything(self):
        rng = np.random.default_rng(1)
        found = [self.plan(rng.normal(size=(300, 1)), rng.normal(size=300)).outcome for _ in range(10)]
        assert found.count("boosted") == 0
        assert found.count("linear") >= 5

    def test_takes_ridge_where_features_are_many_and_say_little(self):
        rng = np.random.default_rng(7)
        assert self.plan(rng.normal(size=(80, 40)), rng.normal(size=80)).outcome == "ridge"

    def test_takes_boosted_trees_where_the_truth_is_far_from_a_line(self):
        rng = np.random.default_rng(8)
        x = rng.normal(size=(600, 3))
        bent = self.plan(x, 3.0 * ((x[:, 0] > 0) ^ (x[:, 1] > 0)) + 0.5 * rng.normal(size=600), estimate=True)
        assert bent.outcome == "boosted"
        assert bent.penalty is not None
        assert 0 <= bent.slope <= 1.5

    def test_a_plan_for_very_many_is_made_on_some_of_each_arm(self, monkeypatch):
        rng = np.random.default_rng(9)
        x, arm = rng.normal(size=(3000, 2)), (np.arange(3000) % 50 == 0).astype(np.int64)
        everybody, folds = trial(x, arm, x[:, 0] + rng.normal(size=3000)), balanced_folds(arm, 5, rng)
        monkeypatch.setattr(scores, "MOST_PLANNED", 1000)
        monkeypatch.setattr(scores, "FEWEST_PLANNED", 40)
        plan = plan_nuisances(x, everybody, folds=folds, seed=1)
        some = scores._share_of_each(arm, 1 / 3, 1)
        assert np.bincount(arm[some]).tolist() == [980, 40]
        monkeypatch.undo()
        assert plan == plan_nuisances(x[some], everybody.rows(some), folds=folds[some], seed=1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(2, 7), st.integers(0, 99))
def test_folds_share_out_each_arm_and_everybody(arms, folds, seed):
    arm = np.array(arms)
    found = balanced_folds(arm, folds, np.random.default_rng(seed))
    for members in (np.full(len(arm), True), *(arm == k for k in range(4))):
        sizes = np.bincount(found[members], minlength=folds)
        assert len(sizes) == folds
        assert sizes.max() - sizes.min() <= 1
    assert (found == balanced_folds(arm, folds, np.random.default_rng(seed))).all()


def test_folds_differ_from_draw_to_draw():
    rng, arm = np.random.default_rng(1), np.arange(40) % 2
    assert (balanced_folds(arm, 5, rng) != balanced_folds(arm, 5, rng)).any()


def test_estimated_probabilities_stay_above_the_bound_and_known_ones_as_they_are():
    tiny = np.array([[0.001, 0.999]])
    assert stay_in_reach(tiny, 500, known=True).tolist() == tiny.tolist()
    assert stay_in_reach(tiny, 500, known=False).tolist() == [[truncation_bound(500), 0.999]]
