"""Real processes, really killed: at every step of a write, at random moments, and two at once.

A nursery imports everything once and forks a writer at each request, so that a kill costs milliseconds.
"""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alleviate.packages import Origin, read, write
from alleviate.terms.errors import PackageError

pytestmark = pytest.mark.slow  # real processes, many of them

VERSIONS = [
    {"model.json": bytes([i]) * 3000, "study.toml": b"[study]\n", f"booster-{i}.txt": b"tree"}
    for i in range(2)
]

NURSERY = """
import os, signal, sys
from pathlib import Path
from alleviate.packages import Origin, write

origin = Origin("rule", "toy", 1, "ab" * 32, {})
versions = [{"model.json": bytes([i]) * 3000, "study.toml": b"[study]\\n", f"booster-{i}.txt": b"tree"}
            for i in range(2)]
steps = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "fcntl.flock")

def die_at(last):
    seen = 0
    def count(event, arguments):
        nonlocal seen
        if event in steps:
            seen += 1
            if seen > last:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)

for line in sys.stdin:
    out, last, first, rounds = line.split("\\t")
    pid = os.fork()
    if pid == 0:
        if int(last) >= 0:
            die_at(int(last))
        for i in range(int(rounds)):
            write(Path(out), versions[(int(first) + i) % 2], origin)
        os._exit(0)
    print(pid, flush=True)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""

FOREVER = 10**9


class Nursery:
    """``start`` forks a writer and gives its process id; ``end`` waits for it and gives its exit status."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def start(self, out: Path, *, die_at: int = -1, first: int = 0, rounds: int = 1) -> int:
        assert self.process.stdin
        assert self.process.stdout
        print(out, die_at, first, rounds, sep="\t", file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def end(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 10 kB: the system's own refusal, as of a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def nurseries() -> Iterator[tuple[Nursery, Nursery]]:
    pair = Nursery(), Nursery()
    yield pair
    for nursery in pair:
        nursery.process.communicate(timeout=30)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def nothing_or_whole(out: Path) -> bool:
    """Whether a package is there; it fails where half a one is."""
    if not out.exists():
        return False
    assert read(out).files in VERSIONS
    return True


@pytest.mark.parametrize("older", [False, True])
def test_killed_before_each_step_there_is_nothing_or_a_whole_package(
    nurseries: tuple[Nursery, Nursery], tmp_path: Path, origin: Origin, older: bool
) -> None:
    nursery, out, kills, there = nurseries[0], tmp_path / "runs" / "toy", 0, []
    while True:
        if older:
            write(out, VERSIONS[0], origin)
        nursery.start(out, die_at=kills, first=1)
        status = nursery.end()
        there.append(nothing_or_whole(out))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        kills += 1
        if older and not there[-1]:
            with full_disk(), pytest.raises(PackageError, match="cannot be written: File too large"):
                write(out, {"model.json": bytes(20_000)}, origin)
            assert read(out).files == VERSIONS[0], "the older one is back, though this write failed"
        write(out, VERSIONS[0], origin)
        assert read(out).files == VERSIONS[0], "a second run succeeds"
        assert names(out.parent) == ["toy"], "and clears up"
        if not older:
            shutil.rmtree(out)
    assert kills > 20, "the test counted the steps of a write"
    assert there[-1]
    assert there.count(False) == (1 if older else there.index(True)), "gone only between two renamings"


def test_a_disk_that_is_full_leaves_the_older_package_or_nothing(tmp_path: Path, origin: Origin) -> None:
    out = tmp_path / "toy"
    for before in ([], ["toy"]):
        with full_disk(), pytest.raises(PackageError, match="cannot be written: File too large"):
            write(out, {"model.json": bytes(20_000)}, origin)
        assert names(tmp_path) == before
        write(out, VERSIONS[0], origin)
    assert read(out).files == VERSIONS[0]


def test_killed_at_random_moments_there_is_nothing_or_a_whole_package(
    nurseries: tuple[Nursery, Nursery], tmp_path: Path, origin: Origin
) -> None:
    nursery, out, moments = nurseries[0], tmp_path / "runs" / "toy", random.Random(1)
    for _ in range(50):
        writer = nursery.start(out, rounds=FOREVER)
        time.sleep(moments.uniform(0, 0.03))
        os.kill(writer, signal.SIGKILL)
        assert nursery.end() == -signal.SIGKILL
        nothing_or_whole(out)
    write(out, VERSIONS[0], origin)
    assert read(out).files == VERSIONS[0]
    assert names(out.parent) == ["toy"]


def test_two_writers_and_a_reader_at_once_see_only_whole_packages(
    nurseries: tuple[Nursery, Nursery], tmp_path: Path, origin: Origin
) -> None:
    out = tmp_path / "toy"
    write(out, VERSIONS[0], origin)
    for first, nursery in enumerate(nurseries):
        nursery.start(out, first=first, rounds=20)
    assert all(read(out).files in VERSIONS for _ in range(50))
    assert [nursery.end() for nursery in nurseries] == [0, 0]
    assert read(out).files in VERSIONS
    assert names(tmp_path) == ["toy"]
