"""Mutated files are read or refused in words: no crash, hang or growth. benchmarks/fuzz.py throws 100,000."""

import os
from pathlib import Path

import pytest

import fuzz
from alleviate.intake.formats import FORMATS
from alleviate.records.synthetic import simulate

INPUTS = int(os.environ.get("ALLEVIATE_FUZZ", "3000"))


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """One good resource of each type."""
    folder = tmp_path_factory.mktemp("good")
    write = FORMATS["fhir"].write
    assert write is not None
    return [path.read_bytes().splitlines()[0] for path in write(simulate(12, 1).records(), folder)]


@pytest.mark.slow
def test_mutated_input_is_read_or_refused(resources: list[bytes], tmp_path: Path) -> None:
    found = fuzz.run(resources, INPUTS, seed=7, keep=tmp_path / "crash.bin")
    assert found["holds"], f"memory grew by {found['memory_mb']} MB"
    assert found["read"] > INPUTS / 100, "mutants that stay readable reach the code behind the parser"
    assert found["lines refused"] > INPUTS / 10


def test_every_good_input_is_read_whole(resources: list[bytes], tmp_path: Path) -> None:
    """Else the mutants would start from what is refused anyway."""
    assert {name: read(good) for name, good, read in fuzz.doors(tmp_path, resources)} == {
        name: 0 for name, _, _ in fuzz.doors(tmp_path, resources)
    }
