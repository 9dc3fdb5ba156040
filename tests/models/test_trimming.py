"""Who is comparable: the optimal cut against a plain search, and a package that says nothing outside."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.models.encoding import Encoder
from alleviate.models.propensities import crossfit_propensity
from alleviate.models.trimming import Cut, Reach, cut_by_rule, cut_by_share


def two_arms(chances):
    return np.column_stack([1 - np.asarray(chances), chances])


def variance(sums, kept):
    """What Crump and others minimise, up to a constant: mean of the sum over those kept, over their share."""
    return sums[kept].mean() / kept.mean()


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=60))
def test_no_other_cut_gives_a_smaller_variance(chances):
    probability = two_arms(chances)
    sums = (1 / probability).sum(axis=1)
    kept = cut_by_rule(probability).keeps(probability)
    best = min(variance(sums, sums <= limit) for limit in sums)
    assert variance(sums, kept) == pytest.approx(best)


def test_of_two_arms_it_is_the_published_rule():
    """Uniform chances: α solves 1/(α(1-α)) = 2 E[1/(e(1-e)) | α ≤ e ≤ 1-α], near 0.1 (Crump et al. 2009)."""
    chances = (np.arange(200_000) + 0.5) / 200_000
    most = cut_by_rule(two_arms(chances)).most
    alpha = 0.5 - np.sqrt(0.25 - 1 / most)
    inside = chances[(chances >= alpha) & (chances <= 1 - alpha)]
    assert 1 / (alpha * (1 - alpha)) == pytest.approx(2 * (1 / (inside * (1 - inside))).mean(), rel=1e-3)
    assert alpha == pytest.approx(0.1, abs=0.03)


def test_where_chances_are_even_everybody_stays():
    rng = np.random.default_rng(1)
    probability = two_arms(rng.uniform(0.3, 0.7, 500))
    assert cut_by_rule(probability).keeps(probability).all()


def test_of_three_arms_who_cannot_get_one_is_left_out():
    probability = np.array([[0.4, 0.3, 0.3]] * 99 + [[0.4999, 0.4999, 0.0002]])
    assert cut_by_rule(probability).keeps(probability).tolist() == [True] * 99 + [False]


def test_a_named_chance_is_taken_as_such():
    probability = np.array([[0.05, 0.95], [0.1, 0.9], [0.92, 0.08]])
    assert cut_by_share(0.1).keeps(probability).tolist() == [False, True, False]


@pytest.fixture(scope="module")
def learned():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"age": rng.normal(50, 10, 800)})
    arm = (rng.uniform(size=800) < 1 / (1 + np.exp((50 - frame["age"].to_numpy()) / 4))).astype(np.int64)
    encoder = Encoder.fit(frame)
    folds = np.arange(800) % 5
    chances, final = crossfit_propensity(encoder.transform(frame).x, arm, 2, folds)
    return Reach(encoder, final, cut_by_rule(chances))


def test_people_outside_are_told_why_and_people_inside_nothing(learned):
    inside, outside = learned.problems(pl.DataFrame({"age": [50.0, 95.0]}))
    assert inside is None
    assert "outside the overlap" in outside
    assert "under 1%" in outside


@pytest.mark.parametrize("cut", [None, Cut(0.1, np.inf)])
def test_it_is_the_same_after_it_was_written_down(learned, cut):
    reach = learned if cut is None else Reach(learned.encoder, learned.propensity, cut)
    again = Reach.from_json(json.loads(json.dumps(reach.to_json())))
    people = pl.DataFrame({"age": np.linspace(0, 100, 101)})
    assert again.problems(people) == reach.problems(people)
    assert again.cut == reach.cut
