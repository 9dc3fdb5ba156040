"""The peers' part of the prognosis race, in their own environment: runs what the cache lacks. Resumable.

``.venv-prognosis-peers/bin/python benchmarks/prognosis_worker.py``; a fit at a time, each in a process of its
own. Where the machine does other work too, give the race a core and go first: ``nice -n -10 … --core 1``.
"""

import argparse
import os
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired

from prognosis_names import PEERS
from prognosis_runs import REPEATS, keep, kept, outstanding, own_process
from prognosis_sets import SETS

CACHE = Path(__file__).parent / "results" / "prognosis-cache.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--contenders", nargs="+", choices=[peer.name for peer in PEERS], help="default: all")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--core", type=int, help="to run on, any by default")
    asked = parser.parse_args()
    if asked.core is not None:
        os.sched_setaffinity(0, {asked.core})
    wanted = [peer for peer in PEERS if asked.contenders is None or peer.name in asked.contenders]
    missing = list(outstanding(wanted, kept(asked.cache), asked.sets, asked.repeats))
    for number, (cell, peer) in enumerate(missing, 1):
        where = f"{number} of {len(missing)}: {' '.join(map(str, cell))}, {peer.name}"
        try:
            run = own_process(cell, peer)
        except (CalledProcessError, TimeoutExpired) as error:  # stays outstanding; the others go on
            print(f"{where}: {error!r} {str(error.stderr)[-2000:]}", flush=True)
            continue
        keep(cell, peer.name, run, asked.cache)
        print(
            f"{where}: log loss {run.log_loss:.4f}, Brier {run.brier:.4f}, "
            f"{run.seconds:.0f} s, of processor {run.processor:.0f}, load {run.load:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
