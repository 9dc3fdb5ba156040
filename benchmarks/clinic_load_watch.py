"""Starts the clinic's server as people start it, and reads from /proc what it takes."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

__all__ = ["Server", "Watched", "server_of", "watched"]

Found = TypeVar("Found")

_TICK = os.sysconf("SC_CLK_TCK")
_IDLE, _QUIET_FOR, _LONGEST = 0.1, 3, 120


@dataclass(frozen=True, slots=True)
class Watched:
    """``cpu``: cores in use; ``before`` and ``after``: megabytes of memory."""

    cpu: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Server:
    """The server's process with its workers."""

    process: subprocess.Popen[bytes]

    def pids(self) -> list[int]:
        """Its own and those below it."""
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            try:
                waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                continue
        return found

    def cpu(self) -> float:
        """Seconds of processor that all of them have used."""
        ticks = 0
        for pid in self.pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICK

    def memory(self) -> float:
        """Megabytes resident; what several share is counted once (Pss)."""
        total = 0
        for pid in self.pids():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def settle(self) -> float:
        """Waits until it rests (the first round over all courses is done); how many seconds that took."""
        begun, quiet = time.monotonic(), 0
        while quiet < _QUIET_FOR and time.monotonic() - begun < _LONGEST:
            before = self.cpu()
            time.sleep(1)
            quiet = quiet + 1 if self.cpu() - before < _IDLE else 0
        return time.monotonic() - begun


def watched(server: Server, work: Callable[[], Found]) -> tuple[Found, Watched]:
    memory, cpu, begun = server.memory(), server.cpu(), time.monotonic()
    found = work()
    seconds = time.monotonic() - begun
    return found, Watched((server.cpu() - cpu) / seconds, memory, server.memory())


@contextmanager
def server_of(place: str, folder: Path, host: str, port: int, workers: int) -> Iterator[Server]:
    """``alleviate clinic`` over this vault. Its log lies in the folder."""
    command = [
        sys.executable,
        "-m",
        "alleviate",
        "clinic",
        "--vault",
        place,
        "--packages",
        str(folder / "packages"),
    ]
    command += ["--host", host, "--port", str(port), "--workers", str(workers)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = Server(process)
    try:
        _wait(f"http://{host}:{port}/readyz", process, folder)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit(f"The server ended: {(folder / 'server.log').read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("The server was not ready within two minutes.")
