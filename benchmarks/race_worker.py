"""The peers' part of the race, in their own environment: runs what the cache lacks, a line a run. Resumable.

``.venv-peers/bin/python benchmarks/race_worker.py`` (made by ``make peers``); ``--only`` some contenders.
"""

import argparse
import warnings
from pathlib import Path

from contenders import SIMPLE
from contenders_peers import PEERS
from race_cells import CELLS
from race_runs import Judged, judge, keep, kept, outstanding, see

CACHE = Path(__file__).parent / "results" / "race-cache.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--only", action="append", help="name of a contender; all by default")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = tuple(c for c in (*SIMPLE, *PEERS) if asked.only is None or c.name in asked.only)
    done = kept(asked.cache)
    for cell, seed, contenders in outstanding(wanted, done, CELLS):
        draw, new = cell.draw(seed), cell.new(seed)
        fresh = Judged(see(draw, new), {})
        for contender in contenders:
            try:
                run = judge(draw, new, seed, contender)
            except Exception as error:  # stays outstanding; the others go on
                print(f"{cell.name}, seed {seed}, {contender.name}: {error!r}", flush=True)
                continue
            fresh.runs[contender.name] = run
        if fresh.runs:
            key = cell.problem, cell.n, seed
            keep(key, fresh, asked.cache)
            done.setdefault(key, fresh).runs.update(fresh.runs)
            seconds = ", ".join(f"{name} {run.seconds:.1f}" for name, run in fresh.runs.items())
            print(f"{cell.name}, seed {seed}: {seconds}", flush=True)


if __name__ == "__main__":
    main()
