"""Starting from another population: a right source helps few people, a wrong one is refused."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from alleviate.models.encoding import Encoder
from alleviate.models.prognosis.candidates import boosted, network, ridge
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.deep.sequences import Vocabulary
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.prognosis.model import Member, PrognosisModel
from alleviate.models.prognosis.people import Kind, People
from alleviate.models.prognosis.placed import restored
from alleviate.models.prognosis.selection import learn_prognosis
from alleviate.models.prognosis.transfer.curve import transfer_curve
from alleviate.models.prognosis.transfer.joining import joined, moved
from alleviate.models.prognosis.transfer.learning import Source, learn_transferred
from alleviate.models.prognosis.transfer.weighting import likeness
from alleviate.terms.errors import InputError

SLOPES = np.array([0.9, -0.7, 0.5, 0.0])
RIDGE = ["ridge"]


def drawn(
    seed: int,
    n: int,
    slopes: np.ndarray = SLOPES,
    level: float = 0.0,
    kind: Kind = "binary",
    shift: float = 0.0,
) -> People:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(slopes)))
    x[:, 0] += shift
    linear = level + x @ slopes
    y = (rng.random(n) < expit(linear)).astype(float)
    levels = 0
    if kind == "numeric":
        y = linear + rng.normal(size=n)
    elif kind == "ordinal":
        y, levels = np.digitize(linear + rng.logistic(size=n), [-1.0, 1.0]).astype(float), 3
    frame = pl.DataFrame(x, schema=[f"x{j}" for j in range(len(slopes))])
    return People(frame, y, kind, np.ones(n), levels=levels)


def loss(model: PrognosisModel, people: People) -> float:
    return mean_loss(people.y, model.predict(people.features).linear, people.weight, people.loss)


@pytest.fixture(scope="module")
def source() -> Source:
    there = drawn(1, 600)
    return Source(learn_prognosis(there, RIDGE, 1).model, there)


@pytest.fixture(scope="module")
def few() -> People:
    return drawn(10_002, 50, level=0.8)


class TestASource:
    def test_of_the_same_truth_but_another_level_helps_few_people(self, source, few) -> None:
        others = drawn(10_003, 4000, level=0.8)
        found = learn_transferred(few, source, RIDGE, 1)
        assert found.refused is None
        assert found.learned.chosen == "transfer"
        assert loss(found.learned.model, others) < loss(found.afresh.model, others)
        assert [way.name for way in found.ways] == [
            "source",
            "recalibrated",
            "deviation",
            "weighted",
            "afresh",
        ]
        assert sum(way.share for way in found.ways) == pytest.approx(1.0)

    def test_of_the_reverse_truth_is_refused_and_leaves_no_trace(self, few) -> None:
        wrong = Source(learn_prognosis(drawn(4, 600, -SLOPES), RIDGE, 1).model)
        found = learn_transferred(few, wrong, RIDGE, 1)
        assert found.refused == "slope"
        assert found.support < -1.0
        assert found.learned is found.afresh
        fresh = learn_prognosis(few, RIDGE, 1)
        assert found.learned.model.predict(few.features).linear == pytest.approx(
            fresh.model.predict(few.features).linear
        )

    def test_that_foresees_nothing_tells_nothing_for_or_against_it(self, few) -> None:
        nobody = Source(learn_prognosis(drawn(5, 300, 0 * SLOPES), RIDGE, 1).model)
        found = learn_transferred(few, nobody, RIDGE, 1)
        assert nobody.model.features_kept == ()
        assert found.support == pytest.approx(0.0, abs=1e-6)

    def test_is_refused_where_people_held_out_are_foreseen_worse(self, monkeypatch, source, few) -> None:
        monkeypatch.setattr("alleviate.models.prognosis.transfer.learning.WORSE", -1.0)
        found = learn_transferred(few, source, RIDGE, 1)
        assert found.refused == "loss"

    def test_counts_for_less_the_more_people_there_are(self, source) -> None:
        changed = SLOPES + np.array([0.0, 0.0, -0.8, 0.7])
        afresh = [
            next(
                way.share
                for way in learn_transferred(drawn(10_006, n, changed), source, RIDGE, 1).ways
                if way.name == "afresh"
            )
            for n in (60, 600)
        ]
        assert afresh[1] > afresh[0]

    @pytest.mark.parametrize("kind", ["numeric", "ordinal"])
    def test_may_foresee_a_number_or_a_level(self, kind: Kind) -> None:
        there, here, others = (
            drawn(seed, n, kind=kind) for seed, n in ((7, 500), (10_008, 40), (10_009, 2000))
        )
        known = Source(learn_prognosis(there, RIDGE, 1).model)
        found = learn_transferred(here, known, RIDGE, 1)
        assert found.refused is None
        assert loss(found.learned.model, others) < loss(found.afresh.model, others)

    def test_that_reads_events_is_refused_in_words(self, source, few) -> None:
        reads = replace(source.model, vocabulary=Vocabulary((), np.zeros(1), np.ones(1)))
        with pytest.raises(InputError, match="reads the events of records"):
            learn_transferred(few, Source(reads), RIDGE, 1)

    def test_of_another_kind_of_outcome_is_refused_in_words(self, source) -> None:
        with pytest.raises(InputError, match="foresees a numeric outcome, as here, got one for a binary"):
            learn_transferred(drawn(1, 50, kind="numeric"), source, RIDGE, 1)


class TestWhatIsLearned:
    def test_is_kept_as_plain_json_and_explained_exactly(self, source, few) -> None:
        model = learn_transferred(few, source, RIDGE, 1).learned.model
        same = PrognosisModel.from_json(json.loads(json.dumps(model.to_json())))
        linear = model.predict(few.features).linear
        assert same.predict(few.features).linear == pytest.approx(linear)
        level, added = model.contributions(few.features)
        assert level + added.sum(axis=1) == pytest.approx(linear)

    def test_is_the_same_from_the_same_seed(self, source, few) -> None:
        one, same = (learn_transferred(few, source, RIDGE, 3).learned.model.to_json() for _ in range(2))
        assert json.dumps(one) == json.dumps(same)

    @pytest.mark.slow
    def test_with_a_networks_last_layers_fitted_anew_is_a_way(self, source, few) -> None:
        pytest.importorskip("torch", reason="the network is learned by torch: pip install 'alleviate[deep]'")
        there = drawn(1, 300)
        encoder = Encoder.fit(there.features)
        design = Design(encoder.transform(there.features).x, encoder.columns, there.y, there.weight, "binary")
        net = network.CANDIDATE.fit(
            design, {"hidden": 4, "dropout": 0.0, "decay": 1.0, "steps": 30, "held_out": 0.6}, 1
        )
        known = Source(PrognosisModel("binary", encoder, (Member("network", 1.0, net),)))
        found = learn_transferred(few, known, RIDGE, 1)
        assert "fine-tuned" in {way.name for way in found.ways}
        model = PrognosisModel.from_json(found.learned.model.to_json())
        level, added = model.contributions(few.features)
        assert level + added.sum(axis=1) == pytest.approx(found.learned.model.predict(few.features).linear)


def mixed(n: int, seed: int) -> pl.DataFrame:
    """Every third age is not known."""
    rng = np.random.default_rng(seed)
    age = [None if i % 3 == 0 else value for i, value in enumerate(rng.normal(40, 10, n).tolist())]
    place, score = rng.choice(["north", "south", "west"], n), rng.normal(10, 3, n)
    return pl.DataFrame({"age": age, "place": place, "score": score})


class TestOneEncoderForTwoPopulations:
    @pytest.mark.parametrize("gone", [[], ["score"], ["age", "place"], ["age", "place", "score"]])
    @pytest.mark.parametrize("trees", [False, True])
    def test_lets_the_source_see_what_it_would_by_its_own(self, gone: list[str], trees: bool) -> None:
        there = mixed(300, 1)
        own = Encoder.fit(there)
        x = own.transform(there).x
        rng = np.random.default_rng(2)
        told = 0.3 * (there["score"].to_numpy() - 10) + (there["place"] == "west").to_numpy()
        risk = expit(told + there["age"].is_null().to_numpy())
        y = (rng.random(300) < risk).astype(float)
        design = Design(x, own.columns, y, np.ones(300), "binary")
        settings = {"rounds": 20, "leaves": 4, "least": 10, "ridge": 1.0, "columns": 1.0, "people": 1.0}
        settings["random"] = False
        predictor = (
            boosted.CANDIDATE.fit(design, settings, 1)
            if trees
            else learn_prognosis(People(there, y, "binary", np.ones(300)), RIDGE, 1)
            .model.members[0]
            .predictor
        )
        here = mixed(80, 3).drop(gone).with_columns(more=pl.Series(np.arange(80.0)))
        encoder = joined(own, here)
        asked = moved(predictor, own, encoder)
        encoded = encoder.transform(here).x
        assert asked.linear(encoded) == pytest.approx(predictor.linear(own.transform(here).x))
        level, added = asked.contributions(encoded)
        assert level + added.sum(axis=1) == pytest.approx(asked.linear(encoded))
        assert {encoder.columns[j].feature for j in asked.used()} <= {"age", "place", "score"} - set(gone)
        assert "more" in {column.feature for column in encoder.columns}
        twice = moved(asked, encoder, joined(encoder, here))
        same = restored(twice.to_json(), (boosted if trees else ridge).CANDIDATE.restore)
        assert same.linear(encoded) == pytest.approx(asked.linear(encoded))

    def test_knows_the_levels_of_both(self) -> None:
        there, here = mixed(200, 1), mixed(200, 2).with_columns(place=pl.col("place").replace("west", "east"))
        encoder = joined(Encoder.fit(there), here)
        assert encoder.levels["place"] == ["east", "north", "south", "west"]
        assert "east" in {column.level for column in encoder.columns}
        assert not any(encoder.transform(here).unknown)

    def test_refuses_a_name_that_means_two_things(self) -> None:
        with pytest.raises(
            InputError, match="feature place to be a category, as in the source, got a number"
        ):
            joined(Encoder.fit(mixed(50, 1)), mixed(50, 2).with_columns(place=pl.lit(1.0)))


def test_source_people_are_weighted_towards_the_targets() -> None:
    there, here = drawn(1, 500), drawn(2, 500, shift=1.0)
    encoder = Encoder.fit(there.features)
    one, other = (
        Design(encoder.transform(who.features).x, encoder.columns, who.y, who.weight, "binary")
        for who in (there, here)
    )
    weight = likeness(one, other)
    assert weight.mean() == pytest.approx(1.0)
    assert weight.max() <= 10.0 / weight.min()
    assert abs(one.x[:, 0].mean() - 1.0) > 0.9
    assert np.average(one.x[:, 0], weights=weight) == pytest.approx(1.0, abs=0.2)
    # the density ratio of N(1, 1) to N(0, 1) is exp(x − ½)
    assert np.corrcoef(np.log(weight), one.x[:, 0])[0, 1] > 0.95


def test_the_curve_shows_what_a_source_is_worth_by_number_of_people(source) -> None:
    people = drawn(10_020, 260, level=0.5)
    points = transfer_curve(people, replace(source, people=None), RIDGE, 1, Budget(), (8, 40, 150, 240), 3)
    # of 8 nobody learns, of 240 too few are left to test on
    assert [point.n for point in points] == [40, 150]
    assert points[0].gain.estimate > points[1].gain.estimate
    assert points[0].transferred.low <= points[0].transferred.estimate <= points[0].transferred.high
    assert points[0].gain.estimate == pytest.approx(
        points[0].afresh.estimate - points[0].transferred.estimate
    )


def test_no_time_no_curve(source) -> None:
    assert transfer_curve(drawn(1, 200), source, RIDGE, 1, Budget(0.0)) == ()
