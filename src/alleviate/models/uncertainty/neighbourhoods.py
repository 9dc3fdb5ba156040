"""Comparable people, told from group averages: no single person of the study can be read out of a package.

People are grouped by k-means on standardised features into groups of at least ``SMALLEST``; kept are each
group's average, its people per arm, and how far from the average its people lie.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from alleviate.models.trial import Floats, Ints

__all__ = ["Known", "Neighbourhoods", "fit_neighbourhoods"]

SMALLEST = 20
"""People in a group, at least."""

TYPICAL = 60
"""People in a group, about."""

LARGEST_NUMBER = 30
"""Groups, at most."""

MARGIN = 1.25
"""A person is too unlike the study beyond this many times the distance that 99 % of the group keep."""


LEAST_REACH = 1.0
"""SDs that any group reaches, however alike its people: with categories alone they may be the same."""

Known = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """``centres`` (g, p) standardised averages, ``counts`` (g, K), ``reach`` (g,) credible distance."""

    centre: Floats
    scale: Floats
    centres: Floats
    counts: Ints
    reach: Floats

    def nearest(self, x: Floats, known: Known) -> tuple[Ints, Floats]:
        """For (n, p) people: the nearest group (n,), and the distance to it as a share of its reach (n,).

        ``known`` (n, p): the entries that count; a value that is missing is unlike nobody's.
        """
        z = np.where(known, (x - self.centre) / self.scale, 0.0)
        squares = (z**2).sum(axis=1)[:, None] - 2 * z @ self.centres.T + known @ (self.centres**2).T
        group = squares.argmin(axis=1)
        distance = np.sqrt(np.maximum(squares[np.arange(len(x)), group], 0.0))
        return group, distance / self.reach[group]

    def to_json(self) -> dict[str, Any]:
        return {
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "centres": self.centres.tolist(),
            "counts": self.counts.tolist(),
            "reach": self.reach.tolist(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Neighbourhoods":
        centre = np.array(data["centre"], dtype=float)
        return cls(
            centre,
            np.array(data["scale"], dtype=float),
            np.array(data["centres"], dtype=float).reshape(len(data["reach"]), len(centre)),
            np.array(data["counts"], dtype=np.int64),
            np.array(data["reach"], dtype=float),
        )


def fit_neighbourhoods(x: Floats, arm: Ints, arms: int, seed: int) -> Neighbourhoods:
    """Group n people by their (n, p) features; fewer than 2 · ``SMALLEST`` people form one group."""
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    z = (x - centre) / scale
    wanted = min(len(x) // TYPICAL, LARGEST_NUMBER, len(np.unique(z, axis=0)))
    group = np.zeros(len(x), dtype=np.int64)
    if wanted > 1:
        group = KMeans(wanted, n_init=2, random_state=seed).fit_predict(z).astype(np.int64)
    group = _without_small(z, group)
    names = np.unique(group)
    centres = np.array([z[group == g].mean(axis=0) for g in names])
    counts = np.array([np.bincount(arm[group == g], minlength=arms) for g in names])
    reach = np.array(
        [
            np.quantile(np.linalg.norm(z[group == g] - middle, axis=1), 0.99)
            for g, middle in zip(names, centres, strict=True)
        ]
    )
    return Neighbourhoods(centre, scale, centres, counts, np.maximum(MARGIN * reach, LEAST_REACH))


def _without_small(z: Floats, group: Ints) -> Ints:
    """Join each group that is too small to the one whose average is nearest, the smallest first."""
    group = group.copy()
    while True:
        names, sizes = np.unique(group, return_counts=True)
        smallest = names[sizes.argmin()]
        if sizes.min() >= SMALLEST or len(names) == 1:
            return group
        centres = {g: z[group == g].mean(axis=0) for g in names}
        target = min(
            (g for g in names if g != smallest),
            key=lambda g: float(np.linalg.norm(centres[g] - centres[smallest])),
        )
        group[group == smallest] = target
