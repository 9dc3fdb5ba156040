"""From a study file to a prognosis that predicts, is tested elsewhere, and says what it does not know."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import alleviate
from alleviate.studies import files
from alleviate.studies.learning import learn, not_enough
from alleviate.studies.loading import load, load_advice, load_prognosis
from alleviate.studies.prognosis.journal import journal_of
from alleviate.studies.prognosis.learning import LearnedOutcome
from alleviate.studies.prognosis.prognoses import Prognosis
from alleviate.terms.errors import DataError, NotEnoughDataError, PackageError, StudyError
from alleviate.terms.prognosis_study import PrognosisStudy

N = 320

STUDY = """
[study]
name = "made"
title = "Made: who drops out"
kind = "prognosis"

[data]
path = "people.csv"
id = "id"

[outcome]
column = "{column}"
{outcome}
label = "dropout"

[features]
include = ["age", "score", "sex", "noise"]
labels = {{ score = "score at the start" }}

[learning]
candidates = ["none", "ridge"]

[validation]
repeats = 2
groups = ["sex"]
{validation}
"""


def people(seed: int, n: int = N) -> pl.DataFrame:
    """Dropout rises with the score and is less common in women; ``noise`` tells nothing."""
    rng = np.random.default_rng(seed)
    age, score, noise = rng.normal(40, 12, n), rng.normal(15, 5, n), rng.normal(size=n)
    sex = rng.choice(["f", "m"], n)
    linear = 0.25 * (score - 15) + 0.8 * (sex == "m") - 0.8
    risk = 1 / (1 + np.exp(-linear))
    gone = (rng.random(n) < risk).astype(int)
    weeks = np.clip(rng.exponential(8 * np.exp(-linear / 2)), 0.1, None)
    return pl.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "age": age.round(1),
            "score": score.round(1),
            "sex": sex,
            "noise": noise,
            "gone": gone,
            "points": (20 + linear * 3 + rng.normal(size=n)).round(2),
            "level": np.digitize(linear + rng.logistic(size=n), [-1.5, 0.5]).astype(int),
            "weeks": np.minimum(weeks, 12.0).round(2),
            "how": np.where(weeks > 12, "stayed", rng.choice(["left", "left", "moved"], n)),
            "site": [f"site {i % 4}" for i in range(n)],
            "year": [2015 + i % 6 for i in range(n)],
        }
    )


BINARY = 'kind = "binary"'


def study(
    folder: Path, *, column: str = "gone", outcome: str = BINARY, validation: str = ""
) -> PrognosisStudy:
    people(11).write_csv(folder / "people.csv")
    file = folder / "study.toml"
    file.write_text(STUDY.format(column=column, outcome=outcome, validation=validation))
    found = files.load(file)
    assert isinstance(found, PrognosisStudy)
    return found


def learned(asked: PrognosisStudy, out: Path, **options: object) -> LearnedOutcome:
    found = learn(asked, out=out, workers=1, **options)  # type: ignore[arg-type]
    assert isinstance(found, LearnedOutcome)
    return found


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> tuple[LearnedOutcome, Prognosis]:
    folder = tmp_path_factory.mktemp("prognosis")
    found = learned(study(folder), folder / "made")
    return found, load_prognosis(found.package)


class TestLearning:
    def test_the_json_is_the_contract(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        told = walk[0].to_json()
        assert {
            "study", "n", "events", "outcome", "verdict", "reason", "model", "features_kept", "measures",
            "candidates", "warnings", "package", "report", "seconds",
        } <= set(told)  # fmt: skip
        assert told["verdict"] == "usable"
        assert told["n"] == N
        assert told["events"] == int(people(11)["gone"].sum())
        assert set(told["measures"]["auc"]) == {"estimate", "low", "high"}
        json.dumps(told, allow_nan=False)

    def test_what_matters_is_found(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        found = walk[0].findings
        assert found.measures["auc"].low > 0.6
        assert found.importance is not None
        assert [each.feature for each in found.importance.features[:2]] == ["score", "sex"]
        slope = found.measures["calibration_slope"]
        assert slope.low < 1 < slope.high

    def test_the_report_and_the_package_are_there(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        assert walk[0].package.is_dir()
        assert not journal_of(walk[0].package).exists(), "nothing of single people stays behind"

    def test_groups_are_judged(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        (by_sex,) = walk[0].findings.groups
        assert {group.name for group in by_sex.by_group.groups} == {"f", "m"}
        assert by_sex.fairness is not None

    def test_coverage_is_told_of_people_to_whom_nothing_was_fitted(
        self, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        assert 0.84 < walk[0].findings.coverage[0].share < 0.97

    def test_the_lines_name_the_measures(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        lines = walk[0].lines()
        assert lines[0].startswith("Made: dropout, 320 people, ")
        assert "AUC" in lines[2]

    def test_same_seed_same_bytes_whatever_the_workers(
        self, tmp_path: Path, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        asked = study(tmp_path)
        again = learn(asked, out=tmp_path / "again", workers=2)
        first = {file.name: file.read_bytes() for file in sorted(walk[0].package.iterdir())}
        second = {file.name: file.read_bytes() for file in sorted(again.package.iterdir())}
        different = [name for name in first if first[name] != second[name]]
        assert different == []

    def test_another_seed_splits_otherwise(
        self, tmp_path: Path, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        other = learned(study(tmp_path), tmp_path / "other", seed=2)
        assert other.findings.seed == 2
        assert other.findings.measures["auc"] != walk[0].findings.measures["auc"]


class TestKindsOfOutcome:
    @pytest.mark.parametrize(
        ("column", "outcome", "measure"),
        [
            ("points", 'kind = "numeric"', "r2"),
            ("level", 'kind = "ordinal"\nlevels = ["0", "1", "2"]', "c"),
            (
                "weeks",
                'kind = "time-to-event"\nevent = "how"\n'
                'occurred = "left"\ncompeting = ["moved"]\nhorizon = 8',
                "auc",
            ),
        ],
    )
    def test_each_is_learned_kept_and_foreseen(
        self, tmp_path: Path, column: str, outcome: str, measure: str
    ) -> None:
        found = learned(study(tmp_path, column=column, outcome=outcome), tmp_path / "made")
        assert found.findings.verdict == "usable"
        assert measure in found.findings.measures
        told = load_prognosis(found.package).predict(people(12, 5))
        assert all(person["low"] <= person["estimate"] <= person["high"] for person in told)
        assert load_prognosis(found.package).evaluate(people(13, 200))["n"] == 200


class TestValidationElsewhere:
    def test_sites_are_left_out_in_turn(self, tmp_path: Path) -> None:
        found = learned(study(tmp_path, validation='site = "site"'), tmp_path / "made").findings
        assert found.headline == "sites"
        assert found.folds == 4
        assert found.sites is not None
        assert len(found.sites.by_site.groups) == 4

    def test_later_people_are_never_learned_from(self, tmp_path: Path) -> None:
        found = learned(study(tmp_path, validation='time = "year"\ntest_from = 2019'), tmp_path / "made")
        later = people(11).filter(pl.col("year") >= 2019)
        assert found.findings.headline == "temporal"
        assert found.findings.n == N - len(later)
        assert found.findings.validations[0].n == len(later)
        assert found.findings.elsewhere is not None

    def test_evaluate_tells_case_mix_from_model(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        told = walk[1].evaluate(people(14, 600))
        mix = told["case_mix"]
        assert mix["auc_there"] - mix["auc_here"] == pytest.approx(mix["by_case_mix"] + mix["by_model"])
        assert told["recalibration"]["form"] == "none"
        assert told["coverage"][0]["n"] == 600

    def test_a_shifted_population_is_offered_recalibration(
        self, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        many = people(15, 1_500)
        rng = np.random.default_rng(1)
        rarer = many.with_columns(gone=pl.Series(np.where(rng.random(1_500) < 0.5, 0, many["gone"])))
        told = walk[1].evaluate(rarer)
        assert told["recalibration"]["offered"]
        assert told["measures"]["calibration_intercept"]["high"] < 0

    def test_two_packages_are_compared_on_the_same_people(
        self, tmp_path: Path, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        weaker = replace(study(tmp_path), include=("age", "noise", "sex"), name="weaker")
        other = load_prognosis(learned(weaker, tmp_path / "weaker").package)
        told = walk[1].evaluate(people(16, 600), against=other)["versus"]
        assert told["better"]["auc"] == "first"
        assert told["differences"]["auc"]["low"] > 0


class TestPredicting:
    def test_the_json_is_the_contract(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        told = walk[1].predict(people(17, 3))
        assert [person["id"] for person in told] == ["p0", "p1", "p2"]
        for person in told:
            assert {"id", "estimate", "low", "high", "reasons"} <= set(person)
            assert 0 <= person["low"] <= person["estimate"] <= person["high"] <= 1
            assert set(person["set"]) <= {"no", "yes"}
        json.dumps(told, allow_nan=False)

    def test_reasons_speak_the_words_of_the_study(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        (person,) = walk[1].predict(people(17, 1).with_columns(score=pl.lit(28.0)))
        assert any(
            "score at the start" in reason and "risk of dropout" in reason for reason in person["reasons"]
        )

    def test_what_would_have_to_differ_is_told_and_what_is_fixed_is_left_alone(
        self, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        high = people(17, 1).with_columns(score=pl.lit(24.0), sex=pl.lit("m"))
        (person,) = walk[1].predict(high, aim=0.5)
        assert person["estimate"] > 0.5
        assert "score at the start" in person["differing"]
        fixed = replace(walk[1], study=replace(walk[1].study, fixed=("score",)))
        (other,) = fixed.predict(high, aim=0.5)
        assert "score at the start" not in other["differing"]
        with pytest.raises(DataError, match="a risk between 0 and 1"):
            walk[1].predict(high, aim=20)

    def test_a_category_never_seen_is_not_judged(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        (person,) = walk[1].predict(people(17, 1).with_columns(sex=pl.lit("other")))
        assert person["abstained"]
        assert person["estimate"] is None
        assert "other" in person["reason"]

    def test_a_stranger_is_not_judged(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        (person,) = walk[1].predict(people(17, 1).with_columns(score=pl.lit(400.0)))
        assert person["abstained"]
        assert "score" in person["reason"]

    def test_missing_features_are_allowed_and_widen(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        whole, gap = people(17, 1), people(17, 1).with_columns(score=pl.lit(None, dtype=pl.Float64))
        (one,), (other,) = walk[1].predict(whole), walk[1].predict(gap)
        assert other["high"] - other["low"] > one["high"] - one["low"]

    def test_a_table_without_any_feature_is_refused(self, walk: tuple[LearnedOutcome, Prognosis]) -> None:
        with pytest.raises(DataError, match="expected some features of this prognosis"):
            walk[1].predict(pl.DataFrame({"id": ["1"], "weight": [70]}))

    def test_a_package_says_what_it_is_for(
        self, tmp_path: Path, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        with pytest.raises(PackageError, match="advises no treatment"):
            load_advice(walk[0].package)
        assert isinstance(load(walk[0].package), Prognosis)
        assert isinstance(alleviate.load(walk[0].package), Prognosis)

    def test_a_changed_model_is_not_believed(
        self, tmp_path: Path, walk: tuple[LearnedOutcome, Prognosis]
    ) -> None:
        asked = study(tmp_path)
        package = learned(asked, tmp_path / "made").package
        model = package / "model.json"
        model.write_bytes(model.read_bytes().replace(b'"intercept":', b'"intercept": ', 1))
        with pytest.raises(PackageError, match="changed after it was signed"):
            load_prognosis(package)


class TestNothingToForetell:
    def test_noise_is_no_signal_and_everybody_gets_the_same(self, tmp_path: Path) -> None:
        asked = replace(study(tmp_path), include=("noise", "age"), labels={})
        frame = people(11).with_columns(gone=pl.Series(np.random.default_rng(6).integers(0, 2, N)))
        frame.write_csv(tmp_path / "people.csv")
        found = learned(asked, tmp_path / "made")
        assert found.findings.verdict == "no-signal"
        assert found.findings.model.name == "none"
        assert found.findings.model.kept == ()
        told = load_prognosis(found.package).predict(people(12, 4))
        assert len({person["estimate"] for person in told}) == 1

    def test_too_few_events_is_said_and_nothing_packaged(self, tmp_path: Path) -> None:
        asked = study(tmp_path)
        few = people(11).with_columns(gone=pl.Series([1] * 5 + [0] * (N - 5)))
        few.write_csv(tmp_path / "people.csv")
        with pytest.raises(NotEnoughDataError, match="Only 5 people with the event") as caught:
            learned(asked, tmp_path / "made")
        assert not (tmp_path / "made").exists()
        assert not journal_of(tmp_path / "made").exists()
        told = not_enough(asked, caught.value)
        assert told["verdict"] == "not-enough-data"
        assert told["package"] is None

    def test_an_unknown_candidate_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text("a,b\n1,2\n")
        text = STUDY.format(column="gone", outcome=BINARY, validation="").replace('"ridge"]', '"rigde"]')
        with pytest.raises(StudyError, match="candidates"):
            files.loads(text)


class TestTimeAndInterruption:
    def test_a_time_limit_is_said_where_it_cut_the_work_short(self, tmp_path: Path) -> None:
        asked = replace(study(tmp_path), seconds=0.5)
        asked = replace(asked, validation=replace(asked.validation, repeats=60))
        found = learned(asked, tmp_path / "made")
        assert not found.findings.whole
        assert any("time limit" in warning for warning in found.findings.warnings)
        assert 1 <= found.findings.repeats < 60
        assert journal_of(tmp_path / "made").exists()

    @pytest.mark.slow
    def test_ctrl_c_keeps_the_best_so_far_and_the_same_command_goes_on(self, tmp_path: Path) -> None:
        asked = study(tmp_path)
        text = (tmp_path / "study.toml").read_text().replace("repeats = 2", "repeats = 16")
        (tmp_path / "study.toml").write_text(text)
        command = [sys.executable, "-m", "alleviate", "learn", str(tmp_path / "study.toml")]
        command += ["--out", str(tmp_path / "made"), "--workers", "1", "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        place = journal_of(tmp_path / "made")
        while process.poll() is None and (not place.exists() or place.read_bytes().count(b"\n") < 9):
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        told, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
        cut = json.loads(told)
        assert any("Stopped by hand" in warning for warning in cut["warnings"])
        done = place.read_bytes().count(b"\n")
        assert done < 81
        asked = replace(asked, validation=replace(asked.validation, repeats=16))
        whole = learned(asked, tmp_path / "made")
        assert whole.findings.repeats == 16
        assert not place.exists()
        fresh = learned(asked, tmp_path / "fresh")
        assert (tmp_path / "fresh" / "findings.json").read_bytes() == (
            tmp_path / "made" / "findings.json"
        ).read_bytes(), "stopped and gone on is the same as never stopped"
        assert fresh.findings.whole
