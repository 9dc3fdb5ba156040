"""Killed at any moment, `alleviate learn` leaves no package or a whole one, and the next run succeeds.

A nursery imports everything once and forks the program at each request, so that a kill costs little.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from made_trials import people, study_text

import alleviate
from alleviate.cli import main

NURSERY = """
import os, signal, sys
from alleviate.cli import main

def die_at(step):
    seen = 0
    def count(event, arguments):
        nonlocal seen
        if event in ("os.mkdir", "os.rename", "open") and ".tmp-" in str(arguments):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)

for line in sys.stdin:
    folder, step = line.split("\\t")
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        if int(step):
            die_at(int(step))
        os.dup2(2, 1)
        os._exit(main(["learn", "study.toml", "--workers", "1"]))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """``start`` forks `alleviate learn` in a folder and gives its process id; ``end`` its exit status."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def start(self, folder: Path, *, die_at: int = 0) -> int:
        print(folder, die_at, sep="\t", file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def end(self) -> int:
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def nursery():
    found = Nursery()
    yield found
    found.process.stdin.close()
    found.process.wait()


@pytest.fixture
def folder(tmp_path):
    people(100).write_csv(tmp_path / "trial.csv")
    (tmp_path / "study.toml").write_text(study_text())
    return tmp_path


def is_nothing_or_whole(folder: Path) -> bool:
    """Whether a package is there. Where it is, it loads and is complete."""
    package = folder / "runs" / "made"
    if not package.exists():
        return False
    assert len(alleviate.load(package).advise(people(3))) == 3
    assert (package / "report.html").read_bytes().rstrip().endswith(b"</html>")
    return True


def a_second_run_succeeds(folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    assert main(["learn", "study.toml", "--workers", "1"]) == 0
    assert is_nothing_or_whole(folder)
    assert [path.name for path in (folder / "runs").iterdir()] == ["made"]


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_killed_while_it_learns(nursery, folder, moment, monkeypatch):
    child = nursery.start(folder)
    time.sleep(moment)
    with suppress(ProcessLookupError):  # it may have ended by itself
        os.kill(child, signal.SIGKILL)
    ended_by_itself = nursery.end() == 0
    assert is_nothing_or_whole(folder) or not ended_by_itself
    a_second_run_succeeds(folder, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 6, 11, 12])
def test_killed_while_it_writes(nursery, folder, step, monkeypatch):
    nursery.start(folder, die_at=step)
    assert nursery.end() == -signal.SIGKILL
    assert not is_nothing_or_whole(folder)
    a_second_run_succeeds(folder, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 11, 12, 13])
def test_killed_while_it_replaces_an_older_package(nursery, folder, step, monkeypatch):
    monkeypatch.chdir(folder)
    assert main(["learn", "study.toml", "--workers", "1"]) == 0
    nursery.start(folder, die_at=step)
    assert nursery.end() == -signal.SIGKILL
    # at the last step the older one lies aside, whole, until the next writer puts it back
    assert is_nothing_or_whole(folder) == (step < 13)
    a_second_run_succeeds(folder, monkeypatch)


@pytest.mark.slow
def test_killed_with_two_workers(folder, monkeypatch):
    many = (folder / "study.toml").read_text().replace("repeats = 1", "repeats = 100")
    (folder / "many.toml").write_text(many)
    program = "import sys; from alleviate.cli import main; sys.exit(main())"
    run = subprocess.Popen(
        [sys.executable, "-c", program, "learn", "many.toml", "--workers", "2"],
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while len(in_session(run.pid)) < 3:
            assert time.monotonic() < end, "no worker was started"
            time.sleep(0.05)
        run.kill()
        assert run.wait() == -signal.SIGKILL
        assert not (folder / "runs").exists()
        a_second_run_succeeds(folder, monkeypatch)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)  # workers without their parent wait for work for minutes


def in_session(session: int) -> list[str]:
    """The processes that belong to it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[3] == str(session):
                found.append(path.parent.name)
    return found
