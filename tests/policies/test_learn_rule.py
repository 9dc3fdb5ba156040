"""From a trial to a rule: what is there is found, what is not is not, and nobody else is looked at."""

import numpy as np
import polars as pl
import pytest

from alleviate.models.forecaster import fit_baseline
from alleviate.models.trial import Trial
from alleviate.policies.candidates import NO_SIGNAL
from alleviate.policies.selection import Learned, learn_rule
from alleviate.terms.study import CANDIDATES as DEFAULTS
from problems import p1, p2


def trial(draw, known=True):
    features = pl.DataFrame(draw.x, schema=[f"x{j + 1}" for j in range(draw.x.shape[1])])
    return Trial(features, draw.arm, draw.y, draw.mean.shape[1], draw.probability if known else None)


def learn(draw, names=DEFAULTS, seed=1, known=True) -> Learned:
    return learn_rule(trial(draw, known), names, np.random.SeedSequence(seed))


def assigned(learned, draw):
    """The arm with the best expectation for each of these people."""
    return learned.forecaster.forecast(trial(draw).features).expected.argmax(axis=1)


@pytest.fixture(scope="module")
def three_arms():
    return p2(1000, 1), learn(p2(1000, 1))


class TestWhatIsLearned:
    def test_where_nobody_differs_everybody_mostly_gets_the_same(self):
        fresh, told = p1("null", 2000, 99), 0
        for seed in range(6):
            learned = learn(p1("null", 200, seed), ("sparse", "tree1"), 1)
            told += learned.no_signal < NO_SIGNAL
            others = (assigned(learned, fresh) != learned.best_arm).mean()
            assert others < 0.1 or learned.no_signal < NO_SIGNAL
        assert told <= 1

    def test_where_regions_differ_a_tree_sees_them(self, three_arms):
        _draw, learned = three_arms
        assert learned.chosen in {"tree2", "sparse", "blend"}
        assert learned.calibrations[learned.chosen].z > 4
        fresh = p2(20_000, 2)
        assert fresh.value(assigned(learned, fresh)) > 1.9  # best arm 1.45, best tree 2.20, oracle 2.25

    def test_without_intervals_the_rule_is_the_same_and_nothing_tells_how_sure(self):
        draw = p1("lin", 300, 5)
        root = np.random.SeedSequence(1)
        known, told = learn(draw, ("sparse", "ridge")), trial(draw)
        only = learn_rule(told, ("sparse", "ridge"), root, intervals=False)
        x = known.forecaster.encoder.transform(told.features).x
        assert only.chosen == known.chosen
        assert (only.scores == known.scores).all()
        for name, rival in known.rivals.items():
            assert (only.rivals[name].differences(x) == rival.differences(x)).all()
            assert (only.rivals[name].level(x) == rival.level(x)).all()
        for forecaster, learned in ((only.forecaster, False), (known.forecaster, True)):
            parts = (forecaster.doubt, forecaster.level_doubt, forecaster.outcomes)
            assert [part is not None for part in parts] == [learned] * 3

    def test_the_best_single_arm_has_the_best_mean_score(self, three_arms):
        _, learned = three_arms
        assert learned.best_arm == 1
        assert learned.forecaster.value == pytest.approx(learned.scores.mean(axis=0))
        assert learned.forecaster.value == pytest.approx(p2(200_000, 3).mean.mean(axis=0), abs=0.3)
        assert learned.forecaster.value_covariance == pytest.approx(np.cov(learned.scores.T) / 1000)

    def test_every_candidate_leaves_its_own_rule_and_its_time(self, three_arms):
        _, learned = three_arms
        everything = {"none", "blend", *DEFAULTS}
        assert set(learned.rivals) == set(learned.calibrations) == set(learned.seconds) == everything
        assert learned.rivals[learned.chosen] is learned.forecaster
        assert learned.rivals["none"].slope == 0.0
        assert learned.rivals["blend"].slope == 1.0
        for name in everything - {"none", "blend", "sparse"}:
            assert learned.rivals[name].slope == learned.calibrations[name].shrinkage
            assert learned.seconds[name] > 0

    def test_the_blend_is_made_of_the_candidates_own_models(self, three_arms):
        draw, learned = three_arms
        x = learned.forecaster.encoder.transform(trial(draw).features).x
        expected = sum(w * learned.rivals[name].effect.predict(x) for name, w in learned.weights.items())
        assert learned.rivals["blend"].effect.predict(x) == pytest.approx(expected)
        assert 0.5 < sum(learned.weights.values()) <= 1 + 1e-9

    def test_who_surely_differs_is_not_shrunk_by_the_chance_that_nobody_does(self, three_arms):
        _, learned = three_arms
        assert learned.no_signal < 1e-6
        assert learned.rivals["sparse"].slope == pytest.approx(1.0, abs=1e-6)

    def test_each_effect_is_centred_on_the_people_learned_from(self, three_arms):
        draw, learned = three_arms
        x = learned.forecaster.encoder.transform(trial(draw).features).x
        for rival in learned.rivals.values():
            assert rival.effect.predict(x).mean(axis=0) == pytest.approx(rival.centre)
            assert rival.differences(x).mean(axis=0) == pytest.approx(rival.value - rival.value.mean())

    def test_the_baseline_is_that_of_everybody_where_nobody_is_told_apart(self):
        draw = p1("lin", 150, 1)
        learned = learn(draw, ("none",))
        x = learned.forecaster.encoder.transform(trial(draw).features).x
        assert learned.forecaster.baseline.predict(x) == pytest.approx(
            fit_baseline(x, draw.arm, draw.y, 2).predict(x)
        )


