"""Exact policy trees: of all trees of depth 0, 1 or 2 the one with the largest total score.

For scores Γ (n, K), larger is better, `fit_tree` finds the tree π that maximises Σᵢ wᵢ·Γᵢ,π(xᵢ) over all
axis-aligned trees with tests "x_j <= c" on given cut points (Zhou, Athey & Wager 2023, *Offline multi-action
policy learning*; their R package is policytree). No greedy step: at depth 2 every pair of root and children
is judged.

How: people are counted into bins between cut points. For two features, the scores summed in the cells of
their joint histogram and accumulated along both axes give the sums in all four quadrants, for every pair of
cuts at once.

Ties: scores are first rounded to a grid on which floating-point sums are exact, whatever their order, and
each split costs a billionth of the absolute total. So a tie is a tie on any machine, and goes to the tree
with fewer splits, then the earlier feature, then the lower cut; among arms to ``prefer``, then to the lowest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alleviate.terms.errors import DataError, InputError

__all__ = [
    "DEPTHS", "TOLERANCE", "Leaf", "Split", "Tree",
    "assign", "cut_points", "fit_tree", "from_dict", "leaves", "to_dict", "total",
]  # fmt: skip

DEPTHS = (0, 1, 2)
"""Depths that `fit_tree` can search."""

TOLERANCE = 1e-9
"""A split must add more than this share of Σᵢ wᵢ·maxₖ|Γᵢₖ|."""

_GRID_BITS = 50  # four sums of this size still add up exactly within the 53 bits of a float64

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Everybody who comes here gets arm ``arm`` (its index in the columns of the scores)."""

    arm: int

    def __post_init__(self) -> None:
        if self.arm < 0:
            raise DataError(f"A leaf's arm must be 0 or more, got {self.arm}.", hint="Give the arm's index.")


@dataclass(frozen=True, slots=True)
class Split:
    """Those with ``x[feature] <= cut`` go to ``left``, the others to ``right``."""

    feature: int
    cut: float
    left: "Tree"
    right: "Tree"

    def __post_init__(self) -> None:
        if self.feature < 0 or not isfinite(self.cut):
            raise DataError(
                f"A split needs a feature of 0 or more and a finite cut, got {self.feature} and {self.cut}.",
                hint="Give the feature's column and the cut in its units.",
            )


Tree: TypeAlias = Leaf | Split


def fit_tree(
    X: ArrayLike,
    scores: ArrayLike,
    *,
    depth: int,
    cuts: int = 32,
    min_leaf: int = 1,
    weights: ArrayLike | None = None,
    prefer: int | None = None,
) -> Tree:
    """The tree of at most ``depth`` (0, 1, 2) that maximises Σᵢ wᵢ·Γᵢ,π(xᵢ).

    ``X`` (n, p) and ``scores`` (n, K): finite, n ≥ 1, K ≥ 1. ``cuts``: at most so many cut points a feature,
    see `cut_points`. ``min_leaf``: people in each leaf of a split. ``weights`` (n,): ≥ 0; a person of weight
    0 is as good as absent. ``prefer``: the arm that wins ties. Time O(n·p²·K), memory O(n·(p + K)). Raises
    InputError.
    """
    features, gains = _matrix("X", X), _matrix("scores", scores)
    _check(features, gains, depth=depth, cuts=cuts, min_leaf=min_leaf, prefer=prefer)
    features, gains = _weighted(features, gains, weights)
    points = [cut_points(column, cuts) for column in features.T]
    used = [j for j, cut in enumerate(points) if cut.size]
    gains, cost = _on_grid(gains)
    search = _Search(
        columns=used,
        points=[points[j] for j in used],
        codes=[np.searchsorted(points[j], features[:, j]) for j in used],
        gains=np.ascontiguousarray(gains.T),
        cost=cost,
        min_leaf=min_leaf,
        prefer=prefer,
    )
    return search.grow(np.arange(len(features)), depth)


def cut_points(column: Floats, cuts: int) -> Floats:
    """At most ``cuts`` ascending cut points c with ``a <= c < b`` for neighbouring distinct values a, b.

    They lie half-way. Where there are more than ``cuts`` gaps, those are taken at which the share of people
    at or below first reaches i / (cuts + 1): this depends on ranks only. A constant column has none.
    """
    values, counts = np.unique(column, return_counts=True)
    below, above = values[:-1], values[1:]
    if below.size > cuts:
        wanted = column.size * np.arange(1, cuts + 1) / (cuts + 1)
        gaps = np.unique(np.minimum(np.searchsorted(np.cumsum(counts), wanted), below.size - 1))
        below, above = below[gaps], above[gaps]
    middle = below / 2 + above / 2  # not (a + b) / 2, which may overflow
    return np.where((below <= middle) & (middle < above), middle, below)  # rounding must not leave the gap


