"""Bad input to `learn`: one clear line and a hint, exit code 2 (3: not enough data), nothing half-written."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from complaints import cells, complaint, lies
from made_trials import people, study_text

from alleviate.cli import main

FEW = people(60)


def column(name, values):
    """The trial with a column of these values."""
    return FEW.with_columns(pl.Series(name, values, strict=False))


def arms(tau, cbt, other=0):
    n = tau + cbt + other
    return people(n).with_columns(pl.Series("arm", ["TAU"] * tau + ["CBT"] * cbt + ["GP"] * other))


IN_CBT = (FEW["arm"] == "CBT").to_numpy()
NUMBERS = np.random.default_rng(3).normal(size=60)
P_COLUMNS = ('probability = "known"', 'probability = { "TAU" = "p0", "CBT" = "p1" }')
ONE_COLUMN = ('probability = "known"', 'probability = "p"')
SITE = ("repeats = 1", 'repeats = 1\nsite = "site"')
ALL = ('include = ["age", "severity", "sex", "first_episode", "entry"]\n', "")


def feature(name):
    return ('"severity", ', f'"severity", "{name}", ')


def chances(p0, p1):
    return FEW.with_columns(pl.Series("p0", p0), pl.Series("p1", p1))


SITUATIONS = {
    # the file
    "no file": (None, [], 2, "trial.csv: there is no such file. Check the path"),
    "an empty file": ("", [], 2, "trial.csv: the file is empty. Save it as CSV (UTF-8) or Parquet"),
    "a header only": ("person,arm,y\n", [], 2, "expected one row a person, found a header but no rows."),
    "no table at all": ("PK\x03\x04", [], 2, "expected CSV or Parquet, got an Excel workbook"),
    # columns
    "an unknown feature": (
        FEW,
        [('"age"', '"agee"')],
        2,
        'expected a column "agee", found none. Did you mean "age"?',
    ),
    "an unknown treatment": (
        FEW,
        [('"arm"', '"amr"')],
        2,
        'expected a column "amr", found none. Did you mean "arm"?',
    ),
    "an unknown outcome": (
        FEW,
        [('"y"', '"yy"')],
        2,
        'expected a column "yy", found none. Did you mean "y"?',
    ),
    "an unknown id": (
        FEW,
        [('"person"', '"persn"')],
        2,
        'a column "persn", found none. Did you mean "person"?',
    ),
    "an unknown site": (FEW, [SITE], 2, 'expected a column "site", found none.'),
    "no feature left": (FEW["person", "arm", "y"], [ALL], 2, "expected columns to serve as features"),
    # arms
    "an arm with 14 people": (
        arms(40, 14),
        [],
        2,
        'expected at least 15 people in each arm, got 14 in "CBT". Leave',
    ),
    "one arm only": (arms(60, 0), [], 2, 'expected two arms or more in "arm", but everybody has "TAU".'),
    "no arm at all": (column("arm", [None] * 60), [], 2, 'each person\'s arm in "arm", got an empty column.'),
    "60 arms": (column("arm", range(60)), [], 2, 'at most 20 arms in "arm", got 60 different values. Name'),
    "an arm that nobody had": (
        FEW,
        [('usual = "TAU"', 'arms = { TAU = "TAU", CBT = "CBT", GP = "GP" }\nusual = "TAU"')],
        2,
        'at least 15 people in each arm, got 0 in "GP".',
    ),
    "one arm of those named": (
        arms(60, 0),
        [('usual = "TAU"', 'arms = { TAU = "TAU", CBT = "CBT" }\nusual = "TAU"')],
        2,
        'expected two arms or more in "arm", but everybody has "TAU".',
    ),
    "a treatment that is no arm": (
        cells(FEW, "arm", (4, "CBTT")),
        [('usual = "TAU"', 'arms = { TAU = "a", CBT = "b" }\nusual = "a"')],
        2,
        '"CBTT" in "arm" is no arm of this study (line 6). Did you mean "CBT"?',
    ),
    "usual care that nobody had": (
        FEW,
        [('usual = "TAU"', 'usual = "TUA"')],
        2,
        'expected usual to name an arm in the data (CBT, TAU), got "TUA". Did you mean "TAU"?',
    ),
    "usual care that is no arm": (
        FEW,
        [('usual = "TAU"', 'arms = { TAU = "talk", CBT = "CBT" }\nusual = "TAU"')],
        2,
        'study.toml, line 12, [treatment] usual: expected the name of an arm, got "TAU".',
    ),
    "an arm with a name that results use": (
        FEW.with_columns(pl.col("arm").replace("CBT", "rule")),
        [],
        2,
        'made: expected another name for the arm "rule": results use that word. Rename it',
    ),
    # outcome
    "no outcome at all": (
        column("y", [None] * 60),
        [],
        2,
        'values of the outcome "y", got an empty column. Name',
    ),
    "the same outcome for all": (
        column("y", [7.0] * 60),
        [],
        2,
        'differs between people, but "y" is 7 for everybody.',
    ),
    "texts as the outcome": (
        column("y", ["good", "bad", "so-so"] * 20),
        [],
        2,
        'expected numbers, or yes and no, as the outcome "y", got "good". Code it as a number',
    ),
    "dates as the outcome": (
        FEW,
        [('"y"', '"entry"'), (', "entry"', "")],
        2,
        'as the outcome "entry", got "20',
    ),
    "a text among the outcomes": (
        cells(FEW, "y", (1, "?")),
        [],
        2,
        'column "y": expected numbers, got "?" (line 3).',
    ),
    "a binary outcome that is not": (
        column("y", [0, 1, 2] * 20),
        [('unit = "points"', "binary = true")],
        2,
        '0 and 1 only as the binary outcome "y", got 2 (lines 4, 7, 10, 13, 16 and 15 more).',
    ),
    "few outcomes in an arm": (
        FEW.with_columns(pl.when(pl.col("arm") == "CBT").then(None).otherwise("y").alias("y")),
        [],
        3,
        'Only 0 people in the arm "CBT" have an outcome; at least 15 are needed. Nothing was packaged.',
    ),
    "too few for the folds": (
        FEW,
        [("folds = 2", "folds = 20")],
        3,
        "Expected at least 40 people with an outcome in each arm for 20 folds, got 30 in the smallest.",
    ),
    # ids and numbers
    "repeated ids": (
        cells(FEW, "person", (3, "p1"), (8, "p1")),
        [],
        2,
        'expected one row a person, but the id "p1" stands on lines 2, 5 and 10. Keep one row a person',
    ),
    "texts in a numeric column": (
        cells(FEW, "age", (5, "forty"), (9, "old")),
        [],
        2,
        'column "age": expected numbers, got "forty", "old" (lines 7 and 11). Correct these cells',
    ),
    # probabilities
    "a probability of 0 in the file": (
        column("p", [0.5] * 10 + [0.0, 1.2] + [0.5] * 48),
        [ONE_COLUMN],
        2,
        'expected probabilities above 0 and below 1 in "p", got 0 (lines 12 and 13). Nobody may',
    ),
    "no probability in the file": (
        column("p", [0.5] * 59 + [None]),
        [ONE_COLUMN],
        2,
        '"p", got nothing (line 61).',
    ),
    "probabilities in the file that do not sum to 1": (
        chances([0.5] * 60, [0.5] * 50 + [0.4] * 10),
        [P_COLUMNS],
        2,
        "each person's probabilities to sum to 1, got 0.9 (lines 52, 53, 54, 55, 56 and 5 more). Correct",
    ),
    "an unknown column of probabilities": (FEW, [ONE_COLUMN], 2, 'expected a column "p", found none.'),
    "a probability of 1.2 in the study": (
        FEW,
        [('"known"', "{ TAU = -0.2, CBT = 1.2 }")],
        2,
        "study.toml, line 12, [treatment] probability: expected numbers between 0 and 1 that sum to 1",
    ),
    "probabilities in the study that do not sum to 1": (
        FEW,
        [('"known"', "{ TAU = 0.5, CBT = 0.4 }")],
        2,
        "expected numbers between 0 and 1 that sum to 1, got",
    ),
    "probabilities of other arms": (
        FEW,
        [('"known"', "{ TAU = 0.5, CBTT = 0.5 }")],
        2,
        "expected a probability for each arm (CBT, TAU), got TAU, CBTT. Name exactly the arms",
    ),
    "one column of probabilities for three arms": (
        arms(20, 20, 20).with_columns(p=0.3),
        [ONE_COLUMN],
        2,
        'expected a probability for each of the 3 arms, got the one column "p". Give one for each',
    ),
    "one column of probabilities, of no known arm": (
        column("p", [0.5] * 60),
        [ONE_COLUMN, ('usual = "TAU"\n', "")],
        2,
        'expected usual, since the column "p" holds the probability of the other arm. Say which',
    ),
    # what would make a study look better than it is
    "an arm decided by a number": (
        column("dose", NUMBERS + 9 * IN_CBT),
        [feature("dose")],
        2,
        'people alike in different arms, but the feature "dose" alone decides who got "CBT". Take',
    ),
    "an arm decided by the numbers of sites": (
        column("clinic", np.where(IN_CBT, 2, np.resize([1, 3], 60))),
        [feature("clinic")],
        2,
        'the feature "clinic" alone decides who got "CBT".',
    ),
    "an arm decided by a category": (
        column("therapist", np.where(IN_CBT, np.resize(["Ann", "Bob"], 60), "Cy")),
        [feature("therapist")],
        2,
        'the feature "therapist" alone decides who got "CBT".',
    ),
    "an arm decided by yes and no": (
        column("offered", np.where(IN_CBT, "yes", "no")),
        [feature("offered")],
        2,
        'the feature "offered" alone decides who got "CBT".',
    ),
    "an arm decided by a date": (
        column("start", np.where(IN_CBT, "2021-05-01", "2020-03-01")),
        [feature("start")],
        2,
        'the feature "start" alone decides who got "CBT".',
    ),
    "an arm decided by what is missing": (
        column("homework", [float(i) if cbt else None for i, cbt in enumerate(IN_CBT)]),
        [feature("homework")],
        2,
        'the feature "homework" alone decides who got "CBT".',
    ),
    "a number that nearly equals the outcome": (
        FEW.with_columns(week8=pl.col("y") ** 3 + 0.01),
        [feature("week8")],
        2,
        'known before treatment, but "week8" nearly equals the outcome "y" (agreement 1.000). '
        'Take "week8" out of [features] include, or list it under known_after.',
    ),
    "a category that nearly equals the outcome": (
        column("y", NUMBERS.round()).with_columns(
            group=pl.lit("g") + pl.Series(NUMBERS.round()).cast(pl.String)
        ),
        [feature("group")],
        2,
        '"group" nearly equals the outcome "y"',
    ),
    "yes and no that equal a binary outcome": (
        column("y", np.resize([0, 1, 1], 60)).with_columns(
            well=pl.Series(np.resize(["no", "yes", "yes"], 60))
        ),
        [feature("well")],
        2,
        '"well" nearly equals the outcome "y"',
    ),
    "a feature known only after treatment": (
        FEW,
        [("[learning]", 'known_after = ["severity"]\n[learning]')],
        2,
        'study.toml, line 21, [features] include: "severity" is in known_after: nobody knows it when',
    ),
    "the outcome as a feature": (FEW, [feature("y")], 2, '"y" is the outcome, so it cannot be a feature.'),
    # sites
    "one site only": (
        FEW.with_columns(site=pl.lit("Bonn")),
        [SITE],
        3,
        "Expected two sites or more, to leave each out once, got Bonn only. Nothing was packaged.",
    ),
    "sites of one arm": (
        FEW.with_columns(site=pl.when(pl.col("arm") == "CBT").then(pl.lit("A")).otherwise(pl.lit("B"))),
        [SITE],
        3,
        "Expected two arms or more in each site, got one only in A (30 people, all in CBT), B (30 people, "
        "all in TAU). Nothing was packaged. Join it with another site, or leave it out of the data.",
    ),
    "a site that most of an arm attend": (
        FEW.with_columns(
            site=pl.when((pl.col("arm") == "CBT") & (pl.int_range(60) > 9))
            .then(pl.lit("A"))
            .when(pl.int_range(60) % 3 == 0)
            .then(pl.lit("A"))
            .otherwise(pl.lit("B"))
        ),
        [SITE],
        3,
        "in each arm without the site A, got",
    ),
    "a missing site": (
        column("site", ["A", None, "B"] * 20),
        [SITE],
        2,
        'expected everybody\'s site in "site", got nothing (lines 3, 6, 9, 12, 15 and 15 more). Fill it in',
    ),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("situation", SITUATIONS)
def test_learn_says_what_is_wrong_and_leaves_nothing(situation, here, capsys):
    data, changes, code, says = SITUATIONS[situation]
    if isinstance(data, pl.DataFrame):
        data.write_csv("trial.csv")
    elif data is not None:
        Path("trial.csv").write_text(data)
    Path("study.toml").write_text(study_text(*changes))
    before = lies(here)
    assert main(["learn", "study.toml", "--workers", "1"]) == code
    assert says in complaint(capsys)
    assert lies(here) == before


@pytest.mark.parametrize("stranger", ["a folder with other things", "a file"])
def test_learn_leaves_what_is_no_package_as_it_is(stranger, here, capsys):
    FEW.write_csv("trial.csv")
    Path("study.toml").write_text(study_text())
    if stranger == "a file":
        Path("mine").write_text("my own")
    else:
        Path("mine").mkdir()
        Path("mine/notes.txt").write_text("my own")
    before = lies(here)
    assert main(["learn", "study.toml", "--out", "mine", "--workers", "1"]) == 2
    assert "mine is not a package, and is left as it is. Choose another folder." in complaint(capsys)
    assert lies(here) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["learn", "study.toml"], 2, 'got 14 in "CBT"'),
        (
            ["learn", "study.toml", "--data", "unknown.csv"],
            3,
            'Only 0 people in the arm "CBT" have an outcome',
        ),
    ],
)
def test_the_program_itself_ends_so_too(arguments, code, says, here):
    arms(40, 14).write_csv("trial.csv")
    FEW.with_columns(pl.when(pl.col("arm") == "TAU").then("y").alias("y")).write_csv("unknown.csv")
    Path("study.toml").write_text(study_text())
    before = lies(here)
    program = "import sys; from alleviate.cli import main; sys.exit(main())"
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (code, "")
    assert says in run.stderr
    assert re.fullmatch(r"Error: .+\nHint:  .+\n", run.stderr)
    assert lies(here) == before
