"""A model of the event record: what it reads, that it wins where timing matters, and only there."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis.candidates import ridge
from alleviate.models.prognosis.candidates.sequence import CANDIDATE
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.deep.reading import encoded_with_events
from alleviate.models.prognosis.deep.recurrent import course_of
from alleviate.models.prognosis.deep.recurrent_training import recurrent
from alleviate.models.prognosis.deep.sequences import EVENTS, MOST_EVENTS, EventSequences, Vocabulary
from alleviate.models.prognosis.explained.importance import importance
from alleviate.models.prognosis.explained.reasons import reasons
from alleviate.models.prognosis.explained.seen import Seen
from alleviate.models.prognosis.explained.shapes import shapes
from alleviate.models.prognosis.explained.words import Speech
from alleviate.models.prognosis.fitting import of_candidate
from alleviate.models.prognosis.foresight import Foresight, fit_foresight
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People
from alleviate.models.prognosis.selection import learn_prognosis
from alleviate.terms.errors import DataError, InputError


def clinic(n, seed, matters=True):
    """PHQ-9 at irregular times over twelve weeks, and sessions. A rise over the last three weeks foretells

    dropout; or, where the course does not matter, the last value alone."""
    rng = np.random.default_rng(seed)
    lists, rise, last, first = [], np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        days = np.sort(rng.uniform(0.0, 84.0, int(rng.integers(4, 10))))[::-1]
        recent, trend = rng.normal(0.0, 0.2), rng.normal(0.0, 0.12)
        scores = (
            rng.normal(14.0, 5.0) + trend * np.maximum(days, 21.0) + recent * np.maximum(0.0, 21.0 - days)
        )
        scores += rng.normal(0.0, 0.8, len(days))
        events = [{"code": "PHQ9", "days": d, "value": v} for d, v in zip(days, scores, strict=True)]
        events += [
            {"code": "SESSION", "days": d, "value": None}
            for d in rng.uniform(0.0, 84.0, int(rng.integers(1, 5)))
        ]
        lists.append(sorted(events, key=lambda event: -event["days"]))
        rise[i], last[i], first[i] = recent, scores[-1], scores[0]
    truth = -0.4 + (14.0 * rise if matters else 0.2 * (last - 14.0))
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-truth))).astype(float)
    frame = pl.DataFrame({"last": last, "first": first, "age": rng.normal(40.0, 12.0, n)})
    return People(frame.with_columns(pl.Series(EVENTS, lists)), y, "binary", np.ones(n))


NAMES = ("none", "ridge", "sequence")


@pytest.fixture(scope="module")
def course():
    people = clinic(500, 10_501)
    return people, learn_prognosis(people, NAMES, 1)


class TestWhereTimingMatters:
    def test_it_is_chosen_and_foresees_new_people_better_than_the_last_values_do(self, course):
        people, learned = course
        new = clinic(2000, 10_601)
        plain = learn_prognosis(people, ("none", "ridge"), 1).model
        told, straight = (
            mean_loss(new.y, model.predict(new.features).linear, new.weight, "binary")
            for model in (learned.model, plain)
        )
        assert learned.chosen == "stack"
        assert learned.shares["sequence"] > 0.3
        assert told < straight - 0.01

    def test_its_model_predicts_the_same_when_read_back(self, course):
        people, learned = course
        again = PrognosisModel.from_json(json.loads(json.dumps(learned.model.to_json())))
        told, before = (model.predict(people.features).linear for model in (again, learned.model))
        np.testing.assert_array_equal(told, before)

    def test_the_same_seed_gives_the_same_fit(self, course):
        people, learned = course
        design = learned.model.design(people)
        settings = {"dropout": 0.2, "decay": 0.3, "steps": 20, "held_out": 0.6}
        settings |= ridge.CANDIDATE.tune(design, learned.folds, 1, Budget()).settings
        once, twice, other = (CANDIDATE.fit(design, settings, seed).to_json() for seed in (1, 1, 2))
        assert once == twice
        assert once != other

    def test_the_course_is_one_of_the_features_and_contributions_sum(self, course):
        people, learned = course
        model = learned.model
        assert EVENTS in model.features_kept
        level, added = model.contributions(people.features)
        np.testing.assert_allclose(
            level + added.sum(axis=1), model.predict(people.features).linear, atol=1e-9
        )
        found = importance([(model, clinic(300, 10_602))], 1).features
        assert EVENTS in {each.feature for each in found}

    def test_who_comes_without_a_record_is_foreseen_by_the_features_alone(self, course):
        people, learned = course
        model, frame = learned.model, people.features[:5]
        without = frame.drop(EVENTS)
        unknown = frame.with_columns(pl.lit(None, dtype=frame[EVENTS].dtype).alias(EVENTS))
        for each in (without, unknown):
            encoded = model.encode(each)
            assert encoded.imputed[:, -1].all()
            np.testing.assert_array_equal(encoded.x[:, -1], 0.0)
        np.testing.assert_array_equal(model.predict(without).linear, model.predict(unknown).linear)

    def test_reasons_name_the_course_with_how_much_is_on_record(self, course):
        people, learned = course
        frame = people.features[:20]
        said = reasons(learned.model, frame, Speech(learned.model, {}))
        told = {i: each.value for i, own in enumerate(said) for each in own if each.feature == EVENTS}
        assert told
        assert told == {i: f"{len(frame[EVENTS][i])} on record" for i in told}

    def test_shapes_and_what_would_have_to_differ_leave_the_course_as_it_is(self, course):
        people, learned = course
        assert {shape.feature for shape in shapes(learned.model, (), people.features, 1, 1)} == {
            name for name in learned.model.features_kept if name != EVENTS
        }
        assert EVENTS not in Seen.of(learned.model, people.features).values

    def test_doubt_does_not_see_what_it_made_of_the_people_learned_from(self, course):
        people, learned = course
        foresight = fit_foresight(learned.model, people, learned.held_out, 1)
        again = Foresight.from_json(json.loads(json.dumps(foresight.to_json())))
        told = again.foresee(people.features[:50])
        assert (told.low < told.estimate).all()
        assert (told.estimate < told.high).all()
        moved = learned.model.encode(people.features).x
        assert (learned.model.plain(moved)[:, -1] == 0.0).all()

    def test_a_curve_of_refits_reads_the_events_too(self, course):
        people, learned = course
        design = learned.model.design(people)
        settings = {"dropout": 0.2, "decay": 0.3, "steps": 60, "held_out": 0.6}
        settings |= ridge.CANDIDATE.tune(design, learned.folds, 1, Budget()).settings
        first, rest = np.arange(300), np.arange(300, 400)
        fitted = CANDIDATE.fit(design.take(first), settings, 1)
        said = fitted.score(design.events.take(rest))
        assert said.std() > 0.1
        told = of_candidate(CANDIDATE, design, settings, 1)(first, rest)
        np.testing.assert_allclose(told, fitted.line.linear(design.x[rest]) + fitted.centre + said)


def test_where_timing_does_not_matter_it_is_not_chosen():
    learned = learn_prognosis(clinic(300, 10_503, matters=False), NAMES, 1)
    assert "sequence" in {tried.name for tried in learned.tried}
    assert learned.chosen == "ridge"


def test_numbers_are_foreseen_too_and_a_short_time_limit_takes_the_first_shape():
    people = clinic(150, 10_504)
    rng = np.random.default_rng(10_505)
    often = np.array([len(own) for own in people.features[EVENTS].to_list()])
    y = 100.0 + 10.0 * often + rng.normal(0.0, 5.0, 150)
    people = replace(people, y=y, kind="numeric")
    encoder, words = encoded_with_events(people.features)
    design = PrognosisModel("numeric", encoder, (), vocabulary=words).design(people)
    budget = Budget(0.0)
    tuned = CANDIDATE.tune(design, np.arange(150) % 3, 1, budget)
    assert budget.cut
    assert tuned.settings["dropout"] == 0.2
    line = ridge.CANDIDATE.tune(design, np.arange(150) % 3, 1, Budget()).held_out
    assert mean_loss(y, tuned.held_out, design.weight, "numeric") < 0.5 * mean_loss(
        y, line, design.weight, "numeric"
    )


def test_people_without_events_are_refused_in_one_line():
    x = np.arange(40.0)[:, None]
    design = Design(
        x, (EncodedColumn("a", "value", None, 0.0, 1.0),), np.arange(40) % 2.0, np.ones(40), "binary"
    )
    with pytest.raises(InputError, match="these people come without any"):
        CANDIDATE.tune(design, np.arange(40) % 2, 1, Budget())


def test_events_tell_nothing_to_a_model_that_was_learned_without():
    people = clinic(80, 10_507)
    plain = learn_prognosis(replace(people, features=people.features.drop(EVENTS)), ("ridge",), 1).model
    with_events = plain.predict(people.features).linear
    np.testing.assert_array_equal(with_events, plain.predict(people.features.drop(EVENTS)).linear)
    assert plain.plain(np.ones((2, 3))).all()


class TestNetworks:
    def test_numpy_computes_what_torch_computes(self, course):
        people, learned = course
        vocabulary = learned.model.vocabulary
        events = vocabulary.read(people.features[EVENTS][:50])
        stack = recurrent(torch, events, len(vocabulary), 2, 0.0, 3)
        layers = {**stack.matrices, **stack.shifts}
        own = torch.Generator().manual_seed(4)
        layers |= {name: torch.randn(layers[name].shape, generator=own) for name in ("head", "bias", "often")}
        rows = torch.arange(50).repeat(2, 1)
        with torch.no_grad():
            theirs = stack.forward(layers, rows).mean(dim=0).numpy()
        ours = course_of({name: each.detach().numpy().astype(float) for name, each in layers.items()}, events)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)

    def test_padding_changes_nothing(self, course):
        people, learned = course
        events = learned.model.vocabulary.read(people.features[EVENTS])
        (layers,) = (m.predictor.layers for m in learned.model.members if m.name == "sequence")
        together = course_of(layers, events)
        alone = [course_of(layers, events.take(np.array([i])))[0] for i in range(20)]
        np.testing.assert_allclose(together[:20], alone, atol=1e-12)


def column(*people):
    dtype = pl.List(pl.Struct({"code": pl.String, "days": pl.Float64, "value": pl.Float64}))
    lists = [
        None if own is None else [{"code": c, "days": d, "value": v} for c, d, v in own] for own in people
    ]
    return pl.Series(EVENTS, lists, dtype=dtype)


def vocabulary(*codes):
    return Vocabulary(codes, np.zeros(1 + len(codes)), np.ones(1 + len(codes)))


class TestSequences:
    def test_rare_codes_are_pooled_and_never_named(self):
        common, rare = [("A", 1.0, 2.0)], [("secret", 1.0, 2.0)]
        found = Vocabulary.fit(column(*[common] * 10, *[rare] * 9))
        assert found.codes == ("A",)
        assert "secret" not in json.dumps(found.to_json())
        assert found.read(column(rare)).code.tolist() == [0]
        assert not found.read(column(rare)).known.any()

    def test_values_are_standardised_by_code_and_held_in_bounds(self):
        people = [[("A", 1.0, float(v)), ("B", 0.5, 7.0)] for v in range(20)]
        found = Vocabulary.fit(column(*people))
        read = found.read(column(*people))
        assert read.value[read.code == 1].mean() == pytest.approx(0.0)
        assert read.value[read.code == 1].std() == pytest.approx(1.0)
        assert (read.value[read.code == 2] == 0.0).all()
        assert found.read(column([("A", 0.0, 1e9)])).value.tolist() == [4.0]
        again = Vocabulary.from_json(json.loads(json.dumps(found.to_json())))
        np.testing.assert_array_equal(again.read(column(*people)).value, read.value)

    def test_change_is_since_the_last_known_value_of_the_same_code(self):
        read = vocabulary("A", "B").read(
            column([("A", 9.0, 1.0), ("B", 8.0, 3.0), ("A", 7.0, None), ("A", 1.0, 3.5)], [("A", 1.0, 2.0)])
        )
        assert read.change.tolist() == [0.0, 0.0, 0.0, 2.5, 0.0]
        assert read.known.tolist() == [True, True, False, True, True]

    def test_an_event_after_the_moment_is_refused(self):
        with pytest.raises(DataError, match="after the moment"):
            vocabulary("A").read(column([("A", -0.5, 1.0)]))

    def test_the_latest_events_of_a_person_are_kept(self):
        many = [("A", float(day), float(day % 3)) for day in range(MOST_EVENTS + 20, 0, -1)]
        read = vocabulary("A").read(column(many, [("A", 3.0, 1.0)], None, []))
        assert np.diff(read.offsets).tolist() == [MOST_EVENTS, 1, 0, 0]
        assert read.days[0] == MOST_EVENTS
        assert read.days[-2:].tolist() == [1.0, 3.0]

    def test_padding_stands_to_the_left_and_time_runs_to_the_moment(self):
        read = vocabulary("A", "B").read(column([("A", 9.0, 1.0), ("B", 2.0, None)], [], [("B", 5.0, 2.0)]))
        code, numbers, there, gap = read.padded()
        assert code.tolist() == [[1, 2], [0, 0], [0, 2]]
        assert there.tolist() == [[True, True], [False, False], [False, True]]
        assert gap.tolist() == [[7.0, 2.0], [0.0, 0.0], [0.0, 5.0]]
        np.testing.assert_allclose(numbers[2, 1], [2.0, 1.0, 0.0, np.log(6.0) / 5.0])

    def test_a_summary_counts_and_takes_the_last_values(self):
        read = vocabulary("A").read(column([("A", 9.0, 1.0), ("A", 2.0, 3.0), ("other", 1.0, None)], []))
        np.testing.assert_allclose(read.summary(2), [[np.log(2), np.log(3), 0, 3, 0, 2], [0, 0, 0, 0, 0, 0]])

    @settings(deadline=None, max_examples=50)
    @given(st.data())
    def test_taking_people_takes_their_events(self, data):
        lengths = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=6))
        rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=8)), dtype=np.int64)
        total = sum(lengths)
        own = np.arange(float(total))
        whole = EventSequences(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            own.astype(np.int64), own, own, own > 0, own,
        )  # fmt: skip
        taken = whole.take(rows)
        assert len(taken) == len(rows)
        expected = [whole.days[whole.offsets[i] : whole.offsets[i + 1]].tolist() for i in rows]
        found = [taken.days[a:b].tolist() for a, b in zip(taken.offsets, taken.offsets[1:], strict=False)]
        assert found == expected
