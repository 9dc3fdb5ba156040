"""Same study, same data, same seed: the same package, byte for byte, however many processes learned it."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from made_trials import people, study_text

import alleviate

EVERY = ('["none", "ridge"]', '["none", "ridge", "boosted", "tree1", "tree2"]')


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study in which every default learner competes and chances are estimated; learned once."""
    folder = tmp_path_factory.mktemp("same")
    people(150, benefit="by severity").write_csv(folder / "trial.csv")
    (folder / "study.toml").write_text(study_text(EVERY, ('probability = "known"\n', "")))
    alleviate.learn(folder / "study.toml", out=folder / "first", workers=1)
    return folder


def content(package: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in package.iterdir()}


def test_a_second_run_writes_the_same_bytes(study):
    alleviate.learn(study / "study.toml", out=study / "second", workers=1)
    assert content(study / "second") == content(study / "first")


def test_so_does_a_run_in_the_place_of_the_first(study):
    before = content(study / "first")
    alleviate.learn(study / "study.toml", out=study / "first", workers=1)
    assert content(study / "first") == before


@pytest.mark.slow
def test_two_workers_write_the_same_bytes(study):
    alleviate.learn(study / "study.toml", out=study / "two", workers=2)
    assert content(study / "two") == content(study / "first")


@pytest.mark.slow
def test_so_does_another_process_with_other_hashes_and_threads(study):
    program = "import sys; from alleviate.cli import main; sys.exit(main())"
    other = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-c", program, "learn", "study.toml", "--out", "third", "--workers", "1"]
    subprocess.run(command, cwd=study, env=other, check=True, capture_output=True)
    assert content(study / "third") == content(study / "first")


def test_another_seed_gives_other_numbers_from_the_same_data(study):
    learned = alleviate.learn(study / "study.toml", out=study / "seed", workers=1, seed=2)
    assert (learned.findings.seed, learned.study.validation.seed) == (2, 2)
    changed = {
        name for name, data in content(study / "seed").items() if data != content(study / "first")[name]
    }
    assert {"model.json", "findings.json", "study.toml", "manifest.json"} <= changed
    first = alleviate.load(study / "first").package.findings
    assert first.fingerprint == learned.findings.fingerprint
    assert first.value != learned.findings.value


def test_the_seed_in_the_study_is_the_seed_on_the_command_line(study):
    (study / "seeded.toml").write_text(
        study_text(EVERY, ('probability = "known"\n', ""), ("repeats = 1", "repeats = 1\nseed = 2"))
    )
    alleviate.learn(study / "seeded.toml", out=study / "seeded", workers=1)
    alleviate.learn(study / "study.toml", out=study / "told", workers=1, seed=2)
    assert content(study / "seeded") == content(study / "told")


@pytest.mark.slow
def test_jobs2_is_the_same_with_one_worker_and_with_two(tmp_path):
    shipped = (files("alleviate.studies") / "shipped" / "jobs2.toml").read_text(encoding="utf-8")
    assert "repeats = 10" in shipped
    study = tmp_path / "jobs2.toml"
    study.write_text(shipped.replace("repeats = 10", "repeats = 2"), encoding="utf-8")
    one, two = (alleviate.learn(study, out=tmp_path / str(n), workers=n) for n in (1, 2))
    assert content(one.package) == content(two.package)
    assert (two.findings.folds, two.findings.repeats) == (5, 2)
