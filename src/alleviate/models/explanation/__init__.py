"""Why a person's benefit differs from the average: additive contributions of their features."""

from alleviate.models.explanation.boxes import Box, box_contributions
from alleviate.models.explanation.question import Question

__all__ = ["Box", "Question", "box_contributions"]
