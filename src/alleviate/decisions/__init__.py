"""The ledger of decisions: the one table of states and moves, and who may make them."""

from alleviate.decisions.decision import ELSE, NOTHING, Act, Decision
from alleviate.decisions.outcomes import Comparison, FollowUp, compare, follow_up
from alleviate.decisions.proposal import Proposal
from alleviate.decisions.reasons import CodedReason, Reason, reasons_for

__all__ = [
    "ELSE",
    "NOTHING",
    "Act",
    "CodedReason",
    "Comparison",
    "Decision",
    "FollowUp",
    "Proposal",
    "Reason",
    "compare",
    "follow_up",
    "reasons_for",
]
