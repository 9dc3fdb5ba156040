"""What the learners see of a trial with several treatment decisions in turn: arrays, never patients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import polars as pl

from alleviate.models.trial import Bools, Floats, Ints, Trial

__all__ = ["Policy", "StageTable", "StagedTrial"]

Policy = Callable[[int, pl.DataFrame], Ints]
"""Stage and what is known at it, n rows → arm (n,)."""


@dataclass(frozen=True, slots=True)
class StageTable:
    """One decision. ``features``: n rows, what became known by its start (nothing of later stages).

    ``arm`` (n,) indexes ``names``, -1 for who was not treated at this stage; ``column`` is what the arm is
    called as a feature of later stages. ``probability`` (n, K) known chances, or ``None``: estimated.
    """

    column: str
    features: pl.DataFrame
    arm: Ints
    names: tuple[str, ...]
    probability: Floats | None = None

    @property
    def arms(self) -> int:
        return len(self.names)

    def rows(self, index: Ints) -> "StageTable":
        known = None if self.probability is None else self.probability[index]
        return replace(self, features=self.features[index], arm=self.arm[index], probability=known)

    def given(self) -> pl.Series:
        """(n,) the arm's name, null where there was none: a feature of later stages."""
        named = [self.names[k] if k >= 0 else None for k in self.arm.tolist()]
        return pl.Series(self.column, named, dtype=pl.String)


@dataclass(frozen=True, slots=True)
class StagedTrial:
    """n people, S stages, one outcome at the end: ``y`` (n,), larger is better.

    Everybody has an arm at the first stage; who has none at a stage has none later. ``observed`` (n,): whose
    outcome is known (``y`` is 0 where it is not), ``None`` where everybody's is. ``clusters`` (n,): as in
    ``Trial``. Raises ``ValueError`` where somebody skips a stage.
    """

    stages: tuple[StageTable, ...]
    y: Floats
    observed: Bools | None = None
    clusters: Ints | None = None

    def __post_init__(self) -> None:
        if (self.stages[0].arm < 0).any():
            raise ValueError("everybody must have an arm at the first stage")
        for earlier, later in pairwise(self.stages):
            if ((earlier.arm < 0) & (later.arm >= 0)).any():
                raise ValueError("nobody may have an arm at a stage and none at the stage before")

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, index: Ints) -> "StagedTrial":
        return StagedTrial(
            tuple(stage.rows(index) for stage in self.stages),
            self.y[index],
            None if self.observed is None else self.observed[index],
            None if self.clusters is None else self.clusters[index],
        )

    def at(self, stage: int) -> Ints:
        """Who was treated at ``stage``: indices, ascending."""
        return np.flatnonzero(self.stages[stage].arm >= 0)

    def spread(self, stage: int, own: Floats) -> Floats:
        """(n,) from (n_s,), one number for each who was treated at ``stage``: 0 for who was not."""
        everyone = np.zeros(len(self))
        everyone[self.at(stage)] = own
        return everyone

    def history(self, stage: int) -> pl.DataFrame:
        """n rows: all that was known at the start of ``stage``, earlier arms among it."""
        columns: list[pl.Series] = []
        for earlier in self.stages[:stage]:
            columns += [*earlier.features.get_columns(), earlier.given()]
        return pl.DataFrame([*columns, *self.stages[stage].features.get_columns()])

    def trial(self, stage: int, later: Floats) -> Trial:
        """The decision at ``stage`` as a trial of its own, of those who came to it.

        ``later`` (n,): what each person's outcome would be under some rule of all later stages, in mean given
        what is known here; read only of those who came to the next stage. Who did not, keeps the outcome;
        where that is unknown they were lost after this stage, at random given its history and arm.
        """
        own, at = self.stages[stage], self.at(stage)
        y, observed = self.y[at], None if self.observed is None else self.observed[at]
        if stage + 1 < len(self.stages):
            on = self.stages[stage + 1].arm[at] >= 0
            y = np.where(on, later[at], y)
            observed = None if observed is None else observed | on
        return Trial(
            self.history(stage)[at],
            own.arm[at],
            y,
            own.arms,
            None if own.probability is None else own.probability[at],
            None if observed is None or observed.all() else observed,
            clusters=None if self.clusters is None else self.clusters[at],
        )

    def paths(self) -> Ints:
        """(n,) a number for each course of arms that somebody took, outcomes known and unknown apart."""
        taken = np.column_stack([stage.arm for stage in self.stages])
        known = np.ones(len(self)) if self.observed is None else self.observed
        _, number = np.unique(np.column_stack([taken, known]), axis=0, return_inverse=True)
        return np.asarray(number, dtype=np.int64).reshape(-1)

    def sequences(self) -> tuple[tuple[int, ...], ...]:
        """Every fixed sequence of arms: one arm a stage, the last stage's turning fastest."""
        return tuple(product(*(range(stage.arms) for stage in self.stages)))

    def follows(self, sequence: Sequence[int]) -> Bools:
        """(n,) whose arms, as far as they were treated, are those of ``sequence``."""
        same = [(s.arm == k) | (s.arm < 0) for s, k in zip(self.stages, sequence, strict=True)]
        return np.asarray(np.logical_and.reduce(same), dtype=np.bool_)
