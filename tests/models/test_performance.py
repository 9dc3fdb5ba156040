"""Measures against scikit-learn, statsmodels and finite differences; traps of cross-validation."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss, mean_absolute_error, r2_score, roc_auc_score

from alleviate.models.performance.discrimination import concordance
from alleviate.models.performance.influence import Measured, interval, spread
from alleviate.models.performance.judged import Judged, log_odds
from alleviate.models.performance.measures import measured
from alleviate.models.performance.performance import assessed, average, averaged, performance, uncertainty
from alleviate.terms.errors import InputError


def risks(n=300, seed=10_000, slope=1.4):
    rng = np.random.default_rng(seed)
    linear = rng.normal(-0.7, 1.0, n)
    y = (rng.random(n) < expit(linear)).astype(float)
    return Judged(y, np.round(expit(slope * linear + 0.2), 3), rng.uniform(0.2, 3, n))


def levels(n=250, seed=10_001, count=4):
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(count), n)
    y = (rng.random(n)[:, None] > np.cumsum(chances, axis=1)).sum(axis=1).astype(float)
    weight = rng.uniform(0.2, 3, n)
    return Judged(y, chances @ np.arange(count), weight, kind="ordinal", probabilities=chances)


def numbers(n=250, seed=10_002):
    rng = np.random.default_rng(seed)
    p = rng.normal(20, 5, n)
    return Judged(p * 0.8 + 3 + rng.normal(0, 3, n), p, rng.uniform(0.2, 3, n), kind="numeric")


def test_measures_of_risk_are_those_of_scikit_learn_and_statsmodels():
    judged = risks()
    y, p, w = judged.y, judged.p, judged.weight
    found = {name: estimate.estimate for name, estimate in performance([judged]).items()}
    assert found["auc"] == pytest.approx(roc_auc_score(y, p, sample_weight=w))
    assert found["brier"] == pytest.approx(brier_score_loss(y, p, sample_weight=w))
    assert found["log_loss"] == pytest.approx(log_loss(y, p, sample_weight=w))
    assert found["e_o"] == pytest.approx((w @ p) / (w @ y))
    assert found["brier_scaled"] == pytest.approx(r2_score(y, p, sample_weight=w))
    model = sm.GLM(y, sm.add_constant(log_odds(p)), family=sm.families.Binomial(), freq_weights=w).fit()
    assert found["calibration_slope"] == pytest.approx(model.params[1])
    level = sm.GLM(
        y, np.ones(len(y)), family=sm.families.Binomial(), freq_weights=w, offset=log_odds(p)
    ).fit()
    assert found["calibration_intercept"] == pytest.approx(level.params[0])


def test_measures_of_numbers_are_those_of_scikit_learn_and_statsmodels():
    judged = numbers()
    y, p, w = judged.y, judged.p, judged.weight
    found = {name: estimate.estimate for name, estimate in performance([judged]).items()}
    assert found["r2"] == pytest.approx(r2_score(y, p, sample_weight=w))
    assert found["mae"] == pytest.approx(mean_absolute_error(y, p, sample_weight=w))
    assert found["rmse"] == pytest.approx(np.sqrt(np.average((y - p) ** 2, weights=w)))
    line = sm.WLS(y, sm.add_constant(p), weights=w).fit()
    assert found["calibration_slope"] == pytest.approx(line.params[1])
    assert found["calibration_intercept"] == pytest.approx(np.average(y - p, weights=w))


def test_measures_of_levels_are_those_of_a_plain_count():
    judged = levels(60)
    y, p, w, given = judged.y, judged.p, judged.weight, judged.probabilities
    agreed = pairs = 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] > y[j]:
                pairs += w[i] * w[j]
                agreed += w[i] * w[j] * ((p[i] > p[j]) + 0.5 * (p[i] == p[j]))
    found = {name: estimate.estimate for name, estimate in performance([judged]).items()}
    assert found["c"] == pytest.approx(agreed / pairs)
    assert found["log_loss"] == pytest.approx(log_loss(y, given, sample_weight=w))
    rps = sum(np.average((given[:, : k + 1].sum(axis=1) - (y <= k)) ** 2, weights=w) for k in range(3))
    assert found["rps"] == pytest.approx(rps)
    assert {"c", "log_loss", "rps", "calibration_slope", "calibration_intercept"} <= found.keys()
    assert "log_loss" not in performance([judged.foreseen(judged.p)])


@pytest.mark.parametrize("judged", [risks(80), numbers(80), levels(80)], ids=["risk", "number", "level"])
def test_the_influence_of_a_person_is_what_a_little_more_weight_does(judged):
    judged = replace(judged, part=np.arange(80) % 3)
    found = measured(judged)
    for person in (0, 17, 63):
        step = 1e-5 * judged.weight[person]
        moved = []
        for sign in (1, -1):
            weight = judged.weight.copy()
            weight[person] += sign * step
            moved.append(measured(replace(judged, weight=weight)))
        for name, one in found.items():
            if name == "ici":
                continue  # its neighbourhoods are counted in people: see test_calibration_curve
            difference = (moved[0][name].value - moved[1][name].value) / (2e-5)
            assert one.influence[person] == pytest.approx(difference, rel=1e-3, abs=1e-6), name
            assert one.influence.sum() == pytest.approx(0, abs=1e-8), name


def test_every_measure_has_its_interval_and_none_is_a_number_that_is_none():
    for judged in (risks(), numbers(), levels()):
        for name, estimate in performance([judged]).items():
            assert estimate.low < estimate.estimate < estimate.high, name


def test_without_predictors_the_area_within_folds_is_a_half_where_the_pooled_one_falls_below():
    rng = np.random.default_rng(10_003)
    y = (rng.random(200) < 0.3).astype(float)
    fold = rng.permutation(200) % 10
    p = np.array([y[fold != f].mean() for f in fold])
    assert roc_auc_score(y, p) < 0.45
    found = assessed([Judged(y, p, np.ones(200), fold)])
    assert found.measures["auc"].estimate == 0.5
    assert "all predictions are the same" in found.left_out["calibration_slope"]
    assert "calibration_slope" not in found.measures


def test_one_prediction_for_all_has_an_area_of_exactly_a_half():
    judged = risks(150)
    found = performance([judged.foreseen(np.full(150, 0.3))])
    assert (found["auc"].low, found["auc"].estimate, found["auc"].high) == (0.5, 0.5, 0.5)


def test_sure_predictions_that_fail_cost_much_and_not_everything():
    y = np.array([0.0, 1.0] * 20)
    p = np.where(np.arange(40) < 36, y, 1 - y)
    found = performance([Judged(y, p, np.ones(40))])
    assert found["log_loss"].estimate == pytest.approx(0.1 * -np.log(1e-6), rel=1e-4)
    assert found["auc"].estimate == pytest.approx(0.9)


def test_a_perfect_order_leaves_room_for_what_a_few_people_cannot_show():
    y = np.repeat([0.0, 1.0], [40, 20])
    found = assessed([Judged(y, np.linspace(0.1, 0.9, 60), np.ones(60))])
    auc = found.measures["auc"]
    assert (auc.estimate, auc.high) == (1.0, 1.0)
    assert 0.8 < auc.low < 0.9  # three in twenty could still be ordered wrongly
    assert "completely" in found.left_out["calibration_slope"]


def test_one_outcome_only_leaves_out_what_needs_two_with_the_reason():
    p = np.linspace(0.1, 0.4, 30)
    found = assessed([Judged(np.zeros(30), p, np.ones(30))])
    assert found.measures.keys() == {"brier", "log_loss", "ici"}
    assert "same outcome" in found.left_out["auc"]
    assert "no event was observed" in found.left_out["e_o"]
    assert "no event was expected" in assessed([Judged(np.eye(30)[0], 0 * p, np.ones(30))]).left_out["e_o"]


def test_repeats_are_averaged_and_are_not_more_people():
    judged = risks()
    once, often = performance([judged]), performance([judged] * 10)
    for name in once:
        assert often[name].low == pytest.approx(once[name].low)
    other = judged.foreseen(np.clip(judged.p + 0.05, 0, 1))
    mean = (once["auc"].estimate + performance([other])["auc"].estimate) / 2
    assert performance([judged, other])["auc"].estimate == pytest.approx(mean)


def test_clusters_within_strata_are_the_witnesses():
    """By the textbook's formula, written out (Lohr 2010, Sampling, 9.1)."""
    judged = risks(240)
    rng = np.random.default_rng(10_004)
    strata = np.arange(240) % 4
    clusters = rng.integers(0, 5, 240)
    designed = replace(judged, clusters=clusters, strata=strata)
    psi = averaged([designed])["brier"].influence
    variance = 0.0
    for h in range(4):
        sums = [psi[(strata == h) & (clusters == c)].sum() for c in range(5)]
        variance += 5 / 4 * sum((s - np.mean(sums)) ** 2 for s in sums)
    found = spread(psi, clusters, strata)
    assert found.error == pytest.approx(np.sqrt(variance))
    assert found.freedom == 20 - 4
    twins = Judged(
        *(np.repeat(a, 2) for a in (judged.y, judged.p, judged.weight)), clusters=np.repeat(range(240), 2)
    )
    for name, estimate in performance([twins]).items():
        if name != "ici":
            alone = averaged([judged])[name]
            assert estimate.estimate == pytest.approx(alone.value)
            assert spread(averaged([twins])[name].influence, twins.clusters).error == pytest.approx(
                spread(alone.influence).error
            )


