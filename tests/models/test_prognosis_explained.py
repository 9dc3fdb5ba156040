"""What a prognosis says of itself: importance, shapes, reasons, and what would have to differ."""

import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from alleviate.models.encoding import Encoder
from alleviate.models.prognosis.candidates import boosted, forest, ridge
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.explained.differing import differing
from alleviate.models.prognosis.explained.importance import importance, over_models
from alleviate.models.prognosis.explained.reasons import reasons, sentences
from alleviate.models.prognosis.explained.scale import moves, outcome
from alleviate.models.prognosis.explained.seen import Seen
from alleviate.models.prognosis.explained.shapes import shapes
from alleviate.models.prognosis.explained.values import with_values
from alleviate.models.prognosis.explained.words import WORDS, Speech, spelled
from alleviate.models.prognosis.model import Member, PrognosisModel
from alleviate.models.prognosis.ordinal import ProportionalOdds
from alleviate.models.prognosis.people import People

FOLDS = 4
LABELS = {"age": "Age in years", "sex": "Sex", "pain": "Pain today"}


def people(kind="binary", n=400, seed=10_500):
    """Age and pain raise the outcome, sex "f" lowers it, smoking raises it a little; luck does nothing."""
    rng = np.random.default_rng(seed)
    age, pain = rng.normal(50, 10, n), rng.integers(0, 11, n).astype(float)
    sex, smokes, luck = rng.choice(["f", "m"], n), rng.random(n) < 0.4, rng.normal(size=n)
    truth = 0.1 * (age - 50) + 0.35 * (pain - 5) - 1.2 * (sex == "f") + 0.4 * smokes + 0.3
    y = truth + rng.normal(size=n)
    if kind == "binary":
        y = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(float)
    pain_known = [None if i % 15 == 0 else value for i, value in enumerate(pain.tolist())]
    site = rng.choice(["a", "b", "c"], n)
    columns = {"age": age, "pain": pain_known, "sex": sex, "smokes": smokes, "luck": luck, "site": site}
    return People(pl.DataFrame(columns), y, kind, np.ones(n))


def fitted(group, candidate=ridge.CANDIDATE, seed=10_000):
    encoder = Encoder.fit(group.features)
    x = encoder.transform(group.features).x
    design = Design(x, encoder.columns, group.y, group.weight, group.loss)
    settings = candidate.tune(design, np.arange(len(x)) % 3, seed, Budget(0.0)).settings
    predictor = candidate.fit(design, settings, seed)
    return PrognosisModel(group.kind, encoder, (Member(candidate.name, 1.0, predictor),))


def cross_fitted(group, candidate=ridge.CANDIDATE):
    fold = np.arange(len(group)) % FOLDS
    return [
        (
            fitted(group.take(np.flatnonzero(fold != k)), candidate),
            group.take(np.flatnonzero(fold == k)),
        )
        for k in range(FOLDS)
    ]


@pytest.fixture(scope="module")
def group():
    return people()


@pytest.fixture(scope="module")
def model(group):
    return fitted(group)


@pytest.fixture(scope="module")
def parts():
    return cross_fitted(people(n=1200, seed=10_510))


@pytest.fixture(scope="module")
def seen(model, group):
    """Nothing is too strange."""
    return replace(Seen.of(model, group.features), common=1e9)


@pytest.fixture(scope="module")
def high(model, group):
    """The person of highest risk of whom all is known."""
    known = group.features.drop_nulls()
    return known[int(np.argmax(model.predict(known).estimate))]


