"""Measures by group: worst first, too small said so, differences tested for all at once."""

import numpy as np
import pytest
from scipy.special import expit
from statsmodels.stats.multitest import multipletests

from alleviate.models.performance.groups import by_groups, holm
from alleviate.models.performance.judged import Judged
from alleviate.models.performance.performance import performance
from alleviate.terms.errors import InputError


def people(n=900, seed=10_800, worse=0.0, clusters=None, part=False):
    """Two groups; in "b" predictions carry ``worse`` noise."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(n) < 0.5, "a", "b")
    linear = rng.normal(-0.3, 1.3, n)
    y = (rng.random(n) < expit(linear)).astype(float)
    p = expit(linear + worse * (group == "b") * rng.normal(size=n))
    return Judged(y, p, np.ones(n), rng.permutation(n) % 5 if part else None, clusters), group


def test_a_group_is_judged_as_if_alone():
    judged, group = people()
    found = by_groups([judged], {"group": group})["group"]
    own = performance([judged.take(np.flatnonzero(group == "a"))])
    shown = next(one for one in found.groups if one.name == "a")
    assert shown.measures["auc"].estimate == pytest.approx(own["auc"].estimate)
    assert shown.measures["brier"].high == pytest.approx(own["brier"].high, rel=1e-3)
    assert shown.n == (group == "a").sum()
    assert shown.events == judged.y[group == "a"].sum()


def test_the_worst_group_comes_first_and_is_shown_to_differ():
    judged, group = people(worse=2.0)
    found = by_groups([judged], {"group": group})["group"]
    assert [one.name for one in found.groups] == ["b", "a"]
    assert found.differ["auc"].shown
    assert found.differ["auc"].alone <= found.differ["auc"].adjusted


def test_two_groups_are_compared_as_by_a_z_test():
    judged, group = people(worse=0.5)
    found = by_groups([judged], {"group": group})["group"]
    a, b = (next(one for one in found.groups if one.name == name).measures["brier"] for name in "ab")
    errors = [(one.high - one.low) / 2 / 1.97 for one in (a, b)]
    z = (a.estimate - b.estimate) / np.hypot(*errors)
    assert found.differ["brier"].alone == pytest.approx(2 * (1 - _normal(abs(z))), abs=0.01)


def _normal(z):
    from_zero = np.linspace(0, z, 2001)
    return 0.5 + np.trapezoid(np.exp(-(from_zero**2) / 2) / np.sqrt(2 * np.pi), from_zero)


@pytest.mark.slow
def test_groups_that_are_alike_are_seldom_said_to_differ():
    wrong = 0
    for seed in range(10_900, 10_960):
        judged, group = people(400, seed)
        other = np.random.default_rng(seed).choice(["x", "y", "z"], 400)
        found = by_groups([judged], {"group": group, "other": other})
        wrong += any(chance.shown for one in found.values() for chance in one.differ.values())
    assert wrong <= 6  # for all measures and groupings together


def test_groups_too_small_are_said_to_be_so_and_come_last():
    judged, group = people(300, worse=1.0)
    group = group.astype("<U5")
    group[:12] = "small"
    found = by_groups([judged], {"group": group})["group"]
    assert found.groups[-1].name == "small"
    assert "at least 10 of each" in found.groups[-1].unjudged
    assert not any(one.unjudged for one in found.groups[:-1])
    wide = by_groups([judged.take(np.arange(300))], {"group": group}, fewest=2)["group"]
    assert "too wide" in next(one for one in wide.groups if one.name == "small").unjudged


def test_numbers_and_levels_have_groups_too():
    rng = np.random.default_rng(10_801)
    p = rng.normal(10, 3, 200)
    judged = Judged(p + rng.normal(0, 1, 200), p, np.ones(200), kind="numeric")
    group = np.array(["few"] * 15 + ["many"] * 185)
    found = by_groups([judged], {"group": group})["group"]
    assert found.groups[0].name == "many"
    assert found.groups[0].events is None
    assert "at least 20" in found.groups[1].unjudged
    assert found.differ == {}


def test_clusters_and_folds_are_known_in_groups():
    judged, group = people(900, part=True)
    twice = Judged(
        np.tile(judged.y, 2),
        np.tile(judged.p, 2),
        np.ones(1800),
        np.tile(judged.part, 2),
        np.tile(np.arange(900), 2),
    )
    once = by_groups([judged], {"g": group})["g"]
    double = by_groups([twice], {"g": np.tile(group, 2)})["g"]
    one, other = once.groups[0].measures["brier"], double.groups[0].measures["brier"]
    assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.05)
    assert double.differ["brier"].alone == pytest.approx(once.differ["brier"].alone, abs=0.03)


def test_people_who_do_not_count_make_no_group():
    judged, group = people(200)
    weight = (group == "a").astype(float)
    found = by_groups([Judged(judged.y, judged.p, weight)], {"g": group})["g"]
    assert [one.name for one in found.groups] == ["a"]


def test_holm_is_statsmodels():
    chances = [0.01, 0.04, 0.03, 0.005, 0.5]
    assert holm(chances) == pytest.approx(list(multipletests(chances, method="holm")[1]))
    assert holm([]) == []


def test_a_group_for_each_person_is_needed():
    judged, group = people(50)
    with pytest.raises(InputError, match="group for each of 50"):
        by_groups([judged], {"g": group[:10]})
