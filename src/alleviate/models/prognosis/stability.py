"""Which columns are chosen again and again: stability selection over complementary half samples.

An elastic net takes the first few columns in each half (Meinshausen & Bühlmann, J R Stat Soc B 2010); halves
come in pairs that share nobody (Shah & Samworth, J R Stat Soc B 2013). All halves are solved side by side, by
coordinate descent on their Gram matrices. A risk is taken as the number 0 or 1: which columns enter first
hardly depends on that (Wang & Leng 2007).
"""

import numpy as np

from alleviate.models.prognosis.bases import FAMILIES, design_of
from alleviate.models.prognosis.contract import Design
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats

__all__ = ["frequencies"]

PAIRS = 50

SCREENED = 60
"""Of more columns, the ones most correlated with the outcome are looked at (Fan & Lv 2008)."""

LARGEST_HALF = 1000

MIX = 0.8
"""Share of the lasso in the penalty; the rest is ridge, so that columns that go together come together."""

PENALTIES = np.geomspace(1.0, 0.02, 20)
"""As shares of the penalty that leaves nothing."""

SWEEPS = 5


def frequencies(design: Design, seed: int) -> Floats:
    """(p,) share of the half samples in which each column is among the first √(0.8 p)."""
    share = np.zeros(len(design.columns))
    basis = design_of(design, FAMILIES[-1], bends=False)
    known = np.flatnonzero(design.weight > 0)
    z = basis(design.x[known])
    weight = effective(design.weight[known])
    rest = design.y[known] - np.average(design.y[known], weights=weight)
    first = max(1, round(float(np.sqrt(0.8 * z.shape[1]))))
    score = np.abs(z.T @ (weight * rest))
    kept = np.sort(np.argsort(-score, kind="stable")[:SCREENED])
    z = z[:, kept]
    rng = np.random.default_rng([seed, 37])
    grams, scores = [], []
    half = min(len(known) // 2, LARGEST_HALF)
    for _ in range(PAIRS):
        order = rng.permutation(len(known))
        for rows in (order[:half], order[half : 2 * half]):
            weighted = z[rows] * weight[rows, None]
            grams.append(z[rows].T @ weighted / half)
            scores.append(weighted.T @ rest[rows] / half)
    chosen = _first(np.stack(grams), np.stack(scores), first)
    columns = np.array([shape.column for shape in basis.shapes], dtype=np.int64)
    if len(columns):
        share[columns[kept]] = chosen.mean(axis=0)
    return share


def _first(gram: Floats, score: Floats, first: int) -> np.ndarray:
    """(halves, q) whether a column is among the ``first`` to enter.

    ``gram`` (halves, q, q), ``score`` (halves, q).
    """
    halves, q = score.shape
    slopes, left = np.zeros((halves, q)), score.copy()
    chosen = np.zeros((halves, q), dtype=bool)
    done = np.zeros(halves, dtype=bool)
    top = np.abs(score).max(axis=1, initial=1e-12)
    diagonal = np.einsum("bjj->bj", gram)
    for penalty in PENALTIES:
        lasso, ridge = MIX * penalty * top, (1.0 - MIX) * penalty * top
        for _ in range(SWEEPS):
            for j in range(q):
                wanted = left[:, j] + diagonal[:, j] * slopes[:, j]
                new = (
                    np.sign(wanted)
                    * np.maximum(np.abs(wanted) - lasso, 0.0)
                    / (diagonal[:, j] + ridge + 1e-12)
                )
                move = new - slopes[:, j]
                if move.any():
                    left -= gram[:, j] * move[:, None]
                    slopes[:, j] = new
        active = slopes != 0
        entering = ~done[:, None] & active & ~chosen
        room = first - chosen.sum(axis=1)
        strength = np.where(entering, np.abs(slopes), -1.0)
        place = np.argsort(np.argsort(-strength, axis=1, kind="stable"), axis=1, kind="stable")
        chosen |= entering & (place < room[:, None])
        done = chosen.sum(axis=1) >= first
        if done.all():
            break
    return chosen
