"""Honest forest: trees grown on doubly robust scores of one half of a subsample, filled by its other half.

A tree splits where an arm's score differs most from the others' mean, each arm in turn (Wager & Athey 2018).
In its leaves stand the other half's means of treatment and residual and their products; averaged over trees
they make an R-learner weighted by who is near (Athey, Tibshirani & Wager 2019; Athey & Wager 2021). LightGBM
grows and walks the trees: from histograms, several times faster than from sorted values.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from alleviate.models.explanation import Question
from alleviate.models.flat_trees import from_text, to_text
from alleviate.models.trial import EffectData, Floats, Ints, contrasts

__all__ = ["LEARNER", "ForestModel", "HonestForest"]

TREES = 100
SUBSAMPLE = 0.8
LARGEST = 16_000
"""People drawn for a tree: this share, at most so many. Half of them grow it."""

LEAF = 10
"""Least people of the growing half in a leaf."""

FLOOR = 1e-3
"""Least variance of treatment near a person, as a share of that of all: keeps the local fit solvable."""

ROWS = 8192
"""People predicted at a time: bounds the memory."""

GROWING = {
    "objective": "regression",
    "learning_rate": 1.0,
    "min_child_samples": LEAF,
    "min_sum_hessian_in_leaf": 0.0,
    "max_bin": 31,
    "min_data_in_bin": 1,
    "feature_pre_filter": False,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def _wide(x: Floats) -> Floats:
    """At least one column, a constant: LightGBM fails on none."""
    return x if x.shape[1] else np.zeros((len(x), 1))


@dataclass(frozen=True, slots=True)
class ForestModel:
    """``means`` (leaves of all trees, m), tree t's from ``start[t]`` on: of the honest people in a leaf.

    m = q² + 2q + 2: treatment × treatment, treatment × residual, treatment, residual, and 1 where anybody
    fell; q contrasts of the arms. ``floor``: added to the variance of treatment.
    """

    trees: lgb.Booster
    start: Ints
    means: Floats
    floor: float
    arms: int

    def predict(self, x: Floats) -> Floats:
        q, x = self.arms - 1, _wide(x)
        effects = np.empty((len(x), self.arms))
        for first in range(0, len(x), ROWS):
            rows = slice(first, first + ROWS)
            leaf = self.trees.predict(x[rows], pred_leaf=True, num_threads=1)
            total = np.zeros((len(leaf), self.means.shape[1]))
            for start, reached in zip(self.start, np.asarray(leaf, dtype=np.int64).T, strict=True):
                total += self.means[start + reached]
            near = total / np.maximum(total[:, -1:], 1e-12)
            square, product, treated, residual, _ = np.split(near, np.cumsum([q * q, q, q, 1]), axis=1)
            variance = square.reshape(-1, q, q) - treated[:, :, None] * treated[:, None, :]
            covariance = product - treated * residual
            own = np.linalg.solve(variance + self.floor * np.eye(q), covariance[:, :, None])
            effects[rows] = own[:, :, 0] @ contrasts(self.arms).T
        return effects

    def contributions(self, question: Question) -> Floats:
        return question.linear

    def to_files(self) -> Mapping[str, bytes]:
        data = {
            "start": self.start.tolist(),
            "means": to_text(self.means),
            "floor": self.floor,
            "arms": self.arms,
        }
        return {
            "effect.json": json.dumps(data).encode(),
            "effect-trees.txt": self.trees.model_to_string().encode(),
        }


@dataclass(frozen=True, slots=True)
class HonestForest:
    name: str = "forest"
    description: str = "effects by an honest forest on doubly robust scores"
    complexity: int = 6

    def fit(self, data: EffectData, seed: int) -> ForestModel:
        rng = np.random.default_rng(seed)
        n, x = len(data.y), _wide(data.x)
        targets = data.scores - data.scores.mean(axis=1, keepdims=True)
        moments = _moments(data)
        half = max(1, int(min(SUBSAMPLE * n, LARGEST)) // 2)
        leaves = max(2, half // LEAF)
        parameters = {**GROWING, "num_leaves": leaves}
        table = lgb.Dataset(x, np.zeros(n), params=GROWING, free_raw_data=False).construct()
        texts, means = [], []
        for number in range(TREES):
            drawn = rng.permutation(n)[: 2 * half]
            grow, fill = np.sort(drawn[:half]), drawn[half:]
            part = table.subset(grow.tolist()).construct()
            part.set_label(targets[grow, number % data.arms])
            tree = lgb.Booster(parameters, part)
            tree.update()
            leaf = np.asarray(tree.predict(x[fill], pred_leaf=True, num_threads=1)).ravel().astype(np.int64)
            means.append(_filled(leaf, moments[fill], leaves))
            texts.append(tree.model_to_string())
        sizes = np.array([len(mean) for mean in means], dtype=np.int64)
        floor = FLOOR * float(
            np.trace(moments[:, : (data.arms - 1) ** 2].mean(axis=0).reshape(data.arms - 1, -1))
        )
        trees = lgb.Booster(model_str=_joined(texts))
        return ForestModel(trees, sizes.cumsum() - sizes, np.concatenate(means), floor, data.arms)

    def load(self, files: Mapping[str, bytes]) -> ForestModel:
        data = json.loads(files["effect.json"])
        return ForestModel(
            lgb.Booster(model_str=files["effect-trees.txt"].decode()),
            np.array(data["start"], dtype=np.int64),
            np.asarray(from_text(data["means"]), dtype=float),
            float(data["floor"]),
            int(data["arms"]),
        )


def _moments(data: EffectData) -> Floats:
    """(n, q² + 2q + 2) weighted: what a leaf averages, and the weight itself."""
    treated = (np.eye(data.arms)[data.arm] - data.probability) @ contrasts(data.arms)
    residual = data.residual[:, None]
    square = (treated[:, :, None] * treated[:, None, :]).reshape(len(treated), -1)
    each = np.column_stack([square, treated * residual, treated, residual, np.ones(len(treated))])
    return each * data.weight[:, None]


def _filled(leaf: Ints, moments: Floats, most: int) -> Floats:
    """Mean of ``moments`` in each of ``most`` leaves; 0 where nobody with a weight fell."""
    total = np.column_stack([np.bincount(leaf, column, minlength=most) for column in moments.T])
    weight = total[:, -1:]
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), 0.0)


def _joined(texts: Sequence[str]) -> str:
    """One LightGBM model of the first trees of many: the sizes of the trees, which may be left out, are."""
    head, _ = texts[0].split("tree_sizes=")
    own = [text.split("Tree=0\n")[1].split("end of trees")[0] for text in texts]
    tail = texts[0].split("end of trees")[1]
    return head + "\n" + "".join(f"Tree={i}\n{text}" for i, text in enumerate(own)) + "end of trees" + tail


LEARNER = HonestForest()
