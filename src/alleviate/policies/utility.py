"""Benefit against harm: the utility U = Y - Σ_h w_h·H_h, in units of the main outcome, larger is better.

Its doubly robust scores are those of the outcome minus w_h times those of each harm. Each has its own outcome
model and its own chance of being known, on the same folds and with the same chances of the arms: so a harm
such as dropout counts for those, too, whose outcome is unknown because of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

import numpy as np
import polars as pl

from alleviate.models.censoring import plan_censoring
from alleviate.models.encoding import Encoded
from alleviate.models.forecaster import Forecaster, Forecasts
from alleviate.models.scores import (
    CrossFit,
    NuisancePlan,
    balanced_folds,
    crossfit,
    doubly_robust,
    effect_data,
    stay_in_reach,
    strata,
)
from alleviate.models.trial import Bools, EffectData, Floats, Ints, Trial
from alleviate.policies.limits import assigned, barred_by
from alleviate.terms.outcomes import Harm

__all__ = ["Outlook", "Preferences", "harm_data", "harm_scores", "look", "utility_data", "weighed"]

FOLDS = 5
"""By which the chance of being known is planned."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """Of each harm, larger is worse: its weight (0: it has none) and its limit (``inf``: it has none)."""

    weights: tuple[float, ...]
    limits: tuple[float, ...]

    @classmethod
    def of(cls, harms: Sequence[Harm]) -> "Preferences | None":
        """``None`` where a study names no harm."""
        if not harms:
            return None
        limits = (inf if harm.limit is None else harm.sign * harm.limit for harm in harms)
        return cls(tuple(harm.weight or 0.0 for harm in harms), tuple(limits))

    @property
    def weighs(self) -> bool:
        return any(self.weights)

    @property
    def limited(self) -> bool:
        return any(map(isfinite, self.limits))


def harm_data(x: Floats, trial: Trial, fit: CrossFit, folds: Ints, seed: int) -> tuple[EffectData, ...]:
    """What effect learners may use of each harm of ``trial``, all out of the same ``folds`` (n,).

    Everybody counts once: of those whose harm is unknown ``y`` is what features tell. ``fit``: of the
    outcome.
    """
    result = []
    for harm in range(_harms(trial)):
        chances = stay_in_reach(fit.probability, len(trial), trial.probability is not None)
        own = _with_harm(trial, harm, chances)
        fitted = crossfit(x, own, plan=_plan(x, own, folds), folds=folds, seed=seed)
        result.append(_whole(effect_data(x, fitted, own)))
    return tuple(result)


def harm_scores(x: Floats, train: Trial, x_test: Floats, test: Trial, fit: CrossFit, seed: int) -> Floats:
    """(H, n, K) scores of the harms of ``test``, on whom nothing was fitted; ``fit``: of its outcome."""
    result = np.zeros((_harms(train), len(test), test.arms))
    chances = stay_in_reach(fit.probability, len(train), train.probability is not None)
    for harm in range(len(result)):
        # what is fitted on them needs no chances of arms
        seen = _with_harm(train, harm, np.full((len(train), train.arms), 1.0 / train.arms))
        others = _with_harm(test, harm, chances)
        folds = balanced_folds(strata(seen), FOLDS, np.random.default_rng(seed))
        fitted = _plan(x, seen, folds).fit(x, seen, seed)
        result[harm] = doubly_robust(fitted.at(x_test, others), others, len(train))
    return result


def utility_data(outcome: EffectData, harms: Sequence[EffectData], weights: Sequence[float]) -> EffectData:
    """The same people's utility; without any weight the ``outcome`` as it is.

    Who is lost with the harm (dropout) must not drop out of the comparison: unknown outcomes are completed to
    μ + R/π (Y - μ), whose mean given features and arm is that of Y, and everybody counts once.
    """
    if not any(weights):
        return outcome
    result = _whole(outcome)
    for harm, weight in zip(harms, weights, strict=True):
        result = replace(
            result,
            y=result.y - weight * harm.y,
            residual=result.residual - weight * harm.residual,
            scores=result.scores - weight * harm.scores,
            expected=result.expected - weight * harm.expected,
        )
    return result


def weighed(outcome: Floats, harms: Floats, weights: Sequence[float]) -> Floats:
    """Utility of any ``outcome`` (…) and ``harms`` (H, …): scores, effects or expectations."""
    result = outcome
    for harm, weight in zip(harms, weights, strict=True):
        if weight:
            result = result - weight * harm
    return result


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of people: ``outcome``, each of the ``harms`` (larger is worse), and ``utility``."""

    outcome: Forecasts
    harms: tuple[Forecasts, ...]
    utility: Forecasts

    def barred(self, limits: Sequence[float]) -> Bools:
        """(n, K) whom an arm is expected to do more of some harm than its limit; no ``limits``: nobody."""
        return barred_by(self._expected(), limits)

    def assigned(self, limits: Sequence[float]) -> Ints:
        """(n,) the best arm within the limits, and where there is none that which exceeds them least."""
        return assigned(self.utility.expected, self._expected(), limits)

    def _expected(self) -> Floats:
        """(H, n, K) expected harms."""
        found = [harm.expected for harm in self.harms]
        return np.reshape(np.asarray(found, dtype=float), (len(found), *self.utility.expected.shape))


