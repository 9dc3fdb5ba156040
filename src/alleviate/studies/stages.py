"""Learn a study of several stages: cohort, nested evaluation, a rule for each stage, findings, package."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.intake.tables import Table
from alleviate.models.forecaster import Forecaster
from alleviate.models.trial import Ints
from alleviate.packages.findings import Findings
from alleviate.packages.rule import RulePackage
from alleviate.packages.stage_findings import StageFindings
from alleviate.packages.stage_rule import StagePackage
from alleviate.policies.choice import choose_arms
from alleviate.policies.stages import Regime, learn_regime
from alleviate.studies.evaluation import Progress, default_repeats
from alleviate.studies.findings import findings
from alleviate.studies.stage_cohort import StagedCohort, staged_cohort
from alleviate.studies.stage_evaluation import StagesEvaluation, evaluate_stages
from alleviate.studies.stage_findings import whole_findings
from alleviate.terms.errors import NotEnoughDataError
from alleviate.terms.study import Study

__all__ = ["StagesLearned", "learn_stages", "stages_json"]


@dataclass(frozen=True, slots=True)
class StagesLearned:
    """What ``learn_stages`` leaves. ``study``: completed from the data. ``seconds`` each candidate cost."""

    study: Study
    package: StagePackage
    seconds: Mapping[str, float]

    @property
    def findings(self) -> Findings:
        return self.package.findings


def learn_stages(
    study: Study, table: Table, text: str, *, workers: int | None = None, progress: Progress | None = None
) -> StagesLearned:
    """Learn a rule for each stage of ``study`` from its ``table``, and test them together honestly.

    ``text``: the study as the package is to keep it. Raises ``StudyError``, ``DataError``,
    ``NotEnoughDataError``. The result does not depend on ``workers``.
    """
    people = staged_cohort(study, table)
    plan = people.study.validation
    _refuse_thin_folds(people)
    names = people.study.candidates
    evaluation = evaluate_stages(
        people.trial,
        names,
        folds=plan.folds,
        repeats=plan.repeats or default_repeats(len(people.trial)),
        seed=plan.seed,
        workers=workers or os.cpu_count() or 1,
        sites=people.sites,
        progress=progress,
    )
    with threadpool_limits(1):
        final = learn_regime(people.trial, names, np.random.SeedSequence([plan.seed, 1]))
        package = _packaged(people, final, evaluation, text)
    seconds = {
        f"{stage.name}: {name}": spent
        for stage, own in zip(people.study.stages, evaluation.stages, strict=True)
        for name, spent in own.seconds.items()
    }
    return StagesLearned(people.study, package, seconds)


def stages_json(stages: tuple[StageFindings, ...]) -> list[dict[str, Any]]:
    """As `alleviate learn --json` prints them, under "stages"."""
    return [
        {
            "name": stage.name,
            "n": stage.n,
            "arms": dict(stage.arms),
            "verdict": stage.verdict,
            "best_arm": stage.best_arm,
            "rule": {
                "kind": stage.rule.kind,
                "text": stage.rule.text,
                "arms_used": list(stage.rule.arms_used),
            },
            "share_per_arm": dict(stage.share_per_arm),
            "share_abstained": stage.share_abstained,
            "value": {key: asdict(value) for key, value in stage.value.items()},
            "gain": {key: asdict(value) for key, value in stage.gain.items()},
            "contrasts": {key: asdict(value) for key, value in stage.contrasts.items()},
        }
        for stage in stages
    ]


def _packaged(people: StagedCohort, regime: Regime, evaluation: StagesEvaluation, text: str) -> StagePackage:
    best = int(np.argmax([arm.estimate for arm in evaluation.whole.arms]))
    sequence = people.trial.sequences()[best]
    rules: list[RulePackage] = []
    advised: list[Ints] = []
    for s, (own, learned) in enumerate(zip(people.stages, regime.stages, strict=True)):
        cohort = replace(own, trial=regime.trials[s])
        forecaster = replace(learned.forecaster, value=_values(evaluation, s, sequence, regime.fixed))
        found = findings(cohort, learned, forecaster, evaluation.stages[s])
        rules.append(
            RulePackage(
                name=people.study.name,
                title=people.study.stages[s].name,
                outcome=people.outcome,
                arms=cohort.arms,
                usual=cohort.usual,
                best_arm=int(forecaster.value.argmax()),
                learner=learned.chosen,
                spec=cohort.spec,
                forecaster=forecaster,
                findings=found,
                study=text,
            )
        )
        advised.append(_advised(forecaster, rules[-1], people, s))
    whole = whole_findings(
        people, regime, [rule.findings for rule in rules], evaluation, _shares(people, advised)
    )
    return StagePackage(
        name=people.study.name,
        title=people.study.title,
        outcome=people.outcome,
        names=tuple(stage.name for stage in people.study.stages),
        columns=tuple(stage.treatment.column for stage in people.study.stages),
        stages=tuple(rules),
        sequences=people.sequences,
        usual=people.usual,
        best_arm=best,
        findings=whole,
        study=text,
    )


def _values(
    evaluation: StagesEvaluation, stage: int, sequence: tuple[int, ...], fixed: bool
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(K,) of the stage's arms. Where everybody gets ``sequence`` no other arm may look better here."""
    value = np.array([arm.estimate for arm in evaluation.stages[stage].arms])
    if not fixed:
        return value
    kept = value[sequence[stage]]
    others = np.arange(len(value)) != sequence[stage]
    return np.where(others, np.minimum(value, np.nextafter(kept, -np.inf)), value)


