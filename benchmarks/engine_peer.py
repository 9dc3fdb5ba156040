"""econml's causal forest on one draw, in the peers' environment: its seconds and the error of its effects.

``.venv-peers/bin/python benchmarks/engine_peer.py N SEED``: P1 thr, defaults, all cores.
"""

import json
import sys
from time import perf_counter

import numpy as np
from econml.dml import CausalForestDML

from problems import p1
from race_cells import MANY, TRUTH_SEED


def main() -> None:
    n, seed = map(int, sys.argv[1:])
    draw, new = p1("thr", n, seed), p1("thr", MANY, TRUTH_SEED)
    started = perf_counter()
    model = CausalForestDML(discrete_treatment=True, random_state=seed).fit(draw.y, draw.arm, X=draw.x)
    effects = model.const_marginal_effect(new.x).ravel()
    seconds = perf_counter() - started
    error = float(np.sqrt(((effects - (new.mean[:, 1] - new.mean[:, 0])) ** 2).mean()))
    print(json.dumps({"seconds": seconds, "error": error}))


if __name__ == "__main__":
    main()
