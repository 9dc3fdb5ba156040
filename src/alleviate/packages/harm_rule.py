"""What a package keeps of a harm, so that new people can be told what to expect of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from alleviate.models.effects.ridge import RidgeModel
from alleviate.models.forecaster import Baseline, Forecaster
from alleviate.terms.estimates import Estimate
from alleviate.terms.outcomes import Harm

__all__ = ["HarmRule"]


@dataclass(frozen=True, slots=True)
class HarmRule:
    """A harm and its forecasts, larger is worse; a ``binary`` one is a risk.

    Encoder and comparable people are those of the outcome's forecaster.
    """

    harm: Harm
    binary: bool
    forecaster: Forecaster

    def shown(self, expected: float, error: float) -> Estimate:
        """In the harm's own units; a risk stays between 0 and 1."""
        estimate = self.natural(Estimate.from_se(expected, error))
        if not self.binary:
            return estimate
        low, middle, high = (min(max(v, 0.0), 1.0) for v in (estimate.low, estimate.estimate, estimate.high))
        return Estimate(middle, low, high)

    def natural(self, estimate: Estimate) -> Estimate:
        """From larger-is-worse to the harm's own direction, and back."""
        return estimate if self.harm.sign > 0 else -estimate

    def to_json(self) -> dict[str, Any]:
        own = self.forecaster
        return {
            "harm": asdict(self.harm),
            "binary": self.binary,
            "baseline": own.baseline.to_json(),
            "value": own.value.tolist(),
            "value_covariance": own.value_covariance.tolist(),
            "slope": own.slope,
            "centre": own.centre.tolist(),
            "moderation": own.moderation.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], outcome: Forecaster) -> "HarmRule":
        moderation = RidgeModel.from_json(data["moderation"])
        forecaster = replace(
            outcome,
            baseline=Baseline.from_json(data["baseline"]),
            value=np.array(data["value"], dtype=float),
            value_covariance=np.array(data["value_covariance"], dtype=float),
            effect=moderation,
            slope=float(data["slope"]),
            centre=np.array(data["centre"], dtype=float),
            moderation=moderation,
            doubt=None,
            level_doubt=None,
            outcomes=None,
        )
        return cls(Harm(**data["harm"]), bool(data["binary"]), forecaster)