class TestImportance:
    def test_what_matters_comes_first_and_what_does_not_is_not_told_from_nothing(self, parts):
        found = importance(parts, FOLDS)
        names = [each.feature for each in found.features]
        assert set(names[:2]) == {"age", "pain"}
        by_name = {each.feature: each for each in found.features}
        assert by_name["age"].loss.low > 0
        assert by_name["pain"].loss.low > 0
        assert by_name["luck"].loss.low < 0.002
        assert all(each.kept == 1.0 for each in found.features)

    def test_the_sizes_are_means_over_models_of_mean_absolute_contributions(self, parts):
        found = {each.feature: each for each in importance(parts, FOLDS).features}
        own = [np.abs(model.contributions(held.features)[1]).mean(axis=0)[0] for model, held in parts]
        assert found["age"].size.estimate == pytest.approx(np.mean(own))

    def test_the_loss_is_what_leaving_a_contribution_out_costs(self, parts):
        found = {each.feature: each for each in importance(parts, FOLDS).features}
        costs = []
        for model, held in parts:
            _, added = model.contributions(held.features)
            linear = model.predict(held.features).linear
            risks = [1 / (1 + np.exp(-each)) for each in (linear - added[:, 0], linear)]
            logs = [-(held.y * np.log(p) + (1 - held.y) * np.log(1 - p)).mean() for p in risks]
            costs.append(logs[0] - logs[1])
        assert found["age"].loss.estimate == pytest.approx(np.mean(costs))

    def test_models_that_share_people_are_less_sure_than_as_many_apart(self):
        values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
        found = over_models(values, 5)
        naive = values.std(ddof=1) / np.sqrt(5)
        assert (found.high - found.low) / 2 == pytest.approx(1.959964 * naive * np.sqrt(1 + 5 / 4))

    def test_stability_is_rank_correlation_and_shared_leaders_over_pairs(self, parts):
        sizes = [np.abs(model.contributions(held.features)[1]).mean(axis=0) for model, held in parts]
        ranks = [spearmanr(a, b)[0] for a, b in combinations(sizes, 2)]
        tops = [set(np.argsort(-own)[:5].tolist()) for own in sizes]
        found = importance(parts, FOLDS).stability
        assert found.models == FOLDS
        assert found.ranks == pytest.approx(np.mean(ranks))
        assert found.top == pytest.approx(np.mean([len(a & b) / 5 for a, b in combinations(tops, 2)]))

    def test_of_one_model_there_is_doubt_over_people_and_no_stability(self, parts):
        found = importance(parts[:1], FOLDS)
        assert found.stability.ranks is None
        assert found.stability.top is None
        assert found.features[0].loss.low < found.features[0].loss.estimate < found.features[0].loss.high

    def test_a_model_of_nothing_ranks_nothing(self, parts):
        nothing = replace(parts[0][0], slope=0.0)
        found = importance([(nothing, parts[0][1]), parts[1]], FOLDS)
        assert found.stability.ranks == 0.0
        assert found.stability.top == 0.0


