"""How treatment came about in a study: balance, who was left out, hidden confounding, negative controls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, partial
from math import exp, log

import numpy as np

from alleviate.features import FeatureSpec
from alleviate.models.balance import balance
from alleviate.models.censoring import plan_censoring
from alleviate.models.encoding import EncodedColumn
from alleviate.models.propensities import PropensityPlan, fit_chances
from alleviate.models.scores import balanced_folds, crossfit, doubly_robust, stay_in_reach, strata, weights
from alleviate.models.sensitivity import Scored, bounds, e_value, e_value_of_means, odds_moved
from alleviate.models.trial import Floats, Ints
from alleviate.packages.routine_findings import (
    BalanceFindings,
    BalanceLine,
    Band,
    ControlFindings,
    EValue,
    RoutineFindings,
    Sensitivity,
    Strength,
    Trimming,
    TrimmingLine,
)
from alleviate.policies.gain import gain_over_best
from alleviate.policies.selection import Learned
from alleviate.policies.value import mean_with_interval
from alleviate.reports.numbers import decimals_for, number
from alleviate.studies.cohort import Cohort
from alleviate.studies.evaluation import Evaluation
from alleviate.terms.estimates import Estimate

__all__ = ["balance_findings", "routine_findings", "routine_warnings"]

GAMMAS = (1.0, 1.25, 1.5, 2.0, 3.0)
STRONGEST = 10.0
"""Strength beyond which none is tried: no feature that anybody records moves odds so."""

MOST_FEATURES = 10
MOST_PEOPLE = 20_000
"""For the strength of features: those most unlike between the arms, on so many people."""

MOST_LINES = 5
UNBALANCED = 0.1
FOLDS = 5


def balance_findings(cohort: Cohort, learned: Learned) -> BalanceFindings:
    """Standardised differences before and after weighting by the chances that the scores divide by."""
    trial, encoder = cohort.trial, learned.forecaster.encoder
    chances = stay_in_reach(learned.probability, len(trial), trial.probability is not None)
    found = balance(encoder.transform(trial.features).x, trial.arm, chances)

    def by_arm(row: Floats) -> dict[str, float]:
        return {arm: float(value) for arm, value in zip(cohort.arms, row, strict=True)}

    order = np.argsort(-np.abs(found.before).max(axis=1), kind="stable")
    return BalanceFindings(
        lines=tuple(
            BalanceLine(
                _label(encoder.columns[j], cohort.spec), by_arm(found.before[j]), by_arm(found.after[j])
            )
            for j in order
        ),
        effective=by_arm(found.effective),
    )


def routine_findings(
    cohort: Cohort, learned: Learned, evaluation: Evaluation, best: int
) -> RoutineFindings | None:
    """``None`` where people were randomised. ``best``: the arm that is ahead."""
    if cohort.study.treatment.assignment != "observational":
        return None
    judged = _Judged(cohort, _scored(cohort, learned), evaluation)
    rivals = [k for k in range(cohort.trial.arms) if k != best]
    found = [
        _sensitivity(
            cohort.arms[k], partial(judged.contrast, best, k), _e_of_arms(cohort, evaluation, best, k)
        )
        for k in rivals
    ]
    if evaluation.advised is not None and (evaluation.advised[:, best] < 1.0).any():
        found.append(_sensitivity("", judged.gain, _e_of_gain(cohort, evaluation)))
    return RoutineFindings(
        trimming=_trimming(cohort),
        sensitivity=tuple(found),
        strengths=_strengths(cohort, learned),
        strongest_tried=STRONGEST,
        values=judged.values(),
        controls=_controls(cohort, learned, evaluation, best),
    )


def routine_warnings(
    balance: BalanceFindings, routine: RoutineFindings | None, words: Mapping[str, str]
) -> tuple[str, ...]:
    """In words: features still unlike after weighting, people left out, controls that are not 0."""
    if routine is None:
        return ()
    result = []
    worst = {line.label: max(map(abs, line.after.values())) for line in balance.lines}
    unlike = sorted((label for label in worst if worst[label] > UNBALANCED), key=lambda label: -worst[label])
    if unlike:
        result.append(
            words["unbalanced"].format(
                label=unlike[0],
                size=f"{worst[unlike[0]]:.2f}",
                others=f" and {len(unlike) - 1} more" if len(unlike) > 1 else "",
            )
        )
    if routine.trimming is not None and (out := sum(routine.trimming.outside.values())):
        result.append(words["trimmed"].format(n=out, all=out + routine.trimming.kept))
    controls = routine.controls
    if controls is not None and any(e.excludes_zero for e in (controls.contrasts or {}).values()):
        result.append(words["control_outcome"].format(outcome=controls.outcome))
    if controls is not None and controls.difference is not None and controls.difference.excludes_zero:
        result.append(words["control_arms"].format(one=controls.arms[0], other=controls.arms[1]))
    return tuple(result)


def _scored(cohort: Cohort, learned: Learned) -> Scored:
    trial, x, folds = cohort.trial, *_encoded(cohort, learned)
    fit = crossfit(x, trial, plan=learned.plan, folds=folds, seed=0)
    whole = fit.completed is not None
    return Scored(
        fit.expected,
        stay_in_reach(fit.probability, len(trial), trial.probability is not None),
        trial.arm,
        trial.y if fit.completed is None else fit.completed,
        np.ones(len(trial)) if whole else weights(fit, trial),
        binary=trial.kind == "binary" and not whole,
    )


def _encoded(cohort: Cohort, learned: Learned) -> tuple[Floats, Ints]:
    x = learned.forecaster.encoder.transform(cohort.trial.features).x
    rng = np.random.default_rng(cohort.study.validation.seed)
    return x, balanced_folds(strata(cohort.trial), FOLDS, rng)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Of one quantity at one strength: its lower and its upper bound, each with its interval."""

    low: Estimate
    high: Estimate

    def band(self, gamma: float) -> Band:
        return Band(gamma, self.low.estimate, self.high.estimate, self.low.low, self.high.high)


