"""Cross-fitted doubly robust scores: for each person the outcome under each arm.

Γ_ik = μ_k(x_i) + 1{A_i = k} R_i / (e_k(x_i) π_i) · (Y_i - μ_k(x_i)), where R_i says whether the outcome is
known, and μ, e and π = P(known) were fitted without person i (Robins, Rotnitzky & Zhao 1994; Chernozhukov
et al. 2018). Their mean over people estimates E[Y(k)]. In a complete trial R = π = 1: the AIPW scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alleviate.models.censoring import Censoring, CensoringPlan, fit_censoring, known_outcome, plan_censoring
from alleviate.models.event_times import EventPlan, EventTimes, fit_event_times, plan_event_times
from alleviate.models.outcome import OUTCOME_MODELS, OutcomeModel, models_for
from alleviate.models.propensities import Chances, PropensityPlan, choose_propensity, fit_chances
from alleviate.models.propensity import truncate, truncation_bound
from alleviate.models.trial import EffectData, Floats, Ints, Trial

__all__ = [
    "CrossFit",
    "NuisancePlan",
    "Nuisances",
    "aipw",
    "balanced_folds",
    "completed",
    "crossfit",
    "doubly_robust",
    "effect_data",
    "known_outcome",
    "plan_nuisances",
    "stay_in_reach",
    "strata",
    "weights",
]

MOST_PLANNED, FEWEST_PLANNED = 20_000, 200
"""People on whom a plan is made, where there are more; and at least of each arm, known and unknown."""


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Out of fold, not yet truncated: expectations (n, K), probabilities (n, K), and P(outcome known) (n,).

    ``known`` is given features, the person's own arm and, for events in time, how long they were followed.
    ``completed`` (n,): of events in time an outcome for everybody (``event_times``), else ``None``.
    """

    expected: Floats
    probability: Floats
    known: Floats
    completed: Floats | None = None

    def __add__(self, other: "CrossFit") -> "CrossFit":
        """The other is of the same people over other folds."""
        whole = None
        if self.completed is not None and other.completed is not None:
            whole = self.completed + other.completed
        return CrossFit(
            self.expected + other.expected,
            self.probability + other.probability,
            self.known + other.known,
            whole,
        )

    def __truediv__(self, number: float) -> "CrossFit":
        whole = None if self.completed is None else self.completed / number
        return CrossFit(self.expected / number, self.probability / number, self.known / number, whole)


@dataclass(frozen=True, slots=True)
class Nuisances:
    """Fitted models; ``propensity`` where the trial does not know it, ``censoring`` where some are lost."""

    outcome: OutcomeModel
    propensity: Chances | None
    censoring: Censoring | None
    events: EventTimes | None
    bound: float

    def at(self, x: Floats, trial: Trial) -> CrossFit:
        """For people of ``trial`` with encoded features ``x`` (n, p), none of whom they were fitted on."""
        chances = trial.probability
        if chances is None:
            assert self.propensity is not None
            chances = self.propensity.predict(x)
        if self.censoring is None:
            return CrossFit(self.outcome.predict(x), chances, np.ones(len(trial)))
        known, whole = self.censoring.predict(x, trial), None
        if self.events is not None:
            whole = self.events.completed(x, trial, self.censoring.hazards, self.bound)
        return CrossFit(self.outcome.predict(x), chances, known, whole)


@dataclass(frozen=True, slots=True)
class NuisancePlan:
    """Chosen once on the training people: outcome model, penalties and slopes of the probabilities.

    ``rounds``: of boosting for the arms' chances; 0: the ridge with ``penalty``.
    """

    outcome: str
    penalty: float | None = None
    slope: float = 1.0
    censoring: CensoringPlan | None = None
    events: EventPlan | None = None
    rounds: int = 0

    def fit(self, x: Floats, trial: Trial, seed: int) -> Nuisances:
        """Fit on everybody in ``trial``.

        The outcome model sees the known outcomes, each weighted by 1/π; of events in time all, completed.
        """
        bound = truncation_bound(len(trial))
        censoring, events, whole, weight = None, None, trial, None
        if self.censoring is not None:
            censoring = fit_censoring(x, trial, self.censoring)
            if self.events is not None:
                events = fit_event_times(x, trial, self.events)
                whole = replace(trial, y=events.completed(x, trial, censoring.hazards, bound))
            else:
                weight = _weights(censoring.predict(x, trial), trial)
        outcome = _fit_outcome(self.outcome, x, whole, weight, seed)
        return Nuisances(outcome, self._propensity(x, trial), censoring, events, bound)

    def _propensity(self, x: Floats, trial: Trial) -> Chances | None:
        if trial.probability is not None:
            return None
        if self.penalty is None:
            raise ValueError("the probabilities of this trial are known")
        return fit_chances(x, trial.arm, trial.arms, PropensityPlan(self.penalty, self.slope, self.rounds))


