"""Prognoses where the truth is known: noise, leaks, coverage; and how fast they are. Part of `make bench`.

``python benchmarks/prognosis_proofs.py --only nulls``: a part alone; ``--scale 0.2``: a fifth of the draws.
"""

import argparse
import os
import sys
from collections.abc import Callable

import prognosis_conformal
import prognosis_nulls
import prognosis_speed
import prognosis_transfer
from lines import Line, note, written

__all__ = ["PARTS"]

PARTS: dict[str, Callable[[int, int, int], list[Line]]] = {
    "nulls": prognosis_nulls.lines,
    "conformal": prognosis_conformal.lines,
    "transfer": lambda draws, first, cores: prognosis_transfer.lines(max(2, draws * 2 // 5), first, cores),
    "speed": lambda draws, first, cores: prognosis_speed.lines(),
}
"""Part → (draws, first seed, cores) → lines."""

DRAWS = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(PARTS), help="may be given again")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the draws, for a quick look")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    found: list[Line] = []
    settings = {"draws": round(DRAWS * asked.scale), "first seed": asked.first}
    for name in asked.only or PARTS:
        note(f"{name} ...")
        lines = PARTS[name](max(2, round(DRAWS * asked.scale)), asked.first, asked.cores)
        written(f"prognosis-{name}", f"Prognosis: {name}", lines, settings)
        found += lines
    return 0 if all(line.holds is not False for line in found) else 1


if __name__ == "__main__":
    sys.exit(main())
