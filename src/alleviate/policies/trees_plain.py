"""The slow, plain twin of `alleviate.policies.trees.fit_tree`: tries every tree, adds in exact fractions."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from alleviate.policies.trees import TOLERANCE, Leaf, Split, Tree, cut_points

__all__ = ["fit_tree_slow"]


def fit_tree_slow(
    X: Sequence[Sequence[float]],
    scores: Sequence[Sequence[float]],
    *,
    depth: int,
    cuts: int = 32,
    min_leaf: int = 1,
    weights: Sequence[float] | None = None,
    prefer: int | None = None,
) -> Tree:
    """What `fit_tree` says, at any depth, in time of order n·(p·cuts)^depth: for tests."""
    weight = [1.0] * len(X) if weights is None else weights
    people = [
        ([float(x) for x in row], [Fraction(float(w)) * Fraction(float(s)) for s in score])
        for row, score, w in zip(X, scores, weight, strict=True)
        if w > 0
    ]
    cost = Fraction(TOLERANCE) * sum(max(map(abs, gains)) for _, gains in people)
    columns = zip(*(row for row, _ in people), strict=True)
    tests = [(j, c) for j, column in enumerate(columns) for c in cut_points(np.array(column), cuts).tolist()]
    arms = sorted(range(len(scores[0])), key=lambda arm: arm != prefer)

    def best(people: list[tuple[list[float], list[Fraction]]], depth: int) -> tuple[Fraction, Tree]:
        sums = [sum((gains[arm] for _, gains in people), Fraction()) for arm in range(len(arms))]
        arm = max(arms, key=lambda arm: sums[arm])
        found: tuple[Fraction, Tree] = sums[arm], Leaf(arm)
        for feature, cut in tests if depth else []:
            left = [person for person in people if person[0][feature] <= cut]
            right = [person for person in people if person[0][feature] > cut]
            if min(len(left), len(right)) >= min_leaf:
                (worth_left, tree_left), (worth_right, tree_right) = (
                    best(left, depth - 1),
                    best(right, depth - 1),
                )
                worth = worth_left + worth_right - cost
                if worth > found[0]:
                    found = worth, Split(feature, cut, tree_left, tree_right)
        return found

    return best(people, depth)[1]
