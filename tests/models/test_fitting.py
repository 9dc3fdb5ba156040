"""Over- and underfitting seen: people needed, learning curves, gaps, paths, and sentences made of them."""

import numpy as np
import pytest

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis.candidates.ridge import CANDIDATE
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.fitting import (
    CurvePoint,
    LearningCurve,
    Needed,
    Path,
    PathPoint,
    cox_snell,
    features_path,
    fit_gap,
    for_number,
    for_risk,
    for_time,
    learning_curve,
    more_features,
    more_people,
    of_candidate,
    penalty_path,
)
from alleviate.models.prognosis.fitting.complexity_path import complexity_path, sizes
from alleviate.terms.errors import InputError


def design(n, p, seed=10_000, loss="binary", slopes=(1.0, -0.7, 0.5)):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    linear = x[:, : len(slopes)] @ np.array(slopes)
    y = linear + rng.normal(size=n)
    if loss == "binary":
        y = (rng.random(n) < 1.0 / (1.0 + np.exp(-linear))).astype(float)
    columns = tuple(EncodedColumn(f"f{j}", "value", None, 0.0, 1.0) for j in range(p))
    return Design(x, columns, y, np.ones(n), loss)


def folds(n):
    return np.arange(n) % 5


def mean_of(data):
    """Foresees the average of those learned from: its error falls as 1 / n, in closed form."""
    return lambda train, test: np.full(len(test), data.y[train].mean())


class TestPeopleNeeded:
    """Figures of Riley et al. (BMJ 2020;368:m441; Stat Med 2019;38:1262, 1276) and their `pmsampsize`."""

    def test_for_a_risk(self):
        published = for_risk(24, 0.174, 0.288)
        assert published.by["overfitting"] == 623
        assert published.by["optimism"] == 662
        assert published.by["level"] == 221
        bmj = for_risk(30, 0.05, 0.05)
        assert (bmj.people, bmj.by["level"], bmj.by["error of the risks"]) == (5249, 73, 544)
        assert bmj.events == 263
        assert for_risk(24, 0.174, 0.55).by["optimism"] == 532

    @pytest.mark.parametrize(
        ("asked", "people"),
        [
            ((30, 0.065, 2.07, 2.0, 0.051), 5143),
            ((25, 0.065, 2.07, 2.0, 0.065), 3335),
            ((40, 0.08, 5.0, 3.0, 0.06), 5798),
            ((10, 0.09, 3.0, 3.0, 0.03), 2950),
        ],
    )
    def test_for_an_event_in_time(self, asked, people):
        assert for_time(*asked).people == people

    def test_for_an_event_in_time_that_nearly_everybody_has_the_level_asks_for_nobody(self):
        assert for_time(5, 0.4, 2.0, 20.0).by["level"] == 1
        assert for_time(30, 0.065, 2.07, 2.0, 0.051).events == 692

    @pytest.mark.parametrize(
        ("parameters", "explained", "needed"),
        [
            (25, 0.2, (918, 401, 259)),
            (25, 0.3, (574, 351, 259)),
            (50, 0.2, (1924, 801, 284)),
            (20, 0.9, (68, 41, 254)),
        ],
    )
    def test_for_a_number(self, parameters, explained, needed):
        assert tuple(for_number(parameters, explained).by.values()) == needed

    def test_for_the_mean_of_a_number_whose_zero_means_none(self):
        by = for_number(5, 0.2, mean=2.0, sd=3.0).by
        half = 1.97 * 3.0 * np.sqrt(0.8 / by["level"])
        assert half == pytest.approx(0.2, rel=0.01)

    def test_the_overall_risk_of_an_event_in_time_is_then_known_within_five_points(self):
        needed, rate, followed, horizon = for_time(10, 0.2, 2.0, 3.0).by["level"], 0.2, 2.0, 3.0
        rng = np.random.default_rng(1)
        rates = rng.poisson(rate * followed * needed, 4000) / (followed * needed)
        off = np.exp(-rate * horizon) - np.exp(-rates * horizon)
        assert (off > 0.05).mean() < 0.035
        assert (off > 0.045).mean() > 0.025

    def test_more_features_less_signal_and_rarer_events_need_more_people(self):
        assert for_risk(20, 0.2).people > for_risk(10, 0.2).people
        assert for_risk(10, 0.2, 0.05).people > for_risk(10, 0.2, 0.1).people
        assert for_number(10, 0.1).people > for_number(10, 0.3).people
        assert for_risk(10, 0.2, 0.0).people > 1_000_000

    @pytest.mark.parametrize(("parameters", "risk"), [(0, 0.2), (5, 0.0), (5, 1.0)])
    def test_nothing_to_predict_from_or_nothing_that_varies_is_refused(self, parameters, risk):
        with pytest.raises(InputError, match="at least one parameter"):
            for_risk(parameters, risk)

    def test_cox_and_snells_share_of_a_linear_model_is_its_r2(self):
        """With normal noise of known shape, log losses differ by log(1 - R²) / 2 a person."""
        assert cox_snell(0.0, 0.5 * np.log(1 - 0.3)) == pytest.approx(0.3)
        assert cox_snell(0.6, 0.6) == 0.0