def test_a_stratum_of_one_cluster_is_compared_with_all():
    found = spread(np.array([1.0, -1.0, 3.0]), strata=np.array([0, 0, 1]))
    assert found.error == pytest.approx(np.sqrt(2 * (1 + 1) + (3 - 1) ** 2))


def test_people_of_no_weight_count_for_nothing():
    judged = risks(200)
    weight = judged.weight * (np.arange(200) < 120)
    with_them, without = replace(judged, weight=weight), judged.take(np.arange(120))
    for name, one in averaged([with_them]).items():
        assert one.value == pytest.approx(averaged([without])[name].value), name


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_only_the_order_matters_to_the_area_and_only_the_shape_to_weights(seed, factor):
    judged = risks(60, seed)
    first = averaged([judged])["auc"]
    assert averaged([judged.foreseen(judged.p**3)])["auc"].value == pytest.approx(first.value)
    turned = averaged([judged.foreseen(1 - judged.p)])["auc"]
    assert turned.value == pytest.approx(1 - first.value)
    heavier = replace(judged, weight=factor * judged.weight)
    assert averaged([heavier])["auc"].influence == pytest.approx(first.influence)


def test_intervals_stay_where_the_measure_can_be():
    doubt = spread(np.array([0.01, -0.01, 0.01, -0.01]))
    assert interval(0.98, doubt, "share").high < 1
    assert interval(1.0, doubt, "share").high == 1
    assert interval(0.01, doubt, "positive").low == 0
    assert interval(0.1, doubt, "ratio").low > 0
    assert interval(0.0, doubt).low < 0
    assert interval(1.0 + 2**-52, spread(np.zeros(4)), "share").estimate == 1
    assert str(interval(-(2.0**-60), doubt, "positive").estimate) == "0.0"
    with pytest.raises(ValueError, match="low <= estimate"):
        interval(1.01, doubt, "share")
    assert isinstance(averaged([risks()])["auc"], Measured)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"p": np.array([0.5])}, "as many p"),
        ({"p": np.array([0.5, 1.2])}, "risks between"),
        ({"y": np.array([0.0, 2.0])}, "outcomes of 0 and 1"),
        ({"y": np.array([0.0, np.nan])}, "finite"),
        ({"weight": np.array([1.0, -1.0])}, "weights"),
        ({"weight": np.zeros(2)}, "weights"),
        ({"clusters": np.zeros(3, dtype=int)}, "as many clusters"),
    ],
)
def test_what_cannot_be_judged_is_refused(change, words):
    good = {"y": np.array([0.0, 1.0]), "p": np.array([0.2, 0.7]), "weight": np.ones(2)}
    with pytest.raises(InputError, match=words):
        Judged(**(good | change))


