"""ACIC 2016: ten of the sets of Dorie et al. (2019, Statistical Science 34:43), as they come with causallib.

4,802 real women's 58 features, treatment and outcomes simulated, both arms' expected outcomes known. Seed s
is set s // 2 + 1, split at random: 1,000 to learn from, the other 3,802 to be judged on. Who got which
treatment depends on the features, and how is not told.
"""

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from problems import Draw, Floats

__all__ = ["SEEDS", "acic", "acic_new"]

SEEDS = 20
FOLDER = "lib/python3*/site-packages/causallib/datasets/data/acic_challenge_2016"
PEERS = Path(__file__).parents[1] / ".venv-peers"


def acic(n: int, seed: int) -> Draw:
    """The ``n`` women to learn from. Raises FileNotFoundError where causallib is not installed."""
    return _part(seed, slice(None, n))


def acic_new(n: int, seed: int) -> Draw:
    """All the others."""
    return _part(seed, slice(n, None))


def _part(seed: int, part: slice) -> Draw:
    x = _features()
    columns = _columns(f"zymu_{seed // 2 + 1}.csv")
    index = np.random.default_rng(seed).permutation(len(x))[part]
    arm = columns["z"].astype(float).astype(np.int64)[index]
    y, mean = (
        np.column_stack([columns[f"{name}{k}"].astype(float) for k in (0, 1)])[index] for name in ("y", "mu")
    )
    return Draw(x[index], arm, y[np.arange(len(arm)), arm], None, mean)


@lru_cache(maxsize=1)
def _features() -> Floats:
    """Numbers as they are, letters as one column each but the first."""
    columns = []
    for values in _columns("x.csv").values():
        try:
            columns.append(values.astype(float))
        except ValueError:
            columns += [(values == letter).astype(float) for letter in np.unique(values)[1:]]
    return np.column_stack(columns)


@lru_cache(maxsize=4)
def _columns(name: str) -> dict[str, np.ndarray]:
    folder = next(PEERS.glob(FOLDER), None)
    if folder is None:
        raise FileNotFoundError(f"ACIC 2016 comes with causallib, which {PEERS.name} has not: make peers")
    with (folder / name).open(newline="") as lines:
        head, *rows = csv.reader(lines)
    return dict(zip(head, np.array(rows).T, strict=True))
