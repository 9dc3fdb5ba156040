"""Rates by group at a threshold, gaps, and what closing them costs."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import precision_score, recall_score

from alleviate.models.performance.fairness import fairness
from alleviate.models.performance.judged import Judged
from alleviate.terms.errors import InputError


def people(n=1500, seed=12_000, shift=0.0, part=None):
    """In "b" risk is foreseen ``shift`` log odds too low."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(n) < 0.4, "b", "a")
    linear = rng.normal(-0.7, 1.2, n)
    y = (rng.random(n) < expit(linear)).astype(float)
    return Judged(y, expit(linear - shift * (group == "b")), rng.uniform(0.5, 2, n), part), group


def test_rates_are_those_of_scikit_learn():
    judged, group = people()
    found = fairness([judged], group, 0.3)
    for one in found.groups:
        own = group == one.name
        y, picked, w = judged.y[own], judged.p[own] >= 0.3, judged.weight[own]
        assert one.n == own.sum()
        assert one.rates["hits"].estimate == pytest.approx(recall_score(y, picked, sample_weight=w))
        assert one.rates["precision"].estimate == pytest.approx(precision_score(y, picked, sample_weight=w))
        assert one.rates["selected"].estimate == pytest.approx(np.average(picked, weights=w))
        false = np.average(picked[y == 0], weights=w[y == 0])
        assert one.rates["false_alarms"].estimate == pytest.approx(false)
        assert one.rates["observed"].estimate == pytest.approx(np.average(y, weights=w))
        assert one.rates["expected"].estimate == pytest.approx(np.average(judged.p[own], weights=w))


def test_the_group_whose_risk_is_foreseen_too_low_is_missed_first():
    judged, group = people(shift=1.2)
    found = fairness([judged], group, 0.3)
    assert [one.name for one in found.groups] == ["b", "a"]
    assert found.gaps["hits"].low > 0
    assert found.gaps["hits"].estimate == pytest.approx(
        found.groups[1].rates["hits"].estimate - found.groups[0].rates["hits"].estimate
    )
    assert found.brier_gained.low > 0  # the model is wrong there: recalibration in the group pays


def test_equal_hits_are_reached_and_cost_nothing_where_the_model_was_wrong():
    judged, group = people(6000, shift=1.2)
    found = fairness([judged], group, 0.3)
    equal = found.equal_hits
    for name, threshold in equal.thresholds.items():
        events = (group == name) & (judged.y == 1)
        hits = np.average(judged.p[events] >= threshold, weights=judged.weight[events])
        assert hits == pytest.approx(equal.hits, abs=0.005)
    assert equal.thresholds["b"] < 0.3 < equal.thresholds["a"]
    assert equal.net_benefit.high > 0
    old, new = (
        judged.p >= 0.3,
        judged.p >= np.where(group == "b", equal.thresholds["b"], equal.thresholds["a"]),
    )
    gain = (new.astype(float) - old) * (judged.y - (1 - judged.y) * 3 / 7)
    assert equal.net_benefit.estimate == pytest.approx(np.average(gain, weights=judged.weight))
    assert equal.selected.estimate == pytest.approx(
        np.average(new.astype(float) - old, weights=judged.weight)
    )


def test_equal_hits_cost_net_benefit_where_the_model_was_right():
    """The outcome is rarer in "b": at one threshold for all, fewer there are picked, and rightly so."""
    rng = np.random.default_rng(12_001)
    group = np.repeat(["a", "b"], 5000)
    linear = rng.normal(np.where(group == "a", 0.3, -1.5), 0.8)
    judged = Judged((rng.random(10_000) < expit(linear)).astype(float), expit(linear), np.ones(10_000))
    found = fairness([judged], group, 0.4)
    assert found.equal_hits.net_benefit.high < 0
    assert found.brier_gained.low <= 0  # nothing to recalibrate


def test_a_group_too_small_to_judge_is_said_to_be_so_and_makes_no_gap():
    judged, group = people(400)
    group = group.astype("<U5")
    group[:8] = "small"
    found = fairness([judged], group, 0.3)
    assert found.groups[-1].name == "small"
    assert "at least 10 of each" in found.groups[-1].unjudged
    assert set(found.equal_hits.thresholds) == {"a", "b"}
    alone = fairness([judged], ["all"] * 400, 0.3)
    assert (alone.gaps, alone.equal_hits, alone.brier_gained) == ({}, None, None)


def test_rates_of_nobody_are_left_out_and_certain_ones_have_room():
    judged, group = people(400)
    found = fairness([judged.foreseen(np.full(400, 0.1))], group, 0.3)
    for one in found.groups:
        assert "precision" not in one.rates  # nobody is picked
        assert one.rates["selected"].estimate == 0
        assert 0 < one.rates["selected"].high < 0.05
    assert "precision" not in found.gaps
    weight = judged.weight * (group == "a")
    absent = fairness([Judged(judged.y, judged.p, weight)], group, 0.3)
    assert absent.groups[-1].unjudged == "nobody counts"


def test_repeats_are_averaged():
    judged, group = people(600)
    other = judged.foreseen(np.clip(judged.p + 0.1, 0, 1))
    one, two, both = (fairness(r, group, 0.3).groups for r in ([judged], [other], [judged, other]))
    mean = {g.name: g.rates["selected"].estimate / 2 for g in one}
    for g in two:
        mean[g.name] += g.rates["selected"].estimate / 2
    assert {g.name: g.rates["selected"].estimate for g in both} == pytest.approx(mean)


def test_what_has_no_threshold_is_refused():
    judged, group = people(50)
    with pytest.raises(InputError, match="threshold between 0 and 1"):
        fairness([judged], group, 1.0)