def leaves(tree: Tree, X: ArrayLike) -> Ints:
    """Which leaf each row of ``X`` (n, p) falls into: (n,), numbered from 0, left to right."""
    features = _matrix("X", X)
    out = np.zeros(len(features), dtype=np.intp)
    _descend(tree, features, np.arange(len(features)), out, 0)
    return out


def assign(tree: Tree, X: ArrayLike) -> Ints:
    """The arm for each row of ``X`` (n, p): (n,)."""
    return np.array(_arms(tree), dtype=np.intp)[leaves(tree, X)]


def total(tree: Tree, X: ArrayLike, scores: ArrayLike) -> float:
    """Σᵢ Γᵢ,π(xᵢ): the total score of ``X`` (n, p) under the tree."""
    return float(np.take_along_axis(_matrix("scores", scores), assign(tree, X)[:, None], axis=1).sum())


def to_dict(tree: Tree) -> dict[str, Any]:
    """The tree as plain values, ready for JSON: ``{"arm"}`` or ``{"feature", "cut", "left", "right"}``."""
    if isinstance(tree, Leaf):
        return {"arm": tree.arm}
    return {
        "feature": tree.feature,
        "cut": tree.cut,
        "left": to_dict(tree.left),
        "right": to_dict(tree.right),
    }


