"""Folds inside one training set: stratified by the outcome, whole clusters together."""

import numpy as np

from alleviate.models.trial import Floats, Ints

__all__ = ["inner_folds"]

SMALL = 200
"""Fewer people than this get 10 folds, more get 5."""


def inner_folds(y: Floats, weight: Floats, binary: bool, clusters: Ints | None, seed: int) -> Ints:
    """(n,) 0 … F − 1, with at least two events, and two people without, a fold as far as they go round."""
    n = len(y)
    known = weight > 0
    wanted = 10 if known.sum() < SMALL else 5
    if binary:
        scarce = int(min((y[known] > 0.5).sum(), (y[known] <= 0.5).sum()))
        wanted = max(2, min(wanted, scarce // 2))
    rng = np.random.default_rng([seed, 11])
    # people of like outcome are neighbours in this order; those of unknown outcome come last
    noise = rng.permutation(n)
    if clusters is None:
        order = np.lexsort((noise, y, ~known))
        if not binary:
            order = _blockwise(order, wanted, rng)
        folds = np.empty(n, dtype=np.int64)
        folds[order] = np.arange(n) % wanted
        return folds
    groups, member = np.unique(clusters, return_inverse=True)
    wanted = min(wanted, len(groups))
    size = np.bincount(member, weights=known.astype(float), minlength=len(groups))
    total = np.bincount(member, weights=np.where(known, y, 0.0), minlength=len(groups))
    load, sums = np.zeros(wanted), np.zeros(wanted)
    placed = np.zeros(len(groups), dtype=np.int64)
    mean, scale = float(y[known].mean()), float(y[known].std()) or 1.0
    for group in np.lexsort((rng.permutation(len(groups)), -size)):
        off = total[group] - mean * size[group]
        worse = np.abs(sums + off) / scale - np.abs(sums) / scale + load + size[group]
        best = int(np.argmin(worse))
        placed[group] = best
        load[best] += size[group]
        sums[best] += off
    return placed[member]


def _blockwise(order: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Shuffled within each run of ``folds`` people, so that no fold always has the lowest of them."""
    blocks = [rng.permutation(order[at : at + folds]) for at in range(0, len(order), folds)]
    return np.concatenate(blocks)
