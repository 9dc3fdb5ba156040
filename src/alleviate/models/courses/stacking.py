"""Growth curve and direct regression in one: a mixture whose weights maximise the held-out likelihood.

Weights per stage (Yao et al. 2018, Bayesian Analysis 13:917); the chances of change are then set straight on
held-out people, slope and level per stage, held near what the model says (Platt 2000; Cox 1958).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from alleviate.models.courses.growth import Foreseen
from alleviate.models.courses.scale import Scale
from alleviate.models.trial import Floats, Ints

__all__ = ["Mixture", "Stack", "fit_stack"]

PRIOR = 5.0
"""The mixture starts from one half each, as if seen on this many people."""

STEPS = 60
SLOPE_SD, LEVEL_SD = 0.15, 0.3
"""How far the chances of change may be from those of the model, before the data say so: on the log odds."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """The latent end score: with probability ``share`` (N,) as the growth model says, else the direct one."""

    share: Floats
    growth: Foreseen
    direct: Foreseen

    def moments(self) -> Foreseen:
        mean = self.share * self.growth.mean + (1 - self.share) * self.direct.mean
        second = self.share * (self.growth.sd**2 + (self.growth.mean - mean) ** 2)
        second += (1 - self.share) * (self.direct.sd**2 + (self.direct.mean - mean) ** 2)
        return Foreseen(mean, np.sqrt(second))

    def change(self, scale: Scale, start: Floats) -> tuple[Floats, Floats]:
        """(N,) chances of improvement and of worsening from ``start`` on."""
        parts = [scale.change(part.mean, part.sd, start) for part in (self.growth, self.direct)]
        better, worse = (self.share * one + (1 - self.share) * two for one, two in zip(*parts, strict=True))
        return better, worse


@dataclass(frozen=True, slots=True)
class Stack:
    """``share`` (S,) of the growth model; ``better``, ``worse`` (S, 2): level and slope on the log odds."""

    share: Floats
    better: Floats
    worse: Floats

    def mixture(self, stage: Ints, remaining: Floats, growth: Foreseen, direct: Foreseen) -> Mixture:
        """Once the end has come the growth model, which knows it, has the word."""
        return Mixture(np.where(remaining > 0, self.share[stage], 1.0), growth, direct)

    def chances(self, stage: Ints, better: Floats, worse: Floats) -> tuple[Floats, Floats]:
        """Calibrated (N,), summing to at most 1. What cannot be or is certain stays so."""
        better, worse = _moved(better, self.better[stage]), _moved(worse, self.worse[stage])
        return better, np.minimum(worse, 1.0 - better)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Stack":
        return cls(*(np.array(data[name], dtype=float) for name in cls.__slots__))


def _moved(p: Floats, line: Floats) -> Floats:
    open_ = (p > 1e-9) & (p < 1 - 1e-9)
    odds = logit(np.where(open_, p, 0.5))
    return np.where(open_, expit(line[:, 0] + line[:, 1] * odds), p)


def fit_stack(
    scale: Scale,
    stage: Ints,
    growth: Foreseen,
    direct: Foreseen,
    start: Floats,
    end: Floats,
    weight: Floats,
    stages: int,
) -> Stack:
    """All (R,), held out: of people not learned from. ``stage`` from 0."""
    share, better, worse = np.empty(stages), np.empty((stages, 2)), np.empty((stages, 2))
    for s in range(stages):
        here = np.flatnonzero(stage == s)
        one, two = (Foreseen(part.mean[here], part.sd[here]) for part in (growth, direct))
        w = weight[here] / weight[here].mean()
        share[s] = _share(_log_density(scale, one, end[here]), _log_density(scale, two, end[here]), w)
        chances = Mixture(np.full(len(here), share[s]), one, two).change(scale, start[here])
        better[s] = _line(chances[0], scale.improved(start[here], end[here]), w)
        worse[s] = _line(chances[1], scale.worsened(start[here], end[here]), w)
    return Stack(share, better, worse)


def _log_density(scale: Scale, part: Foreseen, end: Floats) -> Floats:
    """Of a score held at both ends: a density inside, a mass at the ends, both floored."""
    inside = -0.5 * ((end - part.mean) / part.sd) ** 2 - np.log(part.sd * np.sqrt(2 * np.pi))
    floor, roof = (end <= scale.low), (end >= scale.high)
    mass = np.where(
        floor,
        scale.below(part.mean, part.sd, np.full(len(end), scale.low)),
        scale.above(part.mean, part.sd, end),
    )
    return np.maximum(np.where(floor | roof, np.log(np.maximum(mass, 1e-12)), inside), -30.0)


def _share(one: Floats, two: Floats, weight: Floats) -> float:
    share, ratio = 0.5, np.exp(np.clip(two - one, -30.0, 30.0))
    for _ in range(STEPS):
        belongs = share / (share + (1 - share) * ratio)
        share = float((weight @ belongs + PRIOR / 2) / (weight.sum() + PRIOR))
    return share


def _line(p: Floats, y: Floats, weight: Floats) -> Floats:
    """Level and slope on the log odds of ``p``: the posterior mode, by Newton's steps."""
    here = (p > 1e-9) & (p < 1 - 1e-9)
    z, prior = np.column_stack([np.ones(here.sum()), logit(p[here])]), np.array([0.0, 1.0])
    precision = np.array([LEVEL_SD**-2, SLOPE_SD**-2])
    line = prior.copy()
    for _ in range(20):
        q = expit(z @ line)
        curvature = z.T @ (z * (weight[here] * q * (1 - q))[:, None]) + np.diag(precision)
        gradient = z.T @ (weight[here] * (y[here] - q)) - precision * (line - prior)
        line = line + np.linalg.solve(curvature, gradient)
    line[1] = max(line[1], 0.05)
    return line
