"""The walk: from a record, as known at a moment, to a recommendation."""

from collections.abc import Sequence
from datetime import datetime

from alleviate import features
from alleviate.advice.reasons import explain
from alleviate.advice.recommendation import Recommendation
from alleviate.models.forecaster import Forecasts
from alleviate.packages.rule import RulePackage
from alleviate.policies.choice import Choices, choose_arms
from alleviate.records import PatientRecord
from alleviate.terms.estimates import Estimate

__all__ = ["recommend", "recommend_all"]


def recommend(record: PatientRecord, moment: datetime, package: RulePackage) -> Recommendation:
    """Advise one person by what was known of them at ``moment`` (UTC)."""
    return recommend_all([record], moment, package)[0]


def recommend_all(
    records: Sequence[PatientRecord], moment: datetime, package: RulePackage
) -> list[Recommendation]:
    """Advise many at once: the same walk, room by room."""
    rows = [features.at(record, moment, package.spec) for record in records]
    frame = features.table(rows, package.spec)
    forecasts = package.forecaster.forecast(frame)
    choices = choose_arms(forecasts, best_arm=package.best_arm, verdict=package.verdict)
    reasons = explain(package, frame, choices)
    return [_told(row.subject_id, i, forecasts, choices, reasons[i], package) for i, row in enumerate(rows)]


def _told(
    subject_id: str,
    i: int,
    forecasts: Forecasts,
    choices: Choices,
    reasons: tuple[str, ...],
    package: RulePackage,
) -> Recommendation:
    arm = int(choices.arm[i])
    told = arm >= 0
    return Recommendation(
        id=subject_id,
        arm=package.arms[arm] if told else None,
        strength=choices.strength[i],
        reason=choices.reasons[i] or "",
        expected={name: _expected(package, forecasts, i, k) for k, name in enumerate(package.arms)},
        benefit=Estimate.from_se(choices.benefit[i], choices.error[i]) if told else None,
        comparable_n=int(forecasts.comparable[i].sum()),
        reasons=reasons,
        package=package.name,
    )


def _expected(package: RulePackage, forecasts: Forecasts, i: int, arm: int) -> Estimate:
    """In outcome units; a risk stays between 0 and 1."""
    estimate = Estimate.from_se(forecasts.expected[i, arm], forecasts.expected_se[i, arm])
    if package.outcome.sign < 0:
        estimate = -estimate
    if not package.outcome.binary:
        return estimate
    low, middle, high = (min(max(v, 0.0), 1.0) for v in (estimate.low, estimate.estimate, estimate.high))
    return Estimate(middle, low, high)
