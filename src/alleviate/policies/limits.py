"""Limits are never traded away: who may not be given what, by what each arm is expected to do to them."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from alleviate.models.effects.ridge import fit_moderation
from alleviate.models.forecaster import Forecaster, fit_baseline
from alleviate.models.trial import Bools, EffectData, Floats, Ints
from alleviate.policies.evidence import calibrate
from alleviate.policies.super_learner import centred

__all__ = ["assigned", "barred_by", "exceeded", "fit_harm"]


def fit_harm(outcome: Forecaster, data: EffectData, unseen: Floats) -> Forecaster:
    """Forecasts of a harm, larger is worse, for the same people and features as ``outcome`` has.

    Each arm's mean is that of the scores; who differs is told by the ridge R-learner, shrunk as far as
    its effects ``unseen`` (n, K), learned without each person, foretell the scores.
    """
    moderation = fit_moderation(data)
    shrinkage = calibrate(unseen, data.scores).shrinkage
    alike = data.y - shrinkage * centred(unseen)[np.arange(len(data.y)), data.arm]
    return replace(
        outcome,
        baseline=fit_baseline(data.x, data.arm, alike, data.arms),
        value=data.scores.mean(axis=0),
        value_covariance=np.cov(data.scores, rowvar=False) / len(data.scores),
        effect=moderation,
        slope=shrinkage,
        centre=moderation.predict(data.x).mean(axis=0),
        moderation=moderation,
        doubt=None,
        level_doubt=None,
        outcomes=None,
    )


def exceeded(expected: Floats, limits: Sequence[float]) -> Bools:
    """(H, n, K) whether an arm is expected to do more of each harm, (H, n, K), to a person than its limit."""
    beyond: Bools = expected > np.reshape(np.asarray(limits, dtype=float), (-1, 1, 1))
    return beyond


def barred_by(expected: Floats, limits: Sequence[float]) -> Bools:
    """(n, K) whether an arm is expected to exceed any limit for a person."""
    return np.asarray(exceeded(expected, limits).any(axis=0))


def assigned(preference: Floats, expected: Floats, limits: Sequence[float]) -> Ints:
    """(n,) the arm with the highest ``preference`` (n, K) of those within every limit.

    Where there is none a rule would abstain. To be valued it must give something: the arm that exceeds its
    limits least, in shares of them.
    """
    if not any(map(isfinite, limits)):
        return np.asarray(preference.argmax(axis=1), dtype=np.int64)
    barred = barred_by(expected, limits)
    allowed = np.where(barred, -np.inf, preference).argmax(axis=1)
    excess = np.zeros_like(preference)
    for harm, limit in zip(expected, limits, strict=True):
        if isfinite(limit):
            excess += np.maximum(harm - limit, 0.0) / (abs(limit) or 1.0)
    stuck = np.asarray(barred.all(axis=1))
    return np.asarray(np.where(stuck, excess.argmin(axis=1), allowed), dtype=np.int64)
