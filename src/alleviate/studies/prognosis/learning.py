"""Learn a prognosis study: people, nested validation, final model, findings, package, report."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits

from alleviate import __version__
from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.explained.seen import Seen
from alleviate.models.prognosis.foresight import fit_foresight
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.packages import Origin, refuse_strangers, signing_key, write
from alleviate.packages.prognosis import PrognosisPackage, prognosis_files
from alleviate.packages.prognosis_findings import PrognosisFindings
from alleviate.reports.numbers import count, number
from alleviate.reports.prognosis import prognosis_report
from alleviate.studies import files
from alleviate.studies.datasets import open_data
from alleviate.studies.outer_folds import Progress
from alleviate.studies.prognosis.cohort import PrognosisCohort, cohort
from alleviate.studies.prognosis.covering import grouping
from alleviate.studies.prognosis.evaluation import evaluated, learn_step, outer_folds, tasks_of
from alleviate.studies.prognosis.findings import WORDING, prognosis_findings
from alleviate.studies.prognosis.journal import journal_of, opened
from alleviate.studies.prognosis.steps import run_steps
from alleviate.studies.prognosis.transferring import Start, start_of, transfer_findings
from alleviate.terms.errors import NotEnoughDataError
from alleviate.terms.prognosis_study import PrognosisStudy

__all__ = ["LearnedOutcome", "default_repeats", "learn_prognosis_study", "prognosis_not_enough"]


AFTERWARDS = 0.05
"""Share of the time limit for seeing over- and underfitting."""


@dataclass(frozen=True, slots=True)
class LearnedOutcome:
    """What ``learn`` leaves of a prognosis: findings, where package and report lie, seconds."""

    study: PrognosisStudy
    findings: PrognosisFindings
    package: Path
    report: Path
    seconds: float
    candidate_seconds: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """As `alleviate learn --json` prints it."""
        found = self.findings
        return {
            "study": self.study.name,
            "n": found.n,
            "events": found.events,
            "outcome": {key: found.outcome[key] for key in ("name", "kind", "label", "unit")},
            "verdict": found.verdict,
            "reason": found.reason,
            "model": found.model.name,
            "features_kept": list(found.model.kept),
            "measures": {name: asdict(estimate) for name, estimate in found.measures.items()},
            "headline": found.headline,
            "candidates": [
                {
                    "name": candidate.name,
                    "loss": candidate.loss,
                    "difference": candidate.difference,
                    "standard_error": candidate.standard_error,
                    "share": candidate.share,
                    "chosen": candidate.chosen,
                    "seconds": round(self.candidate_seconds[candidate.name], 3),
                }
                for candidate in found.candidates
            ],
            "warnings": list(found.warnings),
            "package": str(self.package),
            "report": str(self.report),
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> list[str]:
        """The result in a few plain lines."""
        found, words = self.findings, WORDING["measures"]
        events = "" if found.events is None else f", {count(found.events)} with it ({found.prevalence:.1%})"
        shown = [
            f"{words[name]} {number(value.estimate, 2)} ({number(value.low, 2)} to {number(value.high, 2)})"
            for name, value in found.measures.items()
            if name in ("auc", "c", "r2", "calibration_slope", "brier", "mae")
        ]
        outcome = found.outcome["label"] or found.outcome["name"]
        return [
            f"{self.study.title.split(': ')[0]}: {outcome}, {count(found.n)} people{events}",
            f"Model: {found.model.words}, {len(found.model.kept)} of {found.model.offered} features",
            f"{WORDING['headline'][found.headline].capitalize()}: {'; '.join(shown)}",
            f"Verdict: {found.verdict} — because {found.reason}",
            f"Report: {self.report}  Package: {self.package}",
        ]


def prognosis_not_enough(study: PrognosisStudy, error: NotEnoughDataError) -> dict[str, Any]:
    """What `alleviate learn --json` prints where too few were studied: the same keys, nothing learned."""
    outcome = study.outcome
    return {
        "study": study.name,
        "n": None,
        "events": None,
        "outcome": {key: getattr(outcome, key) for key in ("name", "kind", "label", "unit")},
        "verdict": "not-enough-data",
        "reason": error.message,
        "model": None,
        "features_kept": [],
        "measures": {},
        "headline": None,
        "candidates": [],
        "warnings": [],
        "package": None,
        "report": None,
        "seconds": 0.0,
    }


def default_repeats(n: int) -> int:
    """Repeats where a study names none: what splits add to the spread vanishes as people get many."""
    return 5 if n < 1_000 else 3 if n < 5_000 else 1


def learn_prognosis_study(
    study: PrognosisStudy,
    *,
    data_dir: Path | None = None,
    out: Path,
    workers: int | None = None,
    progress: Progress | None = None,
) -> LearnedOutcome:
    """Learn to foresee the outcome of ``study``, validate it, and write package and report to ``out``.

    Steps that are done are kept beside ``out`` until the package is whole, so that the same call goes on
    where an earlier one was stopped. Raises ``StudyError``, ``DataError``, ``NotEnoughDataError``.
    """
    began = perf_counter()
    signing_key()  # an unusable key or folder must be known before the work, not after
    refuse_strangers(out)
    whole = cohort(study, open_data(study, data_dir=data_dir))
    development, later = whole.split()
    plan, people = development.study.validation, development.people
    repeats = plan.repeats or default_repeats(len(people))
    tasks = tasks_of(outer_folds(people, plan.folds, repeats, plan.seed, development.sites), plan.seed)
    first = 1 + sum(1 for repeat, rows, _ in tasks if rows and repeat == 0)
    place = journal_of(out)
    start = start_of(study, development.spec.names)
    with opened(place, _key(development, start)) as journal:
        steps = run_steps(
            learn_step,
            (people, development.study.candidates, None if start is None else start.source),
            tasks,
            needed=first,
            journal=journal,
            workers=workers or os.cpu_count() or 1,
            seconds=development.study.seconds,
            progress=progress,
        )
    with threadpool_limits(1):
        found = evaluated(people, steps, tasks)
        model = PrognosisModel.from_json(found.final["model"])
        groups = grouping(development.groups)
        foresight = fit_foresight(model, people, found.linear, plan.seed, groups)
        budget = Budget(None if study.seconds is None else study.seconds * AFTERWARDS)
        findings = prognosis_findings(development, later, foresight, found, steps, budget)
        if start is not None:
            told = transfer_findings(start, found.final, found.chosen, people, development.study, budget)
            findings = replace(findings, transfer=told)
    package = PrognosisPackage(
        name=study.name,
        title=study.title,
        outcome=development.outcome,
        spec=development.spec,
        foresight=foresight,
        seen=Seen.of(model, people.features),
        findings=findings,
        study=files.dumps(_portable(development.study)),
    )
    origin = Origin("prognosis", study.name, plan.seed, findings.fingerprint, findings.versions)
    report = prognosis_report(development.study, findings, package_name=study.name)
    written = write(out, {**prognosis_files(package), "report.html": report.encode()}, origin)
    if steps.whole:
        place.unlink()
    seconds = {name: float(spent) for name, _, _, _, spent, _ in found.final["tried"]}
    return LearnedOutcome(
        development.study, findings, written, written / "report.html", perf_counter() - began, seconds
    )


def _key(people: PrognosisCohort, start: Start | None) -> str:
    """Of this work: other data, another study, source, seed or version are other work."""
    parts = [__version__, people.fingerprint, files.dumps(_portable(people.study))]
    parts += [] if start is None else [start.fingerprint]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _portable(study: PrognosisStudy) -> PrognosisStudy:
    """Without the place in which the data lay here."""
    data = study.data
    if data.path is not None:
        data = replace(data, path=Path(data.path).name)
    if data.vault is not None:
        data = replace(data, vault="")
    source, people = (None if path is None else Path(path).name for path in (study.source, study.source_data))
    return replace(study, data=data, source=source, source_data=people)
