"""What is forecast for a person: outcome under each arm, how sure, and why it cannot be said."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from alleviate.models.effects.ridge import fit_moderation
from alleviate.models.encoding import Encoder
from alleviate.models.forecaster import (
    BASELINE_SPREADS,
    FEWEST_PER_ARM,
    Baseline,
    Forecaster,
    crossfit_baseline,
    fit_baseline,
)
from alleviate.models.ridge import bayesian_ridge
from alleviate.models.scores import aipw
from alleviate.models.trial import EffectData, contrasts
from alleviate.models.uncertainty import fit_doubt, fit_level_doubt, fit_neighbourhoods, fit_outcomes
from alleviate.terms.estimates import Z

N = 360


def features(n, seed):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "severity": rng.normal(20, 5, n),
            "site": rng.choice(["north", "south", "west"], n),
            "sex": rng.uniform(size=n) < 0.4,
        }
    )


def outcome(frame, arm, rng):
    benefit = 0.06 * (frame["severity"].to_numpy() - 20)
    return 0.05 * frame["age"].to_numpy() + (arm == 2) * (benefit + 0.3) + rng.normal(size=len(frame))


@pytest.fixture(scope="module")
def trained():
    """Three arms; the third helps those who are more severe."""
    frame, arm = features(N, 1), np.arange(N) % 3
    y = outcome(frame, arm, np.random.default_rng(2))
    encoder = Encoder.fit(frame)
    x, chances = encoder.transform(frame).x, np.full((N, 3), 1 / 3)
    expected = np.full((N, 3), y.mean())
    scores = aipw(expected, chances, arm, y)
    data = EffectData(x, arm, y, y - y.mean(), chances, scores, expected, np.ones(N))
    model = fit_moderation(data)
    forecaster = Forecaster(
        encoder=encoder,
        baseline=fit_baseline(x, arm, y, 3),
        value=scores.mean(axis=0),
        value_covariance=np.cov(scores, rowvar=False) / N,
        effect=model,
        slope=0.7,
        centre=model.predict(x).mean(axis=0),
        moderation=model,
        neighbourhoods=fit_neighbourhoods(x, arm, 3, 1),
    )
    return forecaster, frame, arm, y


@pytest.fixture(scope="module")
def doubted(trained):
    """The same with posteriors of its own, which know of the rule, and with residuals of the outcome."""
    forecaster, frame, arm, y = trained
    x, chances = forecaster.encoder.transform(frame).x, np.full((N, 3), 1 / 3)
    expected = np.full((N, 3), y.mean())
    data = EffectData(x, arm, y, y - y.mean(), chances, aipw(expected, chances, arm, y), expected, np.ones(N))

    def rule(people):
        return 0.7 * (forecaster.effect.predict(people) - forecaster.centre)

    level = forecaster.baseline.predict(x)
    found = replace(
        forecaster,
        doubt=fit_doubt(data, 1, rule(x), rule),
        level_doubt=fit_level_doubt(
            x,
            arm,
            y,
            3,
            seed=1,
            slopes=forecaster.baseline.mean,
            unseen=level,
            level=forecaster.baseline.predict,
        ),
        outcomes=fit_outcomes(y - y.mean() - level, arm, np.full(N, 3.0), 3),
    )
    return found, frame, fit_doubt(data, 1)


class TestWhatIsExpected:
    def test_averages_over_the_people_studied_to_the_value_of_each_arm(self, trained):
        forecaster, frame, _, _ = trained
        assert forecaster.forecast(frame).expected.mean(axis=0) == pytest.approx(forecaster.value)

    def test_is_value_plus_own_level_plus_own_effect_after_shrinkage(self, trained):
        forecaster, frame, _, _ = trained
        x = forecaster.encoder.transform(frame).x
        level = (x - forecaster.baseline.centre) / forecaster.baseline.scale @ forecaster.baseline.mean
        effect = 0.7 * (forecaster.effect.predict(x) - forecaster.centre)
        assert forecaster.forecast(frame).expected == pytest.approx(
            forecaster.value + level[:, None] + effect
        )

    def test_does_not_differ_between_people_where_no_difference_was_shown(self, trained):
        forecaster, frame, _, _ = trained
        expected = replace(forecaster, slope=0.0).forecast(frame).expected
        differences = expected - expected.mean(axis=1, keepdims=True)
        assert differences == pytest.approx(np.tile(forecaster.value - forecaster.value.mean(), (N, 1)))

    def test_of_a_missing_value_is_that_of_its_stand_in(self, trained):
        forecaster, frame, _, _ = trained
        gone = frame.with_columns(age=pl.lit(None, dtype=pl.Float64))
        middle = frame.with_columns(age=pl.lit(frame["age"].median()))
        assert forecaster.forecast(gone).expected == pytest.approx(forecaster.forecast(middle).expected)

    def test_and_those_comparable_are_the_people_of_the_nearest_group(self, trained):
        forecaster, frame, _, _ = trained
        groups, x = forecaster.neighbourhoods, forecaster.encoder.transform(frame).x
        group, _ = groups.nearest(x, np.ones(x.shape, dtype=bool))
        assert (forecaster.forecast(frame).comparable == groups.counts[group]).all()


class TestHowSure:
    def test_the_error_of_a_difference_one_pair_at_a_time(self, trained):
        forecaster, frame, _, _ = trained
        frame = frame[:5].with_columns(severity=pl.lit(None, dtype=pl.Float64))
        encoded, found = forecaster.encoder.transform(frame), forecaster.forecast(frame)
        gone = encoded.imputed.astype(float)
        for a in range(3):
            for b in range(3):
                weights = np.eye(3)[a] - np.eye(3)[b]
                average = weights @ forecaster.value_covariance @ weights
                own = forecaster.moderation.variance(encoded.x, weights, gone)
                assert found.pair_se[:, a, b] ** 2 == pytest.approx(average + own)
            weights = np.eye(3)[a] - 1 / 3
            total = (
                forecaster.baseline.variance(encoded.x, gone)
                + forecaster.value_covariance[a, a]
                + forecaster.moderation.variance(encoded.x, weights, gone)
            )
            assert found.expected_se[:, a] ** 2 == pytest.approx(total)

    def test_the_error_of_a_difference_has_no_direction(self, trained):
        forecaster, frame, _, _ = trained
        errors = forecaster.forecast(frame).pair_se
        assert (errors == errors.transpose(0, 2, 1)).all()
        assert (errors[:, range(3), range(3)] == 0).all()

    @pytest.mark.parametrize("name", ["age", "severity", "site", "sex"])
    def test_not_knowing_widens_every_interval(self, trained, name):
        forecaster, frame, _, _ = trained
        gone = frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name))
        blind = forecaster.forecast(gone)
        x = forecaster.encoder.transform(gone).x  # the same stand-ins, as though they were known
        pairs = [np.eye(3)[a] - np.eye(3)[b] for a, b in ((1, 0), (2, 0), (2, 1))]
        for weights, (a, b) in zip(pairs, ((1, 0), (2, 0), (2, 1)), strict=True):
            known = forecaster.moderation.variance(x, weights, np.zeros(x.shape))
            known += weights @ forecaster.value_covariance @ weights
            assert (blind.pair_se[:, a, b] ** 2 > known).all()

    def test_with_a_posterior_of_its_own_it_is_variance_and_distance_from_the_posterior(self, doubted):
        """Arm by arm and pair by pair, from the posterior's functions in contrasts."""
        forecaster, frame, _ = doubted
        frame = frame[:6].with_columns(severity=pl.lit(None, dtype=pl.Float64))
        encoded, found = forecaster.encoder.transform(frame), forecaster.forecast(frame)
        x, gone = encoded.x, encoded.imputed.astype(float)
        said = 0.7 * (forecaster.effect.predict(x) - forecaster.centre) @ contrasts(3)
        away = said - forecaster.doubt.values(x, said)
        spread = forecaster.doubt.spread(x, said, gone)
        level = forecaster.baseline.predict(x)
        unsure = forecaster.level_doubt.spread(x, level[:, None], gone)[:, 0, 0]
        unsure += (level - forecaster.level_doubt.values(x, level[:, None])[:, 0]) ** 2
        covariance = forecaster.value_covariance
        for i in range(6):
            for a in range(3):
                for b in range(a):
                    weights = np.eye(3)[a] - np.eye(3)[b]
                    own = contrasts(3).T @ weights
                    error = own @ spread[i] @ own + (own @ away[i]) ** 2 + weights @ covariance @ weights
                    assert found.pair_se[i, a, b] ** 2 == pytest.approx(error)
                own = contrasts(3)[a]
                error = own @ spread[i] @ own + (own @ away[i]) ** 2 + covariance[a, a] + unsure[i]
                assert found.expected_se[i, a] ** 2 == pytest.approx(error)

    def test_a_rule_held_back_is_less_sure(self, doubted):
        """The data lean, the rule does not: the interval around "no difference" has to allow for both."""
        forecaster, frame, plain = doubted
        freed, held = (
            replace(forecaster, doubt=plain, slope=slope).forecast(frame).pair_se for slope in (0.7, 0.0)
        )
        assert (held[:, 2, 0] > freed[:, 2, 0]).mean() > 0.6

    def test_intervals_of_the_expected_outcome_cover_it(self):
        """80 trials of 240, each judged at one fresh person whose truth is known."""
        inside = []
        for seed in range(80):
            rng = np.random.default_rng(seed)
            x, arm = rng.normal(size=(240, 3)), np.arange(240) % 2
            slopes = 0.4 * rng.normal(size=3)
            y = x @ slopes + rng.normal(size=240)
            baseline = fit_baseline(x, arm, y, 2)
            fresh = rng.normal(size=(10, 3))
            error = np.sqrt(baseline.variance(fresh, np.zeros((10, 3))) + 1 / 240)
            inside += list(np.abs(baseline.predict(fresh) + y.mean() - fresh @ slopes) < Z * error)
        assert 0.9 < np.mean(inside) < 0.99


