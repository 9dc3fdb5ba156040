"""What the learners see of a trial: arrays, never patients."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["Bools", "EffectData", "Floats", "Ints", "Kind", "Trial", "contrasts"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["numeric", "binary", "count"]


@dataclass(frozen=True, slots=True)
class Trial:
    """n people with treatment and outcome.

    ``features``: n rows, typed columns (Float64, String, Boolean), missing allowed.
    ``arm``: (n,) in 0..K-1, every arm present. ``y``: (n,) finite, larger is better.
    ``probability``: (n, K) known chances of each arm, or ``None`` where they must be estimated.
    ``observed``: (n,) whether the outcome is known; ``None``: everybody's is. ``y`` is 0 where it is not.
    ``followed``: (n,) time under observation, for outcomes that are events in time.
    ``clusters``: (n,) who belongs together (a site, a trial, a therapist); ``None``: everybody alone.
    ``harms``: (n, H) other outcomes, larger is worse, NaN where unknown.
    ``kind``: what ``y`` is, up to its sign: any number, 0/1, or a count.
    """

    features: pl.DataFrame
    arm: Ints
    y: Floats
    arms: int
    probability: Floats | None = None
    observed: Bools | None = None
    followed: Floats | None = None
    clusters: Ints | None = None
    harms: Floats | None = None
    kind: Kind = "numeric"

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, index: Ints) -> "Trial":
        """The people at ``index``, in that order."""
        return Trial(
            self.features[index],
            self.arm[index],
            self.y[index],
            self.arms,
            None if self.probability is None else self.probability[index],
            None if self.observed is None else self.observed[index],
            None if self.followed is None else self.followed[index],
            None if self.clusters is None else self.clusters[index],
            None if self.harms is None else self.harms[index],
            self.kind,
        )


@dataclass(frozen=True, slots=True)
class EffectData:
    """What an effect learner may use: all computed out of fold.

    ``x`` (n, p) encoded features, finite. ``arm`` (n,). ``y`` (n,) larger is better. ``residual`` (n,): y
    minus its expectation given x. ``probability`` (n, K). ``scores`` (n, K): AIPW scores, the doubly robust
    outcomes. ``expected`` (n, K): outcome expected under each arm. ``weight`` (n,): 0 where the outcome is
    unknown (``y`` and ``residual`` then mean nothing), else 1 / P(known): all 1 in a complete trial.
    """

    x: Floats
    arm: Ints
    y: Floats
    residual: Floats
    probability: Floats
    scores: Floats
    expected: Floats
    weight: Floats

    def rows(self, index: Ints) -> "EffectData":
        return EffectData(
            self.x[index],
            self.arm[index],
            self.y[index],
            self.residual[index],
            self.probability[index],
            self.scores[index],
            self.expected[index],
            self.weight[index],
        )

    @property
    def arms(self) -> int:
        return int(self.scores.shape[1])


def contrasts(arms: int) -> Floats:
    """Orthonormal contrasts B, (K, K-1): B'B = I and B'1 = 0, so that no arm is the reference (Helmert).

    An effect in these coordinates, d (K-1,), is B d for the K arms: their differences from the arms' mean.
    """
    basis = np.zeros((arms, arms - 1))
    for j in range(1, arms):
        basis[:j, j - 1] = -1.0
        basis[j, j - 1] = j
        basis[:, j - 1] /= np.sqrt(j * (j + 1.0))
    return basis
