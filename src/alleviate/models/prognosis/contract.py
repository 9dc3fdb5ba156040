"""What a candidate is: tuned over folds, fitted, kept as plain values, explained exactly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol, runtime_checkable

import numpy as np

from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis.deep.sequences import EventSequences
from alleviate.models.prognosis.people import Loss
from alleviate.models.trial import Floats, Ints

__all__ = ["Budget", "Candidate", "Design", "Predictor", "ReadsEvents", "Tuned"]


@dataclass(frozen=True, slots=True)
class Design:
    """Encoded people to learn from. ``x`` (n, p) finite, not standardised; ``columns``: p of them.

    ``y`` (n,), ``weight`` (n,) ≥ 0 and ``loss`` as ``People`` and ``Target`` say. ``events``: of n people,
    if their records are there, of ``codes`` kinds; the last column of ``x`` is then kept free (0) for what a
    candidate makes of them.
    """

    x: Floats
    columns: tuple[EncodedColumn, ...]
    y: Floats
    weight: Floats
    loss: Loss
    events: EventSequences | None = None
    codes: int = 0

    def take(self, rows: Ints) -> "Design":
        return Design(
            self.x[rows],
            self.columns,
            self.y[rows],
            self.weight[rows],
            self.loss,
            None if self.events is None else self.events.take(rows),
            self.codes,
        )

    def seen_by(self, predictor: "Predictor") -> Floats:
        """(n, p) ``x`` with what ``predictor`` makes of the events, if it reads any."""
        if self.events is None or not isinstance(predictor, ReadsEvents):
            return self.x
        return np.column_stack([self.x[:, :-1], predictor.score(self.events)])


class Budget:
    """Seconds that a step may still take. Work is planned by counts, so that it is the same on any machine;

    the clock only cuts it short, and ``cut`` then says so."""

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds
        self.cut = False

    def left(self) -> float | None:
        """Seconds left (0 or more), ``None`` for no limit."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    def spent(self) -> bool:
        """Whether time is up; asking when it is marks the work as cut short."""
        if self._end is not None and self._clock() >= self._end:
            self.cut = True
        return self.cut


@runtime_checkable
class ReadsEvents(Protocol):
    """A predictor to which the last column is what it makes itself of the course of events."""

    def score(self, events: EventSequences) -> Floats:
        """(n,) on the linear scale, 0 on average over the people learned from."""
        ...


class Predictor(Protocol):
    """A fitted candidate. All on one scale: log odds of the event, or the number itself."""

    def linear(self, x: Floats) -> Floats:
        """(n,) what is foreseen for encoded people (n, p)."""
        ...

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        """The level, and (n, p) what each column adds to it (Shapley): together ``linear``."""
        ...

    @property
    def complexity(self) -> float:
        """Effective number of parameters."""
        ...

    def used(self) -> tuple[int, ...]:
        """Columns that what is foreseen depends on."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain values that ``Candidate.restore`` reads back to a predictor of the same predictions."""
        ...


@dataclass(frozen=True, slots=True)
class Tuned:
    """``settings``: plain values, found over folds; ``held_out`` (n,): what is foreseen, on the linear scale,

    for each person by a fit to the other folds with these settings."""

    settings: Mapping[str, Any]
    held_out: Floats


class Candidate(Protocol):
    """One way to foresee an outcome. ``simple``: few assumptions a reader can check (none, ridge, spline)."""

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> str:
        """As a report names it: "ridge-penalised regression"."""
        ...

    @property
    def simple(self) -> bool: ...

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        """Settings that do best over ``folds`` ((n,) 0 … F − 1). Only within ``budget``."""
        ...

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Predictor: ...

    def restore(self, data: Mapping[str, Any]) -> Predictor: ...
