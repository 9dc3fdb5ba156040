"""The value of a rule is a mean with an honest interval."""

import numpy as np
import pytest
from scipy.stats import t

from alleviate.models.scores import aipw
from alleviate.policies.value import mean_with_interval, scores_under
from alleviate.terms.errors import InputError
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


def test_splits_that_disagree_widen_the_interval():
    splits = np.random.default_rng(4).normal(size=(5, 80)) + np.arange(5)[:, None] / 10
    theta = splits.mean(axis=1)
    between = np.mean((theta - theta.mean()) ** 2)
    each = np.mean([np.var(split, ddof=1) / 80 for split in splits])
    averaged = np.var(splits.mean(axis=0), ddof=1) / 80
    for found, within in (
        (mean_with_interval(splits), each),
        (mean_with_interval(splits, averaged=True), averaged),
    ):
        assert found.estimate == pytest.approx(theta.mean())
        assert found.high - found.estimate == pytest.approx(Z * np.sqrt(within + between))


def by_matrices(person, site):
    """CR2 and Bell & McCaffrey's degrees of freedom for a mean, by the n-by-n matrices of the paper."""
    n = len(person)
    rest = np.eye(n) - np.ones((n, n)) / n
    variance, columns = 0.0, []
    for name in sorted(set(site)):
        own = np.array([s == name for s in site])
        values, vectors = np.linalg.eigh(rest[np.ix_(own, own)])
        adjusted = vectors @ np.diag(values**-0.5) @ vectors.T
        weight = adjusted @ np.ones(own.sum()) / n
        variance += float(weight @ (person - person.mean())[own]) ** 2
        columns.append(rest[:, own] @ weight)
    gram = np.array(columns) @ np.array(columns).T
    return np.sqrt(variance), np.trace(gram) ** 2 / (gram**2).sum()


@pytest.mark.parametrize("sizes", [[10] * 6, [4, 9, 20, 7, 2]], ids=["even", "uneven"])
def test_people_of_one_site_are_counted_together(sizes):
    person = np.random.default_rng(2).normal(size=sum(sizes))
    site = [f"site {i}" for i, size in enumerate(sizes) for _ in range(size)]
    error, freedom = by_matrices(person, site)
    found = mean_with_interval(person, site)
    assert found.estimate == pytest.approx(person.mean())
    assert found.high - found.estimate == pytest.approx(t.ppf(0.975, freedom) * error)
    if len(set(sizes)) == 1:
        assert freedom == pytest.approx(len(sizes) - 1)


def test_a_site_for_each_person_is_no_clustering_but_for_students_t():
    person = np.random.default_rng(3).normal(size=40)
    alone, plain = mean_with_interval(person, range(40)), mean_with_interval(person)
    assert (alone.high - alone.estimate) / t.ppf(0.975, 39) == pytest.approx(
        (plain.high - plain.estimate) / Z
    )


def test_one_site_tells_nothing_of_sites():
    with pytest.raises(InputError, match="two clusters"):
        mean_with_interval(np.arange(5.0), ["Kiel"] * 5)


@pytest.mark.parametrize("sites", [8, 20])
def test_a_few_sites_of_uneven_size_are_covered(sites):
    rng, covered = np.random.default_rng(50_000), []
    site = np.repeat(np.arange(sites), np.linspace(10, 50, sites).astype(int))
    for _ in range(1000):
        person = 0.3 * rng.normal(size=sites)[site] + rng.normal(size=len(site))
        found = mean_with_interval(person, site)
        covered.append(found.low <= 0 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97


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