class _Judged:
    """Bounds of contrasts, gain and values at any strength; what was worked out once is kept."""

    def __init__(self, cohort: Cohort, scored: Scored, evaluation: Evaluation) -> None:
        self._cohort, self._advised = cohort, evaluation.advised
        self._sides = cache(lambda gamma: bounds(scored, gamma))

    def _mean(self, low: Floats, high: Floats) -> _Ends:
        sites = self._cohort.sites
        return _Ends(mean_with_interval(low, sites), mean_with_interval(high, sites))

    def contrast(self, best: int, other: int, gamma: float) -> _Ends:
        sides = self._sides(gamma)
        return self._mean(
            sides.low[:, best] - sides.high[:, other], sides.high[:, best] - sides.low[:, other]
        )

    def gain(self, gamma: float) -> _Ends:
        """Over each arm in turn; the least of them, as the gain itself is the least."""
        assert self._advised is not None
        sides, each = self._sides(gamma), []
        for b in range(self._advised.shape[1]):
            share = self._advised.copy()
            share[:, b] = 0.0  # whoever gets this arm anyway gains nothing, whatever is hidden
            away = share.sum(axis=1)
            each.append(
                self._mean(
                    (share * sides.low).sum(axis=1) - away * sides.high[:, b],
                    (share * sides.high).sum(axis=1) - away * sides.low[:, b],
                )
            )
        return _Ends(gain_over_best([e.low for e in each]), gain_over_best([e.high for e in each]))

    def values(self) -> dict[str, tuple[Band, ...]]:
        """In outcome units."""
        weights = {arm: np.eye(self._cohort.trial.arms)[k] for k, arm in enumerate(self._cohort.arms)}
        if self._advised is not None:
            weights = {"rule": self._advised, **weights}
        return {
            name: tuple(self._value(weight, gamma) for gamma in GAMMAS) for name, weight in weights.items()
        }

    def _value(self, weight: Floats, gamma: float) -> Band:
        sides = self._sides(gamma)
        band = self._mean((weight * sides.low).sum(axis=1), (weight * sides.high).sum(axis=1)).band(gamma)
        if self._cohort.outcome.sign > 0:
            return band
        return Band(gamma, -band.high, -band.low, -band.interval_high, -band.interval_low)


def _sensitivity(against: str, at: Callable[[float], _Ends], e: EValue) -> Sensitivity:
    return Sensitivity(
        against,
        tuple(at(gamma).band(gamma) for gamma in GAMMAS),
        _first(lambda gamma: at(gamma).low.low),
        _first(lambda gamma: at(gamma).low.estimate),
        e,
    )


def _first(low: Callable[[float], float]) -> float | None:
    """Least strength at which ``low`` is 0 or less; it falls as strength grows."""
    if low(1.0) <= 0:
        return 1.0
    if low(STRONGEST) > 0:
        return None
    holds, fails = 0.0, log(STRONGEST)
    while fails - holds > 1e-3:
        middle = (holds + fails) / 2.0
        holds, fails = (middle, fails) if low(exp(middle)) > 0 else (holds, middle)
    return exp(fails)


def _e_of_arms(cohort: Cohort, evaluation: Evaluation, best: int, other: int) -> EValue:
    return _e(cohort, evaluation.contrasts[best][other], evaluation.arms[other])


def _e_of_gain(cohort: Cohort, evaluation: Evaluation) -> EValue:
    return _e(cohort, evaluation.gain_over_best, evaluation.best_arm)