def test_repeats_of_other_people_are_refused():
    with pytest.raises(InputError, match="same people"):
        performance([risks(50, 1), risks(50, 2)])
    with pytest.raises(InputError, match="one set of predictions"):
        performance([])


def ridge_out_of_folds(x, y, rng, folds=5, penalties=(3, 30, 300, 3000)):
    """Predictions of a linear ridge, its penalty tuned within each of the ``folds``."""

    def fit(xs, ys, penalty):
        centre = xs.mean(axis=0)
        beta = np.linalg.solve(
            (xs - centre).T @ (xs - centre) + penalty * np.eye(x.shape[1]), (xs - centre).T @ ys
        )
        return beta, ys.mean() - centre @ beta

    def split(ys):
        fold = np.empty(len(ys), dtype=int)
        for level in (0, 1):
            rows = rng.permutation(np.flatnonzero(ys == level))
            fold[rows] = np.arange(len(rows)) % folds
        return fold

    outer, p = split(y), np.empty(len(y))
    for f in range(folds):
        xs, ys = x[outer != f], y[outer != f]
        inner, losses = split(ys), []
        for penalty in penalties:
            loss = 0.0
            for g in range(folds):
                beta, level = fit(xs[inner != g], ys[inner != g], penalty)
                loss += ((ys[inner == g] - level - xs[inner == g] @ beta) ** 2).sum()
            losses.append(loss)
        beta, level = fit(xs, ys, penalties[int(np.argmin(losses))])
        p[outer == f] = level + x[outer == f] @ beta
    return Judged(y, np.clip(p, 0, 1), np.ones(len(y)), outer)


@pytest.mark.slow
def test_on_pure_noise_the_interval_of_the_area_covers_a_half():
    covered = 0
    for seed in range(50_000, 50_100):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(200, 10)), (rng.random(200) < 0.3).astype(float)
        repeats = [ridge_out_of_folds(x, y, rng) for _ in range(3)]
        found = average([concordance(judged) for judged in repeats])
        auc = interval(found.value, uncertainty(found, repeats[0]), found.scale)
        covered += auc.low <= 0.5 <= auc.high
    assert covered >= 93


@pytest.mark.slow
def test_intervals_of_one_model_in_new_people_cover():
    truth = {
        name: one.value for name, one in averaged([replace(risks(200_000), weight=np.ones(200_000))]).items()
    }
    names = [name for name in truth if name != "ici"]
    hits = dict.fromkeys(names, 0)
    for seed in range(50_000, 50_120):
        found = performance([replace(risks(150, seed), weight=np.ones(150))])
        for name in names:
            hits[name] += found[name].low <= truth[name] <= found[name].high
    assert min(hits.values()) >= 108, hits  # of 120
