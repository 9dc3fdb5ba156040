"""The record's races run, on a small scale: what they find there is no matter, that they run is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "benchmarks" / "records.py"


@pytest.mark.slow
def test_every_race_is_run_and_written_down(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCH, "--scale", "0.0005", "--results", tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (tmp_path / "records.json").exists(), done.stderr
    lines = json.loads((tmp_path / "records.json").read_text())["lines"]
    assert {line["asked"] for line in lines} >= {"≥ 40,000 a second, ≤ 500 MB", "≥ 5,000 a second", "≤ 20 s"}
    table = (tmp_path / "records.md").read_text()
    assert all(f"| {line['what']} | {line['asked']} | {line['found']} |" in table for line in lines)