def _e(cohort: Cohort, difference: Estimate, reference: Estimate) -> EValue:
    """Of a difference from ``reference``; of risks by their ratio, else by its size in SDs."""

    def of(size: float) -> float:
        if size <= 0:
            return 1.0
        if not cohort.outcome.binary:
            return e_value_of_means(size, cohort.sd)
        risk = abs(reference.estimate)
        moved = abs(reference.estimate + size)
        return e_value(max(moved, 1e-6) / max(risk, 1e-6))

    return EValue(of(difference.estimate), of(difference.low))


def _strengths(cohort: Cohort, learned: Learned) -> tuple[Strength, ...]:
    """How far the odds of treatment move without each feature: what a hidden one is measured by."""
    trial, encoder = cohort.trial, learned.forecaster.encoder
    if trial.probability is not None or learned.plan.penalty is None:
        return ()
    step = -(-len(trial) // MOST_PEOPLE)
    x, arm = encoder.transform(trial.features).x[::step], trial.arm[::step]
    plan = PropensityPlan(learned.plan.penalty, learned.plan.slope, learned.plan.rounds)
    names = np.array([column.feature for column in encoder.columns])
    unlike = np.abs(balance(x, arm, np.ones((len(arm), trial.arms))).before).max(axis=1)
    order = dict.fromkeys(names[np.argsort(-unlike, kind="stable")].tolist())
    full = fit_chances(x, arm, trial.arms, plan).predict(x)
    words = {feature.name: feature.words for feature in cohort.spec.features}
    found = []
    for name in list(order)[:MOST_FEATURES]:
        rest = x[:, names != name]
        without = fit_chances(rest, arm, trial.arms, plan if rest.shape[1] else replace(plan, rounds=0))
        found.append(Strength(words[name], odds_moved(full, without.predict(rest))))
    return tuple(sorted(found, key=lambda strength: -strength.odds))


def _trimming(cohort: Cohort) -> Trimming | None:
    trimmed = cohort.trimmed
    if trimmed is None:
        return None
    columns = trimmed.reach.encoder.columns
    inside = trimmed.reach.encoder.transform(cohort.trial.features).x
    outside = trimmed.reach.encoder.transform(trimmed.outside).x
    lines: list[TrimmingLine] = []
    if len(outside):
        sd = np.array([column.sd for column in columns])
        difference = (outside.mean(axis=0) - inside.mean(axis=0)) / sd
        for j in np.argsort(-np.abs(difference), kind="stable")[:MOST_LINES]:
            kept, gone = _described(columns[j], cohort.spec, (inside[:, j], outside[:, j]))
            lines.append(TrimmingLine(_label(columns[j], cohort.spec), kept, gone, float(difference[j])))
    return Trimming(
        kept=len(cohort.trial),
        outside={arm: int((trimmed.arm == k).sum()) for k, arm in enumerate(cohort.arms)},
        named=cohort.study.treatment.trim is not None,
        least=trimmed.least,
        lines=tuple(lines),
    )


def _controls(cohort: Cohort, learned: Learned, evaluation: Evaluation, best: int) -> ControlFindings | None:
    asked = cohort.study.controls
    found = ControlFindings()
    if cohort.control is not None:
        y, known = cohort.control, np.isfinite(cohort.control)
        trial = replace(
            cohort.trial,
            y=np.where(known, y, 0.0),
            observed=None if known.all() else known,
            followed=None,
            kind="numeric",
        )
        x, folds = _encoded(cohort, learned)
        lost = None if known.all() else plan_censoring(x, trial, folds)
        plan = replace(learned.plan, outcome="ridge", censoring=lost, events=None)
        scores = doubly_robust(crossfit(x, trial, plan=plan, folds=folds, seed=0), trial)
        contrasts = {
            arm: mean_with_interval(scores[:, k] - scores[:, best], cohort.sites)
            for k, arm in enumerate(cohort.arms)
            if k != best
        }
        found = replace(found, outcome=str(asked.outcome), sd=float(y[known].std()), contrasts=contrasts)
    if asked.arms:
        one, other = (cohort.arms.index(arm) for arm in asked.arms)
        found = replace(found, arms=asked.arms, difference=evaluation.contrasts[one][other])
    return found if found != ControlFindings() else None


def _label(column: EncodedColumn, spec: FeatureSpec) -> str:
    words = next(feature.words for feature in spec.features if feature.name == column.feature)
    if column.role == "level":
        return f"{words}: {column.level}"
    return f"{words}: not known" if column.role == "missing" else words


def _described(column: EncodedColumn, spec: FeatureSpec, groups: Sequence[Floats]) -> list[str]:
    """Each group's share, mean date, or mean."""
    kind = next(feature.kind for feature in spec.features if feature.name == column.feature)
    means = [float(values.mean()) for values in groups]
    if column.role != "value" or kind == "boolean":
        return [f"{mean:.0%}" for mean in means]
    if kind == "date":
        return [str(date(1970, 1, 1) + timedelta(round(mean))) for mean in means]
    decimals = decimals_for([column.sd / 10])
    return [number(mean, decimals) for mean in means]