class TestIntervals:
    def test_of_a_benefit_reach_as_far_as_the_level_asks(self, trained):
        forecaster, frame, _, _ = trained
        found, arm, against = forecaster.forecast(frame), np.full(N, 2), np.arange(N) % 2
        rows = np.arange(N)
        for level, reach in ((0.95, Z), (0.90, 1.6448536269514722), (0.5, 0.6744897501960817)):
            benefit, low, high = found.benefit(arm, against, level)
            assert benefit == pytest.approx(found.expected[rows, 2] - found.expected[rows, against])
            assert high - benefit == pytest.approx(reach * found.pair_se[rows, 2, against])
            assert benefit - low == pytest.approx(high - benefit)
            bottom, top = found.expectation(level)
            assert (top + bottom) / 2 == pytest.approx(found.expected)
            assert top - bottom == pytest.approx(2 * reach * found.expected_se)

    def test_of_the_own_outcome_lie_around_the_expected_one_and_are_wider(self, doubted):
        forecaster, frame, _ = doubted
        found = forecaster.forecast(frame)
        low, high = found.own_outcome(0.9)
        ends = forecaster.outcomes.around(0.9)
        assert low - found.expected == pytest.approx(np.tile(ends[:, 0], (N, 1)))
        assert high - found.expected == pytest.approx(np.tile(ends[:, 1], (N, 1)))
        bottom, top = found.expectation(0.9)
        assert (high - low > top - bottom).all()

    def test_of_a_binary_outcome_there_is_none_but_its_risk(self, trained):
        forecaster, frame, _, _ = trained
        assert forecaster.forecast(frame[:3]).own_outcome() is None


