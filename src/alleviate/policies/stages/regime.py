"""Learn a rule for every stage, from the last backwards: each on what comes of following the later ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from alleviate.models.forecaster import Forecaster
from alleviate.models.scores import NuisancePlan
from alleviate.models.trial import Ints, Trial
from alleviate.policies.selection import Learned, learn_rule
from alleviate.policies.stages.trial import Policy, StagedTrial
from alleviate.policies.value import scores_under

__all__ = ["Regime", "assigned", "learn_regime", "one_arm"]


@dataclass(frozen=True, slots=True)
class Regime:
    """A rule for each stage, in order, and what was seen on the way.

    ``trials``: what each was learned from: those who came to the stage, later stages as their rules advise.
    """

    stages: tuple[Learned, ...]
    trials: tuple[Trial, ...]

    @property
    def fixed(self) -> bool:
        """Whether no stage's learner passed its gate: then everybody gets the best fixed sequence of arms."""
        return all(one_arm(learned) for learned in self.stages)

    @property
    def plans(self) -> tuple[NuisancePlan, ...]:
        return tuple(learned.plan for learned in self.stages)

    def assign(self, stage: int, history: pl.DataFrame) -> Ints:
        """(n,) the arm of each row by the rule of ``stage``, one for all though it be."""
        return assigned(self.stages[stage].forecaster, history)

    def policy(self, best: Sequence[int]) -> Policy:
        """What is advised where ``best`` is the best fixed sequence."""

        def constant(stage: int, history: pl.DataFrame) -> Ints:
            return np.full(len(history), best[stage], dtype=np.int64)

        return constant if self.fixed else self.assign


def one_arm(learned: Learned) -> bool:
    """Whether nothing about a person changes what is advised."""
    return learned.chosen == "none" or learned.forecaster.slope == 0.0


def assigned(forecaster: Forecaster, history: pl.DataFrame) -> Ints:
    """(n,) the arm with the best expected outcome, for each row of what is known."""
    x = forecaster.encoder.transform(history).x
    return np.asarray(forecaster.differences(x).argmax(axis=1), dtype=np.int64)


def learn_regime(
    trial: StagedTrial, names: Sequence[str], seed: np.random.SeedSequence, *, intervals: bool = True
) -> Regime:
    """Backward induction on doubly robust outcomes; ``names`` of candidates at every stage. Deterministic.

    ``intervals``: as of ``learn_rule``.
    At the last stage the outcome is as found. At each earlier one it is the later stage's out-of-fold score
    under the later rule (Zhang, Tsiatis, Laber & Davidian 2013, Biometrika 100:681; Luedtke & van der Laan
    2016, Int J Biostat 12:305): right in mean where either the outcome model or the chance of treatment is.
    """
    later = np.zeros(len(trial))
    learned: list[Learned] = []
    trials: list[Trial] = []
    for stage, child in reversed(list(enumerate(seed.spawn(len(trial.stages))))):
        own = trial.trial(stage, later)
        found = learn_rule(own, names, child, intervals=intervals)
        learned.insert(0, found)
        trials.insert(0, own)
        later = trial.spread(stage, scores_under(found.scores, assigned(found.forecaster, own.features)))
    return Regime(tuple(learned), tuple(trials))
