"""From a trial to a rule: learn candidates out of fold, blend them, let only shown differences pass, refit.

Called on the training people of a fold, it makes nested cross-validation: nothing here sees anybody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from alleviate.models.effects import sparse
from alleviate.models.effects.contract import EffectModel
from alleviate.models.effects.ridge import fit_moderation
from alleviate.models.encoding import Encoder
from alleviate.models.forecaster import Forecaster, crossfit_baseline, fit_baseline
from alleviate.models.outcome import fit_linear_outcome
from alleviate.models.scores import (
    CrossFit,
    NuisancePlan,
    balanced_folds,
    completed,
    crossfit,
    effect_data,
    known_outcome,
    plan_nuisances,
    strata,
)
from alleviate.models.trial import EffectData, Floats, Ints, Trial
from alleviate.models.uncertainty import (
    Outcomes,
    fit_doubt,
    fit_level_doubt,
    fit_neighbourhoods,
    fit_outcomes,
)
from alleviate.policies.candidates import BLEND, CANDIDATES, NO_SIGNAL, competing
from alleviate.policies.evidence import (
    FOLDS,
    LIABILITY,
    Calibration,
    calibrate,
    cautious_level,
    choose,
    had_it_been_even,
    insured,
)
from alleviate.policies.limits import fit_harm
from alleviate.policies.super_learner import BlendModel, Part, centred, convex_weights, crossfit_blend
from alleviate.policies.utility import Preferences, harm_data, utility_data

__all__ = ["Learned", "learn_rule"]

REPEATS, MANY = 2, 5_000
"""Splits of the people, and the number of people from which one is enough."""

MOST_TAUGHT = 20_000
"""People from whom candidates learn while they compete; the rules themselves learn from everybody."""

LEAST_WEIGHT = 0.01
"""Part of a blend that is left out."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A rule learned, and what was seen on the way.

    ``rivals``: the rule of every candidate, had it been the only one, and of the blend; ``seconds`` that
    each cost; ``probability`` and ``scores`` (n, K): out of fold, of the people learned from.
    ``no_signal``: chance that nobody differs, had it been even before; ``weights``: of the blend.
    Where harms have a weight, ``scores`` and forecasters are of the utility; ``harms``: forecasts of each.
    """

    forecaster: Forecaster
    chosen: str
    best_arm: int
    calibrations: Mapping[str, Calibration]
    rivals: Mapping[str, Forecaster]
    plan: NuisancePlan
    probability: Floats
    scores: Floats
    seconds: Mapping[str, float]
    no_signal: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)
    harms: tuple[Forecaster, ...] = ()


@dataclass(frozen=True, slots=True)
class _Splits:
    """What cross-fitting gave: ``data`` pooled over splits, candidates' ``effects`` (n, K) by ``folds``.

    ``harms``: of each the same, with the effects that the ridge learner told; ``data`` is of the utility.
    """

    plan: NuisancePlan
    fit: CrossFit
    data: EffectData
    folds: Ints
    effects: Mapping[str, Floats]
    harms: tuple[tuple[EffectData, Floats], ...]


def _split(
    x: Floats,
    trial: Trial,
    names: Sequence[str],
    number: int,
    rng: np.random.Generator,
    seconds: dict[str, float],
    preferences: Preferences | None,
) -> _Splits:
    """Scores and effects are means over all splits; ``folds`` are those of the first."""
    n, repeats = len(trial), REPEATS if len(trial) < MANY else 1
    scores, effects = np.zeros((n, trial.arms)), {name: np.zeros((n, trial.arms)) for name in names}
    weights = () if preferences is None else preferences.weights
    splits = [balanced_folds(strata(trial), FOLDS, rng) for _ in range(repeats)]
    plan = plan_nuisances(x, trial, folds=splits[0], seed=number)
    fits, felt, unseen = [], [], np.zeros((len(weights), n, trial.arms))
    for folds in splits:
        fit = crossfit(x, trial, plan=plan, folds=folds, seed=number)
        data = effect_data(x, fit, trial)
        if preferences is not None:
            harms = harm_data(x, trial, fit, folds, number)
            data = utility_data(data, harms, weights)
            unseen += np.array([_moderated(harm, folds) for harm in harms]) / repeats
            felt.append(harms)
        for fold in range(FOLDS):
            train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            if len(train) > MOST_TAUGHT:
                train = np.sort(rng.choice(train, MOST_TAUGHT, replace=False))
            for name in names:
                start = perf_counter()
                fitted = CANDIDATES[name].fit(data.rows(train), number)
                effects[name][test] += fitted.predict(x[test]) / repeats
                seconds[name] += perf_counter() - start
        scores += data.scores / repeats
        fits.append(fit)
    mean = sum(fits[1:], fits[0]) / repeats
    pooled_harms = tuple(_pooled(each) for each in zip(*felt, strict=True))
    pooled = replace(utility_data(effect_data(x, mean, trial), pooled_harms, weights), scores=scores)
    return _Splits(plan, mean, pooled, splits[0], effects, tuple(zip(pooled_harms, unseen, strict=True)))


def _pooled(splits: Sequence[EffectData]) -> EffectData:
    """The mean of the same people's data over splits."""
    names = ("y", "residual", "probability", "scores", "expected")
    means = {name: np.mean([getattr(data, name) for data in splits], axis=0) for name in names}
    return replace(splits[0], **means)


