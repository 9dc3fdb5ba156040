"""Learn a study: cohort, nested evaluation, final rule, findings, package, report."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.intake.tables import Table
from alleviate.models.censoring import known_outcome
from alleviate.packages import Origin, refuse_strangers, signing_key, write
from alleviate.packages.findings import Findings
from alleviate.packages.manifest import Kind
from alleviate.packages.rule import RulePackage, rule_files
from alleviate.packages.stage_rule import stage_files
from alleviate.policies.selection import learn_rule
from alleviate.policies.utility import Preferences
from alleviate.reports import study_report
from alleviate.reports.numbers import Scale, count
from alleviate.studies import files
from alleviate.studies.cohort import Cohort, cohort
from alleviate.studies.datasets import open_data
from alleviate.studies.evaluation import Progress, default_repeats, evaluate_learning
from alleviate.studies.findings import findings
from alleviate.studies.harm_findings import harm_rules, harms_json
from alleviate.studies.missing import refuse_wild_weights
from alleviate.studies.overlap import within_overlap
from alleviate.studies.prognosis.learning import LearnedOutcome, learn_prognosis_study, prognosis_not_enough
from alleviate.studies.sites import refuse_thin_sites
from alleviate.studies.stages import learn_stages, stages_json
from alleviate.terms.errors import NotEnoughDataError, StudyError
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import Study

__all__ = ["Learned", "learn", "not_enough"]


@dataclass(frozen=True, slots=True)
class Learned:
    """What ``learn`` leaves: findings, where package and report lie, seconds in all and per candidate."""

    study: Study
    findings: Findings
    package: Path
    report: Path
    seconds: float
    candidate_seconds: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """As `alleviate learn --json` prints it."""
        found, outcome = self.findings, self.findings.outcome
        return {
            "study": self.study.name,
            "n": found.n,
            "arms": dict(found.arms),
            "outcome": {key: outcome[key] for key in ("name", "better", "important")},
            "verdict": found.verdict,
            "reason": found.reason,
            "best_arm": found.best_arm,
            "rule": {
                "kind": found.rule.kind,
                "text": found.rule.text,
                "arms_used": list(found.rule.arms_used),
            },
            "value": {key: asdict(value) for key, value in found.value.items()},
            "gain": {key: asdict(value) for key, value in found.gain.items()},
            "share_per_arm": dict(found.share_per_arm),
            "share_abstained": found.share_abstained,
            **({} if found.harms is None else {"harms": harms_json(found.harms)}),
            "candidates": [
                {
                    "name": candidate.name,
                    "gain": candidate.gain.estimate,
                    "low": candidate.gain.low,
                    "high": candidate.gain.high,
                    "seconds": round(self.candidate_seconds[candidate.name], 3),
                }
                for candidate in found.candidates
            ],
            **({} if found.stages is None else {"stages": stages_json(found.stages)}),
            "warnings": list(found.warnings),
            "package": str(self.package),
            "report": str(self.report),
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> list[str]:
        """The result in five plain lines."""
        found = self.findings
        scale = Scale.of(found)
        arms = " vs ".join(
            f"{arm} ({count(n)})" for arm, n in sorted(found.arms.items(), key=lambda a: a[0] == found.usual)
        )
        decimals = scale.decimals([*found.value.values(), *found.gain.values()])

        def value(key: str) -> str:
            shown = scale.value(found.value[key], decimals)
            return f"{shown.point} [95 % {shown.interval}]"

        gain = scale.gain(found.gain["over_best_arm"], decimals)
        unit = "percentage points" if scale.binary else scale.unit
        everyone = "   ".join(f"Everyone to {arm}: {value(arm)}" for arm in found.arms)
        return [
            f"{self.study.title.split(': ')[0]}: {arms}, {scale.label}, {scale.better} is better"
            + ("; routine care, not a randomised trial" if found.assignment == "observational" else ""),
            f"{everyone}   By the rule: {value('rule')}",
            f"Gain of the rule over the best single arm: {gain.point} {unit}".rstrip()
            + f" [95 % {gain.interval}]",
            f"Verdict: {found.verdict} — because {found.reason}",
            f"Report: {self.report}  Package: {self.package}",
        ]


def not_enough(study: Study | PrognosisStudy, error: NotEnoughDataError) -> dict[str, Any]:
    """What `alleviate learn --json` prints where too few were studied: the same keys, nothing learned."""
    if isinstance(study, PrognosisStudy):
        return prognosis_not_enough(study, error)
    return _not_enough(study, error)


def _not_enough(study: Study, error: NotEnoughDataError) -> dict[str, Any]:
    """What `alleviate learn --json` prints where too few were studied: the same keys, nothing learned."""
    outcome = study.outcome
    return {
        "study": study.name,
        "n": None,
        "arms": {},
        "outcome": {"name": outcome.name, "better": outcome.better, "important": outcome.important},
        "verdict": "not-enough-data",
        "reason": error.message,
        "best_arm": None,
        "rule": None,
        "value": {},
        "gain": {},
        "share_per_arm": {},
        "share_abstained": None,
        "candidates": [],
        "warnings": [],
        "package": None,
        "report": None,
        "seconds": 0.0,
    }


def learn(
    study: Study | PrognosisStudy | str | Path,
    *,
    data: str | Path | None = None,
    data_dir: str | Path | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Learned | LearnedOutcome:
    """Learn the rule or prognosis of a study and test it honestly; write package and report to ``out``.

    ``study``: an object, a study file, or the name of a shipped one. ``data`` replaces the study's data;
    ``data_dir`` is the folder of data that a study asks to bring (default: ``ALLEVIATE_DATA``); ``seed``
    replaces its seed. ``out``: default ``runs/<name>``. ``workers``: processes (default: one a core); the
    result does not depend on it. Raises ``StudyError``, ``DataError``, ``NotEnoughDataError`` before anything
    is written.
    """
    start = perf_counter()
    asked = files.load(study) if isinstance(study, str | Path) else study
    if data is not None:
        asked = files.with_data(asked, data)
    if seed is not None:
        asked = _seeded(asked, seed)
    target = Path("runs") / asked.name if out is None else Path(out)
    brought = None if data_dir is None else Path(data_dir)
    if isinstance(asked, PrognosisStudy):
        return learn_prognosis_study(asked, data_dir=brought, out=target, workers=workers, progress=progress)
    signing_key()  # an unusable key or folder must be known before the work, not after
    refuse_strangers(target)
    table = open_data(asked, data_dir=brought)
    made = (_made_stages if asked.stages else _made_rule)(asked, table, workers, progress)
    found = made.findings
    report = study_report(made.study, found, package_name=made.study.name)
    origin = Origin(
        kind=made.kind,
        study=made.study.name,
        seed=made.study.validation.seed,
        fingerprint=found.fingerprint,
        versions=found.versions,
    )
    written = write(target, {**made.files, "report.html": report.encode()}, origin)
    return Learned(
        made.study, found, written, written / "report.html", perf_counter() - start, made.candidate_seconds
    )


def _seeded(study: Study | PrognosisStudy, seed: int) -> Study | PrognosisStudy:
    """The same study, begun from another seed."""
    if isinstance(study, PrognosisStudy):
        return replace(study, validation=replace(study.validation, seed=seed))
    return replace(study, validation=replace(study.validation, seed=seed))


@dataclass(frozen=True, slots=True)
class _Made:
    """What learning leaves before it is written: the study as completed, and the files of its package."""

    kind: Kind
    study: Study
    findings: Findings
    files: dict[str, bytes]
    candidate_seconds: Mapping[str, float]


def _made_rule(study: Study, table: Table, workers: int | None, progress: Progress | None) -> _Made:
    with threadpool_limits(1):
        people = within_overlap(cohort(study, table))
    plan = people.study.validation
    _refuse_thin_folds(people)
    refuse_wild_weights(people)
    preferences = Preferences.of(people.study.harms)
    evaluation = evaluate_learning(
        people.trial,
        people.study.candidates,
        folds=plan.folds,
        repeats=plan.repeats or default_repeats(len(people.trial)),
        seed=plan.seed,
        workers=workers or os.cpu_count() or 1,
        sites=people.sites,
        progress=progress,
        preferences=preferences,
    )
    with threadpool_limits(1):
        root = np.random.SeedSequence([plan.seed, 1])
        final = learn_rule(people.trial, people.study.candidates, root, preferences)
        signed = np.array([arm.estimate for arm in evaluation.ranked])
        levels = [np.array([arm.estimate for arm in harm.arms]) for harm in evaluation.harms]
        harms = tuple(replace(h, value=own) for h, own in zip(final.harms, levels, strict=True))
        final = replace(final, harms=harms)
        reach = None if people.trimmed is None else people.trimmed.reach
        forecaster = replace(final.forecaster, value=signed, reach=reach)
        found = findings(people, final, forecaster, evaluation)
        package = RulePackage(
            name=people.study.name,
            title=people.study.title,
            outcome=people.outcome,
            arms=people.arms,
            usual=people.usual,
            best_arm=int(signed.argmax()),
            learner=final.chosen,
            spec=people.spec,
            forecaster=forecaster,
            findings=found,
            study=files.dumps(_portable(people.study)),
            harms=harm_rules(people, harms),
        )
        return _Made("rule", people.study, found, rule_files(package), evaluation.seconds)


def _made_stages(study: Study, table: Table, workers: int | None, progress: Progress | None) -> _Made:
    if study.harms:
        raise StudyError(
            f"{study.name}: expected harms in a study of one decision only, got them beside stages.",
            hint="Take the [[harm]] tables out, or the [[stage]] tables.",
        )
    found = learn_stages(study, table, files.dumps(_portable(study)), workers=workers, progress=progress)
    return _Made("stages", found.study, found.findings, stage_files(found.package), found.seconds)


def _portable(study: Study) -> Study:
    """Without the place in which the data lay here."""
    data = study.data
    if data.path is not None:
        data = replace(data, path=Path(data.path).name)
    if data.vault is not None:
        data = replace(data, vault="")
    return replace(study, data=data)


def _refuse_thin_folds(people: Cohort) -> None:
    """Every arm must be there, with someone to spare, in what is left when a fold is held out."""
    folds = people.study.validation.folds
    known = known_outcome(people.trial)
    smallest = int(np.bincount(people.trial.arm[known], minlength=people.trial.arms).min())
    if people.sites is not None:
        refuse_thin_sites(people)
    elif smallest < 2 * folds:
        raise NotEnoughDataError(
            f"Expected at least {2 * folds} people with an outcome in each arm for {folds} folds, "
            f"got {smallest} in the smallest.",
            hint="Nothing was packaged. Use fewer folds, or collect more outcomes.",
        )