def look(
    forecaster: Forecaster,
    harms: Sequence[Forecaster],
    learned: Sequence[float],
    frame: pl.DataFrame,
    encoded: Encoded | None = None,
    weights: Sequence[float] | None = None,
) -> Outlook:
    """``forecaster`` is of the utility at the weights ``learned``; ``weights`` are those to judge by now.

    E[Y] = E[U] + Σ w·E[H], and another weight moves the utility by its difference times E[H]. The error of
    such a sum is taken as the sum of the errors, the most that it can be; at ``learned`` nothing is added.
    """
    encoded = encoded or forecaster.encoder.transform(frame)
    base = forecaster.forecast(frame, encoded)
    found = tuple(harm.forecast(frame, encoded) for harm in harms)
    now = learned if weights is None else weights
    return Outlook(
        _moved(base, found, learned),
        found,
        _moved(base, found, [old - new for old, new in zip(learned, now, strict=True)]),
    )


def _moved(base: Forecasts, harms: Sequence[Forecasts], by: Sequence[float]) -> Forecasts:
    for harm, change in zip(harms, by, strict=True):
        if change:
            base = replace(
                base,
                expected=base.expected + change * harm.expected,
                expected_se=base.expected_se + abs(change) * harm.expected_se,
                pair_se=base.pair_se + abs(change) * harm.pair_se,
                outcomes=None,
            )
    return base


def _harms(trial: Trial) -> int:
    return 0 if trial.harms is None else trial.harms.shape[1]


def _with_harm(trial: Trial, harm: int, chances: Floats) -> Trial:
    """The trial with a harm as its outcome, and ``chances`` (n, K) of its arms."""
    assert trial.harms is not None
    y = trial.harms[:, harm]
    known = np.isfinite(y)
    return replace(
        trial,
        y=np.where(known, y, 0.0),
        probability=chances,
        observed=None if known.all() else known,
        followed=None,
        kind="numeric",
    )


def _plan(x: Floats, trial: Trial, folds: Ints) -> NuisancePlan:
    """Ridge: of any kind of harm the scores ask no more of it than to lower the variance."""
    censoring = None if trial.observed is None else plan_censoring(x, trial, folds)
    return NuisancePlan("ridge", censoring=censoring)


def _whole(data: EffectData) -> EffectData:
    """With unknown outcomes completed, so that everybody counts once."""
    own = data.expected[np.arange(len(data.y)), data.arm]
    y = np.where(data.weight == 1.0, data.y, own + data.weight * (data.y - own))
    return replace(data, y=y, residual=data.residual + y - data.y, weight=np.ones(len(y)))
