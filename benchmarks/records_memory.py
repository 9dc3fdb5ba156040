"""How much memory a program and all its children take together, watched from outside (Linux)."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

__all__ = ["Ran", "run_watched"]

EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Ran:
    """``output`` on standard output, ``seconds`` from start to end, ``peak`` bytes of all processes at once.

    Pages that processes share count once (PSS).
    """

    output: str
    seconds: float
    peak: int


def run_watched(arguments: Sequence[str]) -> Ran:
    """Run this Python with ``arguments``. Raises CalledProcessError."""
    started, peak = perf_counter(), 0
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as process:
        while True:
            try:
                output, _ = process.communicate(timeout=EVERY)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, _memory(process.pid))
    seconds = perf_counter() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(arguments))
    return Ran(output, seconds, peak)


def _memory(pid: int) -> int:
    """Bytes of a process and its descendants; those that end meanwhile count nothing."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        own = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        children = [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (OSError, StopIteration):
        return 0
    return own + sum(_memory(int(child)) for child in children)
