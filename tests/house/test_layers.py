"""Imports run only downwards, and every room has its floor."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

FLOORS_FROM_THE_GROUND = [
    {"terms"},
    {"instruments"},
    {"records"},
    {"intake", "features", "models"},
    {"policies", "progress"},
    {"packages"},
    {"advice"},
    {"decisions"},
    {"vault"},
    {"oversight"},
    {"reports"},
    {"studies"},
    {"clinic"},
    {"cli"},
]


def test_the_contract_has_the_floors_of_the_house() -> None:
    (contract,) = CONTRACTS
    floors = [set(layer.split(" | ")) for layer in reversed(contract["layers"])]
    assert floors == FLOORS_FROM_THE_GROUND
    assert contract["exhaustive"], "a room without a floor would escape the contract"
    assert not contract.get("ignore_imports"), "there is no way round the contract"


def test_the_contract_is_kept() -> None:
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "src", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Imports run only downwards KEPT" in done.stdout
