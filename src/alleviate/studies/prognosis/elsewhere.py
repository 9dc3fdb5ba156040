"""How a prognosis fares on people whom it has never seen: measures, case-mix, recalibration, a rival."""

from dataclasses import asdict
from typing import Any

from alleviate.models.performance.benefit import decision_curve
from alleviate.models.performance.comparison import compared
from alleviate.models.performance.elsewhere import expected_concordance
from alleviate.models.performance.judged import Judged
from alleviate.models.performance.performance import assessed
from alleviate.models.performance.recalibration import recalibrated
from alleviate.packages.prognosis import PrognosisPackage
from alleviate.studies.prognosis.cohort import PrognosisCohort
from alleviate.studies.prognosis.covering import coverage_elsewhere, grouping
from alleviate.studies.prognosis.evaluation import judged

__all__ = ["judged_by", "tested", "versus"]


def judged_by(package: PrognosisPackage, people: PrognosisCohort) -> Judged:
    """What the package foresees of people, beside what came."""
    predicted = package.model.predict(people.people.features)
    return judged(people.people, predicted.estimate, chances=predicted.probabilities)


def tested(package: PrognosisPackage, people: PrognosisCohort) -> dict[str, Any]:
    """As `alleviate evaluate --json` prints it."""
    found = judged_by(package, people)
    assessment = assessed([found])
    change = recalibrated(found, people.study.validation.seed)
    covered = coverage_elsewhere(package.foresight, people.people, grouping(people.groups))
    useful = [list(stretch) for stretch in decision_curve([found]).useful] if found.of_risk else None
    return {
        "study": package.name,
        "n": len(people),
        "events": people.events,
        "measures": {name: asdict(value) for name, value in assessment.measures.items()},
        "not_told": dict(assessment.left_out),
        "case_mix": _case_mix(package, found),
        "useful_thresholds": useful,
        "coverage": [asdict(one) for one in covered],
        "recalibration": {
            "form": change.chosen.form,
            "offered": change.offered,
            "gain": {name: asdict(value) for name, value in change.gain.items()},
        },
        "warnings": list(people.warnings),
    }


def versus(first: PrognosisPackage, second: PrognosisPackage, one: Judged, other: Judged) -> dict[str, Any]:
    """Two packages on the same people: differences of measures, first less second."""
    found = compared([one], [other])
    return {
        "first": first.name,
        "second": second.name,
        "differences": {name: asdict(value) for name, value in found.differences.items()},
        "better": dict(found.better),
    }


def _case_mix(package: PrognosisPackage, there: Judged) -> dict[str, float] | None:
    """AUC here (where it was learned) and there. What the model's own risks promise of either tells how much
    of the difference comes of other people (``by_case_mix``), and how much of a model that fits them less."""
    validated = next((v for v in package.findings.validations if v.name != "temporal"), None)
    if validated is None or validated.expected_auc is None or "auc" not in validated.measures:
        return None
    measures = assessed([there]).measures
    if "auc" not in measures:
        return None
    here, elsewhere = validated.measures["auc"].estimate, measures["auc"].estimate
    by_mix = expected_concordance(there).value - validated.expected_auc
    return {
        "auc_here": here,
        "auc_there": elsewhere,
        "by_case_mix": by_mix,
        "by_model": elsewhere - here - by_mix,
    }
