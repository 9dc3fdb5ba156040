"""How error changes with what a model may heed: along the ridge penalty, along the number of features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.fitting.refits import Foresee
from alleviate.models.prognosis.losses import losses
from alleviate.models.prognosis.people import Loss
from alleviate.models.trial import Floats, Ints

__all__ = ["Path", "PathPoint", "complexity_path", "features_path", "penalty_path", "sizes"]

PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Of the ridge, per person and in units of the features' variance; from the closest fit to the stiffest."""

FEATURES_PENALTY = 0.01
"""A little ridge beside the choice of features, so that few people with many features still have a fit."""

MAX_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class PathPoint:
    """At ``complexity`` (effective parameters, or features): mean loss on people learned from, and on others.

    ``standard_error``: of the latter's difference from the best point's.
    """

    complexity: float
    apparent: float
    held_out: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Path:
    """``points`` from the simplest. ``best``: index of the least held-out loss; ``simplest``: of the

    first within one standard error of it (Breiman et al. 1984)."""

    points: tuple[PathPoint, ...]
    best: int
    simplest: int


def complexity_path(
    steps: Sequence[tuple[float, Foresee]],
    y: Floats,
    weight: Floats,
    loss: Loss,
    folds: Ints,
    budget: Budget,
) -> Path:
    """``steps``: complexity, and how it foresees, from the simplest; cut short, the richest are lost."""
    apparent: list[float] = []
    unseen: list[Floats] = []
    done: list[float] = []
    for complexity, foresee in steps:
        if done and budget.spent():
            break
        linear, own = np.zeros(len(y)), []
        for fold in np.unique(folds):
            train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            linear[test] = foresee(train, test)
            seen = losses(y[train], foresee(train, train), loss)
            own.append(float(np.average(seen, weights=weight[train])))
        apparent.append(float(np.mean(own)))
        unseen.append(losses(y, linear, loss))
        done.append(complexity)
    means = [float(np.average(each, weights=weight)) for each in unseen]
    best = int(np.argmin(means))
    errors = [_error(each - unseen[best], weight) for each in unseen]
    points = tuple(PathPoint(*point) for point in zip(done, apparent, means, errors, strict=True))
    simplest = next(i for i, mean in enumerate(means) if mean - means[best] <= errors[i] or i == best)
    return Path(points, best, simplest)


def _error(difference: Floats, weight: Floats) -> float:
    share = weight / weight.sum()
    return float(np.sqrt(share**2 @ (difference - share @ difference) ** 2))


def penalty_path(design: Design, folds: Ints, budget: Budget) -> Path:
    """Ridge regression from the stiffest penalty to the closest fit; complexity: effective parameters."""
    steps = [
        (_parameters(design, penalty), _ridge(design, penalty, None)) for penalty in sorted(PENALTIES)[::-1]
    ]
    return complexity_path(steps, design.y, design.weight, design.loss, folds, budget)


def features_path(design: Design, folds: Ints, budget: Budget) -> Path:
    """The k columns that go best with the outcome, chosen anew for each fold, for k from 0 to all."""
    steps = [(float(k), _ridge(design, FEATURES_PENALTY, k)) for k in sizes(design.x.shape[1])]
    return complexity_path(steps, design.y, design.weight, design.loss, folds, budget)


def sizes(p: int) -> tuple[int, ...]:
    """0, 1, 2, 4, 8 … and ``p``."""
    doubling = [2**i for i in range(max(p, 1).bit_length()) if 2**i < p]
    return (0, *doubling, p) if p else (0,)


def _ridge(design: Design, penalty: float, k: int | None) -> Foresee:
    def foresee(train: Ints, test: Ints) -> Floats:
        x, y, weight = design.x[train], design.y[train], design.weight[train]
        centre, scale = x.mean(axis=0), x.std(axis=0)
        z = (x - centre) / np.where(scale > 1e-12, scale, 1.0)
        chosen = _best(z, y, weight, x.shape[1] if k is None else k)
        others = (design.x[test] - centre) / np.where(scale > 1e-12, scale, 1.0)
        return _fitted(design.loss, penalty)(z[:, chosen], y, weight)(others[:, chosen])

    return foresee


def _best(z: Floats, y: Floats, weight: Floats, k: int) -> Ints:
    """The k columns most correlated with the outcome, in their own order."""
    share = weight / weight.sum()
    middle = z - share @ z
    together = np.abs((share * (y - share @ y)) @ middle) / np.sqrt(np.maximum(share @ middle**2, 1e-12))
    return np.sort(np.argsort(-np.round(together, 12), kind="stable")[:k])


Fitter = Callable[[Floats, Floats, Floats], Callable[[Floats], Floats]]


def _fitted(loss: Loss, penalty: float) -> Fitter:
    """Ridge on standardised columns, its level free; without any column, the level alone."""

    def fit(z: Floats, y: Floats, weight: Floats) -> Callable[[Floats], Floats]:
        level = float(np.average(y, weights=weight))
        if loss == "binary" and not 0.0 < level < 1.0:
            level = (level * len(y) + 0.5) / (len(y) + 1.0)
            return lambda others: np.full(len(others), np.log(level / (1.0 - level)))
        if not z.shape[1]:
            flat = level if loss == "numeric" else float(np.log(level / (1.0 - level)))
            return lambda others: np.full(len(others), flat)
        weight = weight / weight.mean()
        if loss == "numeric":
            model = Ridge(alpha=penalty * len(y)).fit(z, y, sample_weight=weight)
            return lambda others: np.asarray(model.predict(others), dtype=float)
        logistic = LogisticRegression(C=1.0 / (penalty * len(y)), max_iter=MAX_ITERATIONS)
        logistic.fit(z, y, sample_weight=weight)
        return lambda others: np.asarray(logistic.decision_function(others), dtype=float)

    return fit


def _parameters(design: Design, penalty: float) -> float:
    """Trace of the hat matrix; the penalty is per person, and a risk tells p (1 - p) of a number's."""
    share = design.weight / design.weight.sum()
    middle = design.x - share @ design.x
    scale = np.sqrt(np.maximum(share @ middle**2, 1e-12))
    values = np.linalg.svd(middle / scale * np.sqrt(share)[:, None], compute_uv=False) ** 2
    level = float(share @ design.y)
    told = level * (1.0 - level) if design.loss == "binary" else 1.0
    return float((told * values / (told * values + penalty)).sum())
