"""The probability that a person's outcome is known, given features and arm: its inverse is their weight.

A plain outcome is known or not: one ridge logistic regression an arm. An event in time is known if the
person was followed until it, or to the horizon: then it is the chance of not having been lost by then, from a
ridge Cox model of being lost (``survival.py``), one an arm. Both are calibrated out of fold.
"""

from dataclasses import dataclass

import numpy as np

from alleviate.models.propensity import Propensity, choose_penalty, fit_propensity
from alleviate.models.survival import Hazard, choose_hazard, fit_hazard
from alleviate.models.trial import Bools, Floats, Ints, Trial

__all__ = ["FEWEST_LOST", "Censoring", "CensoringPlan", "fit_censoring", "known_outcome", "plan_censoring"]

FEWEST_LOST = 10
"""People of an arm lost, and kept, below which features do not enter: the arm's own share tells all."""

CensoringPlan = tuple[tuple[float, float] | None, ...]
"""Penalty and calibration slope in each arm; ``None`` where features do not enter."""


def known_outcome(trial: Trial) -> Bools:
    """(n,) whose outcome is known."""
    return np.ones(len(trial), dtype=np.bool_) if trial.observed is None else trial.observed


@dataclass(frozen=True, slots=True)
class Censoring:
    """One model an arm: a number is the share known, whatever the features."""

    models: tuple[Propensity | Hazard | float, ...]

    def predict(self, x: Floats, trial: Trial) -> Floats:
        """(n,) P(known | features, own arm); of events in time, P(followed as long as they were)."""
        known = np.ones(len(trial))
        for k, model in enumerate(self.models):
            own = trial.arm == k
            if isinstance(model, float):
                known[own] = model
            elif isinstance(model, Hazard):
                assert trial.followed is not None
                known[own] = model.survival(x[own], trial.followed[own])
            else:
                known[own] = model.predict(x[own])[:, 1]
        return known

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """Of events in time: the models."""
        return tuple(model for model in self.models if isinstance(model, Hazard))

    def chances(self, x: Floats) -> Floats:
        """(n, K) P(known | features, arm), whatever arm people are in; not for events in time."""
        columns = []
        for model in self.models:
            assert not isinstance(model, Hazard)
            columns.append(np.full(len(x), model) if isinstance(model, float) else model.predict(x)[:, 1])
        return np.column_stack(columns)


def plan_censoring(x: Floats, trial: Trial, folds: Ints) -> CensoringPlan:
    """Penalties and slopes by cross-validated likelihood over ``folds`` (n,)."""
    seen = known_outcome(trial)
    plan: list[tuple[float, float] | None] = []
    for k in range(trial.arms):
        own = trial.arm == k
        lost = int((~seen[own]).sum())
        if min(lost, int(own.sum()) - lost) < FEWEST_LOST or not x.shape[1]:
            plan.append(None)
        elif trial.followed is None:
            plan.append(choose_penalty(x[own], seen[own].astype(np.int64), 2, folds[own]))
        else:
            plan.append(choose_hazard(x[own], trial.followed[own], ~seen[own], folds[own]))
    return tuple(plan)


def fit_censoring(x: Floats, trial: Trial, plan: CensoringPlan) -> Censoring:
    """Fit on everybody in ``trial``, who may be part of those on whom the plan was made."""
    seen = known_outcome(trial)
    models: list[Propensity | Hazard | float] = []
    for k, chosen in enumerate(plan):
        own = trial.arm == k
        known = seen[own]
        if trial.followed is not None:
            penalty, slope = chosen or (np.inf, 0.0)
            models.append(fit_hazard(x[own], trial.followed[own], ~known, penalty, slope))
        elif chosen is None or known.all() or not known.any():
            models.append(float(known.mean()) if len(known) else 1.0)
        else:
            models.append(fit_propensity(x[own], known.astype(np.int64), 2, *chosen))
    return Censoring(tuple(models))
