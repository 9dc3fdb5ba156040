"""Typed columns to numbers: whatever comes, finite numbers go out, and each oddity is told."""

import json
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.models.encoding import Encoder

MANY = settings(max_examples=60, deadline=None)

NUMBERS = st.none() | st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6, allow_subnormal=False)
KINDS = {
    pl.Float64: NUMBERS,
    pl.String: st.none() | st.sampled_from(["", "a", "b", "c", "(rare)"]),
    pl.Boolean: st.none() | st.booleans(),
}


@st.composite
def frames(draw):
    n = draw(st.integers(1, 40))
    types = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4))
    return pl.DataFrame(
        {
            f"f{j}": pl.Series(draw(st.lists(KINDS[t], min_size=n, max_size=n)), dtype=t)
            for j, t in enumerate(types)
        }
    )


def trained(**columns):
    return Encoder.fit(pl.DataFrame(columns))


def names(encoder):
    return [(column.feature, column.role, column.level) for column in encoder.columns]


class TestWhateverComes:
    @MANY
    @given(frames())
    def test_no_number_is_missing_or_infinite(self, frame):
        encoder = Encoder.fit(frame)
        encoded = encoder.transform(frame)
        assert encoded.x.shape == encoded.imputed.shape == (len(frame), len(encoder.columns))
        assert np.isfinite(encoded.x).all()
        for j, column in enumerate(encoder.columns):
            gone = frame[column.feature].is_null().to_numpy()
            if column.role == "missing":
                assert encoded.x[:, j].tolist() == gone.tolist()
                gone = np.zeros(len(frame), dtype=bool)
            assert encoded.imputed[:, j].tolist() == gone.tolist()

    @MANY
    @given(frames())
    def test_no_column_is_constant_nor_the_same_as_another(self, frame):
        encoder = Encoder.fit(frame)
        x = encoder.transform(frame).x
        assert (x.std(axis=0) > 1e-12).all()
        for a, b in combinations(x.T, 2):
            assert abs(np.corrcoef(a, b)[0, 1]) < 1 - 1e-13

    @MANY
    @given(frames())
    def test_each_feature_is_used_or_dropped_with_a_word(self, frame):
        encoder = Encoder.fit(frame)
        used = {column.feature for column in encoder.columns}
        assert used | set(encoder.dropped) == set(frame.columns)
        assert not used & set(encoder.dropped)
        assert all(encoder.dropped.values())

    @MANY
    @given(frames())
    def test_means_and_sds_are_those_of_the_training_people(self, frame):
        encoder = Encoder.fit(frame)
        x = encoder.transform(frame).x
        assert [column.mean for column in encoder.columns] == pytest.approx(x.mean(axis=0).tolist())
        assert [column.sd for column in encoder.columns] == pytest.approx(x.std(axis=0).tolist())

    @MANY
    @given(frames())
    def test_json_gives_the_same_encoder(self, frame):
        encoder = Encoder.fit(frame)
        again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())))
        assert again == encoder
        assert (again.transform(frame).x == encoder.transform(frame).x).all()

    @MANY
    @given(frames(), st.data())
    def test_how_one_is_encoded_does_not_depend_on_who_else_is(self, frame, data):
        encoder = Encoder.fit(frame)
        together = encoder.transform(frame)
        i = data.draw(st.integers(0, len(frame) - 1))
        alone = encoder.transform(frame[i : i + 1])
        assert (alone.x[0] == together.x[i]).all()
        assert (alone.imputed[0] == together.imputed[i]).all()
        assert (alone.unknown[0], alone.missing[0]) == (together.unknown[i], together.missing[i])

    @MANY
    @given(frames(), st.data())
    def test_a_column_that_lacks_is_missing_for_everybody(self, frame, data):
        encoder = Encoder.fit(frame)
        gone = data.draw(st.lists(st.sampled_from(frame.columns), unique=True))
        blank = frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name) for name in gone)
        lacking, missing = encoder.transform(frame.with_columns(other=1).drop(gone)), encoder.transform(blank)
        assert (lacking.x == missing.x).all()
        assert (lacking.imputed == missing.imputed).all()
        assert lacking.missing.tolist() == missing.missing.tolist()
        assert lacking.unknown == missing.unknown

    @MANY
    @given(frames(), frames())
    def test_fitting_looks_at_the_training_people_only(self, frame, others):
        encoder = Encoder.fit(frame)
        before = encoder.to_json()
        encoder.transform(
            others.select(n for n in others.columns if others.schema.get(n) == frame.schema.get(n))
        )
        assert encoder.to_json() == before


