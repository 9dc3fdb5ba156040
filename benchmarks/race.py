"""Which treatment for whom: ours against the libraries, where the truth is known. Part of `make bench`.

The peers' runs do not change while ours is improved: they lie in ``results/race-cache.jsonl``, and only what
is missing there runs, in the peers' own environment where there is one. Ours runs anew, unless ``--keep``.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from joblib import Parallel, delayed

from contender_ours import OURS
from contenders import Contender
from lines import RESULTS, Line, note, written
from race_cells import CELLS, Cell
from race_names import PEERS, SIMPLE, Named
from race_runs import Judged, Key, judge, keep, kept, see
from race_table import Race, lines, numbers, tables

__all__ = ["race", "run_ours"]

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"


def run_ours(
    cells: Sequence[Cell], contender: Contender, cores: int, done: dict[Key, Judged], cache: Path
) -> None:
    """Run what ``done`` lacks of ours, and keep each run as it comes."""
    missing = [
        (cell, seed)
        for seed in range(max(cell.seeds for cell in cells))
        for cell in cells
        if seed < cell.seeds and (cell.problem, cell.n, seed) not in done
    ]
    runs = Parallel(cores, return_as="generator")(delayed(_run)(*one, contender) for one in missing)
    for number, ((cell, seed), judged) in enumerate(zip(missing, runs, strict=True), 1):
        key = cell.problem, cell.n, seed
        keep(key, judged, cache)
        done[key] = judged
        note(f"{number} of {len(missing)}: {cell.name}, seed {seed}: {judged.regret(contender.name):.3f}")


def _run(cell: Cell, seed: int, contender: Contender) -> Judged:
    draw, new = cell.draw(seed), cell.new(seed)
    return Judged(see(draw, new), {contender.name: judge(draw, new, seed, contender)})


def race(
    cells: Sequence[Cell], ours: dict[Key, Judged], peers: dict[Key, Judged], contenders: Sequence[Named]
) -> Race:
    """Both caches in one. Raises ValueError where the same seed was not the same draw."""
    done = {}
    for key in ours.keys() | peers.keys():
        parts = [part[key] for part in (ours, peers) if key in part]
        if abs(parts[0].seen.mark - parts[-1].seen.mark) > 0.01:
            raise ValueError(f"{key}: the peers learned from another draw; take its line out of the cache")
        done[key] = Judged(parts[0].seen, {name: run for part in parts for name, run in part.runs.items()})
    return Race(done, cells, contenders)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the runs of ours, add the missing")
    parser.add_argument("--as-is", action="store_true", help="run no peer")
    parser.add_argument("--seeds", type=int, help="of each cell at most, for a quick look")
    parser.add_argument("--problem", action="append", help="all by default")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table and ours")
    asked = parser.parse_args()
    cells = [
        Cell(cell.problem, cell.n, cell.drawn, min(cell.seeds, asked.seeds or cell.seeds))
        for cell in CELLS
        if asked.problem is None or cell.problem in asked.problem
    ]
    cache, mine = RESULTS / "race-cache.jsonl", asked.results / "race-ours.jsonl"
    if not asked.as_is and PYTHON.exists():
        subprocess.run([PYTHON, Path(__file__).with_name("race_worker.py"), "--cache", cache], check=True)
    asked.results.mkdir(parents=True, exist_ok=True)
    if not asked.keep:
        mine.unlink(missing_ok=True)
    done = kept(mine)
    run_ours(cells, OURS, asked.cores, done, mine)
    found = race(cells, done, kept(cache), (OURS.named, *SIMPLE, *PEERS))
    shown: list[Line] = lines(found)
    settings = {"cells": len(cells), "seeds of a cell": max(cell.seeds for cell in cells)}
    written(
        "race", "The race", shown, settings, results=asked.results, more=tables(found), numbers=numbers(found)
    )
    return 0 if all(line.holds is not False for line in shown) else 1


if __name__ == "__main__":
    sys.exit(main())
