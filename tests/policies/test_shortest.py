"""The shortest rule within one standard error of the best."""

import numpy as np
import pytest

from alleviate.policies.shortest import CHOSEN, behind_best, shortest
from alleviate.terms.estimates import Estimate

N = 400


def followed(**means):
    """Scores under each rule, (1, n): each its mean, and noise of its own of SD 1."""
    rng = np.random.default_rng(10_000)
    return {name: mean + rng.normal(size=(1, N)) for name, mean in means.items()}


def test_the_best_is_behind_itself_by_nothing_and_the_others_by_paired_differences():
    values = followed(none=0.0, tree1=1.0, chosen=0.5)
    behind = behind_best(values)
    assert behind["tree1"] == Estimate(0.0, 0.0, 0.0)
    difference = (values["tree1"] - values["none"])[0]
    assert behind["none"].estimate == pytest.approx(difference.mean())
    error = difference.std(ddof=1) / np.sqrt(N)
    assert behind["none"].high - behind["none"].estimate == pytest.approx(1.96 * error, rel=1e-3)


def test_one_arm_for_everybody_where_nothing_does_better_by_a_standard_error():
    behind = {"none": Estimate.from_se(0.9, 1.0), "tree1": Estimate.from_se(0.0, 0.0)}
    assert shortest(behind | {CHOSEN: Estimate.from_se(0.5, 1.0)}) == "none"


@pytest.mark.parametrize(
    ("gaps", "taken"),
    [
        ({"none": 2.0, "tree1": 0.9, "tree2": 0.0, "chosen": 0.1}, "tree1"),
        ({"none": 2.0, "tree1": 1.1, "sparse": 0.2, "tree2": 0.0, "chosen": 0.3}, "sparse"),
        ({"none": 2.0, "tree1": 1.1, "tree2": 0.4, "chosen": 0.0}, "tree2"),
        ({"none": 2.0, "tree1": 1.1, "tree2": 1.4, "chosen": 0.0}, "chosen"),
        ({"none": 2.0, "chosen": 0.0}, "chosen"),
    ],
)
def test_the_first_within_one_standard_error_from_the_shortest(gaps, taken):
    assert shortest({name: Estimate.from_se(gap, 1.0 if gap else 0.0) for name, gap in gaps.items()}) == taken


def test_equal_rules_are_all_the_best_and_the_shortest_is_taken():
    same = np.ones((2, N))
    assert shortest(behind_best({"none": same, "tree1": same, CHOSEN: same})) == "none"


def test_sites_count_as_one_each():
    """A difference that all people of a site share is told by few."""
    rng, site = np.random.default_rng(10_001), np.repeat(np.arange(8), N // 8)
    values = {"none": np.zeros((1, N)), "tree1": 1 + rng.normal(size=8)[site][None]}
    alone, together = behind_best(values)["none"], behind_best(values, site.tolist())["none"]
    assert together.high - together.low > 3 * (alone.high - alone.low)