class TestLearningCurve:
    def test_the_error_of_a_mean_falls_as_theory_says(self):
        """E(y - mean of n)² = σ² (1 + 1/n)."""
        at, held = [], []
        for s in range(250):
            data = design(60, 1, 10_000 + s, "numeric", (0.0,))
            curve = learning_curve(mean_of(data), data.y, data.weight, "numeric", folds(60), s, Budget())
            at, held = [p.people for p in curve.points], [*held, [p.held_out for p in curve.points]]
        found = np.mean(held, axis=0)
        assert at == [10, 17, 24, 34, 48]
        assert found - found[-1] == pytest.approx(1 / np.array(at) - 1 / 48, abs=0.02)

    def test_it_falls_and_what_twice_as_many_bring_is_foretold(self):
        """The truth from 40 trials: 300 people against 600, both judged on many others."""
        data = design(300, 10)
        curve = learning_curve(
            of_candidate(CANDIDATE, data, CANDIDATE.tune(data, folds(300), 1, Budget()).settings, 1),
            data.y, data.weight, "binary", folds(300), 1, Budget(),
        )  # fmt: skip
        held = [point.held_out for point in curve.points]
        assert held[0] > held[-1] > curve.points[-1].apparent
        fall, low, high = curve.twice
        assert 0.0 <= low < fall < high
        assert low < 0.0094 < high
        assert curve.floor < held[-1]

    def test_the_same_seed_gives_the_same_curve_whatever_the_others_shuffle(self):
        data = design(100, 3)
        curves = [
            learning_curve(mean_of(data), data.y, data.weight, "binary", folds(100), 4, Budget())
            for _ in range(2)
        ]
        assert curves[0] == curves[1]

    def test_when_time_is_up_the_folds_gone_through_are_kept(self):
        data, moments = design(100, 3, loss="numeric"), iter([0.0, 1.0, 99.0, 99.0, 99.0])
        budget = Budget(10.0, lambda: next(moments))
        curve = learning_curve(mean_of(data), data.y, data.weight, "numeric", folds(100), 1, budget)
        assert budget.cut
        assert curve.twice is None
        assert len(curve.points) == 5
        one = learning_curve(
            mean_of(data), data.y, data.weight, "numeric", folds(100), 1, Budget(0.0, lambda: 0.0)
        )
        assert one.points[0].standard_error is None


class TestGap:
    def gap(self, factor, n=600, seed=10_000, loss="binary"):
        data = design(n, 3, seed, loss)
        linear = data.x @ np.array([1.0, -0.7, 0.5])
        return fit_gap(data.y, data.weight, linear, factor * linear, loss)

    @pytest.mark.parametrize("loss", ["binary", "numeric"])
    def test_forecasts_too_extreme_are_over_and_too_timid_ones_under_fitted(self, loss):
        assert self.gap(2.0, loss=loss).fit == "over"
        assert self.gap(0.4, loss=loss).fit == "under"
        assert self.gap(1.0, loss=loss).fit == "neither"
        assert "over-fitted" in self.gap(2.0, loss=loss).words

    def test_the_slope_undoes_the_factor_and_is_covered(self):
        found = [self.gap(2.0, seed=10_000 + s).slope for s in range(60)]
        assert np.mean([slope for slope, _, _ in found]) == pytest.approx(0.5, abs=0.02)
        assert np.mean([low <= 0.5 <= high for _, low, high in found]) > 0.88

    def test_the_gap_is_the_difference_of_mean_losses(self):
        gap = self.gap(2.0)
        assert gap.difference == pytest.approx(gap.held_out - gap.apparent)
        assert gap.difference > 2.0 * gap.standard_error
        assert gap.apparent < gap.without

    def test_few_people_tell_nothing_and_what_does_not_vary_is_not_overfitted(self):
        assert self.gap(1.0, n=25).fit == "unsure"
        data = design(100, 3)
        flat = fit_gap(data.y, data.weight, np.zeros(100), np.zeros(100), "binary")
        assert (flat.slope, flat.fit) == (None, "neither")

    def test_what_is_foretold_without_error_is_no_overfitting(self):
        y = (np.arange(60) % 2).astype(float)
        assert fit_gap(y, np.ones(60), y - 0.5, y - 0.5, "binary").fit in ("under", "unsure", "neither")


