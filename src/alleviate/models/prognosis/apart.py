"""Settings chosen apart from those who are foreseen with them, so that what is held out stays honest.

The least of many losses over folds is optimistic: it was chosen for being small. So each fold's people are
foreseen with the settings that did best among the *other* folds (Varma & Simon 2006; Tsamardinos 2018).
"""

import numpy as np

from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.losses import losses
from alleviate.models.trial import Floats, Ints

__all__ = ["best_apart", "chosen_apart", "fold_losses"]


def fold_losses(design: Design, linear: Floats, folds: Ints) -> Floats:
    """(F,) sums over the people of each fold, of one that foresees ``linear`` (n,)."""
    return np.asarray(np.bincount(folds, design.weight * losses(design.y, linear, design.loss)), dtype=float)


def best_apart(by_fold: Floats) -> Ints:
    """(F,) for each fold the row of ``by_fold`` (settings, F) whose loss among the other folds is least."""
    return np.asarray((by_fold.sum(axis=1, keepdims=True) - by_fold).argmin(axis=0), dtype=np.int64)


def chosen_apart(design: Design, said: Floats, folds: Ints) -> tuple[int, Floats]:
    """The best row of ``said`` (settings, n), and (n,) what is foreseen with settings chosen apart."""
    by_fold = np.stack([fold_losses(design, linear, folds) for linear in said])
    return int(by_fold.sum(axis=1).argmin()), said[best_apart(by_fold)[folds], np.arange(len(folds))]
