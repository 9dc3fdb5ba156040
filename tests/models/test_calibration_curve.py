"""The smoothed calibration curve: against statsmodels' lowess, plain matrices and simulated truth."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from statsmodels.nonparametric.smoothers_lowess import lowess

from alleviate.models.performance.curve import BINS, calibration_curve, calibration_index
from alleviate.models.performance.influence import spread
from alleviate.models.performance.judged import Judged


def judged(n=200, seed=10_100, slope=1.0):
    rng = np.random.default_rng(seed)
    linear = rng.normal(-0.5, 1.0, n)
    y = (rng.random(n) < expit(linear)).astype(float)
    return Judged(y, expit(slope * linear), np.ones(n))


def test_the_curve_is_statsmodels_lowess_without_its_robust_rounds():
    people = judged()
    curve = calibration_curve([people])
    plain = lowess(people.y, people.p, frac=0.75, it=0, xvals=np.array(curve.foreseen))
    assert [one.estimate for one in curve.observed] == pytest.approx(list(np.clip(plain, 0, 1)), abs=1e-6)


def test_the_indices_are_those_of_the_gaps_to_the_curve():
    people = judged(slope=1.8)
    gaps = np.abs(people.p - lowess(people.y, people.p, frac=0.75, it=0, return_sorted=False))
    curve = calibration_curve([people])
    assert curve.ici.estimate == pytest.approx(gaps.mean(), abs=1e-6)
    assert curve.e50 == pytest.approx(np.quantile(gaps, 0.5, method="inverted_cdf"), abs=1e-6)
    assert curve.e90 == pytest.approx(np.quantile(gaps, 0.9, method="inverted_cdf"), abs=1e-6)
    assert calibration_index(people).value == pytest.approx(curve.ici.estimate)


def test_gathering_people_of_nearly_the_same_risk_changes_next_to_nothing():
    people = judged(4000, slope=1.5)
    assert len(np.unique(people.p)) > BINS
    gaps = np.abs(people.p - lowess(people.y, people.p, frac=0.75, it=0, delta=0.0, return_sorted=False))
    assert calibration_index(people).value == pytest.approx(gaps.mean(), abs=5e-4)


def test_the_interval_of_a_point_is_that_of_the_smoother_by_matrices():
    people = judged(60)
    curve = calibration_curve([people], points=5)
    at = curve.foreseen[2]
    apart = np.abs(people.p - at)
    radius = np.sort(apart)[44]
    kernel = np.clip(1 - (apart / radius) ** 3, 0, None) ** 3
    design = np.stack([np.ones(60), people.p - at], axis=1)
    pull = np.linalg.solve(design.T @ (design * kernel[:, None]), design.T * kernel)
    error = people.y - design @ (pull @ people.y)
    doubt = spread(pull[0] * error)
    found = curve.observed[2]
    assert found.estimate == pytest.approx(pull[0] @ people.y)
    assert found.high - found.estimate == pytest.approx(doubt.quantile * doubt.error)


def test_an_index_knows_how_its_curve_moves_with_a_person():
    """A change of outcome moves the index in a straight line: by the pull of that person on the curve."""
    people = replace(judged(80, slope=1.9), kind="numeric")
    found = calibration_index(people)
    w, total = people.weight, people.weight.sum()
    person, step = 11, 1e-4
    y = people.y.copy()
    y[person] += step
    moved = calibration_index(replace(people, y=y))
    by_outcome = (moved.value - found.value) / step  # Σ sign · pull of this person
    smooth = lowess(people.y, people.p, frac=0.75, it=0, return_sorted=False)
    own = (abs(people.p[person] - smooth[person]) - found.value) / total
    later = moved.influence[person] - w[person] * own
    earlier = found.influence[person] - w[person] * own
    moved_own = (
        abs(people.p[person] - lowess(y, people.p, frac=0.75, it=0, return_sorted=False)[person])
        - moved.value
    ) / total - own
    assert found.influence.sum() == pytest.approx(0, abs=1e-6)
    # influence rises with the person's outcome by the same pull, less what the lines themselves follow
    assert 0 < (later - earlier - moved_own) / step / by_outcome < 1


def test_a_model_as_good_as_can_be_shows_no_more_than_chance():
    """The index is never 0; `by_chance` says what these people would show of a perfect model."""
    shown = [calibration_curve([judged(300, seed)]) for seed in range(10_200, 10_230)]
    by_chance = np.mean([curve.by_chance for curve in shown])
    assert np.mean([curve.ici.estimate for curve in shown]) == pytest.approx(by_chance, rel=0.2)
    far = calibration_curve([judged(300, 10_200, slope=3.0)])
    assert far.ici.low > 2 * far.by_chance


def test_the_curve_covers_the_truth_point_by_point():
    inside = []
    for seed in range(10_300, 10_340):
        curve = calibration_curve([judged(300, seed, slope=1.3)], points=9)
        truth = expit(np.log(np.array(curve.foreseen) / (1 - np.array(curve.foreseen))) / 1.3)
        inside += [one.low <= t <= one.high for one, t in zip(curve.observed, truth, strict=True)]
    assert np.mean(inside) >= 0.9


def test_one_prediction_for_all_is_judged_by_the_mean():
    people = judged()
    curve = calibration_curve([people.foreseen(np.full(200, 0.25))])
    assert curve.foreseen == (0.25,)
    assert curve.observed[0].estimate == pytest.approx(people.y.mean())
    assert curve.ici.estimate == pytest.approx(abs(people.y.mean() - 0.25))


def test_few_distinct_predictions_and_people_of_no_weight_do_no_harm():
    rng = np.random.default_rng(10_101)
    p = rng.choice([0.1, 0.1, 0.1, 0.1, 0.6], 120)
    y = (rng.random(120) < p).astype(float)
    people = Judged(y, p, (np.arange(120) < 100).astype(float))
    curve = calibration_curve([people])
    for at, one in zip(curve.foreseen, curve.observed, strict=True):
        if at in (0.1, 0.6):
            assert one.estimate == pytest.approx(y[:100][p[:100] == at].mean(), abs=1e-6)
    assert calibration_index(people).value == pytest.approx(
        calibration_index(people.take(np.arange(100))).value
    )


def test_numbers_have_a_curve_too_and_it_may_leave_0_to_1():
    rng = np.random.default_rng(10_102)
    p = rng.normal(20, 4, 150)
    curve = calibration_curve([Judged(p + 2 + rng.normal(0, 1, 150), p, np.ones(150), kind="numeric")])
    assert curve.ici.estimate == pytest.approx(2, abs=0.3)
    assert curve.observed[0].estimate > 10


def test_clusters_widen_and_repeats_do_not_narrow():
    people = judged(100)
    twins = Judged(np.repeat(people.y, 2), np.repeat(people.p, 2), np.ones(200))
    alone = calibration_curve([twins])
    paired = calibration_curve([replace(twins, clusters=np.repeat(np.arange(100), 2))])
    assert paired.observed[20].high - paired.observed[20].low > 1.3 * (
        alone.observed[20].high - alone.observed[20].low
    )
    assert calibration_curve([twins] * 3).ici.low == pytest.approx(alone.ici.low)
