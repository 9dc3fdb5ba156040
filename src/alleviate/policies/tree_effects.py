"""An exact policy tree as an effect learner: effects differ between leaves, not within."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import EffectData, Floats
from alleviate.policies.trees import Split, Tree, fit_tree, from_dict, leaves, to_dict

__all__ = ["TreeEffect", "TreeModel"]

SMALLEST_LEAF = 0.05
"""Least share of the people in a leaf."""


@dataclass(frozen=True, slots=True)
class TreeModel:
    """``effects`` (leaves, K): each leaf's mean score per arm, minus the mean over arms."""

    tree: Tree
    effects: Floats

    def predict(self, x: Floats) -> Floats:
        found: Floats = self.effects[leaves(self.tree, x)]
        return found

    def to_files(self) -> Mapping[str, bytes]:
        return {
            "effect.json": json.dumps({"tree": to_dict(self.tree), "effects": self.effects.tolist()}).encode()
        }


@dataclass(frozen=True, slots=True)
class TreeEffect:
    """The best tree of ``depth`` 1 or 2 on doubly robust scores (Zhou, Athey & Wager 2023)."""

    depth: int

    @property
    def name(self) -> str:
        return f"tree{self.depth}"

    @property
    def description(self) -> str:
        splits = "one split" if self.depth == 1 else "up to three splits"
        return f"exact policy tree, {splits}"

    @property
    def complexity(self) -> int:
        return 1 + self.depth

    def fit(self, data: EffectData, seed: int) -> TreeModel:
        smallest = max(1, int(SMALLEST_LEAF * len(data.y)))
        tree = fit_tree(data.x, data.scores, depth=self.depth, min_leaf=smallest)
        centred = data.scores - data.scores.mean(axis=1, keepdims=True)
        leaf = leaves(tree, data.x)
        effects = np.array([centred[leaf == i].mean(axis=0) for i in range(_count(tree))])
        return TreeModel(tree, effects)

    def load(self, files: Mapping[str, bytes]) -> TreeModel:
        data = json.loads(files["effect.json"])
        return TreeModel(from_dict(data["tree"]), np.array(data["effects"], dtype=float))


def _count(tree: Tree) -> int:
    return _count(tree.left) + _count(tree.right) if isinstance(tree, Split) else 1