class TestNumbers:
    def test_a_missing_one_becomes_the_median(self):
        encoder = trained(age=[20.0, 30.0, None, 70.0])
        assert encoder.transform(pl.DataFrame({"age": [None, 33.0]})).x[:, 0].tolist() == [30.0, 33.0]

    def test_booleans_are_0_and_1(self):
        assert trained(sex=[True, False, True]).transform(pl.DataFrame({"sex": [True, False]})).x[
            :, 0
        ].tolist() == [1, 0]

    def test_missing_is_marked_where_enough_lack_it_and_enough_have_it(self):
        few, enough = ([1.0, 2.0] * 10 + [None] * gone for gone in (4, 5))
        assert names(trained(age=few)) == [("age", "value", None)]
        assert names(trained(age=enough)) == [("age", "value", None), ("age", "missing", None)]
        hardly_any = trained(age=[1.0, 2.0, 3.0, 4.0] + [None] * 20)
        assert names(hardly_any) == [("age", "value", None)]

    def test_a_feature_missing_for_all_has_no_use(self):
        encoder = Encoder.fit(pl.DataFrame({"age": pl.Series([None] * 12, dtype=pl.Float64)}))
        assert encoder.columns == ()
        assert encoder.dropped == {"age": "the same for everybody"}


class TestCategories:
    def test_two_levels_need_one_column(self):
        encoder = trained(site=["x", "y"] * 10)
        assert names(encoder) == [("site", "level", "y")]
        assert encoder.transform(pl.DataFrame({"site": ["y", "x"]})).x[:, 0].tolist() == [1, 0]

    def test_three_have_one_each(self):
        assert names(trained(site=["z", "y", "x"] * 10)) == [("site", "level", level) for level in "xyz"]

    def test_a_missing_one_becomes_the_shares_of_those_known(self):
        encoder = trained(site=["x"] * 20 + ["y"] * 10 + ["z"] * 10)
        assert encoder.transform(pl.DataFrame({"site": [None]}, schema={"site": pl.String})).x[
            0
        ] == pytest.approx([0.5, 0.25, 0.25])

    def test_rare_levels_share_a_column(self):
        encoder = trained(site=["x"] * 12 + ["y"] * 12 + ["rare"] * 9 + ["rarer"] * 2)
        assert names(encoder) == [("site", "level", level) for level in ("x", "y", "(rare)")]
        assert encoder.pooled == {"site": ["rare", "rarer"]}
        asked = encoder.transform(pl.DataFrame({"site": ["rare", "rarer", "x"]}))
        assert asked.x.tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0]]
        assert asked.unknown == ((), (), ())

    def test_ten_people_are_not_rare(self):
        assert names(trained(site=["x"] * 12 + ["y"] * 12 + ["z"] * 10))[-1] == ("site", "level", "z")

    def test_one_never_seen_is_told_by_the_name_of_its_feature(self):
        encoder = trained(site=["x", "y"] * 10, stage=["i", "ii"] * 5 + ["ii", "i"] * 5)
        frame = pl.DataFrame({"stage": ["i", "iii", "iv"], "site": ["x", "y", "elsewhere"]})
        assert encoder.transform(frame).unknown == ((), ("stage",), ("site", "stage"))

    def test_a_missing_one_is_not_unknown(self):
        encoder = trained(site=["x", "y"] * 10)
        assert encoder.transform(pl.DataFrame({"site": [None]}, schema={"site": pl.String})).unknown == ((),)

    def test_a_feature_may_be_called_count(self):
        assert names(trained(count=["x", "y"] * 10)) == [("count", "level", "y")]


class TestDropped:
    def test_the_same_for_everybody(self):
        assert trained(age=[1.0, 2.0], site=["x", "x"]).dropped == {"site": "the same for everybody"}

    def test_the_same_as_another_in_other_units_or_words(self):
        encoder = trained(
            kelvin=[300.0, 310.0, 290.0] * 10,
            celsius=[26.85, 36.85, 16.85] * 10,
            hot=[False, True, False] * 10,
            heat=["no", "yes", "no"] * 10,
        )
        assert encoder.dropped == {"celsius": "the same as kelvin", "heat": "the same as hot"}

    def test_names_and_free_text_are_neither_used_nor_kept(self):
        people = [f"person {i}" for i in range(30)]
        encoder = trained(name=people, age=list(np.arange(30.0)))
        assert encoder.dropped == {"name": "30 values that few people share: an identifier or free text"}
        assert "person" not in str(encoder.to_json())
        assert encoder.transform(pl.DataFrame({"name": ["someone new"], "age": [3.0]})).unknown == ((),)

    def test_a_category_of_rare_levels_only(self):
        encoder = trained(ward=["a", "b", "c"] * 3)
        assert encoder.dropped == {"ward": "no value that 10 people share"}

    def test_almost_the_same_stays(self):
        age = np.arange(30.0)
        other = age + np.where(np.arange(30) == 7, 0.01, 0.0)
        assert trained(age=age, other=other).dropped == {}


def test_the_share_missing_counts_features_not_columns():
    encoder = trained(site=["x", "y", "z"] * 10, age=list(np.arange(30.0)), sex=[True, False] * 15)
    frame = pl.DataFrame(
        {"site": [None, "x"], "age": [1.0, None], "sex": [None, True]}, schema_overrides={"site": pl.String}
    )
    assert encoder.transform(frame).missing == pytest.approx([2 / 3, 1 / 3])


def test_nobody_and_nothing_are_fine():
    encoder = Encoder.fit(pl.DataFrame())
    assert encoder.transform(pl.DataFrame({"a": [1.0, 2.0]})).x.shape == (2, 0)
    assert trained(age=[1.0, 2.0]).transform(
        pl.DataFrame({"age": []}, schema={"age": pl.Float64})
    ).x.shape == (0, 1)
