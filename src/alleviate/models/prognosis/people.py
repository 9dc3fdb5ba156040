"""The people that a prognosis is learned from or tested on, and what a candidate is asked to fit."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from alleviate.models.trial import Floats, Ints

__all__ = ["Kind", "Loss", "People", "Target", "target"]

Kind = Literal["binary", "numeric", "ordinal", "time-to-event"]

Loss = Literal["binary", "numeric"]
"""What candidates know: log loss of a risk, or squared error of a number. Other kinds come down to these."""


@dataclass(frozen=True, slots=True)
class People:
    """People with their outcome, all known.

    ``features``: raw typed columns (number, category, boolean), gaps allowed. ``y`` (n,): binary 0/1; numeric
    the number; ordinal the level, 0 … ``levels`` − 1; time to an event: 0 lost to follow-up, 1 the event, 2 a
    competing event, at ``time`` (n,) > 0. ``weight`` (n,) > 0: of a survey, of mean 1, else all 1.
    ``clusters``, ``strata`` (n,) whole numbers: people of one cluster are no independent witnesses.
    """

    features: pl.DataFrame
    y: Floats
    kind: Kind
    weight: Floats
    time: Floats | None = None
    horizon: float | None = None
    levels: int = 0
    clusters: Ints | None = None
    strata: Ints | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Ints) -> "People":
        """These people, in this order."""
        return People(
            self.features[rows],
            self.y[rows],
            self.kind,
            self.weight[rows],
            None if self.time is None else self.time[rows],
            self.horizon,
            self.levels,
            None if self.clusters is None else self.clusters[rows],
            None if self.strata is None else self.strata[rows],
        )

    @property
    def loss(self) -> Loss:
        """Of the kind that candidates fit: an ordinal outcome is fitted as a number and linked afterwards."""
        return "numeric" if self.kind in ("numeric", "ordinal") else "binary"


@dataclass(frozen=True, slots=True)
class Target:
    """``y`` (n,): 0/1 or a number; ``weight`` (n,) ≥ 0, 0 where y cannot be told."""

    y: Floats
    weight: Floats


def target(people: People) -> Target:
    """What candidates fit and measures judge.

    The risk of an event by a horizon becomes a binary outcome: people lost before it count nothing, and those
    still followed stand for them by 1 / P(still followed), by Kaplan and Meier's curve of being lost among
    these people (inverse probability of censoring weights; Vock et al., J Biomed Inform 2016; Graf et al.,
    Stat Med 1999). A competing event by the horizon is a known "no".
    """
    if people.kind != "time-to-event":
        return Target(people.y, people.weight)
    assert people.time is not None
    assert people.horizon is not None
    ended = people.y > 0
    came = ended & (people.time <= people.horizon)
    known = came | (people.time >= people.horizon)
    followed = _still_followed(people.time, ~ended, people.weight, np.minimum(people.time, people.horizon))
    weight = np.where(known, people.weight / np.maximum(followed, 0.01), 0.0)
    return Target((came & (people.y == 1)).astype(float), weight)


def _still_followed(time: Floats, lost: np.ndarray, weight: Floats, at: Floats) -> Floats:
    """P(not lost before ``at``), (n,): Kaplan–Meier with being lost as the event, left-continuous."""
    moments = np.unique(time[lost])
    order = np.argsort(time)
    at_risk = weight.sum() - np.concatenate([[0.0], np.cumsum(weight[order])])
    risk = at_risk[np.searchsorted(time[order], moments, side="left")]
    losses = np.array([weight[lost & (time == moment)].sum() for moment in moments])
    curve = np.concatenate([[1.0], np.cumprod(1.0 - losses / risk)])
    return np.asarray(curve[np.searchsorted(moments, at, side="left")], dtype=float)
