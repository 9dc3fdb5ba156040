"""Unknown outcomes, times to an event, routine care, harms and stages, each on simulations with known truth.

``python benchmarks/simulations.py --only harms``: a part alone; ``--scale 0.2``: with a fifth of the draws.
"""

import argparse
import os
from collections.abc import Callable
from types import SimpleNamespace

import harms
import outcomes
import routine
import stages
from lines import Line, note, written

__all__ = ["PARTS"]

PARTS: dict[str, Callable[[object], list[Line]]] = {
    "outcomes": outcomes.lines,
    "routine": routine.lines,
    "harms": harms.lines,
    "stages": stages.lines,
}
STAGED = 200
"""Trials of each staged problem."""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(PARTS), help="may be given again")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the draws, for a quick look")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    asked = SimpleNamespace(**vars(given), trials=max(2, round(STAGED * given.scale)))
    found: list[Line] = []
    for name in given.only or PARTS:
        note(f"{name} ...")
        found += PARTS[name](asked)
    settings = {"scale": given.scale, "first seed": given.first}
    written("simulations", "Simulations with known truth", found, settings)