def _moderated(data: EffectData, folds: Ints) -> Floats:
    """(n, K) effects by the ridge learner, each fold's learned without its people."""
    effects = np.zeros_like(data.scores)
    for fold in np.unique(folds):
        model = fit_moderation(data.rows(np.flatnonzero(folds != fold)))
        effects[folds == fold] = model.predict(data.x[folds == fold])
    return effects


def learn_rule(
    trial: Trial,
    names: Sequence[str],
    seed: np.random.SeedSequence,
    preferences: Preferences | None = None,
    *,
    intervals: bool = True,
) -> Learned:
    """Learn from all of ``trial``; ``names`` of candidates, "none" always among them. Deterministic.

    ``preferences`` of the trial's harms: the rule is of the utility, and every harm is forecast too.
    ``intervals``: without, nothing is learned that only the intervals of new people need: where a rule is
    but tested. The rule is the same.
    """
    rng = np.random.default_rng(seed)
    number = int(rng.integers(2**31 - 1))
    encoder = Encoder.fit(trial.features)
    x = encoder.transform(trial.features).x
    k = trial.arms
    rules = competing(names)
    fits = [name for name in rules if name not in ("none", BLEND)]
    seconds = dict.fromkeys(rules, 0.0)
    splits = _split(x, trial, fits, number, rng, seconds, preferences)
    data, scores, judged = splits.data, splits.data.scores, trial
    if preferences is not None and preferences.weighs:
        judged = replace(trial, y=data.y, observed=None, followed=None, kind="numeric")
    models = _fitted(("none", *fits), data, number, seconds)
    calibrations = {name: calibrate(effects, scores) for name, effects in splits.effects.items()}
    calibrations["none"] = calibrate(np.zeros_like(scores), scores)
    weights: dict[str, float] = {}
    if BLEND in rules:
        start, each = perf_counter(), list(splits.effects.values())
        calibrations[BLEND] = calibrate(crossfit_blend(each, scores, splits.folds), scores)
        found = dict(zip(fits, convex_weights(each, scores).tolist(), strict=True))
        weights = {name: weight for name, weight in found.items() if weight >= LEAST_WEIGHT}
        models[BLEND] = BlendModel(k, tuple(Part(name, w, models[name]) for name, w in weights.items()))
        seconds[BLEND] = perf_counter() - start
    posterior = _posterior(data, models, number).no_signal if fits else 1.0
    no_signal = had_it_been_even(posterior)
    chosen, seen = choose(calibrations, no_signal), known_outcome(trial)
    complete = completed(splits.fit, judged)
    value = cautious_level(scores, fit_linear_outcome(x, trial.arm, complete, k, number).level)
    # the blend's weights and the posterior's average over models have shrunk already; who differs for certain
    # needs no share of "nobody does"
    slopes = {name: calibration.shrinkage for name, calibration in calibrations.items()} | {
        BLEND: 1.0,
        sparse.LEARNER.name: 1.0 / (1.0 - posterior) if no_signal < NO_SIGNAL else 1.0,
    }
    if chosen == "none" and fits:
        first, limit = fits[0], LIABILITY * float(judged.y[known_outcome(judged)].std())
        effects = models[first].predict(x)
        slopes[first] = insured(effects, scores, value, slopes[first], limit)
        assigned = (value + slopes[first] * (effects - effects.mean(axis=0))).argmax(axis=1)
        chosen = first if (assigned != value.argmax()).any() else "none"
    parts = weights if chosen == BLEND else {chosen: slopes[chosen]}
    unseen = _out_of_fold(splits, parts)
    # without what the rule says of the arm that each got: where features steer it, that is not the level
    alike = complete - unseen[np.arange(len(x)), trial.arm]
    none = Forecaster(
        encoder=encoder,
        baseline=fit_baseline(x, trial.arm, alike, k),
        value=value,
        value_covariance=np.cov(scores, rowvar=False) / len(x),
        effect=models["none"],
        slope=slopes["none"],
        centre=np.zeros(k),
        moderation=fit_moderation(data),
        neighbourhoods=fit_neighbourhoods(x[seen], trial.arm[seen], k, number),
    )
    if intervals:
        none = _doubted(none, splits, alike, unseen, number)
    rivals = {
        name: replace(
            none, effect=models[name], slope=slopes[name], centre=models[name].predict(x).mean(axis=0)
        )
        for name in rules
    }
    if intervals and unseen.any():
        centre, slope = rivals[chosen].centre, slopes[chosen]
        told = fit_doubt(data, number, unseen, lambda some: slope * (models[chosen].predict(some) - centre))
        rivals[chosen] = replace(rivals[chosen], doubt=told)
    return Learned(
        rivals[chosen],
        chosen,
        int(value.argmax()),
        calibrations,
        rivals,
        splits.plan,
        splits.fit.probability,
        scores,
        seconds,
        no_signal,
        weights,
        tuple(fit_harm(rivals[chosen], harm, effects) for harm, effects in splits.harms),
    )


