"""The shortest rule that does about as well as the best, and what it was compared with."""

from dataclasses import dataclass

from alleviate.packages.rule_words import RuleWords
from alleviate.terms.estimates import Estimate

__all__ = ["ShortRule", "ShortestFindings"]


@dataclass(frozen=True, slots=True)
class ShortRule:
    """``behind``: how much better the best of those does, out of fold, in outcome units; 0 for it."""

    name: str
    description: str
    behind: Estimate


@dataclass(frozen=True, slots=True)
class ShortestFindings:
    """``compared``: from the shortest. ``name``: the one taken; ``words``: what it says; ``same``: the rule.

    ``gain``: over the best single arm, cross-fitted.
    """

    name: str
    words: RuleWords
    gain: Estimate
    same: bool
    compared: tuple[ShortRule, ...]
