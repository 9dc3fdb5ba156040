"""Unknown outcomes of a study: who they are, how much the known ones weigh, what the unknown may hide."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from alleviate.intake.tables.table import quoted
from alleviate.models.censoring import known_outcome
from alleviate.models.encoding import Encoder
from alleviate.models.propensity import truncation_bound
from alleviate.models.references import ReferenceScores, reference_scores
from alleviate.models.scores import (
    NuisancePlan,
    balanced_folds,
    crossfit,
    plan_nuisances,
    stay_in_reach,
    strata,
    weights,
)
from alleviate.models.trial import Floats, Ints, Trial
from alleviate.packages.missing_findings import MissingFindings, Tipping, Unknown
from alleviate.policies.value import mean_with_interval
from alleviate.studies.cohort import Cohort
from alleviate.terms.errors import DataError
from alleviate.terms.estimates import Estimate

__all__ = ["FEWEST_EFFECTIVE", "missing_findings", "refuse_wild_weights"]

FEWEST_EFFECTIVE = 10.0
"""Effective people in an arm, below which its weights exceed any sane bound: a few would decide all."""

FOLDS = 5


def refuse_wild_weights(cohort: Cohort) -> None:
    """Raises ``DataError`` where 1/(P(arm)·P(known)) leaves too few effective people in an arm.

    Complete trials with known chances are judged by those chances alone; else the models are fitted, with the
    plainest outcome model, since outcomes do not enter the weights.
    """
    trial = cohort.trial
    chances, share = trial.probability, known_outcome(trial).astype(float)
    if trial.observed is not None or chances is None:
        x, folds = _encoded(cohort)
        plan = plan_nuisances(x, trial, folds=folds, seed=0, models=("linear",))
        fit = crossfit(x, trial, plan=plan, folds=folds, seed=0)
        chances = stay_in_reach(fit.probability, len(trial), chances is not None)
        share = weights(fit, trial)
    weight = share / chances[np.arange(len(trial)), trial.arm]
    for k, name in enumerate(cohort.arms):
        own = weight[(trial.arm == k) & (weight > 0)]
        effective = _effective(own)
        if effective < FEWEST_EFFECTIVE:
            raise DataError(
                f"{cohort.study.name}: the weights of {quoted(name)} exceed any sane bound: "
                f"{len(own)} people tell no more than {effective:.1f} would, and at least "
                f"{FEWEST_EFFECTIVE:.0f} are needed "
                f"(the highest weight is {own.max() / own.min():,.0f} times the lowest).",
                hint="Some had hardly a chance of this arm, or of being followed: "
                "check [treatment] probability, or leave out people whom the arm is not for.",
            )


def missing_findings(
    cohort: Cohort,
    plan: NuisancePlan,
    best: int,
    *,
    advised: Floats | None = None,
) -> MissingFindings | None:
    """``None`` where every outcome of the people analysed is known. ``best``: the arm that is ahead.

    ``plan``: of the final fit. ``advised`` (n, K): how often rules learned without a person gave them each
    arm; then the rule's gain over ``best`` is worked out too.
    """
    trial = cohort.trial
    if trial.observed is None:
        return None
    x, folds = _encoded(cohort)
    found = reference_scores(x, trial, plan=plan, folds=folds, seed=0, reference=cohort.usual)
    shift = cohort.outcome.important or 0.0
    shifted = {"alike": found.alike}
    if found.jump is not None:
        shifted["jump"] = found.jump
    worse, better = found.alike - shift * found.lost, found.alike + shift * found.lost

    def mean(person: Floats) -> Estimate:
        return mean_with_interval(person, cohort.sites)

    def natural(estimate: Estimate) -> Estimate:
        return estimate if cohort.outcome.sign > 0 else -estimate

    # (scores of the arm that is ahead, scores of the arm that it is compared with)
    sides = {name: (scores, scores) for name, scores in shifted.items()}
    sides |= {"worst": (worse, better), "best": (better, worse)}
    others = [k for k in range(trial.arms) if k != best]
    gain = {}
    if advised is not None:
        gain = {name: mean(_gains(*pair, advised, best)) for name, pair in sides.items()}
    return MissingFindings(
        unknown={name: _unknown(found, trial, k) for k, name in enumerate(cohort.arms)},
        values={
            name: {arm: natural(mean(pair[0][:, k])) for k, arm in enumerate(cohort.arms)}
            for name, pair in sides.items()
        },
        contrasts={
            name: {cohort.arms[k]: mean(ahead[:, best] - behind[:, k]) for k in others}
            for name, (ahead, behind) in sides.items()
        },
        gain=gain,
        tipping={
            cohort.arms[k]: tipping
            for k in others
            if (tipping := _tipping(found, best, k, cohort.sites)) is not None
        },
        shift=shift,
        bound=truncation_bound(len(trial)),
        reference=None if found.jump is None or cohort.usual is None else cohort.arms[cohort.usual],
        in_time=trial.followed is not None,
    )


def _encoded(cohort: Cohort) -> tuple[Floats, Ints]:
    trial = cohort.trial
    x = Encoder.fit(trial.features).transform(trial.features).x
    return x, balanced_folds(strata(trial), FOLDS, np.random.default_rng(cohort.study.validation.seed))


def _effective(weight: Floats) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def _unknown(found: ReferenceScores, trial: Trial, arm: int) -> Unknown:
    own = trial.arm == arm
    weight = found.weight[own & (found.weight > 0)]
    return Unknown(
        people=int(own.sum()),
        unknown=int(own.sum()) - len(weight),
        lowest=float(weight.min()),
        median=float(np.median(weight)),
        highest=float(weight.max()),
        effective=_effective(weight),
        truncated=int((weight >= (1.0 - 1e-9) / truncation_bound(len(trial))).sum()),
    )


def _gains(ahead: Floats, behind: Floats, advised: Floats, best: int) -> Floats:
    """(n,) gain of what the rule gave over the arm ``best``: nothing as often as that is what it gave."""
    gain: Floats = (advised * (ahead - behind[:, [best]]))[:, np.arange(ahead.shape[1]) != best].sum(axis=1)
    return gain


def _tipping(found: ReferenceScores, best: int, other: int, sites: Sequence[object] | None) -> Tipping | None:
    difference, lost = found.alike[:, best] - found.alike[:, other], found.lost[:, best]

    def low(shift: float) -> float:
        return mean_with_interval(difference - shift * lost, sites).low

    if low(0.0) <= 0 or lost.mean() <= 0:
        return None
    estimate = float(difference.mean() / lost.mean())
    return Tipping(interval=float(brentq(low, 0.0, estimate)), estimate=estimate)
