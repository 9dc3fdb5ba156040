"""The value of a rule is a mean with an honest interval."""

import numpy as np
import pytest

from alleviate.models.scores import aipw
from alleviate.policies.value import mean_with_interval, scores_under
from alleviate.terms.estimates import Z
from problems import p1


def test_each_person_is_scored_under_the_arm_assigned():
    assert scores_under(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0])).tolist() == [2.0, 3.0]


def test_the_interval_is_the_one_of_any_mean():
    person = np.random.default_rng(1).normal(3, 2, 50)
    found = mean_with_interval(person)
    error = np.std(person, ddof=1) / np.sqrt(50)
    assert found.estimate == pytest.approx(person.mean())
    assert (found.low, found.high) == pytest.approx((person.mean() - Z * error, person.mean() + Z * error))


def test_people_of_one_site_are_counted_together():
    person = np.random.default_rng(2).normal(size=60)
    site = [f"site {i % 7}" for i in range(60)]
    sums = {name: sum(person[i] - person.mean() for i in range(60) if site[i] == name) for name in set(site)}
    error = np.sqrt(7 / 6 * sum(total**2 for total in sums.values())) / 60
    found = mean_with_interval(person, site)
    assert (found.estimate, found.high - found.low) == pytest.approx((person.mean(), 2 * Z * error))


def test_a_site_for_each_person_is_no_clustering():
    person = np.random.default_rng(3).normal(size=40)
    alone, plain = mean_with_interval(person, range(40)), mean_with_interval(person)
    assert (alone.low, alone.high) == pytest.approx((plain.low, plain.high))


def test_the_interval_covers_the_true_value_of_a_fixed_rule():
    """What the rule is worth in the whole population; nuisances known, 400 trials of 200 people."""
    everyone = p1("lin", 100_000, 999)
    truth, covered = everyone.value((everyone.x[:, 2] > 0).astype(int)), []
    for seed in range(400):
        draw = p1("lin", 200, seed)
        scores = aipw(draw.mean, draw.probability, draw.arm, draw.y)
        found = mean_with_interval(scores_under(scores, (draw.x[:, 2] > 0).astype(int)))
        covered.append(found.low <= truth <= found.high)
    assert 0.92 <= np.mean(covered) <= 0.975


def test_sites_that_differ_need_the_clustered_interval():
    rng, plain, clustered = np.random.default_rng(5), [], []
    site = np.repeat(np.arange(40), 10)
    for _ in range(500):
        person = rng.normal(size=40)[site] + rng.normal(size=400)
        for found, interval in (
            (plain, mean_with_interval(person)),
            (clustered, mean_with_interval(person, site)),
        ):
            found.append(interval.low <= 0 <= interval.high)
    assert 0.91 < np.mean(clustered) < 0.97
    assert np.mean(plain) < 0.8
