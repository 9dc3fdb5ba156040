"""What must be shown before people are told apart: out of fold, by posterior odds, by what it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from alleviate.models.moderators import NOBODY
from alleviate.models.trial import Floats
from alleviate.policies.candidates import BLEND, GATE, NO_SIGNAL, RULES, SHOWN
from alleviate.policies.super_learner import centred

__all__ = [
    "FOLDS",
    "LIABILITY",
    "Calibration",
    "calibrate",
    "cautious_level",
    "choose",
    "had_it_been_even",
    "insured",
]

FOLDS = 5
"""Of the cross-fitting within the people learned from."""

EQUAL = 0.5
"""Standard errors within which two arms' means are as good as equal."""

LIABILITY = 0.01
"""SD of the outcome that a rule without evidence may cost on average if nobody differs."""

ONE_SIDED = float(norm.ppf(0.9))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well out-of-fold effects foretell the scores: ``slope`` (1 is perfect, 0 is noise) and its z value.

    ``loss`` (n,): squared error of each person's scores around the effects after calibration.
    """

    slope: float
    z: float
    loss: Floats

    @property
    def shrinkage(self) -> float:
        return float(np.clip(self.slope, 0.0, 1.0))


def calibrate(effects: Floats, scores: Floats) -> Calibration:
    """Regress centred scores on out-of-fold effects, both (n, K) with rows centred over arms.

    The best linear predictor of the effects (Chernozhukov, Demirer, Duflo & Fernández-Val 2018), for K arms
    at once, with a sandwich standard error clustered by person, corrected for people having served both to
    learn and to test: for J folds its square is multiplied by 1 + J/(J-1) (Nadeau & Bengio 2003, Machine
    Learning 52:239).
    """
    target, signal = centred(scores), centred(effects)
    length = float((signal**2).sum())
    if length <= 1e-12 * float((target**2).sum()):
        return Calibration(0.0, 0.0, (target**2).sum(axis=1))
    slope = float((signal * target).sum()) / length
    influence = (signal * (target - slope * signal)).sum(axis=1)
    error = float(np.sqrt((influence**2).sum() * (1.0 + FOLDS / (FOLDS - 1)))) / length
    shrunk = float(np.clip(slope, 0.0, 1.0))
    z = slope / error if error > 0 else float(np.copysign(np.inf, slope))
    return Calibration(slope, z, ((target - shrunk * signal) ** 2).sum(axis=1))


def choose(calibrations: Mapping[str, Calibration], no_signal: float) -> str:
    """The simplest rule within one standard error of the least loss, of those that pass.

    The simplest candidate, by default the sparse posterior, passes where the chance that nobody differs is
    below ``NO_SIGNAL``. Any other rule passes if its calibration slope exceeds 0 by ``GATE`` standard errors,
    and that of the blend, which is the one test of them all, does so too. A learner that nobody could explain
    counts only within the blend.
    """
    names = [name for name in RULES if name in calibrations and name != "none"]
    blended = BLEND not in names or calibrations[BLEND].z > GATE
    shown = [name for name in names if BLEND not in names or name in SHOWN]
    passed = [
        name
        for name in shown
        if (blended and calibrations[name].z > GATE) or (name == names[0] and no_signal < NO_SIGNAL)
    ]
    if not passed:
        return "none"
    best = min(passed, key=lambda name: float(calibrations[name].loss.mean()))
    excess = {name: calibrations[name].loss - calibrations[best].loss for name in passed}
    return next(name for name, more in excess.items() if more.mean() <= more.std() / np.sqrt(len(more)))


def had_it_been_even(no_signal: float, prior: float = NOBODY) -> float:
    """The posterior chance that nobody differs under even prior odds, from that under ``prior``."""
    for_it, against = no_signal * (1.0 - prior), (1.0 - no_signal) * prior
    return for_it / (for_it + against)


def cautious_level(scores: Floats, plain: Floats) -> Floats:
    """(K,) each arm's mean score; the best and the plain analysis' pick change places where as good as equal.

    ``plain`` (K,): the arms' means by analysis of covariance. Where both analyses pick different arms and the
    scores cannot tell those apart by ``EQUAL`` standard errors, the more elaborate one has no say.
    """
    value: Floats = scores.mean(axis=0)
    best, pick = int(value.argmax()), int(plain.argmax())
    gap = scores[:, best] - scores[:, pick]
    if gap.mean() < EQUAL * gap.std() / np.sqrt(len(gap)):
        value[[best, pick]] = value[[pick, best]]
    return value


def insured(effects: Floats, scores: Floats, value: Floats, slope: float, limit: float) -> float:
    """The largest multiple up to ``slope`` of ``effects`` (n, K) that could cost at most ``limit`` a person.

    That is what a rule costs if nobody differs: for each person the difference between the best arm and the
    one assigned, at the upper end of its one-sided 90 % interval. ``value`` (K,): the arms' levels.
    """
    behind = scores[:, [int(value.argmax())]] - scores
    cost = np.maximum(behind.mean(axis=0), 0.0) + ONE_SIDED * behind.std(axis=0) / np.sqrt(len(scores))

    def dear(multiple: float) -> bool:
        assigned = (value + multiple * (effects - effects.mean(axis=0))).argmax(axis=1)
        return float(cost[assigned].mean()) > limit

    if not dear(slope):
        return slope
    low, high = 0.0, slope
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if dear(middle) else (middle, high)
    return low
