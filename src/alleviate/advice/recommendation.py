"""What a clinician and a patient are told about one person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alleviate.policies.choice import Strength
from alleviate.terms.estimates import Estimate

__all__ = ["Recommendation"]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Advice for one person. ``arm`` is ``None`` where it abstains, and ``reason`` then says why.

    ``expected``: outcome under each arm, in outcome units: the average of people like this one.
    ``benefit``: of the advised arm over the next best, positive is better; ``None`` where it abstains.
    ``harms``: of each harm that the study weighs or limits, what is expected under each arm.
    ``comparable_n``: people of the study most like this one. ``package`` names what it rests on.
    """

    id: str
    arm: str | None
    strength: Strength
    reason: str
    expected: Mapping[str, Estimate]
    benefit: Estimate | None
    comparable_n: int
    reasons: tuple[str, ...]
    package: str
    harms: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)

    @property
    def abstained(self) -> bool:
        return self.arm is None

    def to_json(self) -> dict[str, Any]:
        """As `alleviate advise --json` prints it."""
        told: dict[str, Any] = {
            "id": self.id,
            "arm": self.arm,
            "strength": self.strength,
            "abstained": self.abstained,
            "reason": self.reason,
            "expected": {arm: _plain(estimate) for arm, estimate in self.expected.items()},
            "benefit": None if self.benefit is None else _plain(self.benefit),
            "comparable_n": self.comparable_n,
            "reasons": list(self.reasons),
        }
        if self.harms:
            told["harms"] = {
                name: {arm: _plain(estimate) for arm, estimate in by_arm.items()}
                for name, by_arm in self.harms.items()
            }
        return told


def _plain(estimate: Estimate) -> dict[str, float]:
    """Spelt out: dataclasses.asdict takes most of the time of advising thousands."""
    return {"estimate": estimate.estimate, "low": estimate.low, "high": estimate.high}
