"""Exact path-dependent TreeSHAP from a tree's leaves, each a box (Lundberg et al. 2020, Nat Mach Int 2:56).

Of a person whose features S are known a tree says the mean over its leaves, each weighted by the chance to
come there: at a question about a known feature by the answer, at any other by the shares of people who went
either way. For a leaf that is Π_{j in S} o_j·Π_{j not in S} z_j, o_j whether the person's feature j lies in
the box and z_j the share who stayed in it. The Shapley value of j is (o_j - z_j)·∫ Π_{i≠j} (t·o_i +
(1-t)·z_i) dt over 0 ≤ t ≤ 1 (Owen 1972, Management Science 18:64): a polynomial, which Gauss-Legendre nodes
integrate exactly.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from alleviate.models.trial import Floats, Ints

__all__ = ["Box", "box_contributions"]


@dataclass(frozen=True, slots=True)
class Box:
    """A leaf: people with ``low`` < x[``feature``] ≤ ``high`` (d,), no feature twice.

    ``share`` (d,): of the people who met the questions about a feature, those who stayed. ``value`` (v,):
    what the leaf says.
    """

    feature: Ints
    low: Floats
    high: Floats
    share: Floats
    value: Floats

    @classmethod
    def everybody(cls, value: Floats) -> "Box":
        nothing = np.zeros(0)
        return cls(np.zeros(0, dtype=np.int64), nothing, nothing, nothing, value)

    def asked(self, feature: int, cut: float, below: bool, share: float) -> "Box":
        """The box below, or above, a question "x[feature] ≤ cut?"; ``share`` of the people here go there."""
        low, high = (-np.inf, cut) if below else (cut, np.inf)
        if feature not in self.feature:
            return Box(
                np.append(self.feature, feature),
                np.append(self.low, low),
                np.append(self.high, high),
                np.append(self.share, share),
                self.value,
            )
        own = self.feature == feature
        return Box(
            self.feature,
            np.where(own, np.maximum(self.low, low), self.low),
            np.where(own, np.minimum(self.high, high), self.high),
            np.where(own, self.share * share, self.share),
            self.value,
        )

    def contributions(self, x: Floats) -> Floats:
        """(n, d): what each of its features adds to being in the box rather than not."""
        column = x[:, self.feature]
        inside = ((column > self.low) & (column <= self.high)).astype(float)
        d = len(self.feature)
        nodes, lengths = np.polynomial.legendre.leggauss((d + 1) // 2 or 1)
        added = np.zeros_like(inside)
        for node, length in zip((nodes + 1) / 2, lengths / 2, strict=True):
            each = node * inside + (1 - node) * self.share
            for j in range(d):
                added[:, j] += length * np.delete(each, j, axis=1).prod(axis=1)
        result: Floats = added * (inside - self.share)
        return result


def box_contributions(boxes: Iterable[Box], x: Floats, weights: Floats) -> Floats:
    """(n, p): what each column adds to ``weights`` (n, v) times what the tree of these boxes says.

    They sum to that less its mean over the people by whom the shares were counted.
    """
    total = np.zeros(x.shape)
    for box in boxes:
        total[:, box.feature] += box.contributions(x) * (weights @ box.value)[:, None]
    return total
