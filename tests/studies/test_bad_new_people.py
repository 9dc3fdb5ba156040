"""Bad input to `advise` and `evaluate`: one clear line and a hint, exit code 2, and nothing changed."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from complaints import cells, complaint, lies
from made_trials import FEATURES, people

from alleviate.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


NEW = people(5).drop("arm", "y")

ADVISE = {
    "no package": ("nowhere", NEW, "There is no package at nowhere. `alleviate learn` makes one."),
    "a file as the package": ("new.csv", NEW, "new.csv is not a folder, as a package is."),
    "an empty folder": ("empty", NEW, "empty is not a package: manifest.json is missing."),
    "no file": ("made", None, "new.csv: there is no such file."),
    "an empty file": ("made", "", "new.csv: the file is empty."),
    "nobody": ("made", NEW.clear(), "expected one row a person, found a header but no rows."),
    "no feature at all": (
        "made",
        NEW.drop(FEATURES),
        "some of the features of this rule (age, severity, sex, first_episode, entry), found none. Name",
    ),
    "repeated ids": (
        "made",
        cells(NEW, "person", (0, "p3")),
        'expected one row a person, but the id "p3" stands on lines 2 and 4.',
    ),
    "a missing id": (
        "made",
        cells(NEW, "person", (4, "")),
        'everybody\'s id in "person", got nothing (line 6). Give',
    ),
    "a text in a numeric column": (
        "made",
        cells(NEW, "severity", (2, "severe")),
        '"severity": expected numbers, got "severe" (line 4).',
    ),
    "neither yes nor no": (
        "made",
        cells(NEW, "first_episode", (1, "maybe")),
        'expected yes or no, got "maybe" (line 3).',
    ),
    "no date": (
        "made",
        cells(NEW, "entry", (1, "May")),
        'expected dates like 2024-05-31, got "May" (line 3).',
    ),
}


@pytest.mark.parametrize("situation", ADVISE)
def test_advise_says_what_is_wrong(situation, small, here, capsys):
    package, data, says = ADVISE[situation]
    shutil.copytree(small.package, "made")
    Path("empty").mkdir()
    if isinstance(data, pl.DataFrame):
        data.write_csv("new.csv")
    elif data is not None:
        Path("new.csv").write_text(data)
    if package == "new.csv":
        NEW.write_csv("new.csv")
    before = lies(here)
    assert main(["advise", package, "--data", "new.csv"]) == 2
    assert says in complaint(capsys)
    assert lies(here) == before


OTHERS = people(80, seed=9)

EVALUATE = {
    "no outcome": (OTHERS.drop("y"), 'expected a column "y", found none.'),
    "no treatment": (OTHERS.drop("arm"), 'expected a column "arm", found none.'),
    "a feature by another name": (
        OTHERS.rename({"severity": "Sevrity"}),
        'found none. Did you mean "Sevrity"?',
    ),
    "an arm missing": (OTHERS.with_columns(arm=pl.lit("TAU")), 'but everybody has "TAU".'),
    "another arm": (
        OTHERS.with_columns(pl.col("arm").replace("CBT", "IPT")),
        "expected the arms CBT, TAU, got IPT, TAU. Evaluate",
    ),
    "few in an arm": (
        OTHERS.filter((pl.col("arm") == "TAU") | (pl.int_range(pl.len()) < 6)),
        "expected at least 15 people in each arm",
    ),
    "a category instead of numbers": (OTHERS.with_columns(age=pl.lit("old")), 'expected numbers, got "old"'),
}


@pytest.mark.parametrize("situation", EVALUATE)
def test_evaluate_says_what_is_wrong(situation, small, here, capsys):
    data, says = EVALUATE[situation]
    data.write_csv("others.csv")
    assert main(["evaluate", str(small.package), "--data", "others.csv"]) == 2
    assert says in complaint(capsys)


@pytest.mark.parametrize("command", ["advise", "evaluate"])
def test_a_package_with_one_byte_changed_is_refused_whichever_file_it_is_in(command, small, here, capsys):
    OTHERS.write_csv("others.csv")
    names = sorted(path.name for path in small.package.iterdir())
    assert {"manifest.json", "manifest.sig", "signer.pem", "model.json", "report.html", "study.toml"} <= set(
        names
    )
    for name in names:
        for place in (0, -1):
            shutil.rmtree("made", ignore_errors=True)
            shutil.copytree(small.package, "made")
            content = bytearray((small.package / name).read_bytes())
            content[place] ^= 1
            Path("made", name).write_bytes(content)
            assert main([command, "made", "--data", "others.csv"]) == 2
            assert "was changed after it was" in complaint(capsys)
