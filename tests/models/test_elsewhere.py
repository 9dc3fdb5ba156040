"""Other places: case mix told from a wrong model, and sites pooled with what the next would show."""

import numpy as np
import pytest
from scipy.special import expit, logit

from alleviate.models.performance.discrimination import concordance
from alleviate.models.performance.elsewhere import across_sites, elsewhere, expected_concordance, membership
from alleviate.models.performance.judged import Judged
from alleviate.models.performance.performance import performance
from alleviate.models.pooling import pool
from alleviate.terms.errors import NotEnoughDataError


def place(n=1500, seed=13_000, spread=1.3, mean=-0.5, right=1.0, part=None):
    rng = np.random.default_rng(seed)
    linear = rng.normal(mean, spread, n)
    truth = right * (linear - mean) + mean
    return Judged((rng.random(n) < expit(truth)).astype(float), expit(linear), np.ones(n), part)


def test_the_expected_area_is_that_of_all_pairs_were_the_risks_true():
    rng = np.random.default_rng(13_001)
    p, w = rng.beta(2, 3, 40), rng.uniform(0.5, 2, 40)
    judged = Judged((rng.random(40) < p).astype(float), p, w)
    top = bottom = 0.0
    for i in range(40):
        for j in range(40):
            if i != j:
                chance = w[i] * w[j] * p[i] * (1 - p[j])
                bottom += chance
                top += chance * ((p[i] > p[j]) + 0.5 * (p[i] == p[j]))
    assert expected_concordance(judged).value == pytest.approx(top / bottom)
    assert expected_concordance(judged.foreseen(np.zeros(40))).value == 0.5


def test_the_expected_area_is_the_observed_one_where_the_model_is_right():
    judged = place(20_000)
    assert expected_concordance(judged).value == pytest.approx(concordance(judged).value, abs=0.01)


def test_people_more_alike_lower_the_area_by_case_mix_alone():
    found = elsewhere([place(20_000)], place(20_000, 13_002, spread=0.6))
    assert found.by_case_mix.high < -0.12
    assert abs(found.by_model.estimate) < 0.015
    assert found.spread.estimate == pytest.approx(-0.7, abs=0.05)
    total = found.auc_there.estimate - found.auc_here.estimate
    assert found.by_case_mix.estimate + found.by_model.estimate == pytest.approx(total)


def test_a_model_that_is_wrong_there_is_told_from_other_people():
    found = elsewhere([place(3000)], place(3000, 13_003, right=0.3))
    assert found.by_model.high < -0.05
    assert found.by_case_mix.low < 0 < found.by_case_mix.high
    shifted = elsewhere([place(3000)], place(3000, 13_004, mean=0.5))
    assert shifted.mean.low > 0.8


@pytest.mark.slow
def test_intervals_of_the_two_parts_cover():
    wide = place(100_000, 1), place(100_000, 2, spread=0.8, right=0.6)
    truth = elsewhere([wide[0]], wide[1])
    hits = np.zeros(2)
    for seed in range(13_100, 13_200):
        found = elsewhere([place(250, seed)], place(250, seed + 500, spread=0.8, right=0.6))
        hits += [
            found.by_case_mix.low <= truth.by_case_mix.estimate <= found.by_case_mix.high,
            found.by_model.low <= truth.by_model.estimate <= found.by_model.high,
        ]
    assert hits.min() >= 90


def test_where_there_is_no_area_the_spread_is_still_told():
    rng = np.random.default_rng(13_005)
    p = rng.normal(10, 2, 300)
    numbers = Judged(p + rng.normal(size=300), p, np.ones(300), kind="numeric")
    found = elsewhere([numbers], numbers.take(np.flatnonzero(p > 10)))
    assert found.mean.low > 0
    assert found.spread.high < 0
    assert found.auc_there is None
    healthy = Judged(np.zeros(40), np.full(40, 0.1), np.ones(40))
    assert elsewhere([place(100)], healthy).by_model is None


def test_folds_here_widen_what_is_said_of_the_model():
    here = place(400)
    folded = Judged(here.y, here.p, here.weight, np.arange(400) % 5)
    plain, wider = (elsewhere([one], place(400, 13_006)).by_model for one in (here, folded))
    assert wider.high - wider.low > plain.high - plain.low


def test_membership_tells_other_people_and_does_not_where_there_are_none():
    rng = np.random.default_rng(13_007)
    here, alike, other = (
        rng.normal(size=(150, 3)),
        rng.normal(size=(120, 3)),
        rng.normal(0.8, 1, size=(120, 3)),
    )
    same, different = membership(here, alike, 1), membership(here, other, 1)
    assert same.low <= 0.5 <= same.high
    assert different.low > 0.7
    with pytest.raises(NotEnoughDataError):
        membership(here[:2], other[:0], 1)


def sites(count=8, each=250, seed=13_008, spread=0.0):
    rng = np.random.default_rng(seed)
    name = np.repeat([f"site {i}" for i in range(count)], each)
    off = np.repeat(rng.normal(0, spread, count), each)
    linear = rng.normal(-0.5, 1.2, count * each)
    y = (rng.random(count * each) < expit(linear + off)).astype(float)
    return Judged(y, expit(linear), np.ones(len(y)), np.repeat(np.arange(count), each)), name


def test_sites_are_pooled_on_the_scale_of_the_measure():
    judged, name = sites()
    found = across_sites([judged], name)["auc"]
    own = [performance([judged.take(np.flatnonzero(name == s))])["auc"] for s in np.unique(name)]
    values = np.array([one.estimate for one in own])
    errors = np.array([(logit(one.high) - logit(one.low)) / 2 / 1.97 for one in own])
    plain = pool(logit(values), errors**2)
    assert found.mean.estimate == pytest.approx(expit(plain.mean.estimate), abs=1e-3)
    assert found.prediction.low == pytest.approx(expit(plain.prediction.low), abs=5e-3)
    assert set(found.sites) == set(name)


def test_another_site_is_foreseen_wider_where_sites_differ():
    alike, differing = (
        across_sites([sites(spread=s)[0]], sites()[1])["calibration_intercept"] for s in (0.0, 0.8)
    )
    assert differing.i2 > 0.7 > alike.i2
    assert differing.prediction.high - differing.prediction.low > 2 * (
        alike.prediction.high - alike.prediction.low
    )
    assert differing.prediction.low < differing.mean.low


def test_sites_too_small_and_measures_of_one_site_are_left_out():
    judged, name = sites(3)
    name = name.astype("<U8")
    name[name == "site 2"] = [f"tiny {i}" for i in range(250)]
    assert set(across_sites([judged], name)["e_o"].sites) == {"site 0", "site 1"}
    assert across_sites([judged], ["one"] * 750) == {}
    constant = judged.foreseen(np.full(750, 0.3))
    found = across_sites([constant], sites(3)[1])
    assert "auc" not in found  # nothing varies, nothing to pool
    assert "calibration_slope" not in found
    perfect = judged.foreseen(judged.y)
    assert "brier" not in across_sites([perfect], sites(3)[1])
    assert "auc" not in across_sites([perfect], sites(3)[1])
