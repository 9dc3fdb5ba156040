"""Where to cut off scores so that a given share of people lies below, overall and in each large group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linprog

from alleviate.models.ridge import effective
from alleviate.models.trial import Bools, Floats

__all__ = ["LARGE", "Cutoffs", "Groups", "fit_cutoffs", "members"]

LARGE = 200
"""People in a group, at least, for a cutoff of its own; where people have weights, their effective number."""

SLACK = 0.5
"""A group's cutoff moves only until its share is within this many standard errors of what was asked."""

MOST = 5_000
"""People told apart when groups' cutoffs are found; of more, neighbours are merged: it takes seconds."""

Groups = Mapping[str, NDArray[Any] | pl.Series]
"""By column: (n,) which group a person belongs to; ``None`` or NaN where nobody knows."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """``common`` for everybody (infinite where too few people tell), and what a person's groups add to it."""

    common: float
    added: Mapping[str, Mapping[str, float]]

    def of(self, n: int, groups: Groups | None = None) -> Floats:
        """(n,) each person's cutoff; a group or column never seen adds nothing."""
        result = np.full(n, self.common)
        for column, added in self.added.items():
            if groups is None or column not in groups:
                continue
            for value, here in members(groups[column]).items():
                result[here] += added.get(value, 0.0)
        return result

    def to_json(self) -> dict[str, Any]:
        common = self.common if np.isfinite(self.common) else None
        return {"common": common, "added": {column: dict(added) for column, added in self.added.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cutoffs":
        common = data["common"]
        return cls(float("inf") if common is None else float(common), data["added"])


def members(labels: NDArray[Any] | pl.Series) -> dict[str, Bools]:
    """Group → (n,) who is in it, by the groups' names; nobody whose group is not known."""
    names = pl.Series(values=labels, strict=False, nan_to_null=True)
    if names.dtype.is_float() and (names == names.round()).all():
        names = names.cast(pl.Int64)
    names = names.cast(pl.String)
    return {name: (names == name).fill_null(False).to_numpy() for name in names.unique().drop_nulls().sort()}


def fit_cutoffs(score: Floats, weight: Floats, level: float, groups: Groups | None = None) -> Cutoffs:
    """Cutoffs below which a new person's score lies with probability ``level``, from people's (n,) scores.

    The common one is the conformal quantile: ``level`` (1 + 1/n) of the people, by ``weight`` (n,) ≥ 0 and
    with n their effective number (Vovk et al. 2005; Tibshirani et al. 2019). The large groups' additions are
    a quantile regression on membership (Gibbs, Cherian & Candès 2025), held back by a penalty: none is added
    where the group's own share is already within ``SLACK`` standard errors of ``level``, so that chance does
    not move it.
    """
    weight = effective(weight)
    n = float(weight.sum())
    asked = level * (1.0 + 1.0 / n) if n > 0 else 1.0
    if asked >= 1.0:
        return Cutoffs(float("inf"), {})
    order = np.argsort(score, kind="stable")
    reached = np.cumsum(weight[order]) >= asked * n * (1.0 - 1e-12)
    common = float(score[order][np.argmax(reached)])
    large = [
        (column, name, here)
        for column, labels in (groups or {}).items()
        for name, here in members(labels).items()
        if effective(weight[here]).sum() >= LARGE
    ]
    if not large:
        return Cutoffs(common, {})
    membership = np.array([here for _, _, here in large], dtype=float)
    slack = SLACK * np.sqrt(level * (1.0 - level) * (membership @ weight**2))
    additions = _additions(score - common, weight, membership, slack, asked)
    added: dict[str, dict[str, float]] = {}
    for (column, name, _), addition in zip(large, additions, strict=True):
        added.setdefault(column, {})[name] = float(addition)
    return Cutoffs(common, added)


def _additions(score: Floats, weight: Floats, membership: Floats, slack: Floats, level: float) -> Floats:
    """(G,) b that minimises Σ w ρ(score - b'membership) + slack'|b|, ρ the check loss, by its dual.

    The dual: the largest Σ d·score with -w (1 - level) ≤ d ≤ w level, |Σ_group d| ≤ slack; b are its prices.
    """
    score, weight, membership = _merged(score, weight, membership)
    solved = linprog(
        -score,
        A_ub=np.vstack([membership, -membership]),
        b_ub=np.concatenate([slack, slack]),
        bounds=np.column_stack([-weight * (1.0 - level), weight * level]),
        method="highs-ipm",
    )
    prices = solved.ineqlin.marginals
    additions: Floats = prices[len(slack) :] - prices[: len(slack)]
    return np.round(additions, 12) + 0.0


def _merged(score: Floats, weight: Floats, membership: Floats) -> tuple[Floats, Floats, Floats]:
    """About ``MOST`` people: neighbours in score, of the same groups, become one with their mean score."""
    together = len(score) // MOST
    if together < 2:
        return score, weight, membership
    _, pattern = np.unique(membership, axis=1, return_inverse=True)
    order = np.lexsort((score, pattern.ravel()))
    new = np.diff(pattern.ravel()[order], prepend=-1) != 0
    start = np.flatnonzero(new)
    rank = np.arange(len(order)) - np.repeat(start, np.diff(start, append=len(order)))
    first = np.flatnonzero(rank % together == 0)
    mass = np.add.reduceat(weight[order], first)
    mean = np.add.reduceat((weight * score)[order], first) / np.maximum(mass, 1e-300)
    return mean, mass, membership[:, order[first]]