def _fit_outcome(name: str, x: Floats, trial: Trial, weight: Floats | None, seed: int) -> OutcomeModel:
    if weight is None:
        return OUTCOME_MODELS[name](x, trial.arm, trial.y, trial.arms, seed)
    seen = weight > 0
    return OUTCOME_MODELS[name](x[seen], trial.arm[seen], trial.y[seen], trial.arms, seed, weight[seen])


def strata(trial: Trial) -> Ints:
    """(n,) who is to be shared out evenly over folds: each arm's known and unknown outcomes."""
    return trial.arm if trial.observed is None else 2 * trial.arm + ~trial.observed


def balanced_folds(strata: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """A fold 0..folds-1 for everyone, at random within each stratum: every fold has its share of each."""
    result = np.empty(len(strata), dtype=np.int64)
    start = 0
    for k in np.unique(strata):
        members = rng.permutation(np.flatnonzero(strata == k))
        result[members] = (start + np.arange(len(members))) % folds
        start += len(members)
    return result


def plan_nuisances(
    x: Floats, trial: Trial, *, folds: Ints, seed: int, models: Sequence[str] | None = None
) -> NuisancePlan:
    """The outcome model by cross-validated squared error: the simplest within one SE of the best.

    Squared errors of known outcomes count 1/π times, those of unknown ones not at all. ``models``: names of
    outcome models to try, by default those that suit the kind of outcome.
    """
    if len(trial) <= MOST_PLANNED:
        return _plan(x, trial, folds, seed, models)
    some = _share_of_each(strata(trial), MOST_PLANNED / len(trial), seed)
    plan = _plan(x[some], trial.rows(some), folds[some], seed, models)
    if plan.events is None or trial.followed is None:
        return plan
    return replace(plan, events=replace(plan.events, horizon=float(trial.followed.max())))


def _plan(x: Floats, trial: Trial, folds: Ints, seed: int, models: Sequence[str] | None) -> NuisancePlan:
    parts = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
    weight, plan = None, NuisancePlan("linear")
    whole, kind = trial, trial.kind
    if not known_outcome(trial).all():
        events = None if trial.followed is None else plan_event_times(x, trial, folds)
        plan = replace(plan, censoring=plan_censoring(x, trial, folds), events=events)
        free = replace(trial, probability=np.full((len(trial), trial.arms), 1.0 / trial.arms))
        found = crossfit(x, free, plan=plan, folds=folds, seed=seed)
        if found.completed is None:
            weight = weights(found, trial)
        else:  # whatever was known of the outcome's range, completed it may lie anywhere
            whole, kind = replace(trial, y=found.completed), "numeric"
    losses = {}
    for name in models or models_for(kind):
        loss = np.empty(len(trial))
        for train, test in parts:
            own = None if weight is None else weight[train]
            predicted = _fit_outcome(name, x[train], whole.rows(train), own, seed).predict(x[test])
            loss[test] = (whole.y[test] - predicted[np.arange(len(test)), trial.arm[test]]) ** 2
        losses[name] = loss if weight is None else loss * weight
    names = list(losses)
    best = min(names, key=lambda name: losses[name].mean())
    chosen = next(
        name
        for name in names
        if losses[name].mean() - losses[best].mean() <= (losses[name] - losses[best]).std() / np.sqrt(len(x))
    )
    if trial.probability is not None:
        return replace(plan, outcome=chosen)
    arms = choose_propensity(x, trial.arm, trial.arms, folds)
    return replace(plan, outcome=chosen, penalty=arms.penalty, slope=arms.slope, rounds=arms.rounds)


def _share_of_each(strata: Ints, share: float, seed: int) -> Ints:
    """People, in order: of each stratum that share, of a small one more."""
    rng = np.random.default_rng(seed)
    kept = []
    for stratum in np.unique(strata):
        members = rng.permutation(np.flatnonzero(strata == stratum))
        kept.append(members[: max(round(share * len(members)), FEWEST_PLANNED)])
    return np.sort(np.concatenate(kept))


def crossfit(x: Floats, trial: Trial, *, plan: NuisancePlan, folds: Ints, seed: int) -> CrossFit:
    """Fit the planned nuisances outside each fold, predict within it; known probabilities stay as given."""
    expected = np.empty((len(trial), trial.arms))
    probability, known, whole = np.empty_like(expected), np.empty(len(trial)), np.empty(len(trial))
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        found = plan.fit(x[train], trial.rows(train), seed).at(x[test], trial.rows(test))
        expected[test], probability[test], known[test] = found.expected, found.probability, found.known
        if found.completed is not None:
            whole[test] = found.completed
    return CrossFit(expected, probability, known, None if plan.events is None else whole)


def stay_in_reach(probability: Floats, n: int, known: bool) -> Floats:
    """Estimated probabilities are truncated at ``truncation_bound(n)``; known ones stay as they are."""
    return probability if known else truncate(probability, truncation_bound(n))


def _weights(known: Floats, trial: Trial, n: int | None = None) -> Floats:
    bound = truncation_bound(n or len(trial))
    return np.asarray(known_outcome(trial) / truncate(known, bound))


def weights(fit: CrossFit, trial: Trial, n: int | None = None) -> Floats:
    """(n,) R/π: 0 where the outcome is unknown, all 1 in a complete trial.

    π is truncated at the bound for ``n`` people learned from (by default those of ``trial``).
    """
    return _weights(fit.known, trial, n)


def doubly_robust(fit: CrossFit, trial: Trial, n: int | None = None) -> Floats:
    """Scores (n, K) of people on whom ``fit`` was not fitted; ``n`` learned from, as for ``weights``."""
    reached = stay_in_reach(fit.probability, n or len(trial), trial.probability is not None)
    if fit.completed is not None:
        return aipw(fit.expected, reached, trial.arm, fit.completed)
    return aipw(fit.expected, reached, trial.arm, trial.y, weights(fit, trial, n))


def aipw(expected: Floats, probability: Floats, arm: Ints, y: Floats, weight: Floats | float = 1.0) -> Floats:
    """Scores (n, K) from expectations and probabilities > 0 (n, K), arm, outcome and weight R/π (n,)."""
    scores = expected.copy()
    taken = np.arange(len(y)), arm
    scores[taken] += weight * (y - expected[taken]) / probability[taken]
    return scores


def completed(fit: CrossFit, trial: Trial) -> Floats:
    """(n,) outcomes as given in a complete trial, else μ + R/π (Y - μ) in each person's own arm.

    What has no way to weigh people can regress on it: given features and arm its mean is that of Y.
    """
    if trial.observed is None:
        return trial.y
    if fit.completed is not None:
        return fit.completed
    own = fit.expected[np.arange(len(trial)), trial.arm]
    return own + weights(fit, trial) * (trial.y - own)


def effect_data(x: Floats, fit: CrossFit, trial: Trial) -> EffectData:
    """What an effect learner may use of ``trial``; of events in time outcomes completed, of weight 1."""
    reached = stay_in_reach(fit.probability, len(trial), trial.probability is not None)
    y = trial.y if fit.completed is None else fit.completed
    return EffectData(
        x=x,
        arm=trial.arm,
        y=y,
        residual=y - (reached * fit.expected).sum(axis=1),
        probability=reached,
        scores=doubly_robust(fit, trial),
        expected=fit.expected,
        weight=weights(fit, trial) if fit.completed is None else np.ones(len(trial)),
    )
