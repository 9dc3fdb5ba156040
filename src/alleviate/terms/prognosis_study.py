"""A prognosis study as an object: which outcome is foreseen, for whom, from what, and how that is tested.

Reading one from a TOML file is the business of ``alleviate.studies``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from alleviate.terms.study import CohortSpec, DataSource, Definition

__all__ = [
    "PREDICTORS",
    "PredictedKind",
    "PredictedOutcome",
    "PrognosisStudy",
    "PrognosisValidation",
    "Sampling",
]

PredictedKind = Literal["binary", "numeric", "ordinal", "time-to-event"]

PREDICTORS = ("none", "ridge", "selected", "spline", "forest", "boosted")
"""Candidates tried when a study names none, from the simplest."""


@dataclass(frozen=True, slots=True)
class PredictedOutcome:
    """The outcome that is foreseen: the column ``name``.

    ``kind`` is ``None`` until the data are seen. Binary: ``present`` is the value (as text) that counts as
    the event, or ``above`` the number from which a numeric column does (``>=``); neither: the column holds 0
    and 1, or yes and no. Ordinal: ``levels`` from the lowest. Time to an event: ``name`` is the time
    followed, ``event`` the column that says how it ended (``occurred``, as text, is the event, ``competing``
    are those that preclude it, all else was lost to follow-up), ``horizon`` the time by which; what is
    foreseen is the risk of the event by then (cumulative incidence).
    """

    name: str
    kind: PredictedKind | None = None
    present: str | None = None
    above: float | None = None
    levels: tuple[str, ...] = ()
    event: str | None = None
    occurred: str = "1"
    competing: tuple[str, ...] = ()
    horizon: float | None = None
    label: str = ""
    unit: str = ""

    @property
    def words(self) -> str:
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class Sampling:
    """Columns of a survey's design: ``weight`` of each person, ``cluster`` (PSU) and ``stratum``."""

    weight: str | None = None
    cluster: str | None = None
    stratum: str | None = None


@dataclass(frozen=True, slots=True)
class PrognosisValidation:
    """Nested, repeated cross-validation, and what besides.

    ``site`` or ``trial``: the column whose values are left out in turn (internal-external validation, the
    headline then). ``time``, ``test_from``: people whose ``time`` is at least ``test_from`` are never learned
    from; they are the temporal test, the headline then. ``groups``: columns by which fairness is judged.
    ``repeats`` ``None``: by the number of people.
    """

    folds: int = 5
    repeats: int | None = None
    site: str | None = None
    trial: str | None = None
    time: str | None = None
    test_from: float | None = None
    groups: tuple[str, ...] = ()
    seed: int = 1

    @property
    def left_out(self) -> str | None:
        """The column whose values are left out in turn, if any: trials before sites."""
        return self.trial or self.site


@dataclass(frozen=True, slots=True)
class PrognosisStudy:
    """Everything that a study file of ``kind = "prognosis"`` says.

    ``include`` empty: every column that may be used.

    ``changes``: a new feature's name → (later, earlier) column, whose difference it is. ``fixed``: features
    that nobody can change (no "what would have to differ" speaks of them). ``seconds``: most time that
    learning may take, ``None`` for no limit. ``source``: package of another population to start from, and
    ``source_data`` the people it was learned from, if at hand.
    """

    name: str
    title: str
    question: str
    data: DataSource
    outcome: PredictedOutcome
    reference: str = ""
    sampling: Sampling = Sampling()
    include: tuple[str, ...] = ()
    known_after: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    candidates: tuple[str, ...] = PREDICTORS
    seconds: float | None = None
    validation: PrognosisValidation = PrognosisValidation()
    source: str | None = None
    source_data: str | None = None
    cohort: CohortSpec | None = None
    definitions: Mapping[str, Definition] = field(default_factory=dict)