def _advised(forecaster: Forecaster, rule: RulePackage, people: StagedCohort, stage: int) -> Ints:
    """(n_s,) arms advised to those who came to the stage; the best for everyone where none can be."""
    forecasts = forecaster.forecast(people.stages[stage].trial.features)
    arm = choose_arms(forecasts, best_arm=rule.best_arm, verdict=rule.verdict).arm
    return np.where(arm >= 0, arm, rule.best_arm)


def _shares(people: StagedCohort, advised: list[Ints]) -> dict[str, float]:
    """Of those who came to the last stage, whose whole advice is known: the share advised each sequence."""
    last = people.trial.at(len(advised) - 1)
    courses = np.column_stack(
        [arms[np.searchsorted(people.trial.at(s), last)] for s, arms in enumerate(advised)]
    )
    return {
        name: float((courses == np.array(sequence)).all(axis=1).mean())
        for name, sequence in zip(people.sequences, people.trial.sequences(), strict=True)
    }


def _refuse_thin_folds(people: StagedCohort) -> None:
    """Every arm of every stage must be there, with someone to spare, in what is left of a fold or site."""
    folds = people.study.validation.folds
    known = np.ones(len(people.trial), dtype=np.bool_)
    if people.trial.observed is not None:
        known = people.trial.observed
    if people.sites is not None and len(set(people.sites)) < 2:
        raise NotEnoughDataError(
            f"Expected two sites or more, to leave each out once, got {people.sites[0]} only.",
            hint="Nothing was packaged. Leave [validation] site out.",
        )
    sites = np.asarray(people.sites) if people.sites is not None else None
    for stage, table in zip(people.study.stages, people.trial.stages, strict=True):
        sizes = np.bincount(table.arm[known & (table.arm >= 0)], minlength=table.arms)
        if sites is None and sizes.min() < 2 * folds:
            raise NotEnoughDataError(
                f"Expected at least {2 * folds} people with an outcome in each arm of {stage.name} for "
                f"{folds} folds, got {sizes.min()} in {table.names[sizes.argmin()]}.",
                hint="Nothing was packaged. Use fewer folds, or collect more outcomes.",
            )
        for site in () if sites is None else np.unique(sites):
            here = known & (table.arm >= 0) & (sites != site)
            left = np.bincount(table.arm[here], minlength=table.arms)
            if left.min() < 2 * folds:
                raise NotEnoughDataError(
                    f"Expected at least {2 * folds} people in each arm of {stage.name} without the site "
                    f"{site}, got {left.min()} in {table.names[left.argmin()]}.",
                    hint="Nothing was packaged. Leave [validation] site out, or join small sites.",
                )
