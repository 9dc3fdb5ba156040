"""A row holds what was known at its moment, and nothing of the future."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate import features
from alleviate.features import Feature, FeatureRow, FeatureSpec, schema, table
from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError

START = datetime(2024, 1, 1, tzinfo=UTC)
CODES = {"mood": "A//mood", "sex": "A//sex", "smokes": "A//smokes", "seen": "A//seen"}
SPEC = FeatureSpec(
    (
        Feature("mood", CODES["mood"], "number", "mood, 0 to 10"),
        Feature("sex", CODES["sex"], "category"),
        Feature("smokes", CODES["smokes"], "boolean"),
        Feature("seen", CODES["seen"], "date"),
    )
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def tick(number: int) -> datetime:
    """The smallest step of time, so that properties hold to the very moment."""
    return START + timedelta(microseconds=number)


def mood(value, *, on, known=None) -> Event:
    return Event("p1", day(on), day(on if known is None else known), CODES["mood"], value)


def mood_at(number: int, *events: Event):
    return features.at(PatientRecord("p1", events), day(number), SPEC).values["mood"]


@st.composite
def events(draw):
    """Any event of the spec, with values of its kind, or of a code that the spec does not know."""
    time, delay = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    name = draw(st.sampled_from([*CODES, "other"]))
    number = draw(
        st.none() | (st.sampled_from([0.0, 1.0]) if name == "smokes" else st.integers(-3, 3).map(float))
    )
    text = draw(st.none() | st.sampled_from(["f", "m", ""]))
    value = (None, text) if name == "sex" else (number, None)
    return Event("p1", tick(time), tick(time + delay), f"A//{name}", *value)


many = st.lists(events(), max_size=8)
moments = st.integers(-1, 9).map(tick)


class TestNothingIsKnownBeforeItIsKnown:
    @given(many, many, moments)
    def test_no_feature_knows_the_future(self, past, more, moment):
        future = [event for event in more if event.known_at > moment]
        without = features.at(PatientRecord("p1", past), moment, SPEC)
        assert features.at(PatientRecord("p1", past + future), moment, SPEC) == without

    def test_a_late_correction_is_invisible_until_it_arrives(self):
        first, correction = mood(3.0, on=1), mood(8.0, on=1, known=5)
        assert mood_at(4, first, correction) == 3.0
        assert mood_at(5, first, correction) == 8.0


class TestTheLastValue:
    def test_is_the_one_that_happened_last_though_an_older_one_arrives_after_it(self):
        assert mood_at(9, mood(3.0, on=2), mood(8.0, on=1, known=5)) == 3.0

    def test_is_unknown_before_there_is_one(self):
        assert mood_at(1, mood(3.0, on=2)) is None

    def test_is_unknown_again_after_an_event_without_a_value(self):
        assert mood_at(9, mood(3.0, on=2), mood(None, on=3)) is None

    @given(many, moments)
    def test_is_that_of_a_plain_search(self, given, moment):
        row = features.at(PatientRecord("p1", given), moment, SPEC)
        for feature in SPEC.features:
            known = [
                e
                for e in PatientRecord("p1", given).events
                if e.code == feature.code and e.known_at <= moment
            ]
            latest = max(known, key=lambda e: (e.time, e.known_at, known.index(e)), default=None)
            field = "text_value" if feature.kind == "category" else "numeric_value"
            assert row.values[feature.name] == getattr(latest, field, None)

    @given(many, moments, st.randoms())
    def test_does_not_depend_on_the_order_of_events(self, given, moment, random):
        shuffled = PatientRecord("p1", random.sample(given, len(given)))
        assert features.at(shuffled, moment, SPEC) == features.at(PatientRecord("p1", given), moment, SPEC)

    @pytest.mark.parametrize(
        ("name", "values"),
        [("mood", (None, "bad")), ("seen", (None, "May")), ("smokes", (2.0, None)), ("sex", (1.0, None))],
    )
    def test_of_another_kind_is_refused_not_guessed(self, name, values):
        record = PatientRecord("p1", [Event("p1", day(0), day(0), CODES[name], *values)])
        with pytest.raises(DataError, match=f"'{name}' must be a .* 'p1' has") as caught:
            features.at(record, day(1), SPEC)
        assert caught.value.hint


class TestARow:
    @given(many, moments)
    def test_survives_json(self, given, moment):
        row = features.at(PatientRecord("p1", given), moment, SPEC)
        assert FeatureRow.from_dict(json.loads(json.dumps(row.to_dict()))) == row

    def test_is_validated_at_birth(self):
        with pytest.raises(DataError, match="The moment of a row"):
            FeatureRow("p1", START.replace(tzinfo=None), {})
        for values in ({"mood": 3}, {"mood": [1.0]}, None):
            with pytest.raises(DataError, match="A row's values must be"):
                FeatureRow("p1", START, values)


class TestATable:
    def test_has_one_line_a_row_and_the_declared_columns(self):
        record = PatientRecord(
            "p1",
            [
                Event("p1", day(0), day(0), CODES["sex"], None, "f"),
                Event("p1", day(0), day(0), CODES["smokes"], 0.0),
                Event("p1", day(2), day(2), CODES["seen"], 19724.5),
            ],
        )
        found = table([features.at(record, day(number), SPEC) for number in (1, 2)], SPEC)
        assert found.schema == schema(SPEC)
        assert found.rows() == [(None, "f", False, None), (None, "f", False, 19724.5)]

    def test_of_nobody_has_the_columns_still(self):
        assert table([], SPEC).schema == schema(SPEC)

    def test_refuses_a_row_of_another_spec(self):
        row = FeatureRow("p1", START, {"mood": 1.0, "age": 30.0})
        with pytest.raises(DataError, match="'p1' and the spec differ in: age, seen, sex, smokes"):
            table([row], SPEC)

    def test_refuses_a_value_of_another_kind(self):
        row = FeatureRow("p1", START, {"mood": "low", "sex": None, "smokes": None, "seen": None})
        with pytest.raises(DataError, match="A value is not of its kind"):
            table([row], SPEC)


class TestASpec:
    def test_survives_json(self):
        assert FeatureSpec.from_dict(json.loads(json.dumps(SPEC.to_dict()))) == SPEC

    def test_names_features_in_sentences_by_label_else_name(self):
        assert [feature.words for feature in SPEC.features] == ["mood, 0 to 10", "sex", "smokes", "seen"]

    @pytest.mark.parametrize(
        ("other", "message"),
        [(Feature("sex", "B//sex", "number"), "a name of its own, shared: sex"),
         (Feature("gender", CODES["sex"], "category"), "a definition of its own, shared: last of A//sex")],
    )  # fmt: skip
    def test_no_two_features_share_a_name_or_a_definition(self, other, message):
        with pytest.raises(DataError, match=message):
            FeatureSpec((*SPEC.features, other))

    @pytest.mark.parametrize(
        ("feature", "message"),
        [(["", "A//b", "number", ""], "needs a name"),
         (["a", "A//", "number", ""], "A code must be"),
         (["a", "A//b", "text", ""], "number, category, boolean, date; 'a' has 'text'"),
         (["a", "A//b", "number", "", {"take": "sum"}], "take must be one of last, .*; 'a' has 'sum'"),
         (["a", "A//b", "number", "", {"events": "visit"}], "kind of event must be one of person"),
         (["a", "A//b", "number", "", {"days": 0.5}], "looks back 0.5 days"),
         (["a", "A//b", "number", "", {"often": 1}], "malformed"),
         (["a"], "malformed")],
    )  # fmt: skip
    def test_a_feature_is_validated_at_birth(self, feature, message):
        with pytest.raises(DataError, match=message):
            FeatureSpec.from_dict({"kind": "feature-spec/1", "features": [feature]})


def test_a_table_holds_only_what_polars_calls_float_string_and_boolean():
    assert set(schema(SPEC).dtypes()) == {pl.Float64(), pl.String(), pl.Boolean()}
