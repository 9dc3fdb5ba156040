"""Runs of the race: contenders learn from one draw and are judged by the truth. A draw is a line of JSON.

Lines short enough for the whole race to be kept with the code, so that its table can be made again.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from contenders import Contender, plain_pick
from problems import Draw
from race_cells import Cell

__all__ = [
    "LIMIT",
    "SLOW",
    "Judged",
    "Key",
    "Run",
    "Seen",
    "judge",
    "keep",
    "kept",
    "mark",
    "outstanding",
    "see",
]

SLOW = 10.0
"""Seconds a fit above which a contender runs ``LIMIT`` seeds of a cell only."""

LIMIT = 5
ROUND = 5
"""Seeds after which every cell has been visited once more: an unfinished race is one with fewer seeds."""

Key = tuple[str, int, int]
"""Problem, n, seed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is true of a draw. Outcome units, larger is better.

    ``plain``: value of the arm that the plain analysis picks; ``best``: of the best arm for everybody;
    ``optimum``: of everybody's best; ``sd`` of the outcome; ``mark``: a number that differs if the data did.
    """

    plain: float
    best: float
    optimum: float
    sd: float
    mark: float


@dataclass(frozen=True, slots=True)
class Run:
    """``value`` of a contender's assignment, ``seconds`` of processor to fit, ``share`` of people per arm."""

    value: float
    seconds: float
    share: tuple[float, ...]
    library: str


@dataclass(slots=True)
class Judged:
    """A draw and the runs on it by contender."""

    seen: Seen
    runs: dict[str, Run]

    def regret(self, contender: str) -> float:
        """What the optimum would have given more, in SD."""
        return (self.seen.optimum - self.runs[contender].value) / self.seen.sd

    def harm(self, contender: str) -> bool:
        """Worse than the plain analysis' arm by more than .01 SD."""
        return (self.seen.plain - self.runs[contender].value) / self.seen.sd > 0.01


def see(draw: Draw, new: Draw) -> Seen:
    arms = new.mean.mean(axis=0)
    known = slice(None) if new.observed is None else new.observed
    numbers = arms[plain_pick(draw)], arms.max(), new.mean.max(axis=1).mean(), new.y[known].std()
    return Seen(*(round(float(number), 6) for number in numbers), mark(draw))


def mark(draw: Draw) -> float:
    """The same on every machine for the same draw, but for rounding."""
    return round(float(draw.y @ (draw.arm + 1.0) + np.abs(draw.x).sum()), 3)


def judge(draw: Draw, new: Draw, seed: int, contender: Contender) -> Run:
    with threadpool_limits(1):
        started = process_time()
        assign = contender.fit(draw, seed)
        seconds = process_time() - started
        assigned = assign(new.x)
    share = np.bincount(assigned, minlength=new.mean.shape[1]) / len(assigned)
    return Run(
        value=round(new.value(assigned), 6),
        seconds=round(seconds, 2),
        share=tuple(np.round(share, 3).tolist()),
        library=f"{contender.named.library} {version(contender.named.library)}",
    )


def outstanding(
    contenders: Sequence[Contender], done: dict[Key, Judged], cells: Sequence[Cell]
) -> Iterator[tuple[Cell, int, list[Contender]]]:
    """What is missing in ``done``, which may grow meanwhile: some seeds of every cell, then the next ones."""
    for first in range(0, max(cell.seeds for cell in cells), ROUND):
        for cell in cells:
            for seed in range(first, min(first + ROUND, cell.seeds)):
                judged = done.get((cell.problem, cell.n, seed))
                missing = [
                    contender
                    for contender in contenders
                    if (judged is None or contender.name not in judged.runs)
                    and (seed < LIMIT or not _slow(cell, contender, done))
                ]
                if missing:
                    yield cell, seed, missing


def _slow(cell: Cell, contender: Contender, done: dict[Key, Judged]) -> bool:
    first = [done.get((cell.problem, cell.n, seed)) for seed in range(LIMIT)]
    runs = [judged.runs[contender.name] for judged in first if judged and contender.name in judged.runs]
    return bool(runs) and float(np.mean([run.seconds for run in runs])) > SLOW


def kept(cache: Path) -> dict[Key, Judged]:
    """The runs of a cache, none where there is no file; of two runs of the same the later."""
    done: dict[Key, Judged] = {}
    if not cache.exists():
        return done
    for line in cache.read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        judged = done.setdefault(
            (found["problem"], found["n"], found["seed"]), Judged(Seen(**found["seen"]), {})
        )
        for name, run in found["runs"].items():
            judged.runs[name] = Run(run[0], run[1], tuple(run[2]), run[3])
    return done


def keep(key: Key, judged: Judged, cache: Path) -> None:
    """Append one line."""
    line: dict[str, Any] = dict(zip(("problem", "n", "seed"), key, strict=True))
    line["seen"] = asdict(judged.seen)
    line["runs"] = {name: [r.value, r.seconds, r.share, r.library] for name, r in judged.runs.items()}
    with cache.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line, separators=(",", ":")) + "\n")
