"""A forest's trees as tables, their leaves shrunk towards the nodes above them.

A leaf of few people says what chance says. Hierarchical shrinkage (Agarwal et al., ICML 2022) lets it say the
root's mean plus, step by step down the path, the difference between child and parent over 1 + λ/N(parent).
Each split is one contrast of people, kept to that share: so the trace of what a tree does to outcomes, its
effective parameters, is 1 + Σ over splits of 1/(1 + λ/N).
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from alleviate.models.prognosis.people import Loss
from alleviate.models.prognosis.tree_sum import parts_of, plain_text, wide
from alleviate.models.trial import Floats, Ints

__all__ = ["ShrunkenTrees"]

NOBODY = -(10**9)
"""Stands for a child where a tree has no such node."""

ROWS = 16_384
"""People walked down the trees at a time: bounds the memory."""


@dataclass(frozen=True, slots=True)
class ShrunkenTrees:
    """T trees of at most m splits. ``children`` (T, m, 2): a split ≥ 0, ~leaf < 0, or ``NOBODY``; parents
    stand before their children. ``split``, ``leaf`` (T, m, 2), (T, m + 1, 2): Σ weight·y and Σ weight of all
    the people learned from who pass or end there."""

    booster: lgb.Booster
    loss: Loss
    children: Ints
    split: Floats
    leaf: Floats

    @classmethod
    def of(cls, booster: lgb.Booster, x: Floats, y: Floats, weight: Floats, loss: Loss) -> "ShrunkenTrees":
        """Trees grown by LightGBM on part of the people each, filled by all people; weights > 0."""
        children = _children(booster)
        trees, leaves = len(children), children.shape[1] + 1
        filled = np.zeros((trees * leaves, 2))
        for first in range(0, len(x), ROWS):
            part = slice(first, first + ROWS)
            reached = (_reached(booster, x[part]) + np.arange(trees) * leaves).ravel()
            for column, amount in enumerate((weight[part] * y[part], weight[part])):
                filled[:, column] += np.bincount(reached, np.repeat(amount, trees), len(filled))
        leaf = filled.reshape(trees, leaves, 2)
        split = np.zeros((trees, leaves - 1, 2))
        for node in range(leaves - 2, -1, -1):
            for child in (children[:, node, 0], children[:, node, 1]):
                ends, goes = np.flatnonzero((child < 0) & (child > NOBODY)), np.flatnonzero(child >= 0)
                split[ends, node] += leaf[ends, ~child[ends]]
                split[goes, node] += split[goes, child[goes]]
        return cls(booster, loss, children, split, leaf)

    def values(self, shrinkage: float) -> Floats:
        """(T, m + 1): what each leaf says, a number or log odds; never infinite."""
        said, above = _mean(self.leaf, self.loss), _mean(self.split, self.loss)
        if self.loss == "binary":
            said, above = self._smoothed(said, above)
        shrunk, node = said.copy(), above.copy()
        for i in range(self.split.shape[1]):
            kept = 1.0 / (1.0 + shrinkage / np.maximum(self.split[:, i, 1], 1e-12))
            for child in (self.children[:, i, 0], self.children[:, i, 1]):
                ends, goes = np.flatnonzero((child < 0) & (child > NOBODY)), np.flatnonzero(child >= 0)
                at, to = ~child[ends], child[goes]
                shrunk[ends, at] = node[ends, i] + kept[ends] * (said[ends, at] - above[ends, i])
                node[goes, to] = node[goes, i] + kept[goes] * (above[goes, to] - above[goes, i])
        if self.loss == "numeric":
            return shrunk
        risk = np.clip(shrunk, 1e-12, 1.0 - 1e-12)  # reached only where a tree has no such leaf
        return np.asarray(np.log(risk / (1.0 - risk)), dtype=float)

    def _smoothed(self, said: Floats, above: Floats) -> tuple[Floats, Floats]:
        """Half a person on either side of the risk at the root, so that no risk below is 0 or 1."""
        total = self.leaf.sum(axis=1)
        root = (total[:, 0] + 0.5) / (total[:, 1] + 1.0)
        said, above = said.copy(), above.copy()
        if above.shape[1]:
            split = self.children[:, 0, 0] > NOBODY
            above[split, 0] = root[split]
        else:
            split = np.zeros(len(root), dtype=bool)
        said[~split, 0] = root[~split]
        return said, above

    def foreseen(self, x: Floats, values: Floats) -> Floats:
        """(n,) the mean over trees of what the leaf says."""
        trees = np.arange(len(values))
        parts = [
            values[trees, _reached(self.booster, x[i : i + ROWS])].mean(axis=1)
            for i in range(0, len(x), ROWS)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def complexity(self, shrinkage: float) -> float:
        """Effective parameters: the mean over trees (see above)."""
        there = self.children[:, :, 0] > NOBODY
        kept = there / (1.0 + shrinkage / np.maximum(self.split[:, :, 1], 1e-12))
        return 1.0 + float(kept.sum(axis=1).mean())

    def written(self, values: Floats) -> str:
        """LightGBM's text of trees whose sum is the mean over trees of ``values``."""
        head, trees = parts_of(self.booster)
        return plain_text(head, map(_saying, trees, values / len(values)))


def _saying(tree: str, values: Floats) -> str:
    """A tree's text with other values in its leaves."""
    lines = tree.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("leaf_value="))
    leaves = lines[place].count(" ") + 1
    lines[place] = "leaf_value=" + " ".join(map(repr, values[:leaves].tolist()))
    return "\n".join(lines)


def _reached(booster: lgb.Booster, x: Floats) -> Ints:
    """(n, T): the leaf of each tree where a person ends."""
    leaf = np.asarray(booster.predict(wide(x), pred_leaf=True, num_threads=1))
    return leaf.reshape(len(x), -1).astype(np.int64)


def _mean(sums: Floats, loss: Loss) -> Floats:
    mean = sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], 1.0)
    return np.clip(mean, 0.0, 1.0) if loss == "binary" else mean


def _children(booster: lgb.Booster) -> Ints:
    """(T, m, 2) from LightGBM's text, which names splits so that a parent comes before its children."""
    sides: list[list[Ints]] = []
    for tree in parts_of(booster)[1]:
        lines = dict(line.split("=", 1) for line in tree.splitlines() if "=" in line)
        sides.append(
            [np.array(lines.get(f"{side}_child", "").split(), dtype=np.int64) for side in ("left", "right")]
        )
    children = np.full((len(sides), max(len(left) for left, _ in sides), 2), NOBODY, dtype=np.int64)
    for own, pair in zip(children, sides, strict=True):
        for side, child in enumerate(pair):
            own[: len(child), side] = child
    return children
