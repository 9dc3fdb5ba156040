"""The walk: from a record, as known at a moment, to a recommendation."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from alleviate import features
from alleviate.advice.harms import expected_harms, vetoes
from alleviate.advice.reasons import explain
from alleviate.advice.recommendation import Recommendation
from alleviate.models.forecaster import Forecasts
from alleviate.packages.rule import RulePackage
from alleviate.policies.choice import Choices, choose_arms
from alleviate.policies.utility import Outlook
from alleviate.records import PatientRecord
from alleviate.terms.estimates import Estimate

__all__ = ["recommend", "recommend_all", "recommend_table"]


def recommend(record: PatientRecord, moment: datetime, package: RulePackage) -> Recommendation:
    """Advise one person by what was known of them at ``moment`` (UTC)."""
    return recommend_all([record], moment, package)[0]


def recommend_all(
    records: Sequence[PatientRecord], moment: datetime, package: RulePackage
) -> list[Recommendation]:
    """Advise many at once: the same walk, room by room."""
    rows = [features.at(record, moment, package.spec) for record in records]
    ids = [row.subject_id for row in rows]
    return recommend_table(features.table(rows, package.spec), ids, package)


def recommend_table(frame: pl.DataFrame, ids: Sequence[str], package: RulePackage) -> list[Recommendation]:
    """From feature rows on: a line a person, with an id each.

    ``frame`` has columns as in `features.schema`; those that it lacks are unknown of everybody.
    """
    encoded = package.forecaster.encoder.transform(frame)
    outlook = package.outlook(frame, encoded)
    barred = outlook.barred(package.preferences.limits)
    choices = choose_arms(outlook.utility, best_arm=package.best_arm, verdict=package.verdict, barred=barred)
    reasons = explain(package, frame, encoded, choices)
    return [_told(id, i, outlook, choices, reasons[i], package) for i, id in enumerate(ids)]


def _told(
    subject_id: str,
    i: int,
    outlook: Outlook,
    choices: Choices,
    reasons: tuple[str, ...],
    package: RulePackage,
) -> Recommendation:
    arm = int(choices.arm[i])
    told = arm >= 0
    forecasts = outlook.outcome
    harms = expected_harms(package, outlook, i)
    return Recommendation(
        id=subject_id,
        arm=package.arms[arm] if told else None,
        strength=choices.strength[i],
        reason=choices.reasons[i] or "",
        expected={name: _expected(package, forecasts, i, k) for k, name in enumerate(package.arms)},
        benefit=Estimate.from_se(choices.benefit[i], choices.error[i]) if told else None,
        comparable_n=int(forecasts.comparable[i].sum()),
        reasons=reasons + vetoes(package, outlook, i, harms),
        harms=harms,
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
