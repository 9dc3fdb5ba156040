"""A command loads what it needs when it is called; what only prints does not wait for what learns."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import alleviate
from alleviate.cli import main
from alleviate.cli.app import COMMANDS

HEAVY = {"lightgbm", "scipy", "sklearn", "sqlalchemy"}
PROGRAM = """
import sys
from alleviate.cli import main
code = main(sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def loaded_by(program: str, *arguments: str) -> set[str]:
    """The packages that a new process has loaded in the end, as it prints them on standard error."""
    there = {**os.environ, "PYTHONPATH": str(Path(alleviate.__file__).parents[1])}
    run = [sys.executable, "-c", program, *arguments]
    return set(subprocess.run(run, capture_output=True, text=True, env=there, check=True).stderr.split())


@pytest.mark.parametrize("arguments", [["--version"], ["instruments"], ["instruments", "phq9", "--json"]])
def test_what_only_prints_loads_nothing_that_learns_or_stores(arguments):
    loaded = loaded_by(PROGRAM, *arguments)
    assert "typer" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("alleviate.cli.vault", {"lightgbm", "sklearn"}),
        ("alleviate.cli.converting", {"lightgbm", "sklearn", "sqlalchemy"}),
        ("alleviate.intake.parts", {*HEAVY, "httpx", "psycopg"}),
    ],
)
def test_records_are_kept_and_read_without_what_learns(module, without):
    """The last is what each process that reads for ``alleviate convert`` loads."""
    loaded = loaded_by(f"import sys, {module}; print(*sys.modules, file=sys.stderr)")
    assert module in loaded
    assert loaded & without == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_its_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"Usage: alleviate {command}" in capsys.readouterr().out


def test_the_help_lists_every_command_in_its_order(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["--help"]) == 0
    panel = capsys.readouterr().out.partition(" Commands ")[2].splitlines()
    listed = [line.strip("│ ").split("  ", 1) for line in panel if line.startswith("│")]
    assert [name for name, _ in listed] == list(COMMANDS)
    assert all(words.strip() for _, words in listed)


def test_the_package_gives_each_of_its_names_when_asked():
    assert set(alleviate.__all__) <= set(dir(alleviate))
    assert alleviate.learn.__module__ == "alleviate.studies.learning"
    with pytest.raises(AttributeError, match="'alleviate' has no attribute 'lern'"):
        _ = alleviate.lern


def test_the_types_of_the_package_are_those_of_its_names():
    """``__init__.pyi`` imports each name from where it really lives."""
    stub = ast.parse(Path(alleviate.__file__).with_suffix(".pyi").read_text())
    told = {
        alias.name: getattr(sys.modules[node.module], alias.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == {name: getattr(alleviate, name) for name in alleviate.__all__ if name != "__version__"}