def test_a_baseline_out_of_fold_never_sees_the_person(trained):
    forecaster, frame, arm, y = trained
    x, folds = forecaster.encoder.transform(frame).x, np.arange(N) % 4
    found = crossfit_baseline(x, arm, y, 3, folds)
    moved = np.where(folds == 2, y + 50.0 * np.arange(N), y)
    again = crossfit_baseline(x, arm, moved, 3, folds)
    assert (found[folds == 2] == again[folds == 2]).all()
    assert (found[folds != 2] != again[folds != 2]).any()


class TestForWhomItCannotBeSaid:
    def problem(self, trained, **changes):
        forecaster, frame, _, _ = trained
        typical = {"age": 40.0, "severity": 20.0, "site": "north", "sex": False} | changes
        return forecaster.forecast(pl.DataFrame([typical], schema=frame.schema)).problems[0]

    def test_most_people_of_the_study_can_be_judged(self, trained):
        forecaster, frame, _, _ = trained
        problems = forecaster.forecast(frame).problems
        assert problems.count(None) > 0.98 * N

    def test_a_typical_person_can(self, trained):
        assert self.problem(trained) is None

    @pytest.mark.parametrize("name", ["age", "severity", "site", "sex"])
    def test_so_can_one_of_whom_a_feature_is_not_known(self, trained, name):
        assert self.problem(trained, **{name: None}) is None

    def test_a_category_that_nobody_had(self, trained):
        assert self.problem(trained, site="east") == "site is 'east', which nobody in the study was"

    def test_too_much_missing(self, trained):
        assert self.problem(trained, age=None, severity=None) is None
        missing = self.problem(trained, age=None, severity=None, sex=None)
        assert missing == "75% of the features are missing: too much to judge"

    def test_too_unlike_the_people_of_the_study(self, trained):
        words = "too unlike the people of the study, above all in age"
        assert self.problem(trained, age=140.0) == words
        assert self.problem(trained, age=-60.0, severity=None) == words

    def test_too_few_comparable_in_an_arm(self, trained):
        forecaster, *rest = trained
        counts = forecaster.neighbourhoods.counts.copy()
        counts[:, 1] = FEWEST_PER_ARM - 1
        lonely = replace(forecaster, neighbourhoods=replace(forecaster.neighbourhoods, counts=counts))
        assert self.problem((lonely, *rest)) == "too few comparable people: 4 in one of the arms, 5 needed"
        counts[:, 1] = FEWEST_PER_ARM
        assert self.problem((lonely, *rest)) is None

    def test_one_whose_only_oddity_is_a_rare_gap_can_be_judged(self):
        """Five of 400 lack the value: the indicator is kept, and a sixth like them is not a stranger."""
        rng = np.random.default_rng(3)
        frame = pl.DataFrame({"a": [None] * 5 + list(rng.normal(size=395)), "b": rng.normal(size=400)})
        encoder, arm, y = Encoder.fit(frame), np.arange(400) % 2, rng.normal(size=400)
        x = encoder.transform(frame).x
        assert x.shape[1] == 3
        chances = np.full((400, 2), 0.5)
        model = fit_moderation(EffectData(x, arm, y, y, chances, chances, chances, np.ones(len(y))))
        groups = fit_neighbourhoods(x, arm, 2, 1)
        forecaster = Forecaster(
            encoder,
            fit_baseline(x, arm, y, 2),
            np.zeros(2),
            np.eye(2) / 400,
            model,
            1.0,
            np.zeros(2),
            model,
            groups,
        )
        gaps = pl.DataFrame({"a": [None] * 20, "b": np.linspace(-1.5, 1.5, 20)}, schema=frame.schema)
        assert forecaster.forecast(gaps).problems == (None,) * 20


