"""The environment is made once, made again when its recipe changes, and never half."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PYTHON = """#!/bin/sh
# Stands in for python3: "-m venv DIR" makes a DIR/bin/python that is this script; the rest is logged.
echo "$@" >> calls
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") [ ! -e break ] ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python3"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path


def make(clone: Path, stamp: str) -> int:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = ["make", f"PYTHON={clone / 'python3'}", f".venv/.made-{stamp}"]
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, check=False).returncode


def installs(clone: Path) -> list[str]:
    return [call for call in (clone / "calls").read_text().splitlines() if "pip install" in call]


def test_the_environment_is_made_once(clone: Path) -> None:
    assert make(clone, "run") == 0
    assert make(clone, "run") == 0
    (install,) = installs(clone)
    assert install.endswith("-c constraints.txt -e .[bayes,clinic,examples]")


@pytest.mark.parametrize("recipe", ["pyproject.toml", "constraints.txt"])
def test_it_is_made_again_when_its_recipe_changes(clone: Path, recipe: str) -> None:
    make(clone, "run")
    stamp = (clone / ".venv" / ".made-run").stat().st_mtime
    os.utime(clone / recipe, (stamp + 10, stamp + 10))
    make(clone, "run")
    assert len(installs(clone)) == 2


def test_an_interrupted_install_leaves_no_stamp(clone: Path) -> None:
    (clone / "break").touch()
    assert make(clone, "dev") != 0
    assert list((clone / ".venv").glob(".made-*")) == []
    (clone / "break").unlink()
    assert make(clone, "dev") == 0


def test_what_the_tests_need_is_enough_to_run(clone: Path) -> None:
    make(clone, "dev")
    make(clone, "run")
    (install,) = installs(clone)
    assert install.endswith(".[bayes,clinic,deep,ebm,examples,dev]")
