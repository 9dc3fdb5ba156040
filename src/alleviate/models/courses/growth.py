"""A hierarchical growth model: everybody has a curve of their own, drawn from people alike at intake.

Measure m of a person at time t: y_m(t) = B(t)·u_m + e_m(t). The curves' coefficients u = (u_1 … u_M) are
N(Γ'(1, x), D) for intake features x; e_m is Markov with SD σ_m, its correlation from a visit to the next ρ_m
to the power of the gap in typical gaps, so that visits may come at any time (Laird & Ware 1982; Jones &
Boadi-Boateng 1991). A shorter gap counts as a typical one: scores close in time still err each for itself.
All that follows from scores so far is Gaussian and in closed form.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.courses.histories import Histories
from alleviate.models.trial import Floats, Ints

__all__ = ["Basis", "Foreseen", "Growth", "Whitened", "by_person", "so_far", "steps"]

FURTHEST = 2.0
"""Curves stay level from this many planned lengths of treatment on: nobody was seen there."""


@dataclass(frozen=True, slots=True)
class Basis:
    """1, log(1 + t/gap) scaled to 1 at the planned ``end``, and, of ``size`` 3, how a straight line differs.

    The third is 0 at the start and the end: it bends the way, not the total.
    """

    size: int
    gap: float
    end: float

    def at(self, time: Floats) -> Floats:
        """(N,) → (N, size)."""
        t = np.minimum(time, FURTHEST * self.end)
        log = np.log1p(t / self.gap) / np.log1p(self.end / self.gap)
        return np.stack([np.ones_like(t), log, t / self.end - log][: self.size], axis=-1)


def steps(elapsed: Floats, gap: float) -> Floats:
    """How many typical gaps between two moments, at least 1 unless they are the same."""
    return np.where(elapsed > 0, np.maximum(elapsed / gap, 1.0), 0.0)


@dataclass(frozen=True, slots=True)
class Whitened:
    """What each visit adds to a person's sufficient statistics, once correlation in time is taken out.

    ``zz`` (N, M, K, K), ``zy`` (N, M, K), ``yy`` (N, M), ``log`` (N, M): log variance; 0 where not measured.
    """

    zz: Floats
    zy: Floats
    yy: Floats
    log: Floats

    @classmethod
    def of(
        cls, person: Ints, time: Floats, scores: Floats, basis: Basis, sd: Floats, rho: Floats
    ) -> "Whitened":
        """``scores`` (N, M), NaN where not measured; ``sd``, ``rho`` (M,)."""
        rows, measures = scores.shape
        curve, k = basis.at(time), basis.size
        found = cls(
            np.zeros((rows, measures, k, k)),
            np.zeros((rows, measures, k)),
            np.zeros((rows, measures)),
            np.zeros((rows, measures)),
        )
        for m in range(measures):
            here = np.flatnonzero(np.isfinite(scores[:, m]))
            z, y = curve[here], scores[here, m]
            again = np.diff(person[here], prepend=-1) == 0
            carried = np.where(again, rho[m] ** steps(np.diff(time[here], prepend=0.0), basis.gap), 0.0)
            new = sd[m] * np.sqrt(1.0 - carried**2)
            z = (z - carried[:, None] * np.roll(z, 1, axis=0)) / new[:, None]
            y = (y - carried * np.roll(y, 1)) / new
            found.zz[here, m] = z[:, :, None] * z[:, None, :]
            found.zy[here, m] = z * y[:, None]
            found.yy[here, m] = y**2
            found.log[here, m] = 2.0 * np.log(new)
        return found


def by_person(values: Floats, histories: Histories) -> Floats:
    """(N, ...) summed over each person's visits: (n, ...)."""
    return np.asarray(np.add.reduceat(values, histories.first, axis=0))


def so_far(values: Floats, histories: Histories) -> Floats:
    """(N, ...) summed over each person's visits up to each."""
    total = np.cumsum(values, axis=0)
    before = (total - values)[histories.first]
    return np.asarray(total - before[histories.person])


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A latent score to come: ``mean`` (N,), ``sd`` (N,)."""

    mean: Floats
    sd: Floats


@dataclass(frozen=True, slots=True)
class Growth:
    """``centre``, ``scale`` (p,) of the features; ``coefficients`` (1 + p, M·K): Γ; ``spread`` (M·K, M·K): D;

    ``sd``, ``rho`` (M,): of what is left at a visit."""

    basis: Basis
    centre: Floats
    scale: Floats
    coefficients: Floats
    spread: Floats
    sd: Floats
    rho: Floats

    def prior(self, x: Floats) -> Floats:
        """(n, p) → (n, M·K): the curve of people like these at intake."""
        z = (x - self.centre) / self.scale
        return np.asarray(self.coefficients[0] + z @ self.coefficients[1:])

    def precision(self) -> Floats:
        return np.asarray(np.linalg.inv(self.spread))

    def posterior(self, histories: Histories, x: Floats) -> tuple[Floats, Floats]:
        """After each visit, from all scores so far: precision (N, M·K, M·K), precision times mean (N, M·K).

        ``x`` (n, p): encoded intake features."""
        scores = np.column_stack([histories.score, histories.further])
        found = Whitened.of(histories.person, histories.time, scores, self.basis, self.sd, self.rho)
        inverse, k = self.precision(), self.basis.size
        pull = self.prior(x) @ inverse
        precision = np.empty((len(scores), len(inverse), len(inverse)))
        precision[:] = inverse
        seen = so_far(found.zz, histories)
        for m in range(scores.shape[1]):
            block = slice(m * k, (m + 1) * k)
            precision[:, block, block] += seen[:, m]
        return precision, pull[histories.person] + so_far(found.zy, histories).reshape(len(scores), -1)

    def foresee(self, histories: Histories, x: Floats, *times: Floats) -> list[Foreseen]:
        """The main measure at ``times`` (N,) each, at or after the visit, from the scores so far."""
        precision, pulled = self.posterior(histories, x)
        k, now = self.basis.size, self.basis.at(histories.time)
        asked, carried = [pulled], []
        for time in times:
            kept = self.rho[0] ** steps(time - histories.time, self.basis.gap)
            way = np.zeros_like(pulled)
            way[:, :k] = self.basis.at(time) - kept[:, None] * now
            asked.append(way)
            carried.append(kept)
        solved = np.linalg.solve(precision, np.stack(asked, axis=2))
        found = []
        for i, kept in enumerate(carried, start=1):
            mean = (asked[i] * solved[:, :, 0]).sum(axis=1) + kept * histories.score
            variance = (asked[i] * solved[:, :, i]).sum(axis=1) + self.sd[0] ** 2 * (1.0 - kept**2)
            found.append(Foreseen(mean, np.sqrt(np.maximum(variance, 1e-18))))
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "basis": {"size": self.basis.size, "gap": self.basis.gap, "end": self.basis.end},
            **{name: getattr(self, name).tolist() for name in ARRAYS},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Growth":
        return cls(Basis(**data["basis"]), *(np.array(data[name], dtype=float) for name in ARRAYS))


ARRAYS = ("centre", "scale", "coefficients", "spread", "sd", "rho")
