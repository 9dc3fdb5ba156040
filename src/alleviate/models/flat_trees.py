"""Regression trees as flat arrays: walked by plain NumPy, stored as text.

Grown by scikit-learn, whose own storage is a pickle.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alleviate.models.explanation import Box
from alleviate.models.trial import Floats, Ints

__all__ = ["FlatTrees", "from_text", "to_text"]

Array = NDArray[Any]


def to_text(array: Array) -> dict[str, Any]:
    """An array as JSON: shape, type (little-endian) and base64 of its bytes."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {
        "shape": list(array.shape),
        "type": plain.dtype.str,
        "base64": b64encode(plain.tobytes()).decode("ascii"),
    }


def from_text(data: Mapping[str, Any]) -> Array:
    """The inverse of ``to_text``; numbers only."""
    kind = np.dtype(data["type"])
    if kind.kind not in "fi":
        raise ValueError(f"numbers expected, got the type {kind}")
    return np.frombuffer(b64decode(data["base64"], validate=True), dtype=kind).reshape(data["shape"])


@dataclass(frozen=True, slots=True)
class FlatTrees:
    """Trees whose nodes lie in one row, each tree's from its ``root`` (trees,) on.

    Node i sends people with ``feature[i]`` ≤ ``threshold[i]`` to ``left[i]``, others to ``right[i]``; it is a
    leaf where ``feature[i]`` < 0. ``value`` (nodes, v): what a leaf adds to the prediction. ``people``
    (nodes,): who came there when it was learned. Features are compared as 32-bit floats, as in scikit-learn.
    """

    root: Ints
    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array
    people: Array

    @classmethod
    def of(cls, trees: Sequence[Any], share: float) -> "FlatTrees":
        """Of scikit-learn's fitted trees (their ``tree_``), each adding ``share`` of its leaf's mean."""
        sizes = np.array([tree.node_count for tree in trees], dtype=np.int64)
        root = sizes.cumsum() - sizes

        def moved(name: str) -> Array:
            return np.concatenate(
                [getattr(tree, name) + start for tree, start in zip(trees, root, strict=True)]
            )

        return cls(
            root,
            np.concatenate([tree.feature for tree in trees]).astype(np.int32),
            np.concatenate([tree.threshold for tree in trees]),
            moved("children_left").astype(np.int32),
            moved("children_right").astype(np.int32),
            np.concatenate([tree.value[:, :, 0] for tree in trees]) * share,
            np.concatenate([tree.weighted_n_node_samples for tree in trees]),
        )

    def walk(self, x: Array, tree: int) -> list[Ints]:
        """The nodes (n,) where each row of ``x`` (n, p) stands after 0, 1, ... steps in one tree."""
        at = np.full(len(x), self.root[tree], dtype=np.int64)
        path, moving = [at], np.flatnonzero(self.feature[at] >= 0)
        while len(moving):
            at = at.copy()
            here = at[moving]
            goes_left = x[moving, self.feature[here]] <= self.threshold[here]
            at[moving] = np.where(goes_left, self.left[here], self.right[here])
            path.append(at)
            moving = moving[self.feature[at[moving]] >= 0]
        return path

    def predict(self, x: Floats) -> Floats:
        """(n, p) → (n, v): the leaves' values, summed over trees."""
        single = x.astype(np.float32)
        total = np.zeros((len(x), self.value.shape[1]))
        for tree in range(len(self.root)):
            total += self.value[self.walk(single, tree)[-1]]
        return total

    def boxes(self) -> Iterator[Box]:
        """The leaves of all trees, to explain by."""
        waiting = [(int(root), Box.everybody(np.zeros(0))) for root in self.root]
        while waiting:
            node, box = waiting.pop()
            if self.feature[node] < 0:
                yield replace(box, value=self.value[node])
                continue
            cut = float(self.threshold[node])
            for child, below in ((self.left[node], True), (self.right[node], False)):
                share = float(self.people[child] / self.people[node])
                waiting.append((int(child), box.asked(int(self.feature[node]), cut, below, share)))

    def to_json(self) -> dict[str, Any]:
        return {field.name: to_text(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "FlatTrees":
        return cls(*(from_text(data[field.name]) for field in fields(cls)))
