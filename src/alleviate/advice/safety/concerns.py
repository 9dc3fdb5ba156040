"""What a hard rule found about one treatment for one person."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Concern", "ConcernLevel"]

ConcernLevel = Literal["veto", "caution"]


@dataclass(frozen=True, slots=True)
class Concern:
    """A "veto" beats every model; a "caution" must be weighed by a person.

    ``about``: of which treatment; ``because``: what in the record, or missing from it, called the rule.
    """

    rule: str
    level: ConcernLevel
    about: str
    text: str
    because: str
    source: str
