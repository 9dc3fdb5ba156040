"""From a study and its table to the people analysed: who counts, with which features and which chances."""

import numpy as np
import polars as pl
import pytest
from made_trials import FEATURES, people, study_text

from alleviate.intake.tables import read, table_of
from alleviate.studies.cohort import cohort
from alleviate.studies.files import loads
from alleviate.terms.errors import DataError, NotEnoughDataError

TRIAL = people(60)
ALL_OTHERS = ('include = ["age", "severity", "sex", "first_episode", "entry"]\n', "")


def gathered(frame, *changes):
    return cohort(loads(study_text(*changes)), table_of(frame, "trial"))


def where(frame, rows, column, value):
    return frame.with_columns(
        pl.when(pl.int_range(pl.len()).is_in(rows)).then(pl.lit(value)).otherwise(column).alias(column)
    )


def test_arms_usual_care_and_outcome_are_found():
    found = gathered(TRIAL)
    assert (found.arms, found.usual) == (("CBT", "TAU"), 1)
    assert list(found.trial.arm) == [("CBT", "TAU").index(arm) for arm in TRIAL["arm"]]
    assert (found.outcome.binary, found.outcome.words) == (False, "depression")
    assert (found.rows_read, len(found.trial), found.sites) == (60, 60, None)
    assert found.warnings == ()


def test_inside_larger_is_better_whatever_the_study_says():
    lower, higher = gathered(TRIAL), gathered(TRIAL, ('"lower"', '"higher"'))
    np.testing.assert_array_equal(lower.trial.y, -TRIAL["y"].to_numpy())
    np.testing.assert_array_equal(higher.trial.y, TRIAL["y"].to_numpy())


def test_arms_are_named_and_ordered_as_the_study_does_and_several_values_may_be_one_arm():
    frame = TRIAL.with_columns(arm=pl.when(pl.int_range(60) % 5 == 0).then(pl.lit("WL")).otherwise("arm"))
    named = 'arms = { TAU = "usual", WL = "usual", CBT = "therapy" }\nusual = "usual"'
    found = gathered(frame, ('usual = "TAU"', named))
    assert (found.arms, found.usual) == (("usual", "therapy"), 0)
    assert (found.trial.arm == 1).sum() == (frame["arm"] == "CBT").sum()


def test_numbers_as_arms_are_read_as_texts():
    frame = TRIAL.with_columns(arm=pl.when(pl.col("arm") == "CBT").then(1.0).otherwise(0.0))
    assert gathered(frame, ('usual = "TAU"', 'usual = "0"')).arms == ("0", "1")


LEFT_OUT = ('better = "lower"', 'better = "lower"\nmissing = "leave-out"')


def test_missing_outcomes_are_left_out_where_the_study_says_so_and_counted_by_arm():
    found = gathered(where(TRIAL, [0, 1, 2, 3, 4], "y", None), LEFT_OUT)
    lost = TRIAL["arm"].head(5).value_counts()
    assert found.missing_outcome == dict(zip(lost["arm"], lost["count"], strict=True))
    assert (len(found.trial), found.rows_read) == (55, 60)
    assert list(found.trial.features["severity"]) == list(TRIAL["severity"][5:])


def test_people_without_a_treatment_are_left_out_with_a_warning():
    found = gathered(where(TRIAL, [7, 9], "arm", None))
    assert len(found.trial) == 58
    assert found.warnings == ("2 rows have no value of arm, and were left out.",)
    assert sum(found.missing_outcome.values()) == 0


def test_the_smallest_important_difference_is_a_fifth_of_a_standard_deviation_unless_the_study_says():
    found = gathered(TRIAL)
    assert found.sd == pytest.approx(TRIAL["y"].std())
    assert found.outcome.important == pytest.approx(0.2 * TRIAL["y"].std())
    assert gathered(TRIAL, ('unit = "points"', "important = 3")).outcome.important == 3


@pytest.mark.parametrize(
    "values",
    [[0, 1], ["no", "yes"], [False, True], ["N", "Y"], ["0", "1"]],
    ids=["0/1", "no/yes", "bool", "N/Y", "text"],
)
def test_a_binary_outcome_may_be_written_in_many_ways(values):
    event = [values[i % 3 == 0] for i in range(60)]
    found = gathered(TRIAL.with_columns(pl.Series("y", event)))
    assert found.outcome.binary
    assert list(found.trial.y) == [-float(i % 3 == 0) for i in range(60)]


def test_two_values_may_be_kept_a_number():
    frame = TRIAL.with_columns(y=pl.int_range(60) % 3 % 2)
    assert gathered(frame, ('unit = "points"', "binary = false")).outcome.binary is False


def test_features_have_their_kinds_and_dates_become_days():
    found = gathered(TRIAL)
    assert {f.name: f.kind for f in found.spec.features} == {
        "age": "number", "severity": "number", "sex": "category", "first_episode": "boolean", "entry": "date",
    }  # fmt: skip
    first = found.trial.features["entry"][0]
    assert (
        pl.select(pl.date(1970, 1, 1) + pl.duration(days=int(first))).item().isoformat() == TRIAL["entry"][0]
    )
    assert found.trial.features["first_episode"].dtype == pl.Boolean


def test_labels_come_from_the_study_and_else_from_the_name():
    labelled = gathered(TRIAL, ("[learning]", '[features.labels]\nage = "age (years)"\n[learning]'))
    assert [feature.words for feature in labelled.spec.features] == ["age (years)", *FEATURES[1:]]


