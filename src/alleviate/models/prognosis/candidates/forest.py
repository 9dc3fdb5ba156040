"""A forest whose leaves are shrunk up their path, averaged on the linear scale, calibrated over the folds.

Trees as in Breiman's forest (2001), grown by LightGBM on 63 % of the people each, by squared error (for 0/1
that is Gini's index). What a leaf says is shrunk (``shrunken_trees``) and, for a risk, turned into log odds
before trees are averaged. So the forest is a sum of trees on the linear scale: TreeSHAP is exact, and nothing
is infinite. On eleven public sets this cost no log loss against averaging risks. A level and a slope, drawn
towards 0 and 1 and fitted to people held out, undo what averaging flattens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from alleviate.models.prognosis.apart import chosen_apart
from alleviate.models.prognosis.contract import Budget, Design, Tuned
from alleviate.models.prognosis.losses import on_scale
from alleviate.models.prognosis.people import Loss
from alleviate.models.prognosis.shrunken_trees import ShrunkenTrees
from alleviate.models.prognosis.tree_sum import QUIET, TreeSum, wide
from alleviate.models.trial import Floats, Ints

__all__ = ["CANDIDATE", "Forest"]

TREES = 100

DRAWN = 0.632
LARGEST = 4_000
"""People drawn for a tree: this share, at most so many."""

MOST_LEAVES = 128

GROWTHS: tuple[dict[str, Any], ...] = (
    {"leaf": 3, "share": 0.25, "random": False},
    {"leaf": 3, "share": 0.6, "random": False},
    {"leaf": 10, "share": 0.25, "random": False},
    {"leaf": 3, "share": 0.6, "random": True},
)
"""Ways to grow, tried in this order: least people in a leaf, share of the columns asked at a split, and
whether the cut is drawn (extremely randomised trees, Geurts et al. 2006) or the best one."""

SHRINKAGES = (1.0, 5.0, 20.0, 80.0)

DOUBT_OF_SLOPE = 0.5
"""SD a priori of the slope about 1, and of the level about 0 (in SD of the outcome for a number)."""


@dataclass(frozen=True, slots=True)
class Forest:
    name: str = "forest"
    words: str = "a forest of trees"
    simple: bool = False

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        found: list[tuple[dict[str, Any], Floats]] = []
        for growth in GROWTHS:
            if found and budget.spent():
                break
            held_out = np.zeros((len(SHRINKAGES), len(design.y)))
            for fold in np.unique(folds):
                rest, own = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
                trees = _grown(design.take(rest), growth, seed)
                for row, shrinkage in zip(held_out, SHRINKAGES, strict=True):
                    row[own] = trees.foreseen(design.x[own], trees.values(shrinkage))
            for shrinkage, said in zip(SHRINKAGES, held_out, strict=True):
                calibrated = _calibrated_apart(design, said, folds)
                level, slope = _calibration(design.y, said, design.weight, design.loss)
                settings = {**growth, "shrinkage": shrinkage, "level": level, "slope": slope}
                found.append((settings, calibrated))
        best, held_out = chosen_apart(design, np.stack([said for _, said in found]), folds)
        return Tuned(found[best][0], held_out)

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> TreeSum:
        trees, slope = _grown(design, settings, seed), float(settings["slope"])
        text = trees.written(slope * trees.values(settings["shrinkage"]))
        complexity = 1.0 + slope * (trees.complexity(settings["shrinkage"]) - 1.0)
        return TreeSum(text, float(settings["level"]), complexity)

    def restore(self, data: Mapping[str, Any]) -> TreeSum:
        return TreeSum.from_json(data)


def _grown(design: Design, growth: Mapping[str, Any], seed: int) -> ShrunkenTrees:
    counted = np.flatnonzero(design.weight > 0)
    x, y, weight = wide(design.x[counted]), design.y[counted], design.weight[counted]
    drawn = min(DRAWN, LARGEST / len(y))
    parameters = {
        **QUIET,
        "objective": "regression",
        "boosting": "rf",
        "bagging_fraction": drawn,
        "bagging_freq": 1,
        "feature_fraction_bynode": growth["share"],
        "extra_trees": growth["random"],
        "min_child_samples": growth["leaf"],
        "num_leaves": int(np.clip(drawn * len(y) / growth["leaf"], 2, MOST_LEAVES)),
        "min_sum_hessian_in_leaf": 0.0,
        "max_bin": 63,
        "min_data_in_bin": 1,
        "seed": seed % 2**31,
    }
    booster = lgb.train(
        parameters, lgb.Dataset(x, y, weight=weight, params=parameters), num_boost_round=TREES
    )
    return ShrunkenTrees.of(booster, x, y, weight, design.loss)


def _calibration(y: Floats, said: Floats, weight: Floats, loss: Loss) -> tuple[float, float]:
    """Level a and slope b ≥ 0 of a + b·said that suit people held out (Cox 1958), drawn towards 0 and 1."""
    about = float(np.average(said, weights=weight))
    columns = np.column_stack([np.ones(len(y)), said - about])
    scale = 1.0 if loss == "binary" else max(float(np.average((y - said) ** 2, weights=weight)), 1e-12)
    spread = 1.0 if loss == "binary" else max(float(np.average((y - about) ** 2, weights=weight)), 1e-12)
    prior = np.array([scale / spread, scale]) / DOUBT_OF_SLOPE**2
    centre = np.array([about, 1.0])
    found = centre
    for _ in range(25):
        linear = columns @ found
        mean = on_scale(linear, loss)
        curvature = weight * (mean * (1.0 - mean) if loss == "binary" else 1.0)
        gradient = columns.T @ (weight * (y - mean)) - prior * (found - centre)
        step = np.linalg.solve((columns * curvature[:, None]).T @ columns + np.diag(prior), gradient)
        found = found + step
        if np.abs(step).max() < 1e-10:
            break
    slope = max(float(found[1]), 0.0)
    return float(found[0]) - slope * about, slope


def _calibrated_apart(design: Design, said: Floats, folds: Ints) -> Floats:
    """(n,) each person's forecast, level and slope being those of the other folds."""
    calibrated = np.zeros(len(said))
    for fold in np.unique(folds):
        rest, own = folds != fold, folds == fold
        level, slope = _calibration(design.y[rest], said[rest], design.weight[rest], design.loss)
        calibrated[own] = level + slope * said[own]
    return calibrated


CANDIDATE = Forest()
