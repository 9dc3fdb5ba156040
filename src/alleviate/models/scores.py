"""Cross-fitted AIPW scores: for each person the doubly robust outcome under each arm.

Γ_ik = μ_k(x_i) + 1{A_i = k} (Y_i - μ_k(x_i)) / e_k(x_i), where μ and e were fitted without person i
(Robins, Rotnitzky & Zhao 1994; Chernozhukov et al. 2018). Their mean over people estimates E[Y(k)].
"""

from dataclasses import dataclass

import numpy as np

from alleviate.models.outcome import OUTCOME_MODELS, OutcomeModel
from alleviate.models.propensity import Propensity, choose_penalty, fit_propensity, truncate, truncation_bound
from alleviate.models.trial import Floats, Ints

__all__ = [
    "CrossFit",
    "NuisancePlan",
    "aipw",
    "balanced_folds",
    "crossfit",
    "plan_nuisances",
    "stay_in_reach",
]


@dataclass(frozen=True, slots=True)
class NuisancePlan:
    """Chosen once on the training people: the outcome model, and the propensity's penalty and slope."""

    outcome: str
    penalty: float | None = None
    slope: float = 1.0

    def fit_outcome(self, x: Floats, arm: Ints, y: Floats, arms: int, seed: int) -> OutcomeModel:
        return OUTCOME_MODELS[self.outcome](x, arm, y, arms, seed)

    def fit_propensity(self, x: Floats, arm: Ints, arms: int) -> Propensity:
        if self.penalty is None:
            raise ValueError("the probabilities of this trial are known")
        return fit_propensity(x, arm, arms, self.penalty, self.slope)


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Out-of-fold expectations (n, K) and probabilities (n, K), not yet truncated."""

    expected: Floats
    probability: Floats


def balanced_folds(arm: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """A fold 0..folds-1 for everyone, at random within each arm: every fold has its share of every arm."""
    result = np.empty(len(arm), dtype=np.int64)
    start = 0
    for k in np.unique(arm):
        members = rng.permutation(np.flatnonzero(arm == k))
        result[members] = (start + np.arange(len(members))) % folds
        start += len(members)
    return result


def plan_nuisances(
    x: Floats, arm: Ints, y: Floats, arms: int, *, estimate_probability: bool, folds: Ints, seed: int
) -> NuisancePlan:
    """The outcome model by cross-validated squared error: the simplest within one SE of the best."""
    losses = {}
    for name, fit in OUTCOME_MODELS.items():
        loss = np.empty(len(y))
        for fold in np.unique(folds):
            train, test = folds != fold, folds == fold
            predicted = fit(x[train], arm[train], y[train], arms, seed).predict(x[test])
            loss[test] = (y[test] - predicted[np.arange(test.sum()), arm[test]]) ** 2
        losses[name] = loss
    names = list(losses)
    best = min(names, key=lambda name: losses[name].mean())
    chosen = next(
        name
        for name in names
        if losses[name].mean() - losses[best].mean() <= (losses[name] - losses[best]).std() / np.sqrt(len(y))
    )
    if not estimate_probability:
        return NuisancePlan(chosen)
    penalty, slope = choose_penalty(x, arm, arms, folds)
    return NuisancePlan(chosen, penalty, slope)


def crossfit(
    x: Floats,
    arm: Ints,
    y: Floats,
    arms: int,
    *,
    plan: NuisancePlan,
    known: Floats | None,
    folds: Ints,
    seed: int,
) -> CrossFit:
    """Fit the planned nuisances outside each fold, predict within it; ``known`` (n, K) is kept as given."""
    expected = np.empty((len(y), arms))
    probability = np.empty((len(y), arms)) if known is None else known
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        expected[test] = plan.fit_outcome(x[train], arm[train], y[train], arms, seed).predict(x[test])
        if known is None:
            probability[test] = plan.fit_propensity(x[train], arm[train], arms).predict(x[test])
    return CrossFit(expected, probability)


def stay_in_reach(probability: Floats, n: int, known: bool) -> Floats:
    """Estimated probabilities are truncated at ``truncation_bound(n)``; known ones stay as they are."""
    return probability if known else truncate(probability, truncation_bound(n))


def aipw(expected: Floats, probability: Floats, arm: Ints, y: Floats) -> Floats:
    """AIPW scores (n, K) from expectations (n, K), probabilities (n, K) > 0, arm (n,) and outcome (n,)."""
    scores = expected.copy()
    taken = np.arange(len(y)), arm
    scores[taken] += (y - expected[taken]) / probability[taken]
    return scores
