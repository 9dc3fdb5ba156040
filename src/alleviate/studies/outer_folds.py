"""The outer loop of every nested evaluation: who is held out when, and the work shared among processes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed

from alleviate.models.scores import balanced_folds
from alleviate.models.trial import Ints

__all__ = ["HeldOut", "Progress", "held_out", "over_folds"]

Progress = Callable[[int, int, str], None]
"""Told steps done, steps in all, and what is being done."""

HeldOut = tuple[int, Ints, np.random.SeedSequence]
"""Repeat, people held out, seed of one outer fold."""

Fold = TypeVar("Fold")


def held_out(strata: Ints, folds: int, repeats: int, seed: int, sites: Sequence[str] | None) -> list[HeldOut]:
    """Every outer fold: its share of every stratum (n,); or, with ``sites`` (n,), a site at a time, once."""
    root = np.random.SeedSequence(seed)
    if sites is not None:
        names, index = np.unique(np.asarray(sites), return_inverse=True)
        return [(0, np.flatnonzero(index == s), child) for s, child in enumerate(root.spawn(len(names)))]
    tasks = []
    for repeat, child in enumerate(root.spawn(repeats)):
        split, *own = child.spawn(1 + folds)
        fold = balanced_folds(strata, folds, np.random.default_rng(split))
        tasks += [(repeat, np.flatnonzero(fold == f), own[f]) for f in range(folds)]
    return tasks


def over_folds(
    run: Callable[..., Fold],
    shared: Sequence[object],
    tasks: Sequence[HeldOut],
    workers: int,
    progress: Progress | None,
) -> list[Fold]:
    """``run(*shared, *task)`` of each task, in their order whatever the number of ``workers``."""
    found: list[Fold] = []
    if progress:
        progress(0, len(tasks), "cross-fitting")
    work = Parallel(n_jobs=workers, return_as="generator", batch_size=1)
    for fold in work(delayed(run)(*shared, *task) for task in tasks):
        found.append(fold)
        if progress:
            progress(len(found), len(tasks), "cross-fitting")
    return found
