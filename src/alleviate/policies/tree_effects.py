"""An exact policy tree as an effect learner: effects differ between leaves, not within."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from alleviate.models.explanation import Box, Question, box_contributions
from alleviate.models.trial import EffectData, Floats, Ints
from alleviate.policies.trees import Split, Tree, fit_tree, from_dict, leaves, to_dict

__all__ = ["TreeEffect", "TreeModel"]

SMALLEST_LEAF = 0.05
"""Least share of the people in a leaf."""


@dataclass(frozen=True, slots=True)
class TreeModel:
    """``effects`` (leaves, K): its mean score per arm, minus the mean over arms; ``people`` (leaves,)."""

    tree: Tree
    effects: Floats
    people: Ints

    def predict(self, x: Floats) -> Floats:
        found: Floats = self.effects[leaves(self.tree, x)]
        return found

    def contributions(self, question: Question) -> Floats:
        boxes = _boxes(self.tree, list(self.people), Box.everybody(np.zeros(0)))
        told = (replace(box, value=own) for box, own in zip(boxes, self.effects, strict=True))
        return box_contributions(told, question.x, question.weights)

    def to_files(self) -> Mapping[str, bytes]:
        data = {
            "tree": to_dict(self.tree),
            "effects": self.effects.tolist(),
            "people": self.people.tolist(),
        }
        return {"effect.json": json.dumps(data).encode()}


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
        return TreeModel(tree, effects, np.bincount(leaf, minlength=_count(tree)))

    def load(self, files: Mapping[str, bytes]) -> TreeModel:
        data = json.loads(files["effect.json"])
        people = np.array(data["people"], dtype=np.int64)
        return TreeModel(from_dict(data["tree"]), np.array(data["effects"], dtype=float), people)


def _count(tree: Tree) -> int:
    return _count(tree.left) + _count(tree.right) if isinstance(tree, Split) else 1


def _boxes(tree: Tree, people: Sequence[int], box: Box) -> list[Box]:
    """The leaves from left to right; ``people`` in each."""
    if not isinstance(tree, Split):
        return [box]
    left = _count(tree.left)
    share = sum(people[:left]) / sum(people)
    return [
        *_boxes(tree.left, people[:left], box.asked(tree.feature, tree.cut, True, share)),
        *_boxes(tree.right, people[left:], box.asked(tree.feature, tree.cut, False, 1.0 - share)),
    ]
