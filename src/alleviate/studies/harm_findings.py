"""What a study found of harms, in numbers for the report, the JSON and the package."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from alleviate.models.forecaster import Forecaster
from alleviate.models.trial import Trial
from alleviate.packages.harm_findings import FrontierPoint, HarmFinding, HarmFindings
from alleviate.packages.harm_rule import HarmRule
from alleviate.reports.numbers import Scale
from alleviate.studies.cohort import Cohort
from alleviate.studies.evaluation import Evaluation
from alleviate.terms.estimates import Estimate
from alleviate.terms.outcomes import Harm

__all__ = ["harm_findings", "harm_rules", "harms_json", "weighed_words"]


def harm_findings(cohort: Cohort, evaluation: Evaluation, best: int) -> HarmFindings | None:
    """``None`` where the study names no harm. ``best``: the best arm's number."""
    study, arms, trial = cohort.study, cohort.arms, cohort.trial
    if trial.harms is None:
        return None
    found = []
    for j, (harm, values) in enumerate(zip(study.harms, evaluation.harms, strict=True)):
        own = {"rule": values.rule, "best_arm": values.arms[best]}
        own |= dict(zip(arms, values.arms, strict=True))
        known = np.isfinite(trial.harms[:, j])
        found.append(
            HarmFinding(
                name=harm.name,
                label=harm.words,
                unit=harm.unit,
                better=harm.better,
                binary=_binary(trial, j),
                weight=harm.weight,
                limit=harm.limit,
                known={arm: int((known & (trial.arm == k)).sum()) for k, arm in enumerate(arms)},
                value={name: _natural(value, harm.sign) for name, value in own.items()},
                barred=dict(zip(arms, values.barred, strict=True)),
                frontier=tuple(
                    FrontierPoint(
                        point.weight,
                        _natural(point.outcome, cohort.outcome.sign),
                        _natural(point.harm, harm.sign),
                        dict(zip(arms, point.shares, strict=True)),
                    )
                    for point in values.frontier
                ),
                at=values.trade.weight,
                natural=values.natural,
                given_up=values.trade.given_up,
                avoided=values.trade.avoided,
            )
        )
    utility, sign = evaluation.utility, cohort.outcome.sign
    weighed = None
    if utility is not None:
        weighed = {"rule": utility.rule, "best_arm": utility.arms[best]}
        weighed |= dict(zip(arms, utility.arms, strict=True))
        weighed = {name: _natural(value, sign) for name, value in weighed.items()}
    return HarmFindings(tuple(found), weighed, evaluation.stuck)


def harms_json(found: HarmFindings) -> dict[str, Any]:
    """As `alleviate learn --json` prints it under "harms"."""
    harms = [
        {
            "name": harm.name,
            "better": harm.better,
            "weight": harm.weight,
            "limit": harm.limit,
            "value": {key: asdict(value) for key, value in harm.value.items()},
            "barred": dict(harm.barred),
            "given_up": asdict(harm.given_up),
            "avoided": asdict(harm.avoided),
        }
        for harm in found.harms
    ]
    utility = None if found.utility is None else {key: asdict(e) for key, e in found.utility.items()}
    return {"each": harms, "utility": utility, "share_beyond_limits": found.stuck}


def harm_rules(cohort: Cohort, forecasters: tuple[Forecaster, ...]) -> tuple[HarmRule, ...]:
    """What a package keeps of each harm."""
    return tuple(
        HarmRule(harm, _binary(cohort.trial, j), forecaster)
        for j, (harm, forecaster) in enumerate(zip(cohort.study.harms, forecasters, strict=True))
    )


def weighed_words(harms: Sequence[Harm], scale: Scale, words: Mapping[str, str]) -> str:
    """What is added to the reason of a verdict, since what was compared is the utility."""
    each = [
        words["each"].format(harm=harm.words, weight=f"{harm.weight * scale.factor:g}", unit=_unit(scale))
        for harm in harms
        if harm.weight is not None
    ]
    return words["weighed"].format(outcome=scale.label, each=" and ".join(each)) if each else ""


def _unit(scale: Scale) -> str:
    return "percentage points" if scale.binary else scale.unit or "units"


def _binary(trial: Trial, harm: int) -> bool:
    assert trial.harms is not None
    values = np.abs(trial.harms[:, harm])
    return bool(np.isin(values[np.isfinite(values)], (0.0, 1.0)).all())


def _natural(estimate: Estimate, sign: int) -> Estimate:
    return estimate if sign > 0 else -estimate
