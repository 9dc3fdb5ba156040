"""The one small contract of all effect learners."""

from collections.abc import Mapping
from typing import Protocol

from alleviate.models.explanation import Question
from alleviate.models.trial import EffectData, Floats

__all__ = ["EffectLearner", "EffectModel"]


class EffectModel(Protocol):
    """A fitted learner."""

    def predict(self, x: Floats) -> Floats:
        """(n, p) → (n, K): each arm's expected outcome minus the arms' mean: rows sum to 0."""
        ...

    def contributions(self, question: Question) -> Floats:
        """(n, p): what each column adds; ``question.linear`` where the model cannot be taken apart."""
        ...

    def to_files(self) -> Mapping[str, bytes]:
        """Everything needed to predict again, as file name → content; text or JSON, never a pickle."""
        ...


class EffectLearner(Protocol):
    """Learns how the effect of K arms differs between people. Deterministic for a given seed."""

    @property
    def name(self) -> str:
        """How a study file names it."""
        ...

    @property
    def description(self) -> str:
        """What it is, in a few words for a report."""
        ...

    @property
    def complexity(self) -> int:
        """Its rank among learners: 0 is the simplest to explain, and wins ties."""
        ...

    def fit(self, data: EffectData, seed: int) -> EffectModel: ...

    def load(self, files: Mapping[str, bytes]) -> EffectModel:
        """The inverse of ``to_files``."""
        ...
