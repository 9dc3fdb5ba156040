"""Any regression of scikit-learn's kind, and how a fitted one is kept without pickle.

What is kept is what predicts: linear coefficients, trees as arrays, boosters as LightGBM's text. What is read
back must predict as the original did on the people it learned from, or it is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import lightgbm as lgb
import numpy as np

from alleviate.models.explanation import box_contributions
from alleviate.models.flat_trees import FlatTrees
from alleviate.models.ridge import bayesian_ridge
from alleviate.models.trial import Floats
from alleviate.terms.errors import InputError

__all__ = ["AveragedRidge", "Factory", "Kept", "Regressor", "keep", "regress", "restore"]

SPREADS = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5])
"""SD of what is predicted over that of the rest."""


class Regressor(Protocol):
    """What scikit-learn calls a regressor: ``fit(x, y, sample_weight)`` returns it, ``predict(x)`` (n,)."""

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Any: ...

    def predict(self, x: Any) -> Any: ...


Factory = Callable[[int], Regressor]
"""Makes a fresh regressor from a seed."""


class AveragedRidge:
    """Ridge regression with a free intercept, averaged over how much there is to predict."""

    def __init__(self, seed: int = 0) -> None:
        self.coef_: Floats = np.zeros(0)
        self.intercept_ = 0.0

    def fit(self, x: Floats, y: Floats, sample_weight: Floats | None = None) -> "AveragedRidge":
        centre, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 1e-12, scale, 1.0)
        z, weight = (x - centre) / scale, np.ones(len(y)) if sample_weight is None else sample_weight
        found = bayesian_ridge(
            z,
            np.ones((len(y), 1)),
            y,
            scale=max(float((z.var(axis=0) > 1e-12).sum()), 1.0),
            spreads=SPREADS,
            prior=np.ones(len(SPREADS)),
            weight=weight,
        )
        self.coef_ = found.mean / scale
        level = float(np.average(y - z @ found.mean, weights=weight))
        self.intercept_ = level - float(centre @ self.coef_)
        return self

    def predict(self, x: Floats) -> Floats:
        return x @ self.coef_ + self.intercept_


@dataclass(frozen=True, slots=True)
class Linear:
    coefficients: Floats
    level: float

    def predict(self, x: Floats) -> Floats:
        return x @ self.coefficients + self.level

    def contributions(self, x: Floats, mean: Floats) -> Floats:
        """(n, p): what each column adds to the prediction, against the ``mean`` (p,) person."""
        return (x - mean) * self.coefficients

    def to_json(self) -> dict[str, Any]:
        return {"linear": self.coefficients.tolist(), "level": self.level}


@dataclass(frozen=True, slots=True)
class Trees:
    trees: FlatTrees
    level: float

    def predict(self, x: Floats) -> Floats:
        return self.trees.predict(x)[:, 0] + self.level

    def contributions(self, x: Floats, mean: Floats) -> Floats:
        """(n, p): exact TreeSHAP, against the average of the people that the trees learned from."""
        return box_contributions(self.trees.boxes(), x.astype(np.float32), np.ones((len(x), 1)))

    def to_json(self) -> dict[str, Any]:
        return {"trees": self.trees.to_json(), "level": self.level}


@dataclass(frozen=True, slots=True)
class Boosted:
    booster: lgb.Booster

    def predict(self, x: Floats) -> Floats:
        return np.asarray(self.booster.predict(x, num_threads=1), dtype=float)

    def contributions(self, x: Floats, mean: Floats) -> Floats:
        """(n, p): TreeSHAP by LightGBM itself, against the average of the people that it learned from."""
        own = self.booster.predict(x, pred_contrib=True, num_threads=1)
        return np.asarray(own, dtype=float)[:, :-1]

    def to_json(self) -> dict[str, Any]:
        return {"lightgbm": self.booster.model_to_string()}


Kept = Linear | Trees | Boosted
"""A fitted regression that can be written down."""


def restore(data: Mapping[str, Any]) -> Kept:
    """The inverse of ``to_json``."""
    if "linear" in data:
        return Linear(np.array(data["linear"], dtype=float), float(data["level"]))
    if "trees" in data:
        return Trees(FlatTrees.from_json(data["trees"]), float(data["level"]))
    return Boosted(lgb.Booster(model_str=data["lightgbm"]))


def regress(make: Factory, seed: int, x: Floats, y: Floats, weight: Floats | None = None) -> Kept:
    """Fit a fresh regressor to those of (x, y) whose weight is above 0, and keep it."""
    if x.shape[1] == 0 or (weight is not None and not weight.any()):
        level = 0.0 if weight is not None and not weight.any() else float(np.average(y, weights=weight))
        return Linear(np.zeros(x.shape[1]), level)
    if weight is None or (weight == weight[0]).all():
        return keep(make(seed).fit(x, y), x)
    known = weight > 0
    x, y, weight = x[known], y[known], weight[known]
    return keep(make(seed).fit(x, y, sample_weight=weight), x)


def keep(fitted: Any, x: Floats) -> Kept:
    """What a fitted regressor predicts, as something that can be stored; ``x`` (n, p) to prove it on."""
    kept = _written(fitted)
    if kept is not None:
        wanted = np.asarray(fitted.predict(x), dtype=float)
        if np.allclose(kept.predict(x), wanted, rtol=1e-5, atol=1e-6 * (1.0 + float(np.abs(wanted).max()))):
            return kept
    raise InputError(
        f"A regressor {type(fitted).__name__} cannot be stored without pickle.",
        hint="Use a linear model, trees, a random forest, gradient boosting (of trees) or LightGBM.",
    )


def _written(fitted: Any) -> Kept | None:
    if hasattr(fitted, "booster_"):
        return Boosted(fitted.booster_)
    if hasattr(fitted, "coef_") and np.ndim(fitted.coef_) == 1:
        return Linear(np.asarray(fitted.coef_, dtype=float), float(np.ravel(fitted.intercept_)[0]))
    if hasattr(fitted, "tree_"):
        return Trees(FlatTrees.of([fitted.tree_], 1.0), 0.0)
    members = [
        member.tree_ for member in np.ravel(getattr(fitted, "estimators_", [])) if hasattr(member, "tree_")
    ]
    if not members:
        return None
    if not hasattr(fitted, "init_"):
        return Trees(FlatTrees.of(members, 1.0 / len(members)), 0.0)
    level = float(np.ravel(getattr(fitted.init_, "constant_", 0.0))[0])
    return Trees(FlatTrees.of(members, fitted.learning_rate), level)