class TestShapes:
    def test_of_an_additive_model_of_a_number_the_shape_is_its_own(self):
        group = people("numeric")
        model = fitted(group)
        shape = {each.feature: each for each in shapes(model, [], group.features, FOLDS, 1)}["age"]
        values, effect = np.array(shape.values), np.array([each.estimate for each in shape.effect])
        at = pl.concat([group.features[:1].with_columns(age=pl.lit(value)) for value in shape.values])
        np.testing.assert_allclose(np.diff(effect), np.diff(model.contributions(at)[1][:, 0]), atol=1e-9)
        assert np.polyfit(values, effect, 1)[0] == pytest.approx(0.1, abs=0.02)
        assert sum(shape.people) == len(group)
        assert np.average(effect, weights=shape.people) == pytest.approx(0.0, abs=1e-9)

    def test_levels_differ_by_what_people_would_be_foreseen_to_differ(self, group, model):
        shape = {each.feature: each for each in shapes(model, [], group.features, FOLDS, 1)}["sex"]
        said = [
            model.predict(group.features.with_columns(sex=pl.lit(level))).estimate.mean()
            for level in ("f", "m")
        ]
        assert shape.values == ("f", "m")
        assert shape.effect[0].estimate - shape.effect[1].estimate == pytest.approx(said[0] - said[1])
        assert shape.effect[0].low == shape.effect[0].high

    def test_the_band_is_what_models_of_other_people_differ_by(self, group, model, parts):
        found = shapes(model, [own for own, _ in parts], group.features, FOLDS, 1)
        for shape in found:
            assert all(each.low <= each.estimate <= each.high for each in shape.effect)
        age = next(shape for shape in found if shape.feature == "age")
        assert age.effect[0].high < age.effect[-1].low

    def test_a_step_is_seen_in_a_forest(self):
        rng = np.random.default_rng(10_501)
        x = rng.uniform(0, 1, 800)
        frame = pl.DataFrame({"x": x, "z": rng.normal(size=800)})
        group = People(frame, 2.0 * (x > 0.5) + 0.2 * rng.normal(size=800), "numeric", np.ones(800))
        shape = shapes(fitted(group, forest.CANDIDATE), [], frame, FOLDS, 1)[0]
        effect = {v: e.estimate for v, e in zip(shape.values, shape.effect, strict=True)}
        low = np.mean([e for v, e in effect.items() if v < 0.4])
        high = np.mean([e for v, e in effect.items() if v > 0.6])
        assert high - low == pytest.approx(2.0, abs=0.25)
        assert sum(shape.people) == 600

    def test_what_is_the_same_for_all_has_no_shape(self, group, model):
        same = group.features.with_columns(age=pl.lit(50.0), sex=pl.lit("f"))
        assert {"age", "sex"}.isdisjoint(each.feature for each in shapes(model, [], same, FOLDS, 1))

    def test_where_nobody_lies_between_the_shape_is_flat(self, group, model):
        pains = group.features.with_columns(pain=pl.Series([0.0, 10.0] * (len(group) // 2)))
        shape = {each.feature: each for each in shapes(model, [], pains, FOLDS, 1)}["pain"]
        assert shape.values == (0.0, 10.0)


class TestScale:
    @pytest.mark.parametrize("kind", ["binary", "numeric", "ordinal"])
    def test_moves_sum_to_the_outcome_less_the_level_s(self, kind, model):
        link = ProportionalOdds(np.array([-1.0, 0.0, 2.0]), 1.3) if kind == "ordinal" else None
        model = replace(model, kind=kind, link=link)
        added = np.random.default_rng(1).normal(size=(50, 4))
        added[0] = 0.0
        moved = moves(model, 0.3, added)
        wanted = outcome(model, 0.3 + added.sum(axis=1)) - outcome(model, np.array([0.3]))
        np.testing.assert_allclose(moved.sum(axis=1), wanted, atol=1e-9)
        assert (np.sign(moved) == np.sign(added)).all()

    def test_it_is_what_predict_says(self, model, group):
        predicted = model.predict(group.features)
        np.testing.assert_array_equal(outcome(model, predicted.linear), predicted.estimate)


class TestReasons:
    def test_changes_sum_to_the_person_s_risk_less_the_average_s(self, model, group):
        person = group.features[:20]
        found = reasons(model, person, Speech(model, LABELS), most=99)
        level, added = model.contributions(person)
        for each, risk, own in zip(found, model.predict(person).estimate, added, strict=True):
            named = {reason.feature for reason in each}
            rest = own[[j for j, name in enumerate(model.features) if name not in named]].sum()
            assert sum(reason.contribution for reason in each) + rest == pytest.approx(own.sum())
            said = sum(reason.change for reason in each)
            assert said == pytest.approx(risk - outcome(model, np.array([level]))[0], abs=0.02)

    def test_the_largest_comes_first_in_words_of_the_dictionary(self, model, group):
        extreme = group.features[1:2].with_columns(age=pl.lit(80.0), sex=pl.lit("f"), smokes=pl.lit(True))
        first = reasons(model, extreme, Speech(model, LABELS))[0][0]
        assert (first.feature, first.label, first.value) == ("age", "Age in years", 80.0)
        assert first.text.startswith("Age in years (80) speaks for a higher risk: +")
        assert first.text.endswith("percentage points compared with the average person.")
        sizes = [abs(each.contribution) for each in reasons(model, extreme, Speech(model, LABELS))[0]]
        assert sizes == sorted(sizes, reverse=True)

    def test_what_is_not_known_is_said_to_be_so(self, model, group):
        person = group.features[1:2].drop("age").with_columns(pain=pl.lit(None, dtype=pl.Float64))
        by_name = {each.feature: each for each in reasons(model, person, Speech(model, LABELS), 9)[0]}
        assert by_name["pain"].value is None
        assert by_name["pain"].text.startswith("That Pain today is not known speaks for")
        assert "age" not in by_name or by_name["age"].value is None

    def test_a_person_like_the_average_has_no_reasons(self, model, group):
        found = reasons(replace(model, slope=0.0), group.features[:1], Speech(model, {}))
        assert found == ((),)
        assert sentences(found[0], Speech(model, {})) == (
            "Nothing known about this person sets the risk apart from the average person's.",
        )

    def test_numbers_are_told_in_the_outcome_s_unit(self):
        group = people("numeric")
        model = fitted(group)
        speech = Speech(model, {}, name="CES-D", unit="points")
        found = reasons(model, group.features[:1], speech)[0]
        assert "CES-D" in found[0].text
        assert "points compared" in found[0].text
        assert sentences(found, speech) == tuple(each.text for each in found)
        assert speech.amount(12.345) == "12.3 points"

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (None, "not known"),
            (True, "yes"),
            (False, "no"),
            ("f", "f"),
            (3.0, "3"),
            (2.468, "2.47"),
            (123.4, "123"),
        ],
    )
    def test_values_are_spelled(self, value, words):
        assert spelled(value) == words


class TestDiffering:
    def everything(self, model, seen, person, fixed, k):
        """All sets of k differences, none too strange: what is foreseen."""
        names = [name for name in seen.values if name not in fixed]
        for chosen in combinations(names, k):
            for values in product(*(seen.values[name] for name in chosen)):
                yield chosen, values

    def test_of_an_additive_model_the_fewest_are_found(self, model, seen, high):
        """By trying all: no fewer reach it, and what was found does."""
        x = model.encode(high).x
        before = float(model.predict(high).estimate[0])
        for aim in (before - 0.02, before - 0.3, before - 0.6, 0.12):
            found = differing(model, high, seen, Speech(model, LABELS), aim)
            assert found.reached
            assert found.after < aim <= found.before
            for fewer in range(1, len(found.differences)):
                for chosen, values in self.everything(model, seen, high, (), fewer):
                    other = x
                    for name, value in zip(chosen, values, strict=True):
                        other = with_values(model, other, name, [value])
                    assert outcome(model, model.linear(other))[0] >= aim

    def test_the_raw_table_with_those_values_is_foreseen_so(self, model, seen, high):
        found = differing(model, high, seen, Speech(model, LABELS), 0.4)
        other = high.with_columns(**{each.feature: pl.lit(each.after) for each in found.differences})
        assert model.predict(other).estimate[0] == pytest.approx(found.after)

    def test_what_is_fixed_stays(self, model, seen, high):
        found = differing(model, high, seen, Speech(model, LABELS), 0.3, fixed=("age", "sex"))
        assert {"age", "sex"}.isdisjoint(each.feature for each in found.differences)
        assert found.differences

    def test_upwards_too(self, model, seen, group):
        known = group.features.drop_nulls()
        low = known[int(np.argmin(model.predict(known).estimate))]
        found = differing(model, low, seen, Speech(model, LABELS), 0.5)
        assert found.before < 0.5 <= found.after
        assert found.reached

    def test_of_one_difference_the_smallest_that_reaches(self, model, seen, high):
        before = float(model.predict(high).estimate[0])
        found = differing(model, high, seen, Speech(model, {}), before - 0.02)
        assert len(found.differences) == 1
        x, sizes = model.encode(high).x, []
        for (name,), (value,) in self.everything(model, seen, high, (), 1):
            if outcome(model, model.linear(with_values(model, x, name, [value])))[0] < before - 0.02:
                number = isinstance(value, float)
                sizes.append(abs(value - high[name][0]) / seen.spread[name] if number else 1.0)
        only = found.differences[0]
        number = isinstance(only.after, float)
        own = abs(only.after - only.before) / seen.spread[only.feature] if number else 1.0
        assert own == pytest.approx(min(sizes))

    def test_nothing_within_reach_is_said_with_the_nearest(self, model, seen, high):
        found = differing(model, high, seen, Speech(model, LABELS), 1e-9, most=1)
        assert not found.reached
        assert len(found.differences) == 1
        assert found.text.startswith("Nothing that people like this one have, in 1 features or fewer")
        nothing = differing(model, high, seen, Speech(model, LABELS), 1e-9, fixed=model.features)
        assert nothing.differences == ()
        assert nothing.text.startswith("No difference")
        assert nothing.after == nothing.before

    def test_features_that_are_not_known_are_left_alone(self, model, seen, high):
        person = high.with_columns(age=pl.lit(None, dtype=pl.Float64)).drop("pain")
        found = differing(model, person, seen, Speech(model, LABELS), 0.05)
        assert {"age", "pain"}.isdisjoint(each.feature for each in found.differences)

    def test_nobody_is_asked_to_be_what_people_are_not(self):
        """Two columns that go together: one may not go where the other forbids."""
        rng = np.random.default_rng(10_502)
        a = rng.normal(size=500)
        frame = pl.DataFrame({"a": a, "b": a + 0.1 * rng.normal(size=500)})
        group = People(frame, a + 0.1 * rng.normal(size=500), "numeric", np.ones(500))
        model = fitted(group)
        seen = Seen.of(model, frame)
        person = frame[int(np.argmin(np.abs(a - 1.0)))]
        single = differing(model, person, seen, Speech(model, {}), -1.5, most=1)
        assert not single.reached
        within = [each.after - each.before for each in single.differences]
        assert all(abs(apart) < 0.5 for apart in within)

    @pytest.mark.parametrize("candidate", [forest.CANDIDATE, boosted.CANDIDATE], ids=lambda each: each.name)
    def test_trees_are_searched(self, group, candidate):
        model = fitted(group, candidate)
        seen = Seen.of(model, group.features)
        known = group.features.drop_nulls()
        order = np.argsort(-model.predict(known).estimate)
        reached = [
            differing(model, known[int(i)], seen, Speech(model, LABELS), 0.5).reached for i in order[5:15]
        ]
        assert sum(reached) >= 8

    def test_it_never_sounds_like_advice(self):
        for text in WORDS["differ"].values():
            assert not {"should", "must", "advise", "recommend", "would help"} & set(text.lower().split())
        assert "does not say what changing anything would do" in WORDS["differ"]["reached"]


class TestSeen:
    def test_it_is_kept_as_plain_values_without_a_person(self, model, group):
        seen = Seen.of(model, group.features)
        again = Seen.from_json(json.loads(json.dumps(seen.to_json())))
        assert again.values == seen.values
        x = model.encode(group.features).x
        np.testing.assert_array_equal(again.strangeness(x), seen.strangeness(x))
        ages = group.features["age"].to_numpy()
        assert min(seen.values["age"]) > ages.min()
        assert max(seen.values["age"]) < ages.max()

    def test_of_a_model_of_nothing_there_is_nothing_to_see(self, model, group):
        none = PrognosisModel("binary", model.encoder, ())
        seen = Seen.of(none, group.features)
        assert seen.values == {}
        found = differing(none, group.features[:1], seen, Speech(none, {}), 0.2)
        assert found.differences == ()
        assert Seen.from_json(seen.to_json()).columns == ()

    def test_strangeness_is_the_distance_of_mahalanobis(self, model, group):
        seen = Seen.of(model, group.features)
        x = model.encode(group.features).x[:, list(seen.columns)]
        plain = [(row - x.mean(axis=0)) @ seen.precision @ (row - x.mean(axis=0)) for row in x[:10]]
        np.testing.assert_allclose(seen.strangeness(model.encode(group.features).x[:10]), plain)
        assert (seen.strangeness(model.encode(group.features).x) > seen.common).mean() < 0.06


class TestValues:
    def test_another_value_is_as_if_the_table_had_it(self, model, group):
        frame = group.features[:30]
        for name, value in {"age": 61.0, "sex": "m", "smokes": True, "site": "b", "pain": 4.0}.items():
            wanted = model.encode(frame.with_columns(pl.lit(value).alias(name))).x
            own = with_values(model, model.encode(frame).x, name, [value] * 30)
            np.testing.assert_allclose(own, wanted)

    def test_a_rare_level_counts_as_rare(self):
        frame = pl.DataFrame({"site": ["a"] * 40 + ["b"] * 40 + ["c"] * 3 + ["d"] * 9})
        model = PrognosisModel("binary", Encoder.fit(frame), ())
        x = model.encode(frame).x
        wanted = model.encode(pl.DataFrame({"site": ["c"] * len(frame)})).x
        np.testing.assert_array_equal(with_values(model, x, "site", ["c"] * len(frame)), wanted)
