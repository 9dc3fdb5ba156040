"""On what scale the outcome is written: a risk in percent, a number in its unit."""

from collections.abc import Iterable
from dataclasses import dataclass

from alleviate.packages.prognosis_findings import PrognosisFindings
from alleviate.reports.numbers import Shown, decimals_for, shown
from alleviate.terms.estimates import Estimate

__all__ = ["OutcomeScale"]

RANKED = {"binary": "auc", "time-to-event": "auc", "ordinal": "c", "numeric": "r2"}
"""The measure that tells people apart."""

CHANCE = {"auc": 0.5, "c": 0.5, "r2": 0.0}
"""Its value where nothing is foreseen."""

IN_UNITS = ("mae", "rmse", "ici", "calibration_intercept")
"""Measures in the outcome's own unit, where it is a number."""


@dataclass(frozen=True, slots=True)
class OutcomeScale:
    label: str
    unit: str
    kind: str
    horizon: float | None

    @classmethod
    def of(cls, findings: PrognosisFindings) -> "OutcomeScale":
        outcome = findings.outcome
        horizon = outcome.get("horizon")
        return cls(
            str(outcome.get("label") or outcome["name"]),
            str(outcome.get("unit") or ""),
            str(outcome["kind"]),
            None if horizon is None else float(str(horizon)),
        )

    @property
    def risk(self) -> bool:
        """Whether what is foreseen is the risk of an event."""
        return self.kind in ("binary", "time-to-event")

    @property
    def factor(self) -> float:
        return 100.0 if self.risk else 1.0

    @property
    def difference_unit(self) -> str:
        return "percentage points" if self.risk else self.unit or "units of the outcome"

    @property
    def ranked(self) -> str:
        return RANKED[self.kind]

    @property
    def chance(self) -> float:
        return CHANCE[self.ranked]

    def level(self, e: Estimate) -> Shown:
        """A risk or a value."""
        decimals = decimals_for([self.factor * (e.high - e.low)])
        return shown(e, decimals, factor=self.factor, suffix="%" if self.risk else "")

    def differences(self, estimates: Iterable[Estimate]) -> list[Shown]:
        """Differences that share their decimals, with signs."""
        every = list(estimates)
        decimals = decimals_for(self.factor * (e.high - e.low) for e in every)
        return [shown(e, decimals, factor=self.factor, signed=True) for e in every]

    def unit_of(self, measure: str) -> str:
        """What a measure is counted in, "" where it has no unit."""
        return "" if self.risk or measure not in IN_UNITS else self.unit
