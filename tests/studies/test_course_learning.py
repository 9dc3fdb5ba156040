"""Courses learned: what is found on people held out, the package, and the same bytes for the same seed."""

import json

import numpy as np
import polars as pl
import pytest
from made_courses import NOW, SESSIONS, courses, learned

from alleviate.packages import read
from alleviate.packages.course import course_files, course_from
from alleviate.studies.courses.asking import Asked
from alleviate.studies.courses.judging import mean_of
from alleviate.studies.courses.learning import folds_of, learn_courses
from alleviate.studies.courses.telling import not_enough_courses
from alleviate.studies.loading import load_advice, load_courses, load_prognosis
from alleviate.studies.rules import table_from
from alleviate.terms.errors import InputError, NotEnoughDataError, PackageError

KEYS = {
    "instrument", "n", "rows", "verdict", "reason", "measures", "alerts", "warnings", "package", "report",
    "seconds",
}  # fmt: skip


def test_it_foresees_better_than_the_last_score_and_its_bands_hold(followed) -> None:
    told = followed.told.to_json()
    assert set(told) == KEYS
    assert told["verdict"] == "usable"
    measures = told["measures"]
    assert measures["auc"]["low"] > 0.6
    assert measures["gain_end"]["low"] > 0
    assert measures["mae_end"]["estimate"] < measures["mae_end_carried"]["estimate"]
    assert 0.84 < measures["coverage_end"]["estimate"] < 0.96
    assert 0.84 < measures["coverage_next"]["estimate"] < 0.96
    assert [session["scores"] for session in measures["sessions"]] == list(range(1, SESSIONS))
    assert measures["calibration"]["p_improve"]["ici"]["estimate"] < 0.1
    json.dumps(told, allow_nan=False)


def test_alerts_are_as_many_as_asked_and_as_told(followed) -> None:
    alerts = followed.told.to_json()["alerts"]
    assert alerts["per_100"] == 20
    assert alerts["alerts"]["per_100"] == pytest.approx(20, abs=8)
    assert all(alerts[what]["as_told"] for what in ("alerts", "caught", "false_alarms", "missed"))
    known = alerts["known"]
    happened = sum(alerts[what]["happened"] for what in ("caught", "false_alarms", "missed"))
    assert happened <= known
    assert alerts["predictive_value"]["estimate"] > 0.6


def test_a_reader_is_told_the_same_in_lines(followed) -> None:
    lines = "\n".join(followed.told.lines())
    assert "Verdict: usable" in lines
    assert "Nobody said who left" in lines
    assert "were foretold" in lines


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(tmp_path) -> None:
    frame = courses(115, 5)
    one = learned(tmp_path / "one", frame, Asked("phq9", seed=3))
    two = learned(tmp_path / "two", frame, Asked("phq9", seed=3), workers=2)
    files = [read(made.told.package).files for made in (one, two)]
    assert files[0] == files[1]
    assert set(files[0]) == {"model.json", "golden.json", "findings.json", "report.html"}


def test_an_opened_package_is_the_one_that_was_learned(followed) -> None:
    package = followed.loaded.package
    files = read(followed.told.package).files
    again = course_files(package)
    assert {name: files[name] for name in again} == again


def test_a_package_whose_forecasts_differ_or_that_is_another_is_refused(followed) -> None:
    files = dict(read(followed.told.package).files)
    golden = json.loads(files["golden.json"])
    golden["expected"][0][0] += 0.1
    with pytest.raises(PackageError, match="golden forecasts"):
        course_from({**files, "golden.json": json.dumps(golden).encode()}, followed.told.package)
    with pytest.raises(PackageError, match="no courses that this version can read"):
        course_from({**files, "model.json": b"{}"}, followed.told.package)
    for other in (load_advice, load_prognosis):
        with pytest.raises(PackageError, match="follows courses of scores"):
            other(followed.told.package)


def test_another_package_follows_no_courses(small) -> None:
    with pytest.raises(PackageError, match="follows no courses"):
        load_courses(small.package)


def test_too_few_are_said_and_nothing_is_written(tmp_path) -> None:
    frame = courses(60, 2)
    with pytest.raises(NotEnoughDataError, match="59 courses of 59 people; 100 people are needed") as raised:
        learn_courses(table_from(frame), Asked("phq9"), out=tmp_path / "courses", now=NOW)
    assert not (tmp_path / "courses").exists()
    assert set(not_enough_courses("phq9", raised.value)) == KEYS


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"per_100": 0.0}, "0 alerts per 100"),
        ({"end": -1.0}, "--end must be above 0"),
        ({"reliable": 0.0}, "--reli"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(asked, words) -> None:
    with pytest.raises(InputError, match=words):
        Asked("phq9", **asked)


def test_warnings_say_what_a_reader_should_mind(tmp_path) -> None:
    frame = courses(170, 6, leave=0.08).drop("age", "sex")
    low = pl.DataFrame({"id": ["z1", "z2"], "time": [0, 0], "score": [3, 30]})
    frame = pl.concat([frame, low.cast(frame.schema)])
    made = learned(tmp_path, frame, Asked("phq9", reliable=5.0, per="session", per_100=10))
    told = " ".join(made.told.findings.warnings)
    for words in (
        "1 of",
        "left out: 1 by score",
        "too near the best",
        "No feature of intake",
        "as stated",
        "rough",
    ):
        assert words in told
    assert made.loaded.package.following.spec.features == ()
    assert made.loaded.score(frame.head(3))[0]["expected"] is not None


def test_all_episodes_of_a_person_are_held_out_together() -> None:
    who = np.array([0, 1, 1, 2, 3, 3, 4, 5, 6])
    fold = folds_of(who, 1)
    assert fold[1] == fold[2]
    assert fold[4] == fold[5]


def test_a_mean_and_its_interval_are_those_of_people() -> None:
    rng = np.random.default_rng(1)
    values, ones = rng.normal(size=50), np.ones(50)
    found = mean_of(values, ones, np.arange(50))
    assert found.estimate == pytest.approx(values.mean())
    error = values.std(ddof=1) / np.sqrt(50)
    assert (found.high - found.low) / 2 == pytest.approx(2.0096 * error, rel=0.06)
    doubled = mean_of(np.tile(values, 2), np.ones(100), np.tile(np.arange(50), 2))
    assert doubled.high - doubled.low == pytest.approx(found.high - found.low, rel=0.06)
    sure = mean_of(np.ones(20), np.ones(20), np.arange(20), "share")
    assert (sure.estimate, sure.high) == (1.0, 1.0)
    assert 0.8 < sure.low < 0.95


def test_evaluated_on_new_people_it_holds_what_it_promised(followed) -> None:
    new = courses(300, 12, leave=0.05)
    told = followed.loaded.evaluate(new, NOW)
    assert set(told) == {"instrument", "n", "rows", "measures", "alerts", "warnings"}
    assert told["measures"]["auc"]["estimate"] > 0.65
    assert 0.85 < told["measures"]["coverage_end"]["estimate"] < 0.95
    with pytest.raises(NotEnoughDataError, match="no course has a known end"):
        followed.loaded.evaluate(new.filter(pl.col("time") == 0), NOW)


def test_the_final_model_is_learned_from_everybody_who_can_improve(followed) -> None:
    frame = courses(260, 11, leave=0.05)
    rows = followed.loaded.read(frame, NOW)
    from_all = followed.loaded.courses(rows)
    assert followed.told.findings.judged.n == int((~from_all.too_good).sum())
    model = followed.loaded.package.model
    assert model.horizon == SESSIONS - 1
