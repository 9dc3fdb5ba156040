"""Runs of the prognosis race: a contender learns from half of the people and is judged on the other half.

A run is a line of JSON; what was foreseen for each person is kept in it, to 1/9 of a log odds, so that
calibration can be pooled when the table is made again.
"""

import base64
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

from prognosis_names import SECONDS, Contender
from prognosis_sets import folds, loaded

__all__ = [
    "FOLDS",
    "REPEATS",
    "Cell",
    "Run",
    "foreseen",
    "judge",
    "keep",
    "kept",
    "outstanding",
    "own_process",
]

REPEATS = 5
FOLDS = 2
LIMIT = 1e-6
"""Probabilities are held between it and one minus it."""

STEP = np.log(1 / LIMIT - 1) / 127
HUNG = 15 * SECONDS
"""Seconds after which a fit is given up."""

Floats = NDArray[np.float64]
Fit = Callable[[pd.DataFrame, Floats, int, float], Callable[[pd.DataFrame], Floats]]
"""(features, outcome, seed, seconds) → features → probabilities."""

Cell = tuple[str, int, int]
"""Set, repeat, fold."""


@dataclass(frozen=True, slots=True)
class Run:
    """``seconds`` by the clock and ``processor`` seconds to fit, under ``load`` of the machine.

    ``mark``: a number that differs if the data or the fold did; ``codes``: see ``foreseen``.
    """

    brier: float
    log_loss: float
    auc: float
    seconds: float
    processor: float
    load: float
    library: str
    mark: float
    codes: str


def judge(cell: Cell, contender: Contender, seconds: float = SECONDS) -> Run:
    """Learn and be judged, in this process."""
    name, repeat, fold = cell
    table = loaded(name)
    train, test = list(folds(table.y, repeat))[fold]
    fit: Fit = getattr(import_module(contender.module), contender.fit)
    started, processor, load = perf_counter(), _processor(), os.getloadavg()[0]
    predict = fit(table.x.iloc[train].reset_index(drop=True), table.y[train], repeat, seconds)
    took, worked = perf_counter() - started, _processor() - processor
    p = np.clip(predict(table.x.iloc[test].reset_index(drop=True)), LIMIT, 1 - LIMIT)
    y = table.y[test]
    codes = np.round(np.log(p / (1 - p)) / STEP).astype(np.int8)
    return Run(
        brier=round(float(np.mean((p - y) ** 2)), 6),
        log_loss=round(float(log_loss(y, p)), 6),
        auc=round(float(roc_auc_score(y, p)), 6),
        seconds=round(took, 2),
        processor=round(worked, 2),
        load=round(load, 2),
        library=_library(contender),
        mark=round(table.mark + float(test.sum()), 3),
        codes=base64.b64encode(codes.tobytes()).decode(),
    )


def own_process(cell: Cell, contender: Contender, seconds: float = SECONDS) -> Run:
    """``judge`` in a process of its own, with one thread. Raises CalledProcessError, TimeoutExpired."""
    script = Path(__file__).with_name("prognosis_fit.py")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, script, *map(str, cell), contender.name, str(seconds)],
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        check=True,
        timeout=HUNG,
    )
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def foreseen(run: Run) -> Floats:
    """Log odds for each person of the fold, to the step they are kept at."""
    return np.frombuffer(base64.b64decode(run.codes), dtype=np.int8) * STEP


def outstanding(
    contenders: Sequence[Contender], done: Mapping[Cell, Mapping[str, Run]], sets: Sequence[str], repeats: int
) -> Iterator[tuple[Cell, Contender]]:
    """What ``done`` lacks or has of another version: all sets once, the quick first, then the next repeat."""
    for repeat in range(repeats):
        for slow in (False, True):
            for name in sets:
                for fold in range(FOLDS):
                    for contender in contenders:
                        run = done.get((name, repeat, fold), {}).get(contender.name)
                        if contender.slow == slow and (run is None or run.library != _library(contender)):
                            yield (name, repeat, fold), contender


def kept(cache: Path) -> dict[Cell, dict[str, Run]]:
    """The runs of a cache by contender, none where there is no file; of two runs of the same the later."""
    done: dict[Cell, dict[str, Run]] = {}
    if cache.exists():
        for line in cache.read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            cell = found.pop("set"), found.pop("repeat"), found.pop("fold")
            contender = found.pop("contender")
            done.setdefault(cell, {})[contender] = Run(**found)
    return done


def keep(cell: Cell, contender: str, run: Run, cache: Path) -> None:
    """Append one line."""
    line = dict(zip(("set", "repeat", "fold"), cell, strict=True), contender=contender, **asdict(run))
    with cache.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line, separators=(",", ":")) + "\n")


def _library(contender: Contender) -> str:
    return f"{contender.library} {version(contender.library)}"


def _processor() -> float:
    """Seconds of processor of this process and of those it started and saw end."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
