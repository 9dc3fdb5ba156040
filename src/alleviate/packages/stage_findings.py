"""What a study of several decisions in turn found at one of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from alleviate.packages.rule_words import RuleWords
from alleviate.terms.estimates import Estimate

__all__ = ["StageFindings"]


@dataclass(frozen=True, slots=True)
class StageFindings:
    """Of the ``n`` people who came to the stage, later stages as their rules advise.

    ``known``: how many characteristics, earlier arms among them, the rule may use. ``value``, ``gain`` and
    ``contrasts`` are of this stage's arms and signed as in ``Findings``; ``verdict``, ``reason``: of this
    stage alone.
    """

    name: str
    n: int
    arms: Mapping[str, int]
    usual: str | None
    known: int
    learner: str
    verdict: str
    reason: str
    best_arm: str
    rule: RuleWords
    value: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]
    contrasts: Mapping[str, Estimate]
    share_per_arm: Mapping[str, float]
    share_abstained: float
    strengths: Mapping[str, float]