def _fitted(
    names: Sequence[str], data: EffectData, number: int, seconds: dict[str, float]
) -> dict[str, EffectModel]:
    """Each learner on everybody; the time goes to its ``seconds``."""
    models: dict[str, EffectModel] = {}
    for name in names:
        start = perf_counter()
        models[name] = CANDIDATES[name].fit(data, number)
        seconds[name] += perf_counter() - start
    return models


def _doubted(none: Forecaster, splits: _Splits, alike: Floats, unseen: Floats, number: int) -> Forecaster:
    """With what the intervals of new people need. ``alike`` (n,): outcomes less ``unseen`` (n, K) effects."""
    data, arms = splits.data, none.arms
    alone = crossfit_baseline(data.x, data.arm, alike, arms, splits.folds)
    return replace(
        none,
        doubt=fit_doubt(data, number),
        level_doubt=fit_level_doubt(
            data.x,
            data.arm,
            alike,
            arms,
            seed=number,
            slopes=none.baseline.mean,
            unseen=alone,
            level=none.baseline.predict,
        ),
        outcomes=_own_outcomes(data, alone[:, None] + none.value + unseen),
    )


def _out_of_fold(splits: _Splits, parts: Mapping[str, float]) -> Floats:
    """(n, K) what the rule, learned without the person, says; ``parts``: its learners, with weights."""
    effects = 0.0 * splits.data.scores
    for name, weight in parts.items():
        if name != "none":
            effects = effects + weight * splits.effects[name]
    return centred(effects)


def _own_outcomes(data: EffectData, expected: Floats) -> Outcomes | None:
    """How far outcomes lie from ``expected`` (n, K), found without the person; ``None``: they are binary."""
    if len(np.unique(data.y[data.weight > 0])) <= 2:
        return None
    taken = np.arange(len(data.y)), data.arm
    return fit_outcomes(data.y - expected[taken], data.arm, data.weight / data.probability[taken], data.arms)


def _posterior(data: EffectData, models: Mapping[str, EffectModel], number: int) -> sparse.SparseModel:
    """The sparse posterior, fitted for its chance that nobody differs where it is no candidate itself."""
    found = models.get(sparse.LEARNER.name)
    return found if isinstance(found, sparse.SparseModel) else sparse.LEARNER.fit(data, number)
