"""Whom a model may speak of, and in what words it abstains."""

import json

import numpy as np
import polars as pl
import pytest

from alleviate.models.encoding import Encoder
from alleviate.models.prognosis.reach import FEWEST, Reach, fit_reach


def people(n, seed):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.normal(40, 12, n).round().clip(18, 75),
            "phq9": rng.integers(0, 28, n).astype(float),
            "city": rng.choice(["Bern", "Basel", "Chur"], n),
            "pets": rng.choice(["cat", "dog"], n),
            "works": rng.random(n) < 0.5,
            "income": np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(10, 1, n)),
        }
    ).fill_nan(None)


KEPT = ("age", "phq9", "city", "works", "income")


def fitted(n=600, seed=10_000, kept=KEPT):
    frame = people(n, seed)
    encoder = Encoder.fit(frame)
    encoded = encoder.transform(frame)
    return encoder, fit_reach(encoded, encoder.columns, kept, encoder.kinds, 1)


def problem(**changed):
    encoder, reach = fitted()
    person = {"age": 40.0, "phq9": 12.0, "city": "Bern", "pets": "cat", "works": True, "income": 30_000.0}
    frame = pl.DataFrame([person | changed], schema=people(2, 1).schema)
    return reach.judge(encoder.transform(frame), frame).problems[0]


def test_a_person_like_those_learned_from_is_judged():
    assert problem() is None
    assert problem(income=None) is None


def test_nearly_all_new_people_of_the_same_kind_are_judged_and_have_comparable_ones():
    encoder, reach = fitted()
    fresh = people(2000, 10_001)
    judged = reach.judge(encoder.transform(fresh), fresh)
    assert np.mean([p is not None for p in judged.problems]) < 0.03
    assert judged.comparable.min() >= FEWEST


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"city": "Ulm"}, "city is 'Ulm', which nobody learned from was"),
        ({"age": 340.0}, "age is 340, far outside what was seen (18 to "),
        ({"phq9": -40.0}, "phq9 is -40, far outside what was seen (0 to 27)"),
        ({"age": None, "phq9": None, "works": None}, "60% of what the model asks for is missing"),
    ],
)
def test_who_cannot_be_judged_is_told_why(changed, said):
    assert problem(**changed).startswith(said)


def test_what_the_model_does_not_heed_makes_nobody_a_stranger():
    assert problem(pets="iguana") is None
    assert "iguana" in str(_with("pets").judge_one("pets", "iguana"))


class _with:
    """A model that heeds one more feature."""

    def __init__(self, *more):
        self.encoder, self.reach = fitted(kept=(*KEPT, *more))

    def judge_one(self, name, value):
        frame = people(1, 1).with_columns(pl.lit(value).alias(name))
        return self.reach.judge(self.encoder.transform(frame), frame).problems[0]


def test_a_person_unlike_all_in_many_ways_at_once_is_a_stranger():
    """Each value is within what was seen, but not all of them together."""
    rng = np.random.default_rng(2)
    level = rng.normal(size=400)
    frame = pl.DataFrame({f"item{j}": level + 0.1 * rng.normal(size=400) for j in range(8)})
    encoder = Encoder.fit(frame)
    encoded = encoder.transform(frame)
    reach = fit_reach(encoded, encoder.columns, frame.columns, encoder.kinds, 1)
    odd = pl.DataFrame({f"item{j}": [2.5 * (-1.0) ** j] for j in range(8)})
    said = reach.judge(encoder.transform(odd), odd).problems[0]
    assert said.startswith("too unlike the people learned from, above all in item")


def test_too_few_people_judge_nobody():
    encoder, reach = fitted(8)
    frame = people(3, 4).with_columns(
        city=pl.lit(None, dtype=pl.String), works=pl.lit(None, dtype=pl.Boolean)
    )
    problems = reach.judge(encoder.transform(frame.drop("income")), frame).problems
    assert all(p is not None for p in problems)
    few = people(8, 10_000)
    encoder = Encoder.fit(few)
    reach = fit_reach(encoder.transform(few), encoder.columns, ("age",), encoder.kinds, 1)
    assert (
        reach.judge(encoder.transform(few), few).problems[0]
        == "too few comparable people: 8, and 10 are needed"
    )


def test_a_column_that_is_not_there_is_missing_for_everybody():
    encoder, reach = fitted()
    frame = people(5, 5).select("pets", "income", "city")
    assert all("missing" in p for p in reach.judge(encoder.transform(frame), frame).problems)


def test_a_model_without_predictors_speaks_of_everybody():
    encoder, reach = fitted(kept=())
    frame = people(5, 6)
    judged = reach.judge(encoder.transform(frame), frame)
    assert judged.problems == (None,) * 5
    assert judged.comparable.tolist() == [600] * 5


def test_json_keeps_the_judgement():
    encoder, reach = fitted()
    again = Reach.from_json(json.loads(json.dumps(reach.to_json(), allow_nan=False)))
    frame = people(300, 7).with_columns(pl.col("age") * 3)
    encoded = encoder.transform(frame)
    one, other = reach.judge(encoded, frame), again.judge(encoded, frame)
    assert one.problems == other.problems
    assert np.array_equal(one.distance, other.distance)
    assert any(p is not None for p in one.problems)


def test_no_single_persons_extreme_is_kept():
    frame = people(600, 8).with_columns(
        age=pl.when(pl.int_range(600) == 3).then(74.123).otherwise(pl.col("age") * 0.5)
    )
    encoder = Encoder.fit(frame)
    reach = fit_reach(encoder.transform(frame), encoder.columns, KEPT, encoder.kinds, 1)
    assert "74.123" not in json.dumps(reach.to_json())
