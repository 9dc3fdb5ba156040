"""Benefit against harm: weights are traded by, limits are not, and without either nothing changes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alleviate.models.effects.ridge import fit_moderation
from alleviate.models.forecaster import Forecasts
from alleviate.models.scores import CrossFit, balanced_folds, crossfit, effect_data, plan_nuisances
from alleviate.models.trial import Trial
from alleviate.policies.choice import BEYOND, choose_arms
from alleviate.policies.frontier import MULTIPLES, Held, at_weight, frontier, natural_weight, trade
from alleviate.policies.limits import assigned, barred_by, exceeded
from alleviate.policies.selection import learn_rule
from alleviate.policies.utility import Preferences, harm_data, harm_scores, look, utility_data, weighed
from alleviate.terms.outcomes import Harm
from harms import traded

NONE = np.inf
NUMBERS = st.floats(-5, 5, allow_subnormal=False)
TABLES = arrays(float, (6, 3), elements=NUMBERS)


def held(utility, expected, *, weights=(0.0,), limits=(NONE,), outcome=None):
    """One repeat, one harm, whose scores are what was expected of it."""
    utility, expected = np.asarray(utility, dtype=float)[None], np.asarray(expected, dtype=float)[None, None]
    outcome = utility if outcome is None else np.asarray(outcome, dtype=float)[None]
    return Held(utility, expected, outcome, expected, weights, limits)


def pieces(made, seed=1):
    """Encoded features, folds, the outcome's cross-fitting and data, and the harms' data."""
    trial = made.trial
    x = trial.features.to_numpy()
    folds = balanced_folds(trial.arm, 5, np.random.default_rng(seed))
    plan = plan_nuisances(x, trial, folds=folds, seed=seed, models=("linear",))
    fit = crossfit(x, trial, plan=plan, folds=folds, seed=seed)
    return x, folds, fit, effect_data(x, fit, trial), harm_data(x, trial, fit, folds, seed)


class TestPreferences:
    def test_a_study_without_harms_has_none(self):
        assert Preferences.of(()) is None

    def test_larger_is_worse_whichever_way_is_better(self):
        stated = [Harm("dropout", weight=2.0, limit=0.3), Harm("days", limit=5.0, better="higher")]
        assert Preferences.of(stated) == Preferences((2.0, 0.0), (0.3, -5.0))

    def test_a_harm_without_limit_bars_nothing(self):
        found = Preferences.of([Harm("dropout", weight=2.0)])
        assert (found.weighs, found.limited) == (True, False)
        assert not exceeded(np.full((1, 2, 2), 1e9), found.limits).any()


class TestUtility:
    def test_its_scores_are_those_of_the_outcome_less_those_of_the_harm(self):
        _, _, _, outcome, (harm,) = pieces(traded(200, 10_000))
        found = utility_data(outcome, [harm], (1.5,))
        assert found.scores == pytest.approx(outcome.scores - 1.5 * harm.scores)
        assert found.y == pytest.approx(outcome.y - 1.5 * harm.y)
        assert found.residual == pytest.approx(outcome.residual - 1.5 * harm.residual)
        assert weighed(outcome.scores, harm.scores[None], (1.5,)) == pytest.approx(found.scores)

    def test_without_a_weight_it_is_the_outcome_untouched(self):
        _, _, _, outcome, harms = pieces(traded(200, 10_000))
        assert utility_data(outcome, harms, (0.0,)) is outcome

    def test_who_drops_out_counts_though_the_outcome_is_unknown(self):
        made = traded(400, 10_000, lost=True)
        dropped = made.trial.harms[:, 0] == 1
        _, _, _, outcome, (harm,) = pieces(made)
        found = utility_data(outcome, [harm], (2.0,))
        own = outcome.expected[np.arange(400), made.trial.arm]
        assert (outcome.weight[dropped] == 0).all()
        assert (found.weight == 1).all()
        assert found.y[dropped] == pytest.approx(own[dropped] - 2.0)

    def test_an_unknown_harm_is_weighted_for_by_those_like_it(self):
        made, rng = traded(4000, 10_000), np.random.default_rng(1)
        trial = made.trial
        gone = rng.uniform(size=4000) < 1 / (1 + np.exp(1 - trial.features["x2"].to_numpy()))
        harms = np.where(gone[:, None], np.nan, trial.harms)
        blank = type(made)(
            Trial(trial.features, trial.arm, trial.y, 2, trial.probability, harms=harms), made.mean, made.harm
        )
        _, _, _, _, (found,) = pieces(blank)
        naive = [np.nanmean(harms[trial.arm == k]) for k in (0, 1)]
        truth = made.harm.mean(axis=0)
        assert found.scores.mean(axis=0) == pytest.approx(truth, abs=0.03)
        assert naive[1] < truth[1] - 0.04

    def test_new_people_are_scored_by_what_was_fitted_on_others(self):
        train, test = traded(1000, 10_000), traded(1000, 10_001)
        x, x_test = (made.trial.features.to_numpy() for made in (train, test))
        fit = CrossFit(np.zeros((1000, 2)), test.trial.probability, np.ones(1000))
        found = harm_scores(x, train.trial, x_test, test.trial, fit, 1)
        assert found.shape == (1, 1000, 2)
        error = found[0].std(axis=0) / np.sqrt(1000)
        assert (np.abs(found[0].mean(axis=0) - test.harm.mean(axis=0)) < 4 * error).all()


class TestLimits:
    @given(TABLES, TABLES, NUMBERS, st.floats(0, 100))
    def test_an_arm_beyond_its_limit_is_never_given_whatever_the_weight(self, utility, harm, limit, weight):
        given = at_weight(held(utility, harm, limits=(limit,)), 0, weight)[0]
        some = (harm <= limit).any(axis=1)
        assert (harm[np.arange(6), given] <= limit)[some].all()

    @given(TABLES, TABLES, NUMBERS)
    def test_it_is_never_advised_and_where_nothing_is_left_nothing_is(self, expected, harm, limit):
        barred = barred_by(harm[None], (limit,))
        found = choose_arms(forecasts(expected), best_arm=0, verdict="personalise", barred=barred)
        for i, arm in enumerate(found.arm):
            assert (arm == -1) == barred[i].all() == (found.reasons[i] == BEYOND)
            assert arm == -1 or not barred[i, arm]
            assert arm == -1 or expected[i, arm] >= expected[i][~barred[i]].max() - 1e-9
            left = [k for k in range(3) if k != arm and not barred[i, k]]
            assert arm == -1 or found.second[i] in (left or [k for k in range(3) if k != arm])

    @given(TABLES)
    def test_where_nothing_is_barred_the_choice_is_as_ever(self, expected):
        nothing = np.zeros(expected.shape, dtype=bool)
        plain, same = (
            choose_arms(forecasts(expected), best_arm=1, verdict="personalise", barred=barred)
            for barred in (None, nothing)
        )
        assert plain.arm.tolist() == same.arm.tolist()
        assert plain.benefit.tobytes() == same.benefit.tobytes()

    @given(TABLES)
    def test_without_limits_a_rule_gives_the_best(self, expected):
        assert assigned(expected, -expected[None], (NONE,)).tolist() == expected.argmax(axis=1).tolist()

    def test_where_every_arm_is_beyond_them_a_value_takes_the_least_excess(self):
        harms = np.array([[[0.5, 0.4]], [[3.0, 2.0]]])
        assert assigned(np.array([[9.0, 0.0]]), harms, (0.3, 1.0)).tolist() == [1]

    def test_a_veto_by_one_harm_is_enough(self):
        harms = np.array([[[0.1, 0.4]], [[0.0, 0.0]]])
        assert barred_by(harms, (0.3, 1.0)).tolist() == [[False, True]]


class TestTheFrontier:
    @given(TABLES, TABLES, st.floats(0, 10), st.floats(0, 10), st.sampled_from([0.0, 1.5]))
    def test_a_higher_weight_never_raises_the_harm_expected(self, utility, harm, low, more, stated):
        both = held(utility, harm, weights=(stated,))
        expected = [harm[np.arange(6), at_weight(both, 0, weight)[0]].sum() for weight in (low, low + more)]
        assert expected[1] <= expected[0] + 1e-9

    def test_at_the_stated_weight_it_is_the_rule(self):
        utility, harm = np.random.default_rng(1).normal(size=(2, 50, 2))
        stated = held(utility, harm, weights=(1.5,))
        assert at_weight(stated, 0, 1.5)[0].tolist() == utility.argmax(axis=1).tolist()
        assert at_weight(stated, 0, 0.0)[0].tolist() == (utility + 1.5 * harm).argmax(axis=1).tolist()

    def test_its_points_are_means_of_the_scores_given(self):
        utility, harm = np.random.default_rng(1).normal(size=(2, 50, 2))
        both = held(utility, harm)
        points = frontier(both, 0, 2.0)
        assert [point.weight for point in points] == [2.0 * multiple for multiple in MULTIPLES]
        arm = (utility - 2.0 * harm).argmax(axis=1)
        point = points[MULTIPLES.index(1.0)]
        assert point.outcome.estimate == pytest.approx(utility[np.arange(50), arm].mean())
        assert point.harm.estimate == pytest.approx(harm[np.arange(50), arm].mean())
        assert point.shares == (float((arm == 0).mean()), float((arm == 1).mean()))
        found = trade(both, 0, 2.0)
        assert found.given_up.estimate == pytest.approx(points[0].outcome.estimate - point.outcome.estimate)
        assert found.avoided.estimate == pytest.approx(points[0].harm.estimate - point.harm.estimate)

    def test_the_natural_weight_makes_one_sd_worth_one(self):
        assert natural_weight(np.array([0.0, 4.0]), np.array([0.0, 1.0, np.nan])) == pytest.approx(4.0)


@pytest.fixture(scope="module")
def made():
    return traded(600, 10_002)


class TestTheRuleLearned:
    def test_without_weight_and_limit_it_is_the_plain_rule_to_the_byte(self, made):
        seed = np.random.SeedSequence(1)
        plain = learn_rule(made.trial, ("sparse", "ridge"), seed)
        same = learn_rule(made.trial, ("sparse", "ridge"), seed, Preferences((0.0,), (NONE,)))
        assert plain.chosen == same.chosen
        assert plain.scores.tobytes() == same.scores.tobytes()
        told = [found.forecaster.forecast(made.trial.features) for found in (plain, same)]
        for name in ("expected", "expected_se", "pair_se"):
            assert getattr(told[0], name).tobytes() == getattr(told[1], name).tobytes()
        assert not plain.harms

    def test_weights_turn_it_to_the_utility(self, made):
        learned = learn_rule(
            made.trial, ("sparse", "ridge"), np.random.SeedSequence(1), Preferences((3.0,), (NONE,))
        )
        fresh = traded(5000, 77)
        found = look(learned.forecaster, learned.harms, (3.0,), fresh.trial.features)
        assert found.utility.expected.mean(axis=0) == pytest.approx(fresh.utility(3.0).mean(axis=0), abs=0.2)
        assert found.outcome.expected.mean(axis=0) == pytest.approx(fresh.mean.mean(axis=0), abs=0.2)
        assert found.harms[0].expected.mean(axis=0) == pytest.approx(fresh.harm.mean(axis=0), abs=0.06)
        # who is driven out is foretold, so the harm of the second arm differs between people
        told = found.harms[0].expected[:, 1]
        assert np.corrcoef(told, fresh.harm[:, 1])[0, 1] > 0.7

    def test_other_weights_are_sums_of_what_was_learned(self, made):
        learned = learn_rule(made.trial, ("ridge",), np.random.SeedSequence(1), Preferences((3.0,), (NONE,)))
        people = made.trial.features[:20]
        stated, plain, most = (
            look(learned.forecaster, learned.harms, (3.0,), people, weights=w) for w in (None, (0.0,), (8.0,))
        )
        harm = stated.harms[0].expected
        assert plain.utility.expected == pytest.approx(stated.outcome.expected)
        assert plain.utility.expected == pytest.approx(stated.utility.expected + 3.0 * harm)
        assert most.utility.expected == pytest.approx(stated.utility.expected - 5.0 * harm)
        assert (most.utility.pair_se >= stated.utility.pair_se).all()

    def test_no_harm_leaves_forecasts_as_they_are(self, made):
        learned = learn_rule(made.trial, ("ridge",), np.random.SeedSequence(1))
        people = made.trial.features[:5]
        found = look(learned.forecaster, (), (), people)
        assert found.utility is found.outcome
        assert not found.barred(()).any()
        assert found.assigned(()).tolist() == found.utility.expected.argmax(axis=1).tolist()

    def test_a_harm_is_shrunk_as_far_as_it_foretells(self):
        made = traded(600, 10_003)
        noise = np.random.default_rng(1).uniform(size=(600, 1))
        trial = Trial(
            made.trial.features, made.trial.arm, made.trial.y, 2, made.trial.probability, harms=noise
        )
        learned = learn_rule(trial, ("ridge",), np.random.SeedSequence(1), Preferences((0.0,), (0.5,)))
        x = learned.forecaster.encoder.transform(trial.features).x
        assert learned.harms[0].differences(x).std(axis=0).max() < 0.05
        assert fit_moderation(pieces(made)[4][0]).no_signal < 0.5


def forecasts(expected):
    n, k = expected.shape
    return Forecasts(expected, np.ones((n, k)), np.ones((n, k, k)), np.ones((n, k), dtype=int), (None,) * n)


def test_a_trial_keeps_its_harms_row_by_row():
    trial = Trial(
        pl.DataFrame({"a": [1.0, 2.0]}), np.array([0, 1]), np.zeros(2), 2, harms=np.array([[1.0], [2.0]])
    )
    assert trial.rows(np.array([1])).harms.tolist() == [[2.0]]