class TestProbabilities:
    def test_known_ones_are_kept(self):
        draw = p1("lin", 150, 1)
        learned = learn(draw, ("ridge",))
        assert learned.probability == pytest.approx(draw.probability)
        assert learned.plan.penalty is None

    def test_unknown_ones_are_estimated_out_of_fold(self):
        draw = p2(300, 1)
        learned = learn(draw, ("ridge",), known=False)
        assert learned.plan.penalty is not None
        assert learned.probability.sum(axis=1) == pytest.approx(np.ones(300))
        assert np.abs(learned.probability - draw.probability).mean() < 0.15


class TestReproducible:
    def same(self, one, other):
        assert one.chosen == other.chosen
        assert (one.scores == other.scores).all()
        assert (one.probability == other.probability).all()
        assert one.forecaster.neighbourhoods.to_json() == other.forecaster.neighbourhoods.to_json()
        for name, rival in one.rivals.items():
            assert rival.effect.to_files() == other.rivals[name].effect.to_files()
            assert one.calibrations[name].z == other.calibrations[name].z

    def test_the_same_seed_gives_the_same_rule(self):
        draw = p1("lin", 120, 1)
        again = [learn(draw, ("ridge", "tree1", "boosted"), known=False) for _ in range(2)]
        self.same(*again)

    def test_another_seed_gives_other_folds(self):
        draw = p1("lin", 120, 1)
        assert (learn(draw, ("ridge",), 1).scores != learn(draw, ("ridge",), 2).scores).any()

    def test_people_left_out_do_not_matter(self):
        """Outer folds hand over ``trial.rows(train)``: whatever the others are, the same rule comes out."""
        draw, train = p1("lin", 150, 1), np.arange(120)
        whole = trial(draw)
        features = pl.concat([whole.features[:120], whole.features[120:].select(pl.all() * -50)])
        other = Trial(
            features, np.r_[draw.arm[:120], 1 - draw.arm[120:]], np.r_[draw.y[:120], draw.y[120:] + 99], 2
        )
        known = Trial(whole.features, draw.arm, draw.y, 2)
        rules = [
            learn_rule(t.rows(train), ("ridge", "tree1"), np.random.SeedSequence(1)) for t in (known, other)
        ]
        self.same(*rules)


class TestOddTrials:
    @pytest.mark.parametrize("known", [True, False])
    def test_features_without_use_leave_one_arm_for_all(self, known):
        rng = np.random.default_rng(1)
        chances = np.full((100, 2), 0.5) if known else None
        features = pl.DataFrame({"site": ["x"] * 100})
        constant = Trial(features, np.arange(100) % 2, rng.normal(size=100) + np.arange(100) % 2, 2, chances)
        learned = learn_rule(constant, DEFAULTS, np.random.SeedSequence(1))
        assert learned.chosen == "none"
        assert learned.best_arm == 1
        forecasts = learned.forecaster.forecast(features)
        assert forecasts.problems == (None,) * 100
        assert forecasts.expected == pytest.approx(np.tile(learned.forecaster.value, (100, 1)))

    def test_one_feature_will_do(self):
        rng = np.random.default_rng(2)
        x, arm = rng.normal(size=300), np.arange(300) % 2
        y = (2 * arm - 1) * x + rng.normal(size=300)
        single = Trial(pl.DataFrame({"x": x}), arm, y, 2, np.full((300, 2), 0.5))
        learned = learn_rule(single, DEFAULTS, np.random.SeedSequence(1))
        assert learned.chosen == "sparse"
        expected = learned.forecaster.forecast(single.features).expected
        assert ((expected[:, 1] > expected[:, 0]) == (x > 0)).mean() > 0.9

    def test_no_candidates_but_one_arm_for_all(self):
        learned = learn(p1("lin", 100, 1), ("none",))
        assert learned.chosen == "none"
        assert set(learned.rivals) == {"none"}
