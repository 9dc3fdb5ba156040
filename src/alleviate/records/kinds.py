"""The kinds of events; consent is given for each apart. ``docs/record.md`` says how each is written."""

from typing import Literal, get_args

__all__ = ["KINDS", "Kind"]

Kind = Literal[
    "person",
    "questionnaire",
    "measurement",
    "sensor",
    "genetic",
    "condition",
    "medication",
    "procedure",
    "session",
    "episode",
    "plan",
    "note",
    "goal",
    "preference",
    "consent",
]

KINDS: tuple[Kind, ...] = get_args(Kind)
