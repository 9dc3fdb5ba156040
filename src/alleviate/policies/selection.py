"""From a trial to a rule: learn every candidate out of fold, let only shown differences pass, choose, refit.

Called on the training people of a fold, it makes nested cross-validation: nothing here sees anybody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from alleviate.models.effects.contract import EffectModel
from alleviate.models.effects.ridge import fit_moderation
from alleviate.models.encoding import Encoder
from alleviate.models.forecaster import Forecaster, fit_baseline
from alleviate.models.scores import (
    NuisancePlan,
    aipw,
    balanced_folds,
    crossfit,
    plan_nuisances,
    stay_in_reach,
)
from alleviate.models.trial import EffectData, Floats, Trial
from alleviate.models.uncertainty import fit_neighbourhoods
from alleviate.policies.candidates import CANDIDATES, gate

__all__ = ["Calibration", "Learned", "calibrate", "choose", "learn_rule"]

FOLDS = 5
REPEATS = 2


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


@dataclass(frozen=True, slots=True)
class Learned:
    """A rule learned, and what was seen on the way.

    ``rivals``: the rule of every candidate, had it been the only one; ``seconds`` that each cost;
    ``probability`` and ``scores`` (n, K): out of fold, of the people learned from.
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


def calibrate(effects: Floats, scores: Floats) -> Calibration:
    """Regress centred scores on out-of-fold effects, both (n, K) with rows centred over arms.

    The best linear predictor of the effects (Chernozhukov, Demirer, Duflo & Fernández-Val 2018), for K arms
    at once, with a sandwich standard error clustered by person, corrected for people having served both to
    learn and to test: for J folds its square is multiplied by 1 + J/(J-1) (Nadeau & Bengio 2003, Machine
    Learning 52:239).
    """
    target = scores - scores.mean(axis=1, keepdims=True)
    target = target - target.mean(axis=0)
    signal = effects - effects.mean(axis=1, keepdims=True)
    signal = signal - signal.mean(axis=0)
    length = float((signal**2).sum())
    if length <= 1e-12 * float((target**2).sum()):
        return Calibration(0.0, 0.0, (target**2).sum(axis=1))
    slope = float((signal * target).sum()) / length
    influence = (signal * (target - slope * signal)).sum(axis=1)
    error = float(np.sqrt((influence**2).sum() * (1.0 + FOLDS / (FOLDS - 1)))) / length
    shrunk = float(np.clip(slope, 0.0, 1.0))
    z = slope / error if error > 0 else float(np.copysign(np.inf, slope))
    return Calibration(slope, z, ((target - shrunk * signal) ** 2).sum(axis=1))


def choose(calibrations: Mapping[str, Calibration], names: Sequence[str]) -> str:
    """The simplest candidate within one standard error of the least loss, of those that pass their gate."""
    passed = [
        name for name in CANDIDATES if name in names and name != "none" and calibrations[name].z > gate(name)
    ]
    if not passed:
        return "none"
    best = min(passed, key=lambda name: float(calibrations[name].loss.mean()))
    excess = {name: calibrations[name].loss - calibrations[best].loss for name in passed}
    return next(name for name, more in excess.items() if more.mean() <= more.std() / np.sqrt(len(more)))


def learn_rule(trial: Trial, names: Sequence[str], seed: np.random.SeedSequence) -> Learned:
    """Learn from all of ``trial``; ``names`` of candidates, "none" always among them. Deterministic."""
    rng = np.random.default_rng(seed)
    number = int(rng.integers(2**31 - 1))
    encoder = Encoder.fit(trial.features)
    x = encoder.transform(trial.features).x
    k, n = trial.arms, len(trial)
    fits = [name for name in names if name != "none"]
    seconds = dict.fromkeys(("none", *names), 0.0)
    out_of_fold = {name: np.zeros((n, k)) for name in fits}
    expected, probability, scores = np.zeros((n, k)), np.zeros((n, k)), np.zeros((n, k))
    plan: NuisancePlan | None = None
    for _ in range(REPEATS):
        folds = balanced_folds(trial.arm, FOLDS, rng)
        if plan is None:
            plan = plan_nuisances(
                x,
                trial.arm,
                trial.y,
                k,
                estimate_probability=trial.probability is None,
                folds=folds,
                seed=number,
            )
        nuisance = crossfit(
            x, trial.arm, trial.y, k, plan=plan, known=trial.probability, folds=folds, seed=number
        )
        data = _effect_data(x, trial, nuisance.expected, nuisance.probability)
        for fold in range(FOLDS):
            train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            for name in fits:
                start = perf_counter()
                fitted = CANDIDATES[name].fit(data.rows(train), number)
                out_of_fold[name][test] += fitted.predict(x[test]) / REPEATS
                seconds[name] += perf_counter() - start
        expected += nuisance.expected / REPEATS
        probability += nuisance.probability / REPEATS
        scores += data.scores / REPEATS
    assert plan is not None
    pooled = _effect_data(x, trial, expected, probability)
    pooled = EffectData(x, pooled.arm, pooled.y, pooled.residual, pooled.probability, scores)
    calibrations = {name: calibrate(out_of_fold[name], scores) for name in fits}
    calibrations["none"] = calibrate(np.zeros((n, k)), scores)
    chosen = choose(calibrations, names)
    value = scores.mean(axis=0)
    shared = (
        encoder,
        fit_baseline(x, trial.arm, trial.y, k),
        value,
        np.cov(scores, rowvar=False) / n,
    )
    moderation = fit_moderation(pooled)
    neighbourhoods = fit_neighbourhoods(x, trial.arm, k, number)

    def forecaster(name: str) -> Forecaster:
        start = perf_counter()
        model: EffectModel = CANDIDATES[name].fit(pooled, number)
        centre = model.predict(x).mean(axis=0)
        seconds[name] += perf_counter() - start
        return Forecaster(*shared, model, calibrations[name].shrinkage, centre, moderation, neighbourhoods)

    rivals = {name: forecaster(name) for name in seconds}
    best = int(value.argmax())
    return Learned(rivals[chosen], chosen, best, calibrations, rivals, plan, probability, scores, seconds)


def _effect_data(x: Floats, trial: Trial, expected: Floats, probability: Floats) -> EffectData:
    reached = stay_in_reach(probability, len(trial), trial.probability is not None)
    scores = aipw(expected, reached, trial.arm, trial.y)
    residual = trial.y - (reached * expected).sum(axis=1)
    return EffectData(x, trial.arm, trial.y, residual, reached, scores)
