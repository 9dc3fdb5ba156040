"""What is learned from: scores of people over time, at any moments, some people gone before the end."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import DataError

__all__ = ["Histories"]


@dataclass(frozen=True, slots=True)
class Histories:
    """Long data of n people and N visits, each person's visits together and in order of time.

    ``person`` (N,): 0 … n − 1, not falling. ``time`` (N,) ≥ 0 since intake, rising within a person: sessions
    or weeks. ``score`` (N,): the main measure, finite. ``features``: n rows, what is known at intake, gaps
    allowed. ``horizon`` (n,) > 0: when treatment is planned to end; the end score is that of the first visit
    at or after it. ``dropped`` (n,): left for good before it; who has neither an end score nor left is still
    under way. ``further`` (N, M): more measures, NaN where not taken.
    """

    person: Ints
    time: Floats
    score: Floats
    features: pl.DataFrame
    horizon: Floats
    dropped: Bools
    further: Floats
    first: Ints = field(init=False, repr=False)
    """(n,): the row of each person's first visit."""
    count: Ints = field(init=False, repr=False)
    """(n,): how many visits each person has."""

    def __post_init__(self) -> None:
        n, rows = len(self.features), len(self.person)
        shapes = (self.time.shape, self.score.shape, self.further.shape[:1]) != ((rows,),) * 3
        if shapes or self.horizon.shape != (n,) or self.dropped.shape != (n,):
            raise DataError("Person, time, score and further measures must have one entry per visit.")
        count = np.bincount(self.person, minlength=n) if rows else np.zeros(n, dtype=np.int64)
        if len(count) != n or (count == 0).any():
            raise DataError(f"{n} people were expected to have a visit each, {(count > 0).sum()} have.")
        if not (np.isfinite(self.score).all() and np.isfinite(self.time).all() and (self.time >= 0).all()):
            raise DataError("Scores and times must be known, times at or after intake.")
        if not (np.isfinite(self.horizon) & (self.horizon > 0)).all():
            raise DataError("The planned end must be a time after intake for everybody.")
        step, same = np.diff(self.time), np.diff(self.person)
        if (same < 0).any() or ((same == 0) & (step <= 0)).any():
            raise DataError(
                "Visits are out of order or doubled.",
                hint="Sort them by person and time, one row per moment.",
            )
        object.__setattr__(self, "first", np.cumsum(count) - count)
        object.__setattr__(self, "count", count)

    def __len__(self) -> int:
        return len(self.count)

    @property
    def stage(self) -> Ints:
        """(N,): how many scores the person has so far, this one included."""
        return np.asarray(np.arange(len(self.person)) - self.first[self.person] + 1)

    @property
    def remaining(self) -> Floats:
        """(N,): time left to the planned end, 0 from then on."""
        return np.maximum(self.horizon[self.person] - self.time, 0.0)

    @property
    def end(self) -> Floats:
        """(n,): the score at the planned end, NaN where it is not known."""
        rows = np.flatnonzero(self.remaining == 0)[::-1]
        end = np.full(len(self), np.nan)
        end[self.person[rows]] = self.score[rows]
        return end

    @property
    def last(self) -> Ints:
        """(n,): the row of each person's last visit."""
        return self.first + self.count - 1

    def take(self, people: Ints) -> "Histories":
        """These people, in this order."""
        count = self.count[people]
        start = np.cumsum(count) - count
        rows = np.arange(count.sum()) + np.repeat(self.first[people] - start, count)
        return Histories(
            np.repeat(np.arange(len(people)), count),
            self.time[rows],
            self.score[rows],
            self.features[people],
            self.horizon[people],
            self.dropped[people],
            self.further[rows],
        )

    def gap(self) -> float:
        """The typical time between two visits, 1 where nobody came twice."""
        steps = np.diff(self.time)[np.diff(self.person) == 0]
        return float(np.median(steps)) if len(steps) else 1.0
