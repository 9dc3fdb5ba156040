"""What `learn`, `advise` and `evaluate` print with --json: these keys, types and words, and no others."""

import json
from math import isfinite

import polars as pl
import pytest
from made_trials import people, study_text

from alleviate.cli import main

ESTIMATE = {"estimate": float, "low": float, "high": float}
ARMS = ("TAU", "CBT")


def is_like(value, shape) -> None:
    """A shape is a type, a dict of shapes with exactly its keys, a list of one shape, or a set of choices."""
    if isinstance(shape, dict):
        assert isinstance(value, dict)
        assert set(value) == set(shape)
        for key, inner in shape.items():
            is_like(value[key], inner)
        if shape is ESTIMATE:
            assert value["low"] <= value["estimate"] <= value["high"]
    elif isinstance(shape, list):
        assert isinstance(value, list)
        for item in value:
            is_like(item, shape[0])
    elif isinstance(shape, set):
        assert value in shape
    else:
        assert type(value) is shape, f"expected {shape.__name__}, got {value!r}"
        assert shape is not float or isfinite(value)


VALUES = dict.fromkeys(["rule", "best_arm", "usual", *ARMS], ESTIMATE)
GAINS = {"over_best_arm": ESTIMATE, "over_usual": ESTIMATE}

LEARN = {
    "study": str,
    "n": int,
    "arms": dict.fromkeys(ARMS, int),
    "outcome": {"name": str, "better": {"lower", "higher"}, "important": float},
    "verdict": {"personalise", "one-for-all", "equipoise"},
    "reason": str,
    "best_arm": {*ARMS},
    "rule": {"kind": {"one-arm", "effects", "tree"}, "text": str, "arms_used": [str]},
    "value": VALUES,
    "gain": GAINS,
    "share_per_arm": dict.fromkeys(ARMS, float),
    "share_abstained": float,
    "candidates": [{"name": str, "gain": float, "low": float, "high": float, "seconds": float}],
    "warnings": [str],
    "package": str,
    "report": str,
    "seconds": float,
}
ADVICE = {
    "id": str,
    "arm": {*ARMS, None},
    "strength": {"established", "leaning", "none"},
    "abstained": bool,
    "reason": str,
    "expected": dict.fromkeys(ARMS, ESTIMATE),
    "comparable_n": int,
    "reasons": [str],
}
MEASURES = {
    "study": str,
    "n": int,
    "value": VALUES,
    "gain": GAINS,
    "share_per_arm": dict.fromkeys(ARMS, float),
    "share_abstained": float,
    "warnings": [str],
}


def printed(capsys, *arguments):
    assert main([*map(str, arguments), "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return json.loads(shown.out)


def learned(capsys, folder, frame, *changes):
    frame.write_csv(folder / "trial.csv")
    (folder / "study.toml").write_text(study_text(*changes))
    return printed(capsys, "learn", folder / "study.toml", "--out", folder / "made", "--workers", 1)


def test_learn(capsys, tmp_path):
    found = learned(capsys, tmp_path, people(60, benefit="same"))
    is_like(found, LEARN)
    assert (found["study"], found["n"], found["arms"]) == ("made", 60, {"TAU": 30, "CBT": 30})
    assert found["outcome"]["name"] == "y"
    assert [candidate["name"] for candidate in found["candidates"]] == ["none", "ridge"]
    assert found["value"]["usual"] == found["value"]["TAU"]
    assert sum(found["share_per_arm"].values()) == pytest.approx(1)
    assert (found["package"], found["report"]) == (
        str(tmp_path / "made"),
        str(tmp_path / "made" / "report.html"),
    )
    assert (tmp_path / "made" / "report.html").is_file()


def test_learn_without_usual_care_has_no_value_and_no_gain_of_it(capsys, tmp_path):
    found = learned(capsys, tmp_path, people(60), ('usual = "TAU"\n', ""))
    shape = {**LEARN, "value": {k: v for k, v in VALUES.items() if k != "usual"}}
    is_like(found, {**shape, "gain": {"over_best_arm": ESTIMATE}})


def test_too_few_people_is_a_verdict_too_with_the_same_keys_and_nothing_packaged(capsys, tmp_path):
    frame = people(60).with_row_index()
    few = pl.when((pl.col("arm") == "CBT") & (pl.col("index") > 15)).then(None).otherwise(pl.col("y"))
    frame.with_columns(y=few).drop("index").write_csv(tmp_path / "trial.csv")
    (tmp_path / "study.toml").write_text(study_text())
    out = tmp_path / "made"
    assert main(["learn", str(tmp_path / "study.toml"), "--out", str(out), "--json"]) == 3
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert set(found) == set(LEARN)
    assert found["verdict"] == "not-enough-data"
    assert found["reason"] in shown.err
    assert (found["package"], found["report"]) == (None, None)
    assert not out.exists()


def test_a_gain_is_positive_where_the_rule_is_better_though_lower_outcomes_are(capsys, small):
    found = printed(capsys, "evaluate", small.package, "--data", small.folder / "trial.csv")
    assert found["value"]["CBT"]["estimate"] < found["value"]["TAU"]["estimate"]
    assert found["gain"]["over_usual"]["low"] > 0
    assert found["gain"]["over_usual"]["estimate"] == pytest.approx(
        found["value"]["usual"]["estimate"] - found["value"]["rule"]["estimate"]
    )


def test_advise(capsys, small, tmp_path):
    strange = pl.col("sex").replace("f", "x")
    people(6, seed=4).drop("arm", "y").with_columns(strange).write_csv(tmp_path / "new.csv")
    advice = printed(capsys, "advise", small.package, "--data", tmp_path / "new.csv")
    assert len(advice) == 6
    assert {person["abstained"] for person in advice} == {True, False}
    for person in advice:
        assert person["abstained"] == (person["arm"] is None)
        is_like(person, {**ADVICE, "benefit": {None} if person["abstained"] else ESTIMATE})


def test_evaluate(capsys, small, tmp_path):
    people(80, seed=5).write_parquet(tmp_path / "others.parquet")
    found = printed(capsys, "evaluate", small.package, "--data", tmp_path / "others.parquet")
    is_like(found, MEASURES)
    assert (found["study"], found["n"]) == ("made", 80)
