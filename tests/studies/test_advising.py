"""A learned rule advises new people: who can be judged, who cannot, and what is missing widens the doubt."""

import io
from pathlib import Path

import polars as pl
import pytest
from made_trials import FEATURES, make, people

import alleviate
from alleviate.terms.errors import DataError


def new_people(n=4):
    return people(n, seed=7).drop("arm", "y")


def advice(made, frame):
    return alleviate.load(made.package).advise(frame)


def changed(column, row, value, frame=None):
    frame = new_people() if frame is None else frame
    values = frame[column].to_list()
    values[row] = value
    return frame.with_columns(pl.Series(column, values, strict=False))


def rounded(value):
    """With floats cut to ten digits: how many rows are multiplied at once may change the last bits."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def width(person, arm="CBT"):
    return person["expected"][arm]["high"] - person["expected"][arm]["low"]


def test_everybody_who_is_like_the_study_gets_the_better_arm_with_reasons(small):
    for person in advice(small, new_people()):
        assert (person["arm"], person["strength"], person["abstained"]) == ("CBT", "established", False)
        assert person["benefit"]["low"] > 0
        assert person["expected"]["CBT"]["estimate"] < person["expected"]["TAU"]["estimate"]
        assert person["comparable_n"] >= 10
        assert "CBT did better than TAU by " in person["reasons"][0]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("sex", "x", "sex is 'x', which nobody in the study was"),
        ("severity", 900.0, "too unlike the people of the study, above all in severity"),
        ("age", 400, "too unlike the people of the study, above all in age"),
        ("entry", "1950-01-01", "too unlike the people of the study, above all in entry"),
    ],
)
def test_who_is_unlike_the_study_is_not_judged_and_told_why_and_the_others_are(small, column, value, reason):
    told = advice(small, changed(column, 1, value))
    assert [person["abstained"] for person in told] == [False, True, False, False]
    assert (told[1]["arm"], told[1]["benefit"], told[1]["strength"]) == (None, None, "none")
    assert told[1]["reason"] == reason
    assert told[1]["reasons"] == []
    assert told[0] == advice(small, new_people())[0]


def test_a_missing_feature_is_allowed_named_and_widens_the_interval(small):
    known, missing = advice(small, new_people()), advice(small, changed("severity", 0, None))
    assert not missing[0]["abstained"]
    assert width(missing[0]) > width(known[0]) * 1.2
    assert "Not known: severity. The interval is wider for it." in missing[0]["reasons"]
    assert missing[1:] == known[1:]


def test_a_column_that_is_not_there_is_missing_for_all(small):
    empty = new_people().with_columns(severity=pl.lit(None, pl.Float64))
    assert advice(small, new_people().drop("severity")) == advice(small, empty)


def test_too_much_missing_is_too_much(small):
    told = advice(small, new_people().select("person", "age", "sex"))
    assert {person["reason"] for person in told} == {"60% of the features are missing: too much to judge"}
    assert all(person["abstained"] for person in told)


def test_too_few_comparable_people_are_too_few(tmp_path):
    frame = people(400, benefit="same")
    rural = pl.Series("rural", [i < 40 for i in range(400)])
    # nearly all of the rural people got TAU: two of forty did not
    frame = frame.with_columns(rural).with_columns(
        arm=pl.when(rural).then(pl.lit("TAU")).otherwise("arm"),
        severity=pl.when(rural).then(pl.col("severity") + 60).otherwise("severity"),
    )
    frame = frame.with_columns(arm=pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("CBT")).otherwise("arm"))
    made = make(tmp_path, frame, ('probability = "known"\n', ""))
    told = advice(made, frame[10:11].drop("arm", "y"))
    assert told[0]["abstained"]
    assert told[0]["reason"].startswith("too few comparable people: 2 in one of the arms, 5 needed")


def test_ids_come_back_in_their_order(small):
    frame = new_people().with_columns(person=pl.Series(["z9", "a1", "007", "Ünal"]))
    assert [person["id"] for person in advice(small, frame)] == ["z9", "a1", "007", "Ünal"]
    assert [person["id"] for person in advice(small, frame.rename({"person": "ID"}))] == [
        "z9",
        "a1",
        "007",
        "Ünal",
    ]
    assert [person["id"] for person in advice(small, frame.drop("person"))] == ["1", "2", "3", "4"]


def test_a_frame_a_csv_and_a_parquet_file_get_the_same_advice(small, tmp_path):
    frame = new_people()
    typed = frame.with_columns(pl.col("entry").str.to_date(), first_episode=pl.col("first_episode") == "yes")
    frame.write_csv(tmp_path / "new.csv")
    typed.write_parquet(tmp_path / "new.parquet")
    told = advice(small, frame)
    assert told == advice(small, tmp_path / "new.csv") == advice(small, str(tmp_path / "new.parquet"))
    assert told == advice(small, typed)


def test_the_order_of_rows_and_columns_and_who_else_is_there_change_nothing(small):
    frame = new_people()
    told = advice(small, frame)
    assert rounded(advice(small, frame.reverse().select(reversed(frame.columns)))) == rounded(told[::-1])
    assert rounded([advice(small, frame[i])[0] for i in range(4)]) == rounded(told)


def test_one_person_suffices(small):
    text = "person,severity,age,sex\n1,25,40,f\n"
    assert not advice(small, pl.read_csv(io.StringIO(text)))[0]["abstained"]


def test_recommend_gives_the_objects_that_advise_writes_down(small):
    rule = alleviate.load(str(small.package))
    assert [recommendation.to_json() for recommendation in rule.recommend(new_people())] == rule.advise(
        new_people()
    )
    assert (rule.package.arms, rule.study.outcome.binary, rule.manifest.origin.study) == (
        ("CBT", "TAU"),
        False,
        "made",
    )


def test_a_frame_without_features_is_called_the_table(small):
    with pytest.raises(DataError, match=r"^the table: expected some of the features"):
        advice(small, new_people().drop(FEATURES))


def test_a_risk_stays_between_0_and_1(tmp_path):
    frame = people(200).with_columns(y=(pl.col("severity") < 20).cast(pl.Int64))
    made = make(tmp_path, frame, ('unit = "points"\n', ""))
    for person in advice(made, changed("severity", 0, 34.0)):
        for expected in person["expected"].values():
            assert 0 <= expected["low"] <= expected["estimate"] <= expected["high"] <= 1


def test_learn_takes_a_study_a_path_or_a_name_and_writes_to_runs(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = alleviate.learn(small.learned.study, data=small.folder / "trial.csv", workers=1)
    assert again.package == Path("runs/made")
    assert alleviate.load("runs/made").advise(new_people()) == advice(small, new_people())
