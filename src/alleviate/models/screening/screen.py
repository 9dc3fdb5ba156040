"""For rows with gaps: the probability of being a case on each questionnaire, its interval, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from alleviate.models.performance.judged import log_odds
from alleviate.models.screening.joint import Joint, Told
from alleviate.models.screening.scale import Scale
from alleviate.models.trial import Bools, Floats
from alleviate.terms.estimates import Z

__all__ = ["Bend", "Bends", "Probable", "Screen", "Target", "log_odds_of", "targets_from", "unbent"]


@dataclass(frozen=True, slots=True)
class Target:
    """A total whose caseness is wanted, higher being worse: a case is from ``threshold`` on.

    ``column`` of the total; ``items``: columns of its own answers. Where the variable ``by`` is known and its
    value among ``thresholds``, that threshold counts (AUDIT-C has one of each sex).
    """

    name: str
    column: int
    threshold: float
    items: tuple[int, ...] = ()
    by: int | None = None
    thresholds: tuple[tuple[float, float], ...] = ()

    def threshold_of(self, x: Floats) -> Floats:
        """(n,) for rows ``x`` (n, p)."""
        found = np.full(len(x), self.threshold)
        for value, threshold in self.thresholds if self.by is not None else ():
            found[x[:, self.by] == value] = threshold
        return found

    def begun(self, known: Bools) -> bool:
        """Whether some of its own answers are among what is ``known`` (p,)."""
        return bool(known[list(self.items)].any())

    def is_case(self, x: Floats) -> Floats:
        """(n,) 1, 0, or NaN where the total is not known."""
        total = x[:, self.column]
        return np.where(np.isfinite(total), (total >= self.threshold_of(x)).astype(float), np.nan)


def targets_from(data: Sequence[Mapping[str, Any]]) -> tuple[Target, ...]:
    """The inverse of ``dataclasses.asdict``, from JSON."""
    return tuple(
        Target(
            **{
                **each,
                "items": tuple(each["items"]),
                "thresholds": tuple((float(v), float(t)) for v, t in each["thresholds"]),
            }
        )
        for each in data
    )


def log_odds_of(told: Told, scales: Sequence[Scale], target: Target, cuts: Floats) -> Floats:
    """(n,) log odds of a case for the rows of ``told``, with cut-offs ``cuts`` (n,), before they are bent."""
    j = target.column
    spread = np.sqrt(told.covariance[j, j] + scales[j].hidden)
    return log_odds(norm.cdf((told.mean[:, j] - cuts) / spread))


Bend = tuple[float, float]
"""Intercept and slope that held-out log odds need."""

Bends = tuple[Bend, Bend]
"""Of a target of which nothing was asked, and of one that was begun: its own answers are no normal ones."""


def unbent(linear: Floats, y: Floats, weight: Floats) -> Bend:
    """The bend by penalised likelihood: intercept within 1 of 0 and slope within .25 of 1, a priori (SD)."""
    x = np.column_stack([np.ones(len(linear)), linear])
    centre, precision = np.array([0.0, 1.0]), np.diag([1.0, 16.0])
    at = centre.copy()
    for _ in range(25):
        risk = expit(x @ at)
        slope = x.T @ (weight * (y - risk)) - precision @ (at - centre)
        step = np.linalg.solve(x.T @ (x * (weight * risk * (1 - risk))[:, None]) + precision, slope)
        at = at + step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return float(at[0]), float(max(at[1], 0.0))


@dataclass(frozen=True, slots=True)
class Probable:
    """Probability of a case, 95 % interval; ``reasons`` (p,): what each known variable adds, in SD."""

    p: float
    low: float
    high: float
    reasons: Floats


@dataclass(frozen=True, slots=True)
class Screen:
    """``bends``: a pair a target. ``draws``: distribution and bends had other such people come."""

    scales: tuple[Scale, ...]
    joint: Joint
    targets: tuple[Target, ...]
    bends: tuple[Bends, ...]
    draws: tuple[tuple[Joint, tuple[Bends, ...]], ...]

    def place(self, x: Floats) -> Floats:
        """Rows (n, p) on the normal scale."""
        return np.column_stack([scale.place(x[:, j]) for j, scale in enumerate(self.scales)])

    def probable(self, x: Floats) -> dict[str, Probable]:
        """For one person, ``x`` (p,) with NaN where nothing is known: each target of unknown total."""
        row = x[None, :]
        z = self.place(row)
        known = np.isfinite(z[0])
        told = self.joint.told(z, known)
        drawn = [(joint.told(z, known), bends) for joint, bends in self.draws]
        away = np.where(known, z[0] - self.joint.mean, 0.0)
        found = {}
        for i, target in enumerate(self.targets):
            j, begun, cuts = target.column, target.begun(known), self.cuts(target, row)
            if known[j]:
                continue
            linear, *others = [
                a + b * log_odds_of(each, self.scales, target, cuts)[0]
                for each, (a, b) in [(told, self.bends[i][begun]), *((t, d[i][begun]) for t, d in drawn)]
            ]
            error = float(np.std(others, ddof=1)) if len(others) > 1 else 0.0
            low, high = expit(linear - Z * error), expit(linear + Z * error)
            spread = np.sqrt(told.covariance[j, j] + self.scales[j].hidden)
            found[target.name] = Probable(
                float(expit(linear)), float(low), float(high), told.weights[j] * away / spread
            )
        return found

    def gains(self, x: Floats, asked: int) -> dict[str, float]:
        """Bits by which to know variable ``asked`` is expected to lessen the doubt about each open target.

        That is its mutual information with each caseness, by Gauss and Hermite; to ask a total tells its own
        caseness outright. ``x`` (p,), in which ``asked`` is not known.
        """
        row = x[None, :]
        z = self.place(row)
        known = np.isfinite(z[0])
        told = self.joint.told(z, known)
        mean, left, v = told.mean[0], told.covariance, told.covariance[asked, asked]
        steps = np.sqrt(v) * NODES
        found = {}
        then = known.copy()
        then[asked] = True
        for bends, target in zip(self.bends, self.targets, strict=True):
            j = target.column
            if known[j]:
                continue
            a, b = bends[target.begun(then)]
            slope = left[j, asked] / v if v > 0 else 0.0
            rest = max(left[j, j] - slope * left[j, asked], 0.0) + self.scales[j].hidden
            cut = self.cuts(target, row)[0]
            p = expit(a + b * log_odds(norm.cdf((mean[j] + slope * steps - cut) / np.sqrt(rest))))
            before = doubt(np.array([MASSES @ p]))[0]
            found[target.name] = float(before if j == asked else before - MASSES @ doubt(p))
        return found

    def cuts(self, target: Target, x: Floats) -> Floats:
        """(n,) the target's cut-off for rows ``x`` (n, p), on the normal scale."""
        return np.array([self.scales[target.column].cut(t) for t in target.threshold_of(x)])


_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
NODES: Floats = np.asarray(_POINTS, dtype=float)
MASSES: Floats = np.asarray(_WEIGHTS / _WEIGHTS.sum(), dtype=float)


def doubt(p: Floats) -> Floats:
    """Entropy in bits of being a case with probability ``p``: 1 at a half, 0 where it is sure."""
    held = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-(held * np.log2(held) + (1 - held) * np.log2(1 - held)), dtype=float)
