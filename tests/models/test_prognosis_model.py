"""The model that is kept: restored exactly, explained exactly, at ease with what was never seen."""

import json

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import Kind, People
from alleviate.models.prognosis.selection import learn_prognosis

N = 160


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(10_001)
    numbers = pl.DataFrame(rng.normal(size=(N, 3)), schema=["before", "after", "age"])
    gaps = numbers.with_columns(
        age=pl.when(pl.Series(rng.random(N) < 0.2)).then(None).otherwise(pl.col("age"))
    )
    return gaps.with_columns(
        ward=pl.Series(rng.choice(["a", "b", "c"], N)), smokes=pl.Series(rng.random(N) < 0.4)
    )


def people(frame: pl.DataFrame, kind: Kind) -> People:
    rng = np.random.default_rng(10_002)
    linear = 1.5 * (frame["after"] - frame["before"]).to_numpy() + frame["smokes"].to_numpy()
    number = linear + rng.normal(size=N)
    if kind == "numeric":
        return People(frame, number, kind, np.ones(N))
    if kind == "ordinal":
        return People(frame, np.digitize(number, [-1.0, 0.5, 2.0]).astype(float), kind, np.ones(N), levels=4)
    if kind == "binary":
        return People(frame, (rng.random(N) < expit(linear)).astype(float), kind, np.ones(N))
    came = rng.exponential(np.exp(-linear))
    lost = rng.exponential(3.0, N)
    other = rng.exponential(4.0, N)
    time = np.minimum(np.minimum(came, lost), other)
    how = np.where(time == came, 1.0, np.where(time == other, 2.0, 0.0))
    return People(frame, how, kind, np.ones(N), time=time, horizon=1.0)


KINDS: list[Kind] = ["binary", "numeric", "ordinal", "time-to-event"]


@pytest.mark.parametrize("kind", KINDS)
def test_written_and_read_back_it_foresees_the_same(frame: pl.DataFrame, kind: Kind) -> None:
    learned = learn_prognosis(people(frame, kind), ["ridge", "spline"], 1)
    model = learned.model
    again = PrognosisModel.from_json(json.loads(json.dumps(model.to_json())))
    one, other = model.predict(frame), again.predict(frame)
    assert np.array_equal(one.estimate, other.estimate)
    assert np.array_equal(one.linear, other.linear)
    assert learned.signal_p < 0.05
    assert model.complexity > 1.5


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_and_level_sum_to_what_is_foreseen(frame: pl.DataFrame, kind: Kind) -> None:
    model = learn_prognosis(people(frame, kind), ["ridge", "spline"], 1).model
    level, added = model.contributions(frame)
    assert added.shape == (N, len(model.features))
    assert level + added.sum(axis=1) == pytest.approx(model.predict(frame).linear, abs=1e-9)


def test_each_kind_has_its_own_estimate(frame: pl.DataFrame) -> None:
    found = {k: learn_prognosis(people(frame, k), ["ridge"], 1).model.predict(frame) for k in KINDS}
    assert found["binary"].estimate == pytest.approx(expit(found["binary"].linear))
    assert found["time-to-event"].estimate == pytest.approx(expit(found["time-to-event"].linear))
    assert np.array_equal(found["numeric"].estimate, found["numeric"].linear)
    chances = found["ordinal"].probabilities
    assert chances is not None
    assert found["ordinal"].estimate == pytest.approx(chances @ np.arange(4.0))
    level = people(frame, "ordinal").y
    assert chances.mean(axis=0) == pytest.approx(np.bincount(level.astype(int)) / N, abs=0.03)


def test_people_unlike_any_seen_are_foreseen_and_marked(frame: pl.DataFrame) -> None:
    model = learn_prognosis(people(frame, "binary"), ["ridge"], 1).model
    strange = frame[:2].with_columns(ward=pl.lit("z"), after=pl.lit(1e9))
    found = model.predict(strange)
    assert found.unknown == (("ward",), ("ward",))
    assert (np.abs(found.linear) < 20).all()
    empty = model.predict(pl.DataFrame({"age": [40.0, None]}))
    assert np.isfinite(empty.estimate).all()
    assert empty.missing.tolist() == pytest.approx([0.8, 1.0])
