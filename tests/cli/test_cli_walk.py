"""The whole walk on a real trial: learn JOBS II, advise new people, evaluate on people it has not seen."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import alleviate
from alleviate.cli import main
from alleviate.studies.datasets import open_data
from alleviate.studies.files import load

pytestmark = pytest.mark.slow

KEYS = {
    "study", "n", "arms", "outcome", "verdict", "reason", "best_arm", "rule", "value", "gain",
    "share_per_arm",
    "share_abstained", "candidates", "warnings", "package", "report", "seconds",
}  # fmt: skip
ADVICE_KEYS = {
    "id", "arm", "strength", "abstained", "reason", "expected", "benefit", "comparable_n", "reasons",
}  # fmt: skip


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A quick jobs2 (2 folds, 1 repeat, two learners), learned once by the command line: folder, JSON."""
    folder = tmp_path_factory.mktemp("walk")
    shipped = Path(str(alleviate.__file__)).parent / "studies" / "shipped" / "jobs2.toml"
    quick = shipped.read_text().replace("folds = 5", "folds = 2").replace("repeats = 10", "repeats = 1")
    (folder / "quick.toml").write_text(quick + '\n[learning]\ncandidates = ["none", "ridge"]\n')
    people = open_data(load("jobs2")).frame
    people.head(3).drop("depress2", "treat").write_csv(folder / "three.csv")
    people.head(9).drop("depress2", "treat").write_parquet(folder / "nine.parquet")
    people.write_csv(folder / "everybody.csv")
    run = alleviate_in(folder, "learn", "quick.toml", "--json", "--workers", "1")
    assert run.returncode == 0, run.stderr
    return folder, json.loads(run.stdout)


def alleviate_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from alleviate.cli import main; sys.exit(main())"
    there = {**os.environ, "PYTHONPATH": str(Path(alleviate.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=folder, env=there
    )


def test_learn_prints_the_contract_and_writes_package_and_report_where_it_says(walk):
    folder, found = walk
    assert set(found) == KEYS
    assert found["arms"] == {"booklet": 299, "workshop": 600}
    assert (folder / found["package"]).resolve() == folder / "runs" / "jobs2"
    assert (folder / found["report"]).is_file()


def test_advise_gives_a_few_people_cards_and_many_a_table(walk, capsys, monkeypatch):
    folder, _ = walk
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["advise", "runs/jobs2", "--data", "three.csv"]) == 0
    assert capsys.readouterr().out.count("Person ") == 3
    assert main(["advise", "runs/jobs2", "--data", "nine.parquet"]) == 0
    assert "9 people: " in capsys.readouterr().out


def test_advise_as_json_is_the_contract(walk, capsys, monkeypatch):
    folder, _ = walk
    monkeypatch.chdir(folder)
    assert main(["advise", "runs/jobs2", "--data", "three.csv", "--json"]) == 0
    advice = json.loads(capsys.readouterr().out)
    assert len(advice) == 3
    for person in advice:
        assert set(person) == ADVICE_KEYS


def test_an_unknown_category_abstains_in_its_row_with_the_reason(walk, capsys, monkeypatch):
    folder, _ = walk
    monkeypatch.chdir(folder)
    three = pl.read_csv("three.csv")
    marital = (
        pl.when(pl.int_range(pl.len()) == 1).then(pl.lit("partnered")).otherwise("marital").alias("marital")
    )
    three.with_columns(marital).write_csv("strange.csv")
    assert main(["advise", "runs/jobs2", "--data", "strange.csv", "--json"]) == 0
    advice = json.loads(capsys.readouterr().out)
    assert [person["abstained"] for person in advice] == [False, True, False]
    assert advice[1]["arm"] is None
    assert "partnered" in advice[1]["reason"]


def test_evaluate_measures_the_rule_on_other_people(walk, capsys, monkeypatch):
    folder, _ = walk
    monkeypatch.chdir(folder)
    assert main(["evaluate", "runs/jobs2", "--data", "everybody.csv"]) == 0
    assert "899 people with treatment and outcome" in capsys.readouterr().out
    assert main(["evaluate", "runs/jobs2", "--data", "everybody.csv", "--json"]) == 0
    assert {"n", "value", "gain"} <= set(json.loads(capsys.readouterr().out))


def test_learn_for_people_is_five_lines_and_nothing_else(walk):
    folder, _ = walk
    run = alleviate_in(folder, "learn", "quick.toml", "--out", "again", "--workers", "1")
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("JOBS II")
    assert any(line.startswith("Verdict: ") for line in lines)
    assert run.stderr == ""


def test_learn_shows_a_bar_on_a_terminal(walk):
    folder, _ = walk
    seen = on_a_terminal(folder, "learn", "quick.toml", "--out", "third", "--workers", "1")
    assert "━" in seen
    assert "Verdict: " in seen


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """What the program writes where it runs in a terminal."""
    program = "import sys; from alleviate.cli import main; sys.exit(main())"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(Path(alleviate.__file__).parents[1])
        os.execv(sys.executable, [sys.executable, "-c", program, *arguments])
    seen = b""
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError:  # the child has closed its end
        pass
    os.waitpid(child, 0)
    return seen.decode(errors="replace")
