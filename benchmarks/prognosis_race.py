"""Who foresees best: ours against the libraries, on clinical sets. Part of `make bench`.

The peers' runs lie in ``results/prognosis-cache.jsonl``; only what is missing there runs, in the peers' own
environment where there is one. Ours runs anew, unless ``--keep``. Each fit has a process of its own.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lines import RESULTS, note, written
from prognosis_names import OURS, PEERS, SECONDS, Contender
from prognosis_runs import FOLDS, REPEATS, Cell, Run, keep, kept, outstanding, own_process
from prognosis_sets import SETS
from prognosis_table import lines, numbers, race, tables

__all__ = ["run_ours"]

PYTHON = Path(__file__).parents[1] / ".venv-prognosis-peers" / "bin" / "python"


def run_ours(
    done: dict[Cell, dict[str, Run]], sets: Sequence[str], repeats: int, cache: Path, seconds: float = SECONDS
) -> None:
    """Run what ``done`` lacks of ours, and keep each run as it comes."""
    missing = list(outstanding([OURS], done, sets, repeats))
    for number, (cell, ours) in enumerate(missing, 1):
        run = own_process(cell, ours, seconds)
        keep(cell, ours.name, run, cache)
        done.setdefault(cell, {})[ours.name] = run
        note(
            f"{number} of {len(missing)}: {' '.join(map(str, cell))}: log loss {run.log_loss:.4f}, "
            f"Brier {run.brier:.4f}, {run.seconds:.0f} s, of processor {run.processor:.0f}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the runs of ours, add the missing")
    parser.add_argument("--as-is", action="store_true", help="run nobody: the table of what has run")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--contenders", nargs="+", choices=[peer.name for peer in PEERS], help="default: all")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table and ours")
    asked = parser.parse_args()
    peers: list[Contender] = [c for c in PEERS if asked.contenders is None or c.name in asked.contenders]
    cache, mine = RESULTS / "prognosis-cache.jsonl", asked.results / "prognosis-ours.jsonl"
    if not asked.as_is and PYTHON.exists():
        options = ["--cache", str(cache), "--repeats", str(asked.repeats), "--sets", *asked.sets]
        named = ["--contenders", *(peer.name for peer in peers)]
        subprocess.run(
            [PYTHON, Path(__file__).with_name("prognosis_worker.py"), *options, *named], check=True
        )
    asked.results.mkdir(parents=True, exist_ok=True)
    if not asked.keep and not asked.as_is:
        mine.unlink(missing_ok=True)
    done = kept(mine)
    if not asked.as_is:
        run_ours(done, asked.sets, asked.repeats, mine)
    found = race(done, kept(cache), asked.sets, asked.repeats, (OURS, *peers))
    shown = lines(found)
    settings = {"sets": len(asked.sets), "folds of a set": asked.repeats * FOLDS, "seconds a fit": SECONDS}
    written(
        "prognosis",
        "Prognosis",
        shown,
        settings,
        results=asked.results,
        more=tables(found),
        numbers=numbers(found),
    )
    return 0 if all(line.holds is not False for line in shown) else 1


if __name__ == "__main__":
    sys.exit(main())
