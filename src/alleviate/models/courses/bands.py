"""Bands that hold: conformal, per stage and third of severity at intake, adapting where the world drifts.

A score's strangeness is its distance from what was foreseen in predictive SDs, on people not learned from;
the band reaches as far as the asked share of them, with one more person at infinity (Vovk, Gammerman &
Shafer 2005; Barber et al. 2021, cross-conformal; Tibshirani et al. 2019, weights for who stayed).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["Adaptive", "Bands", "fit_bands"]

SHARES = np.concatenate([np.arange(0.0, 0.8, 0.05), np.arange(0.8, 0.995, 0.01), [0.995]])
"""Shares at which the reach is kept; between them it is interpolated."""

FEWEST = 80
"""A third with fewer people at a stage is banded with the rest of that stage."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """The share of misses to ask for, so that ``target`` are seen (Gibbs & Candès 2021). Plain values.

    Each score that is outside its band widens the next bands by ``rate``·(1 − target), each inside narrows
    them by ``rate``·target: over any stretch the misses then come to ``target``, whatever drifts.
    """

    target: float = 0.1
    miss: float = 0.1
    rate: float = 0.01

    def after(self, covered: Bools) -> "Adaptive":
        """After these scores (m,), each judged by its band, in order of time."""
        seen = np.asarray(covered, dtype=bool)
        miss = self.miss + self.rate * float((self.target - ~seen).sum())
        return replace(self, miss=float(np.clip(miss, 0.001, 0.999)))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Adaptive":
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Bands:
    """``cuts`` (2,) between thirds of the first score; ``reach`` (S, 3, len(SHARES)): in predictive SDs."""

    cuts: Floats
    reach: Floats

    def third(self, start: Floats) -> Ints:
        return np.searchsorted(self.cuts, start, side="right")

    def at(self, stage: Ints, start: Floats, share: float) -> Floats:
        """(N,) how many SDs the band reaches to either side, to hold ``share`` of the scores."""
        if not 0.0 < share < 1.0:
            raise InputError(f"A band holds a share between 0 and 1 of the scores, not {share}.")
        share = min(share, SHARES[-1])
        i = min(int(np.searchsorted(SHARES, share, side="right")) - 1, len(SHARES) - 2)
        part = (share - SHARES[i]) / (SHARES[i + 1] - SHARES[i])
        table = (1 - part) * self.reach[:, :, i] + part * self.reach[:, :, i + 1]
        return np.asarray(table[stage, self.third(start)])

    def to_json(self) -> dict[str, Any]:
        return {"cuts": self.cuts.tolist(), "reach": self.reach.round(5).tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Bands":
        return cls(np.array(data["cuts"], dtype=float), np.array(data["reach"], dtype=float))


def fit_bands(
    stage: Ints, start: Floats, strange: Floats, weight: Floats, cuts: Floats, stages: int
) -> Bands:
    """``stage``, ``start`` (first score), ``strange`` and ``weight`` (R,): of held-out people."""
    reach = np.empty((stages, 3, len(SHARES)))
    third = np.searchsorted(cuts, start, side="right")
    for s in range(stages):
        here = stage == s
        whole = _reach(strange[here], weight[here])
        for k in range(3):
            own = here & (third == k)
            reach[s, k] = _reach(strange[own], weight[own]) if own.sum() >= FEWEST else whole
    return Bands(cuts, reach)


def _reach(strange: Floats, weight: Floats) -> Floats:
    """Weighted quantiles at ``SHARES``, one more person of the mean weight beyond them all."""
    order = np.argsort(strange)
    total = np.cumsum(weight[order])
    share = total / (total[-1] + weight.mean())
    found = strange[order][np.minimum(np.searchsorted(share, SHARES, side="left"), len(order) - 1)]
    return np.asarray(found, dtype=float)
