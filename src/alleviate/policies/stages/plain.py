"""Q-learning by least squares: the plain twin that backward induction is held to where all is linear."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from alleviate.models.encoding import Encoder
from alleviate.models.trial import Floats, Ints
from alleviate.policies.stages.trial import StagedTrial

__all__ = ["PlainRegime", "PlainStage", "q_learning"]


@dataclass(frozen=True, slots=True)
class PlainStage:
    """Q of one stage: for each arm a line over all that is known and its products. ``lines`` (K, q)."""

    encoder: Encoder
    lines: Floats

    def expected(self, history: pl.DataFrame) -> Floats:
        """(n, K) expected outcome under each arm, the later stages at their best."""
        return np.asarray(_design(self.encoder.transform(history).x) @ self.lines.T)


@dataclass(frozen=True, slots=True)
class PlainRegime:
    """A line for each arm of each stage; ``value``: what it believes of itself, and flatters itself."""

    stages: tuple[PlainStage, ...]
    value: float

    def assign(self, stage: int, history: pl.DataFrame) -> Ints:
        return np.asarray(self.stages[stage].expected(history).argmax(axis=1), dtype=np.int64)


def q_learning(trial: StagedTrial) -> PlainRegime:
    """Murphy (2005, J Mach Learn Res 6:1073) with a line for each arm. Every outcome must be known.

    Where the later stage has no effect the maximum over arms is biased upwards, and intervals of the earlier
    stage made from it do not cover: hence ``regime`` and ``score``.
    """
    later = np.zeros(len(trial))
    stages: list[PlainStage] = []
    for stage in reversed(range(len(trial.stages))):
        own = trial.trial(stage, later)
        encoder = Encoder.fit(own.features)
        design = _design(encoder.transform(own.features).x)
        lines = [
            np.linalg.lstsq(design[own.arm == k], own.y[own.arm == k], rcond=None)[0] for k in range(own.arms)
        ]
        stages.insert(0, PlainStage(encoder, np.array(lines, dtype=float)))
        later = trial.spread(stage, stages[0].expected(own.features).max(axis=1))
    return PlainRegime(tuple(stages), float(later.mean()))


def _design(x: Floats) -> Floats:
    """(n, q): one, x (n, p), and the product of each two of its columns, as earlier effects need."""
    pairs = combinations(range(x.shape[1]), 2)
    return np.column_stack([np.ones(len(x)), x, *(x[:, i] * x[:, j] for i, j in pairs)])
