"""How the program ends: its exit codes, one line and a hint on standard error, never a traceback."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import alleviate
from alleviate.cli import app, learning, main
from alleviate.terms.errors import NotEnoughDataError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def failing_with(error: BaseException):
    def learn(*_args, **_options):
        raise error

    return learn


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"alleviate {alleviate.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["study"], ["learn", "--help"]])
def test_help_is_shown_where_it_is_asked_for_or_a_command_is_missing(arguments, capsys):
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert "Usage: alleviate" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["learn"], "Missing argument 'study'"),
        (["lern"], "Did you mean 'learn'"),
        (["--nope"], "No such option: --nope"),
        (["learn", "jobs2", "--seed", "x"], "Invalid value for '--seed'"),
        (["learn", "jobs2", "--workers", "0"], "Invalid value for '--workers'"),
        (["learn", "job2"], 'There is no study "job2".\nHint:  Did you mean "jobs2"?'),
        (["learn", "none.toml"], "there is no such study file"),
        (["learn", "trial.csv"], "alleviate study new trial.csv"),
        (["study", "new", "none.csv"], "none.csv: there is no such file."),
    ],
)
def test_bad_input_is_one_line_and_a_hint_and_leaves_nothing_behind(arguments, says, capsys, tmp_path):
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert re.fullmatch(r"Error: .+\nHint:  .+\n", shown.err)
    assert list(tmp_path.iterdir()) == []


def test_too_few_data_end_with_3(monkeypatch, capsys):
    monkeypatch.setattr(
        learning, "learn_study", failing_with(NotEnoughDataError("12 people.", hint="Find more."))
    )
    assert main(["learn", "jobs2"]) == 3
    assert capsys.readouterr().err == "Error: 12 people.\nHint:  Find more.\n"


def test_our_own_fault_ends_with_1_and_leaves_its_details_in_a_log(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(learning, "learn_study", failing_with(RuntimeError("first line\nsecond")))
    monkeypatch.setattr(app.tempfile, "tempdir", str(tmp_path))
    assert main(["learn", "jobs2"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(
        "Error: This is our own fault: RuntimeError: first line\nHint:  The details are in "
    )
    log = Path(shown.rsplit(" ", 1)[1].strip())
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_an_error_without_words_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(learning, "learn_study", failing_with(ZeroDivisionError()))
    monkeypatch.setattr(app.tempfile, "tempdir", str(tmp_path))
    assert main(["learn", "jobs2"]) == 1
    assert "our own fault: ZeroDivisionError\n" in capsys.readouterr().err


def test_debug_shows_the_traceback_instead(monkeypatch, capsys):
    monkeypatch.setattr(learning, "learn_study", failing_with(RuntimeError("why")))
    assert main(["--debug", "learn", "jobs2"]) == 1
    assert capsys.readouterr().err.startswith("Traceback")


def test_an_interrupt_ends_with_130(monkeypatch, capsys):
    monkeypatch.setattr(learning, "learn_study", failing_with(KeyboardInterrupt()))
    assert main(["learn", "jobs2"]) == 130
    assert capsys.readouterr().err.startswith("Error: Stopped before the end.\nHint:  ")


def test_the_installed_program_returns_the_code_to_the_shell():
    program = "import sys; from alleviate.cli import main; sys.exit(main())"
    there = {**os.environ, "PYTHONPATH": str(Path(alleviate.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", program, "lern"], capture_output=True, text=True, env=there)
    assert (run.returncode, run.stdout) == (2, "")
    assert "Traceback" not in run.stderr
