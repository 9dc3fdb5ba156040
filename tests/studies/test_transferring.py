"""A study that starts from another population: verified, matched by name, told what it was worth."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alleviate.packages.prognosis import open_prognosis
from alleviate.packages.transfer_findings import TransferFindings
from alleviate.studies import files
from alleviate.studies.learning import learn
from alleviate.studies.loading import load_prognosis
from alleviate.studies.prognosis.learning import LearnedOutcome
from alleviate.studies.prognosis.transferring import start_of
from alleviate.terms.errors import InputError, PackageError, StudyError
from alleviate.terms.prognosis_study import PrognosisStudy

STUDY = """
[study]
name = "{name}"
title = "Made: {name}"
kind = "prognosis"

[data]
path = "{name}.csv"

[outcome]
column = "gone"

[learning]
candidates = [{candidates}]

[validation]
folds = 3
repeats = 1

{transfer}
"""


def people(seed: int, n: int, level: float, sign: float = 1.0, *, more: str | None = None) -> pl.DataFrame:
    """Who leaves, by score and sex; another place has another ``level``, and may ask one thing ``more``."""
    rng = np.random.default_rng(seed)
    score, sex = rng.normal(15, 5, n), rng.choice(["f", "m"], n)
    linear = level + sign * (0.25 * (score - 15) + 0.8 * (sex == "m"))
    gone = (rng.random(n) < 1 / (1 + np.exp(-linear))).astype(int)
    frame = pl.DataFrame({"score": score, "sex": sex, "gone": gone})
    return frame if more is None else frame.with_columns(pl.Series(more, rng.normal(size=n)))


def study(
    folder: Path, name: str, frame: pl.DataFrame, transfer: str = "", candidates: str = '"ridge"'
) -> PrognosisStudy:
    frame.write_csv(folder / f"{name}.csv")
    file = folder / f"{name}.toml"
    file.write_text(STUDY.format(name=name, transfer=transfer, candidates=candidates))
    found = files.load(file)
    assert isinstance(found, PrognosisStudy)
    return found


def learned(asked: PrognosisStudy, out: Path) -> LearnedOutcome:
    found = learn(asked, out=out, workers=1)
    assert isinstance(found, LearnedOutcome)
    return found


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package "there", and its people."""
    folder = tmp_path_factory.mktemp("transfer")
    learned(study(folder, "there", people(1, 500, -0.5, more="asked_there")), folder / "there")
    return folder


WITH_PEOPLE = '[transfer]\nsource = "there"\nsource_data = "there.csv"'
WITHOUT = '[transfer]\nsource = "there"'


@pytest.fixture(scope="module")
def here(places: Path) -> LearnedOutcome:
    asked = study(places, "here", people(2, 90, 0.6, more="asked_here"), WITH_PEOPLE)
    return learned(asked, places / "here")


def told(found: LearnedOutcome) -> TransferFindings:
    assert found.findings.transfer is not None
    return found.findings.transfer


class TestARightSource:
    def test_is_kept_and_the_findings_say_what_it_is_worth(self, places: Path, here: LearnedOutcome) -> None:
        found, manifest = told(here), open_prognosis(places / "there")[1]
        assert (found.source, found.with_people, found.refused) == ("there", True, False)
        assert found.fingerprint == manifest.files["model.json"].sha256
        assert [way.name for way in found.ways] == [
            "source",
            "recalibrated",
            "deviation",
            "weighted",
            "afresh",
        ]
        assert "the source is kept" in found.reason
        assert found.kept > 0
        assert here.findings.model.name == "transfer"
        assert here.to_json()["model"] == "transfer"
        assert [point.n for point in found.curve] == [25]

    def test_leaves_a_package_that_predicts_as_any_other(self, places: Path, here: LearnedOutcome) -> None:
        package, _ = open_prognosis(here.package)
        assert package.findings.transfer == told(here)
        assert set(package.model.features) == {"score", "sex", "asked_here"}
        one = load_prognosis(here.package).predict(pl.DataFrame({"score": ["25"], "sex": ["m"]}))[0]
        assert 0.5 < one["estimate"] < 1.0
        assert json.loads(json.dumps(one)) == one


@pytest.mark.slow
def test_a_wrong_source_is_refused_with_the_reason(places: Path) -> None:
    asked = study(places, "reversed", people(3, 120, 0.0, -1.0), WITHOUT)
    found = learned(asked, places / "reversed")
    assert told(found).refused
    assert "what it foresees does not go with what came here" in told(found).reason
    assert not told(found).with_people
    assert told(found).kept == 0.0
    assert found.findings.model.name != "transfer"


class TestWhatCannotBeStartedFrom:
    def test_a_package_that_was_changed(self, places: Path, tmp_path: Path) -> None:
        copy = tmp_path / "changed"
        copy.mkdir()
        for file in (places / "there").iterdir():
            (copy / file.name).write_bytes(file.read_bytes().replace(b'"there"', b'"other"'))
        asked = study(tmp_path, "a", people(2, 60, 0.0), f'[transfer]\nsource = "{copy}"')
        with pytest.raises(PackageError):
            start_of(asked, ("score", "sex"))

    def test_a_package_without_a_feature_in_common(self, places: Path, tmp_path: Path) -> None:
        asked = study(tmp_path, "a", people(2, 60, 0.0), f'[transfer]\nsource = "{places / "there"}"')
        with pytest.raises(StudyError, match="none has the same name"):
            start_of(asked, ("height",))

    def test_any_package_by_a_study_that_reads_events(self, places: Path) -> None:
        asked = study(places, "reads", people(2, 60, 0.0), WITHOUT, '"sequence"')
        with pytest.raises(StudyError, match='candidate "sequence" reads events'):
            start_of(asked, ("score",))

    def test_a_package_of_another_kind_of_outcome(self, places: Path) -> None:
        noise = np.random.default_rng(4).normal(0.0, 5.0, 60)
        frame = people(2, 60, 0.0).with_columns(gone=pl.col("score") + noise)
        with pytest.raises(InputError, match="foresees a numeric outcome, as here, got one for a binary"):
            learned(study(places, "numeric", frame, WITHOUT), places / "numeric")


def test_without_a_source_there_is_nothing_to_start_from(tmp_path: Path) -> None:
    assert start_of(study(tmp_path, "alone", people(1, 60, 0.0)), ("score",)) is None