def test_the_baseline_is_a_bayesian_ridge_with_a_level_for_each_arm(trained):
    forecaster, frame, arm, y = trained
    x = forecaster.encoder.transform(frame).x
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    plain = bayesian_ridge(
        z, np.eye(3)[arm], y, scale=x.shape[1], spreads=BASELINE_SPREADS, prior=np.ones(len(BASELINE_SPREADS))
    )
    assert forecaster.baseline.predict(x) == pytest.approx(z @ plain.mean)
    known = np.zeros((N, x.shape[1]))
    known[0, 1] = 1.0
    variances = [row @ plain.covariance @ row for row in z]
    variances[0] += plain.mean[1] ** 2 + plain.covariance[1, 1]
    assert forecaster.baseline.variance(x, known) == pytest.approx(variances)


@pytest.mark.parametrize("p", [0, 1, 4])
def test_the_baseline_survives_json(p):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, p))
    baseline = fit_baseline(x, np.arange(60) % 2, rng.normal(size=60), 2)
    again = Baseline.from_json(json.loads(json.dumps(baseline.to_json())))
    assert (again.predict(x) == baseline.predict(x)).all()
    assert (again.variance(x, x * 0 + 1) == baseline.variance(x, x * 0 + 1)).all()


def test_the_number_of_arms_is_that_of_the_values(trained):
    assert trained[0].arms == 3
