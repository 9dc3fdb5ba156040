"""A mean of small residual networks over encoded columns, by numpy: how they foresee, and why.

Of one network, standardised columns z: f = bias + z·skip + h₂·head with h₁ = tanh(z·w₁ + b₁) and
h₂ = h₁ + tanh(h₁·w₂ + b₂). Without its hidden layers it is a regression.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.prognosis.deep.tensors import packed, unpacked
from alleviate.models.trial import Floats

__all__ = ["Layers", "Network", "Scaler"]

ROWS = 20_000
"""People at once: what bounds the memory."""

PATH, SHARE = np.polynomial.legendre.leggauss(8)
PATH, SHARE = (PATH + 1.0) / 2.0, SHARE / 2.0
"""Points on the way from the average person to this one, and their weights (Gauss–Legendre)."""

EDGE = 0.01
"""Share of people at either end beyond whom a number counts as theirs."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """Columns (p,) held between ``low`` and ``high``, less ``mean``, by ``sd``."""

    low: Floats
    high: Floats
    mean: Floats
    sd: Floats

    @classmethod
    def of(cls, x: Floats) -> "Scaler":
        low, high = np.quantile(x, [EDGE, 1.0 - EDGE], axis=0)
        rare = low >= high
        low, high = np.where(rare, x.min(axis=0), low), np.where(rare, x.max(axis=0), high)
        held = np.clip(x, low, high)
        sd = held.std(axis=0)
        return cls(low, high, held.mean(axis=0), np.where(sd > 1e-12, sd, 1.0))

    def __call__(self, x: Floats) -> Floats:
        return np.asarray((np.clip(x, self.low, self.high) - self.mean) / self.sd, dtype=float)


Layers = Mapping[str, Floats]
"""Of s networks: skip (s, p), w1 (s, p, h), b1 (s, h), w2 (s, h, h), b2 (s, h), head (s, h), bias (s,)."""


@dataclass(frozen=True, slots=True)
class Network:
    """linear = ``level`` + ``scale``·(mean of f over the networks).

    ``centre`` (p,): what each column adds on average over the people learned from, compared with z = 0.
    """

    scaler: Scaler
    layers: Layers
    level: float
    scale: float
    complexity: float
    centre: Floats

    def linear(self, x: Floats) -> Floats:
        total = np.empty(len(x))
        for start in range(0, len(x), ROWS):
            z = self.scaler(x[start : start + ROWS])
            total[start : start + ROWS] = sum(self._one(i, z) for i in range(self.size)) / self.size
        return self.level + self.scale * total

    @property
    def size(self) -> int:
        return len(self.layers["bias"])

    def hidden(self, i: int, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Of network ``i``: h₁, the tanh that is added to it, and h₂, each (n, h)."""
        own = self.layers
        first = np.tanh(z @ own["w1"][i] + own["b1"][i])
        added = np.tanh(first @ own["w2"][i] + own["b2"][i])
        return first, added, first + added

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        """Integrated gradients (Sundararajan, Taly & Yan 2017) from the average person: approximate.

        They sum to ``linear`` exactly: what numerical integration leaves is spread in their proportion.
        """
        added = self.attributions(x)
        return self._origin() + float(self.centre.sum()), added - self.centre

    def attributions(self, x: Floats) -> Floats:
        """(n, p) of the way from z = 0, without which ``contributions`` has no ``centre``."""
        z, added = self.scaler(x), np.zeros(x.shape)
        for point, share in zip(PATH, SHARE, strict=True):
            for i in range(self.size):
                added += share / self.size * self._gradient(i, point * z)
        added *= self.scale * z
        left = self.linear(x) - self._origin() - added.sum(axis=1)
        sizes = np.abs(added) + 1e-300
        return np.asarray(added + left[:, None] * sizes / sizes.sum(axis=1, keepdims=True), dtype=float)

    def used(self) -> tuple[int, ...]:
        own = self.layers
        deep = np.abs(own["w1"]).max(axis=(0, 2)) * np.abs(own["head"]).max()
        varied = self.scaler.low < self.scaler.high
        return tuple(np.flatnonzero(varied & (np.abs(own["skip"]).max(axis=0) + deep > 0)).tolist())

    def to_json(self) -> dict[str, Any]:
        return {
            "safetensors": packed(self.layers),
            "scaler": [part.tolist() for part in self._scales()],
            "level": self.level,
            "scale": self.scale,
            "complexity": self.complexity,
            "centre": self.centre.tolist(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Network":
        return cls(
            Scaler(*(np.array(part, dtype=float) for part in data["scaler"])),
            unpacked(data["safetensors"]),
            float(data["level"]),
            float(data["scale"]),
            float(data["complexity"]),
            np.array(data["centre"], dtype=float),
        )

    def _scales(self) -> Iterator[Floats]:
        yield from (self.scaler.low, self.scaler.high, self.scaler.mean, self.scaler.sd)

    def _origin(self) -> float:
        z = np.zeros((1, len(self.scaler.mean)))
        return self.level + self.scale * float(sum(self._one(i, z)[0] for i in range(self.size))) / self.size

    def _one(self, i: int, z: Floats) -> Floats:
        own = self.layers
        found: Floats = z @ own["skip"][i] + self.hidden(i, z)[2] @ own["head"][i] + own["bias"][i]
        return found

    def _gradient(self, i: int, z: Floats) -> Floats:
        """(n, p) of f by z."""
        own = self.layers
        first, added, _ = self.hidden(i, z)
        back = (own["head"][i] * (1.0 - added**2)) @ own["w2"][i].T + own["head"][i]
        found: Floats = (back * (1.0 - first**2)) @ own["w1"][i].T + own["skip"][i]
        return found