def from_dict(data: Mapping[str, Any]) -> Tree:
    """The inverse of `to_dict`. Raises DataError."""
    try:
        if set(data) == {"arm"}:
            return Leaf(int(data["arm"]))
        if set(data) == {"feature", "cut", "left", "right"}:
            left, right = from_dict(data["left"]), from_dict(data["right"])
            return Split(int(data["feature"]), float(data["cut"]), left, right)
    except (TypeError, ValueError) as error:
        raise DataError(f"A tree is malformed: {error}.", hint="Write trees with to_dict.") from None
    raise DataError(
        f'A tree\'s node must have "arm", or "feature", "cut", "left" and "right"; got {list(data)}.',
        hint="Write trees with to_dict.",
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """The people and what they gain, ready to be split. Only features that have cuts are in here.

    ``codes[j][i]`` counts the cuts of feature j below person i's value, so that ``x <= points[j][b]`` is
    ``code <= b``. ``gains`` (K, n) lie on the grid; ``cost`` is the price of a split, on the same grid.
    """

    columns: list[int]
    points: list[Floats]
    codes: list[Ints]
    gains: Floats
    cost: float
    min_leaf: int
    prefer: int | None

    def grow(self, people: Ints, depth: int) -> Tree:
        """The best tree for these people."""
        sums = self.gains[:, people].sum(axis=1)
        arm = int(sums.argmax())
        if self.prefer is not None and sums[self.prefer] == sums[arm]:
            arm = self.prefer
        if depth == 0 or not self.columns:
            return Leaf(arm)
        codes = [column[people] for column in self.codes]
        worth = self._splits(codes, self.gains[:, people], depth)
        bests = [values.max() for values in worth]
        feature = int(np.argmax(bests))
        if bests[feature] <= sums[arm]:
            return Leaf(arm)
        cut = int(worth[feature].argmax())
        goes_left = codes[feature] <= cut
        return Split(
            self.columns[feature],
            float(self.points[feature][cut]),
            self.grow(people[goes_left], depth - 1),
            self.grow(people[~goes_left], depth - 1),
        )

    def _splits(self, codes: list[Ints], gains: Floats, depth: int) -> list[Floats]:
        """Per feature, the worth of a split at each cut, with the best trees of depth - 1 below it."""
        sides = [
            self._sides(code, gains, points.size) for code, points in zip(codes, self.points, strict=True)
        ]
        if depth == 2:
            self._improve(sides, codes, gains)
        return [below + above - self.cost for below, above in sides]

    def _sides(self, code: Ints, gains: Floats, cuts: int) -> tuple[Floats, Floats]:
        """The worth of one leaf below, and of one above, each cut."""
        sums = _histogram(code, gains, cuts + 1).cumsum(axis=1)
        return self._leaf(sums[:, :-1]), self._leaf(sums[:, -1:] - sums[:, :-1])

    def _improve(self, sides: list[tuple[Floats, Floats]], codes: list[Ints], gains: Floats) -> None:
        """Raise the worth of each side of each root cut to that of its best child split, in place."""
        for j, code in enumerate(codes):
            for k in range(j, len(codes)):
                rows, columns = self.points[j].size + 1, self.points[k].size + 1
                cells = _histogram(code * columns + codes[k], gains, rows * columns)
                sums = cells.reshape(-1, rows, columns).cumsum(axis=1).cumsum(axis=2)
                corner, by_j, by_k = sums[:, :-1, :-1], sums[:, :-1, -1:], sums[:, -1:, :-1]
                below_below, below_above = self._leaf(corner), self._leaf(by_j - corner)
                above_below = self._leaf(by_k - corner)
                above_above = self._leaf(sums[:, -1:, -1:] - by_j - by_k + corner)
                for root, axis, mixed_below, mixed_above in (
                    (j, 1, below_above, above_below),
                    (k, 0, above_below, below_above),
                ):
                    below, above = sides[root]
                    np.maximum(below, (below_below + mixed_below).max(axis=axis) - self.cost, out=below)
                    np.maximum(above, (mixed_above + above_above).max(axis=axis) - self.cost, out=above)

    def _leaf(self, sums: Floats) -> Floats:
        """The worth of a leaf from sums per arm, the last row being the number of people."""
        return np.where(sums[-1] >= self.min_leaf, sums[:-1].max(axis=0), -np.inf)


def _histogram(codes: Ints, gains: Floats, bins: int) -> Floats:
    """Gains per arm, and in the last row people, summed in each bin: (K + 1, bins)."""
    sums = [np.bincount(codes, weights=gain, minlength=bins) for gain in gains]
    return np.stack([*sums, np.bincount(codes, minlength=bins).astype(np.float64)])


def _on_grid(gains: Floats) -> tuple[Floats, float]:
    """Gains as whole numbers whose sums over people are exact, and the price of a split in that unit."""
    gains = np.ldexp(gains, -int(np.frexp(np.abs(gains).max())[1]))  # into [-1, 1]: the total cannot overflow
    size = np.abs(gains).max(axis=1).sum()
    shift = _GRID_BITS - int(np.frexp(size)[1])
    return np.rint(np.ldexp(gains, shift)), float(np.rint(np.ldexp(size, shift) * TOLERANCE))


def _descend(tree: Tree, features: Floats, rows: Ints, out: Ints, first: int) -> int:
    """Number the leaves below ``tree`` from ``first``, each row's goes into ``out``; the next number."""
    if isinstance(tree, Leaf):
        out[rows] = first
        return first + 1
    if tree.feature >= features.shape[1]:
        raise InputError(
            f"The tree asks for feature {tree.feature}, X has {features.shape[1]} columns.",
            hint="Give the columns that the tree was fitted on, in the same order.",
        )
    goes_left = features[rows, tree.feature] <= tree.cut
    first = _descend(tree.left, features, rows[goes_left], out, first)
    return _descend(tree.right, features, rows[~goes_left], out, first)


def _arms(tree: Tree) -> list[int]:
    return [tree.arm] if isinstance(tree, Leaf) else _arms(tree.left) + _arms(tree.right)


def _matrix(name: str, values: ArrayLike) -> Floats:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2:
        raise InputError(f"{name} must have two dimensions, got {matrix.ndim}.", hint="One row a person.")
    if not np.isfinite(matrix).all():
        raise InputError(f"{name} must be finite, got missing or infinite values.", hint="Impute them first.")
    return matrix


def _check(
    features: Floats, gains: Floats, *, depth: int, cuts: int, min_leaf: int, prefer: int | None
) -> None:
    people, arms = gains.shape
    if not (people and arms and len(features) == people):
        raise InputError(
            f"X and scores must have the same rows (1 or more), got {features.shape} and {gains.shape}.",
            hint="One row a person, one column of scores an arm.",
        )
    if depth not in DEPTHS:
        raise InputError(f"depth must be 0, 1 or 2, got {depth}.", hint="Deeper exact trees take too long.")
    if cuts < 1 or min_leaf < 1:
        raise InputError(
            f"cuts and min_leaf must be 1 or more, got {cuts} and {min_leaf}.", hint="Try 32, 1."
        )
    if prefer is not None and not 0 <= prefer < arms:
        raise InputError(
            f"prefer must be an arm from 0 to {arms - 1}, got {prefer}.", hint="Give its column."
        )


def _weighted(features: Floats, gains: Floats, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    """People of positive weight, and what each gains times the weight."""
    if weights is None:
        return features, gains
    weight = np.asarray(weights, dtype=np.float64)
    if weight.shape != (len(gains),) or not (np.isfinite(weight) & (weight >= 0)).all() or not weight.any():
        raise InputError(
            f"weights must be {len(gains)} finite numbers of 0 or more, one of them above 0.",
            hint="Give one weight a row.",
        )
    kept = weight > 0
    # Only the ratios matter: with the largest weight 1, no product can overflow.
    return features[kept], gains[kept] * (weight[kept] / weight.max())[:, None]
