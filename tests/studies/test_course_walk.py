"""`alleviate track` as people call it: learn, score, evaluate, show, sweep; what is printed and returned."""

import json
from pathlib import Path

import polars as pl
import pytest
from made_courses import courses

from alleviate.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, followed) -> Path:
    """A folder with long.csv, and the learned package beside it under its own path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    courses(30, 31).write_csv(tmp_path / "long.csv")
    (tmp_path / "courses").symlink_to(followed.told.package)
    return tmp_path


def test_learned_scored_and_evaluated(here, capsys) -> None:
    courses(130, 5).write_csv("learn.csv")
    assert (
        main(
            [
                "track",
                "learn",
                "learn.csv",
                "--instrument",
                "phq9",
                "--out",
                "own",
                "--workers",
                "1",
                "--json",
            ]
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "usable"
    assert Path(told["report"]).is_file()
    assert main(["track", "score", "own", "long.csv", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 180
    assert main(["track", "evaluate", "own", "long.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] <= 30


def test_a_reader_sees_a_table_and_what_was_foretold(here, capsys) -> None:
    worse = pl.DataFrame({"id": ["x"] * 3 + ["y"], "time": [0, 1, 2, 0], "score": [15, 19, 40, None]})
    worse.with_columns(phq9_9=pl.Series([0, 2, None, None])).write_csv("few.csv")
    assert main(["track", "score", "courses", "few.csv"]) == 0
    shown = capsys.readouterr().out
    assert "NO, alert" in shown
    assert "score: 40 is outside" in shown
    assert "SAFETY: item 9" in shown
    assert "Judged: 2 of 4 scores, of 1 people; alerts: 1" in shown
    assert main(["track", "score", "courses", "long.csv"]) == 0
    assert "Judged: 180 of 180" in capsys.readouterr().out
    assert main(["track", "evaluate", "courses", "long.csv"]) == 0
    assert "90% band holds the end score" in capsys.readouterr().out


COMPLAINTS = {
    "no such file": (["score", "courses", "none.csv"], 2, "there is no such file"),
    "no package": (["score", "long.csv", "long.csv"], 2, "long.csv"),
    "no such instrument": (
        ["learn", "long.csv", "--instrument", "phq10"],
        2,
        "is no instrument with a total",
    ),
    "too few": (["learn", "long.csv", "--instrument", "phq9"], 3, "100 people are needed"),
    "no such patient": (
        ["show", "courses", "long.csv", "--patient", "nobody", "--out", "a.svg"],
        2,
        "no score of a",
    ),
    "no picture": (["show", "courses", "long.csv", "--out", "a.png"], 2, "ends in .svg or .html"),
    "no room": (["show", "courses", "long.csv", "--out", "no/a.svg"], 2, "cannot be written"),
}


@pytest.mark.parametrize(("arguments", "code", "words"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_what_cannot_be_done_is_one_line_and_a_hint(here, capsys, arguments, code, words) -> None:
    assert main(["track", *arguments]) == code
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("Error: ")
    assert words in told[0]
    assert told[1].startswith("Hint: ")


def test_too_few_as_json_keeps_the_contract(here, capsys) -> None:
    assert main(["track", "learn", "long.csv", "--instrument", "phq9", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["verdict"] == "not-enough-data"


def test_evaluate_of_other_packages_points_to_this_one(here, capsys) -> None:
    assert main(["evaluate", "courses", "--data", "long.csv"]) == 2
    assert "alleviate track evaluate" in capsys.readouterr().err
    assert main(["track"]) == 0


def test_pictures_are_written(here) -> None:
    assert main(["track", "show", "courses", "long.csv", "--patient", "p0003", "--out", "one.svg"]) == 0
    assert main(["track", "show", "courses", "long.csv", "--out", "all.html"]) == 0
    assert Path("one.svg").read_text().startswith("<svg")
    assert "The numbers behind the picture" in Path("all.html").read_text()


def test_the_vault_is_swept(here, capsys, monkeypatch) -> None:
    monkeypatch.setenv("ALLEVIATE_VAULT", str(here / "clinic.vault"))
    monkeypatch.setenv("ALLEVIATE_KEY_FILE", str(here / "vault.key"))
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    clinic = here / "clinic"
    assert main(["synthetic", "--patients", "8", "--seed", "3", "--out", str(clinic)]) == 0
    assert main(["vault", "init", "--key-file", str(here / "vault.key")]) == 0
    assert main(["import", str(clinic)]) == 0
    capsys.readouterr()
    assert main(["track", "sweep", "courses", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["people"] > 0
    assert told["scored"] >= told["people"]
    assert main(["track", "sweep", "courses"]) == 0
    assert "Scored: 0 new scores of 0 people" in capsys.readouterr().out
    assert main(["track", "sweep", "courses", "--rule", "courses"]) == 2
    capsys.readouterr()
    assert main(["track", "learn", "--instrument", "phq9"]) == 3
    assert "needed" in capsys.readouterr().err or "may be used" in capsys.readouterr().err