def test_by_default_every_column_without_another_role_is_a_feature():
    frame = TRIAL.with_columns(p=0.5, site=pl.Series(["A", "B", "C"] * 20), week8=pl.col("y") + 1)
    found = gathered(
        frame,
        ALL_OTHERS,
        ("[learning]", 'known_after = ["week8"]\n[learning]'),
        ('"known"', '"p"'),
        ("repeats = 1", 'repeats = 1\nsite = "site"'),
    )
    assert found.spec.names == tuple(FEATURES)
    per_arm = TRIAL.with_columns(p0=0.4, p1=0.6)
    found = gathered(per_arm, ALL_OTHERS, ('"known"', '{ TAU = "p0", CBT = "p1" }'))
    assert found.spec.names == tuple(FEATURES)


def test_an_id_that_is_missing_is_like_no_other():
    assert len(gathered(where(TRIAL, [3, 4], "person", None)).trial) == 60


KNOWN = {
    "the share of each arm": ('"known"', [20 / 60, 40 / 60]),
    "numbers": ("{ TAU = 0.7, CBT = 0.3 }", [0.3, 0.7]),
    "a column, for the arm that is not usual care": ('"p"', [0.25, 0.75]),
    "a column for each arm": ('{ TAU = "q", CBT = "p" }', [0.25, 0.75]),
}


@pytest.mark.parametrize("how", KNOWN)
def test_probabilities_that_are_known(how):
    written, expected = KNOWN[how]
    frame = people(60).with_columns(arm=pl.Series(["CBT"] * 20 + ["TAU"] * 40), p=0.25, q=0.75)
    found = gathered(frame, ('"known"', written))
    np.testing.assert_allclose(found.trial.probability, np.tile(expected, (60, 1)))


def test_a_column_of_probabilities_is_for_the_other_arm_wherever_usual_care_stands_in_the_order():
    frame = TRIAL.with_columns(p=0.25)
    swapped = gathered(frame, ('"known"', '"p"'), ('usual = "TAU"', 'usual = "CBT"'))
    np.testing.assert_allclose(swapped.trial.probability, np.tile([0.75, 0.25], (60, 1)))


def test_probabilities_are_asked_of_the_people_analysed_only():
    frame = where(where(TRIAL.with_columns(p=0.5), [3], "p", 1.0), [3], "y", None)
    assert gathered(frame, ('"known"', '"p"'), LEFT_OUT).trial.probability.shape == (59, 2)
    with pytest.raises(DataError, match="above 0 and below 1"):
        gathered(frame, ('"known"', '"p"'))


def test_the_share_of_each_arm_counts_those_without_an_outcome_too():
    found = gathered(where(TRIAL, list(range(10)), "y", None))
    np.testing.assert_allclose(found.trial.probability[0], [0.5, 0.5])


def test_without_probabilities_they_are_to_be_estimated():
    assert gathered(TRIAL, ('probability = "known"\n', "")).trial.probability is None


def test_sites_are_those_of_the_people_analysed():
    frame = where(TRIAL.with_columns(site=pl.Series(["A", "B", "C"] * 20)), [0], "y", None)
    site = ("repeats = 1", 'repeats = 1\nsite = "site"')
    assert gathered(frame, site, LEFT_OUT).sites == tuple(frame["site"][1:])
    assert gathered(frame, site).sites == tuple(frame["site"])


def test_parquet_is_csv(tmp_path):
    typed = TRIAL.with_columns(pl.col("entry").str.to_date(), first_episode=pl.col("first_episode") == "yes")
    TRIAL.write_csv(tmp_path / "trial.csv")
    typed.write_parquet(tmp_path / "trial.parquet")
    one, other = (cohort(loads(study_text()), read(tmp_path / f"trial.{end}")) for end in ("csv", "parquet"))
    assert one.trial.features.equals(other.trial.features)
    assert one.spec == other.spec
    np.testing.assert_array_equal(one.trial.y, other.trial.y)
    np.testing.assert_array_equal(one.trial.arm, other.trial.arm)


def test_kinds_may_be_fixed_as_a_package_learned_them():
    frame = TRIAL.with_columns(sex=pl.int_range(60) % 2)
    found = cohort(loads(study_text()), table_of(frame, "trial"), kinds={"sex": "category"})
    assert found.trial.features["sex"].dtype == pl.String


# what is not refused: the checks must not cry wolf


INNOCENT = {
    "a rare category that only one arm has": ["rare"] * 4 + ["common"] * 56,
    "a text that is different for everybody": [f"note {i:02d}" for i in range(60)],
    "a number known for four people of one arm": [1.0, 2.0, 3.0, 4.0] + [None] * 56,
    "the same number for all": [1.0] * 60,
    "the same yes for all": ["yes"] * 60,
    "nothing at all": pl.Series([None] * 60, dtype=pl.String),
    "a number rather like the outcome": (TRIAL["y"] + np.random.default_rng(1).normal(size=60)).to_list(),
    "a category known for nineteen": ["a" if y > 20 else "b" for y in TRIAL["y"][:19]] + [None] * 41,
}


@pytest.mark.parametrize("feature", INNOCENT)
def test_a_feature_may_be(feature):
    frame = TRIAL.sort("arm").with_columns(pl.Series("new", INNOCENT[feature], strict=False))
    assert "new" in gathered(frame, ('"severity"', '"severity", "new"')).spec.names


def test_the_outcome_by_another_name_is_found_among_people_who_have_both():
    frame = TRIAL.with_columns(follow=pl.when(pl.int_range(60) < 30).then(pl.col("y") * 2))
    with pytest.raises(DataError, match='"follow" nearly equals the outcome "y"'):
        gathered(frame, ('"severity"', '"severity", "follow"'))


def test_too_few_outcomes_are_no_bad_input_but_too_few_data():
    frame = where(TRIAL.sort("arm"), list(range(20)), "y", None)
    with pytest.raises(NotEnoughDataError, match='Only 10 people in the arm "CBT" have an outcome'):
        gathered(frame)
