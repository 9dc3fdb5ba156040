"""What a clinician and a patient are told about one person."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alleviate.policies.choice import Strength
from alleviate.terms.estimates import Estimate

__all__ = ["Recommendation"]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Advice for one person. ``arm`` is ``None`` where it abstains, and ``reason`` then says why.

    ``expected``: outcome under each arm, in outcome units: the average of people like this one.
    ``benefit``: of the advised arm over the next best, positive is better; ``None`` where it abstains.
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

    @property
    def abstained(self) -> bool:
        return self.arm is None

    def to_json(self) -> dict[str, Any]:
        """As `alleviate advise --json` prints it."""
        return {
            "id": self.id,
            "arm": self.arm,
            "strength": self.strength,
            "abstained": self.abstained,
            "reason": self.reason,
            "expected": {arm: asdict(estimate) for arm, estimate in self.expected.items()},
            "benefit": None if self.benefit is None else asdict(self.benefit),
            "comparable_n": self.comparable_n,
            "reasons": list(self.reasons),
        }
