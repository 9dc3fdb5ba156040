"""What the arms are worth if the unknown outcomes are not like the known ones of people alike.

Scores whose mean over people estimates, for each arm k with R = 1 where its outcome would be known:
alike (missing at random): E[Y(k)]; jump to reference: E[R Y(k) + (1 - R) μ_r(X)], where those lost from k
fare as people like them do in the reference arm r (Carpenter, Roger & Kenward 2013, J Biopharm Stat 23:1352);
and the share lost, E[1 - R]: a shift of all unknown outcomes by δ moves the arm's value by δ times it.
Each is doubly robust in the probability of the arm, as an influence function is.
"""

from dataclasses import dataclass

import numpy as np

from alleviate.models.censoring import known_outcome
from alleviate.models.propensity import truncate, truncation_bound
from alleviate.models.scores import CrossFit, NuisancePlan, doubly_robust, stay_in_reach, weights
from alleviate.models.trial import Floats, Ints, Trial

__all__ = ["ReferenceScores", "reference_scores"]


@dataclass(frozen=True, slots=True)
class ReferenceScores:
    """Scores (n, K), larger is better. ``jump`` is ``None`` without a reference arm or for events in time.

    ``lost``: of being lost under each arm; with all unknown outcomes of arm k worse by δ, the scores of k
    are ``alike[:, k] - δ * lost[:, k]``. ``weight`` (n,): R/π, 0 where the outcome is unknown.
    """

    alike: Floats
    jump: Floats | None
    lost: Floats
    weight: Floats


def reference_scores(
    x: Floats, trial: Trial, *, plan: NuisancePlan, folds: Ints, seed: int, reference: int | None
) -> ReferenceScores:
    """Cross-fitted over ``folds`` (n,); ``reference``: the arm whose people show how those lost fare."""
    n, arms = len(trial), trial.arms
    expected, probability, chances = (np.empty((n, arms)) for _ in range(3))
    known, whole = np.ones(n), np.empty(n)
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        own = trial.rows(train)
        fitted = plan.fit(x[train], own, seed)
        found = fitted.at(x[test], trial.rows(test))
        expected[test], probability[test], known[test] = found.expected, found.probability, found.known
        if found.completed is not None:
            whole[test] = found.completed
        if trial.followed is None and fitted.censoring is not None:
            chances[test] = fitted.censoring.chances(x[test])
        else:
            seen = known_outcome(own)
            chances[test] = [seen[own.arm == k].mean() for k in range(arms)]
    fit = CrossFit(expected, probability, known, None if plan.events is None else whole)
    reached = stay_in_reach(probability, n, trial.probability is not None)
    taken = np.eye(arms)[trial.arm] / reached
    seen = known_outcome(trial)
    lost = (1.0 - chances) + taken * ((1.0 - seen)[:, None] - (1.0 - chances))
    jump = None
    if reference is not None and trial.followed is None:
        jump = _jumped(fit, trial, truncate(chances, truncation_bound(n)), taken, reference)
    return ReferenceScores(doubly_robust(fit, trial), jump, lost, weights(fit, trial))


def _jumped(fit: CrossFit, trial: Trial, chances: Floats, taken: Floats, reference: int) -> Floats:
    """μ_r(x) enters for whoever is lost, and the reference arm's own people correct it where it is wrong."""
    seen = known_outcome(trial).astype(float)
    usual = fit.expected[:, [reference]]
    kept = np.minimum(chances, 1.0)
    mean = kept * fit.expected + (1.0 - kept) * usual
    own = (seen * trial.y)[:, None] + (1.0 - seen)[:, None] * usual
    off = taken[:, [reference]] * (seen * (trial.y - usual[:, 0]))[:, None] / chances[:, [reference]]
    jumped: Floats = mean + taken * (own - mean) + (1.0 - kept) * off
    return jumped