class TestPaths:
    @pytest.mark.parametrize("loss", ["binary", "numeric"])
    def test_of_many_features_the_few_that_matter_foretell_best(self, loss):
        data = design(200, 40, loss=loss, slopes=(1.2, -1.0))
        path = features_path(data, folds(200), Budget())
        assert [point.complexity for point in path.points] == [0, 1, 2, 4, 8, 16, 32, 40]
        assert path.points[path.simplest].complexity == 2
        apparent = [point.apparent for point in path.points]
        assert apparent == sorted(apparent, reverse=True)
        assert path.points[-1].held_out > path.points[path.best].held_out

    @pytest.mark.parametrize("loss", ["binary", "numeric"])
    def test_along_the_penalty_apparent_error_falls_and_the_parameters_rise(self, loss):
        path = penalty_path(design(150, 12, loss=loss), folds(150), Budget())
        complexity = [point.complexity for point in path.points]
        apparent = [point.apparent for point in path.points]
        assert complexity == sorted(complexity)
        assert 0 < complexity[0] < complexity[-1] <= 12
        assert apparent == sorted(apparent, reverse=True)
        assert path.simplest <= path.best

    def test_noise_is_best_foretold_by_no_feature(self):
        path = features_path(design(200, 8, slopes=()), folds(200), Budget())
        assert path.simplest == 0

    def test_effective_parameters_without_a_penalty_to_speak_of_are_the_columns(self):
        path = penalty_path(design(500, 6, loss="numeric"), folds(500), Budget())
        assert path.points[-1].complexity == pytest.approx(6.0, abs=0.05)

    def test_cut_short_the_richest_are_left_out(self):
        data, moments = design(100, 8), iter([0.0, 1.0, 2.0, *[99.0] * 9])
        path = features_path(data, folds(100), Budget(10.0, lambda: next(moments)))
        assert [point.complexity for point in path.points] == [0.0, 1.0, 2.0]

    def test_a_fold_with_one_outcome_only_is_gone_through(self):
        data = design(40, 3)
        y = np.where(folds(40) == 0, data.y, 0.0)
        rare = Design(data.x, data.columns, y, data.weight, "binary")
        assert np.isfinite([p.held_out for p in features_path(rare, folds(40), Budget()).points]).all()

    def test_sizes_double_up_to_all(self):
        assert sizes(0) == (0,)
        assert sizes(1) == (0, 1)
        assert sizes(8) == (0, 1, 2, 4, 8)
        assert sizes(9) == (0, 1, 2, 4, 8, 9)

    def test_any_model_may_be_walked_along(self):
        data = design(60, 1, loss="numeric", slopes=(0.0,))
        zero = lambda train, test: np.zeros(len(test))  # noqa: E731
        path = complexity_path(
            [(0.0, zero), (1.0, mean_of(data))], data.y, data.weight, "numeric", folds(60), Budget()
        )
        assert path.points[0].apparent == pytest.approx((data.y**2).mean(), rel=0.1)


class TestSentences:
    def curve(self, twice):
        return LearningCurve((CurvePoint(100, 0.5, 0.01, 0.4),), twice, 0.4)

    def test_more_people(self):
        needed = Needed(300, {"level": 300})
        said = more_people(200, needed, self.curve((0.05, 0.02, 0.08)))
        assert said == (
            "The 200 people are fewer than the rules of thumb ask for (300). With twice as many, the error "
            "on new people would fall by about 10.0 % (4.0 % to 16.0 %)."
        )
        assert "as many as the rules" in more_people(300, needed, self.curve(None))
        assert "next to nothing" in more_people(300, needed, self.curve((0.001, 0.0, 0.002)))
        assert "cannot be told from these" in more_people(300, needed, self.curve((0.05, 0.0, 0.2)))
        assert more_people(300, None, self.curve(None)).endswith("nothing was found to foretell.")

    @pytest.mark.parametrize(
        ("simplest", "said"), [(0, "No feature helped"), (1, "2 of 8 features"), (2, "Each further feature")]
    )
    def test_more_features(self, simplest, said):
        points = tuple(PathPoint(k, 0.4, 0.5, 0.01) for k in (0.0, 2.0, 8.0))
        assert more_features(Path(points, 2, simplest)).startswith(said)
