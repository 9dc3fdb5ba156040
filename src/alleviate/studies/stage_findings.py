"""What a study of several stages found, as a whole and at each: for report, JSON and package."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from alleviate.packages.findings import Candidate, Findings, Histogram, Overlap, RuleWords, Verdict
from alleviate.packages.stage_findings import StageFindings
from alleviate.policies.candidates import RULES
from alleviate.policies.stages import Regime
from alleviate.reports.numbers import Scale
from alleviate.studies.evaluation import Evaluation
from alleviate.studies.findings import WORDING, columns
from alleviate.studies.stage_cohort import StagedCohort
from alleviate.studies.stage_evaluation import StagesEvaluation
from alleviate.terms.estimates import Estimate

__all__ = ["whole_findings"]


def whole_findings(
    people: StagedCohort,
    regime: Regime,
    own: Sequence[Findings],
    evaluation: StagesEvaluation,
    shares: Mapping[str, float],
) -> Findings:
    """The findings of all stages together; ``own``: what ``findings`` says of each stage alone.

    ``shares``: of the people whose whole advice is known, advised each fixed sequence. What holds of single
    treatments in a plain study holds of fixed sequences here.
    """
    whole, first, sign = evaluation.whole, own[0], people.outcome.sign
    sequences = people.sequences
    best = int(np.argmax([arm.estimate for arm in whole.arms]))
    scale = Scale.of(first)
    verdict, reason = _verdict(whole, sequences, best, regime.fixed, scale)

    def natural(estimate: Estimate) -> Estimate:
        return estimate if sign > 0 else -estimate

    value = {"rule": natural(whole.rule), "best_arm": natural(whole.best_arm)}
    gain = {"over_best_arm": whole.gain_over_best}
    if people.usual is not None:
        value["usual"] = natural(whole.arms[people.usual])
        gain["over_usual"] = whole.gain_over_arm[people.usual]
    value |= {name: natural(arm) for name, arm in zip(sequences, whole.arms, strict=True)}
    left_out = people.missing if people.outcome.missing == "leave-out" else dict.fromkeys(people.missing, 0)
    names = [stage.name for stage in people.study.stages]
    observational = any(stage.study.treatment.assignment == "observational" for stage in people.stages)
    stages = tuple(_stage(people, s, regime, found) for s, found in enumerate(own))
    # what else the first stage alone may have found does not speak of the whole
    optional: dict[str, Any] = {field.name: None for field in fields(Findings) if field.default is None}
    return replace(
        first,
        **(optional | {"stages": stages}),
        n=len(people.trial),
        n_read=people.rows_read,
        arms={name: int(who.sum()) for name, who in people.following.items()},
        missing_outcome=left_out,
        usual=None if people.usual is None else sequences[people.usual],
        assignment="observational" if observational else "randomised",
        verdict=verdict,
        reason=reason,
        best_arm=sequences[best],
        rule=_rule(names, sequences[best], regime, own),
        value=value,
        gain=gain,
        contrasts={name: whole.contrasts[best][q] for q, name in enumerate(sequences) if q != best},
        share_per_arm=shares,
        share_abstained=first.share_abstained,
        strengths=first.strengths,
        benefit={},
        heterogeneity={},
        candidates=tuple(
            Candidate(f"{name}: {tried.name}", tried.description, tried.gain, tried.chosen)
            for name, found in zip(names, own, strict=True)
            for tried in found.candidates
        ),
        moderators=(),
        columns=columns(
            people.stages[0].trial.features,
            people.stages[0].spec,
            people.following,
            regime.stages[0].forecaster.encoder,
        ),
        dropped={name: why for found in own for name, why in found.dropped.items()},
        overlap=_overlap(names, own),
        warnings=_warnings(people, names, own),
    )


def _verdict(
    whole: Evaluation, sequences: Sequence[str], best: int, fixed: bool, scale: Scale
) -> tuple[Verdict, str]:
    rivals = {q: whole.contrasts[best][q] for q in range(len(sequences)) if q != best}
    closest = min(rivals, key=lambda q: rivals[q].low)
    gain = whole.gain_over_best
    verdict: Verdict = "equipoise"
    if gain.low > 0 and not fixed:
        verdict = "personalise"
    elif rivals[closest].low > 0:
        verdict = "one-for-all"
    decimals = scale.decimals([gain, rivals[closest]])
    shown, lead = scale.gain(gain, decimals), scale.gain(rivals[closest], decimals)
    words: str = WORDING["stages"][verdict]
    return verdict, words.format(
        best=sequences[best],
        closest=sequences[closest],
        others=len(rivals),
        lead=lead.point,
        lead_low=lead.low,
        lead_high=lead.high,
        gain=shown.point,
        low=shown.low,
        high=shown.high,
        unit="percentage points" if scale.binary else scale.unit or "units",
    )


def _rule(names: Sequence[str], best: str, regime: Regime, own: Sequence[Findings]) -> RuleWords:
    """In one sentence a stage; ``arms_used``: of all stages, each once."""
    used = tuple(dict.fromkeys(arm for found in own for arm in found.rule.arms_used))
    if regime.fixed:
        return RuleWords("one-arm", WORDING["rule"]["one-arm"].format(best=best), used)
    parts = [
        WORDING["stages"]["rule"].format(stage=name, rule=found.rule.text)
        for name, found in zip(names, own, strict=True)
    ]
    return RuleWords("stages", " ".join(parts), used)


def _stage(people: StagedCohort, stage: int, regime: Regime, found: Findings) -> StageFindings:
    cohort = people.stages[stage]
    return StageFindings(
        name=people.study.stages[stage].name,
        n=found.n,
        arms=found.arms,
        usual=found.usual,
        known=len(cohort.spec.features),
        learner=RULES[regime.stages[stage].chosen].description,
        verdict=found.verdict,
        reason=found.reason,
        best_arm=found.best_arm,
        rule=found.rule,
        value=found.value,
        gain=found.gain,
        contrasts=found.contrasts,
        share_per_arm=found.share_per_arm,
        share_abstained=found.share_abstained,
        strengths=found.strengths,
    )


def _overlap(names: Sequence[str], own: Sequence[Findings]) -> Overlap:
    """Of all stages; the bound and the people touched are those of the stage where most were."""
    worst = max((found.overlap for found in own), key=lambda overlap: (overlap.bound, overlap.truncated))
    by_arm: dict[str, Histogram] = {
        f"{name}: {arm}": histogram
        for name, found in zip(names, own, strict=True)
        for arm, histogram in found.overlap.by_arm.items()
    }
    return replace(worst, by_arm=by_arm)


def _warnings(people: StagedCohort, names: Sequence[str], own: Sequence[Findings]) -> tuple[str, ...]:
    """What is true of every stage once; the rest with the stage's name; and how few came to a later one."""
    shared = [warning for warning in own[0].warnings if all(warning in found.warnings for found in own)]
    apart = [
        WORDING["stages"]["of_one"].format(stage=name, warning=warning)
        for name, found in zip(names, own, strict=True)
        for warning in found.warnings
        if warning not in shared
    ]
    reached = [
        WORDING["stages"]["reached"].format(stage=name, n=found.n, all=len(people.trial))
        for name, found in zip(names, own, strict=True)
        if found.n < len(people.trial)
    ]
    return (*people.warnings, *shared, *reached, *apart)
