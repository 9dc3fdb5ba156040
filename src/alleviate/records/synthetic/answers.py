"""Answers to questionnaires from a graded response model (Samejima 1969), and what total to expect."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alleviate.records.synthetic.settings import MODEL

__all__ = ["QUESTIONNAIRES", "Questionnaire"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """The items of one instrument: ``slopes`` (items,) and ``steps`` (items, highest answer).

    P(answer_j ≥ c) = 1 / (1 + exp(−slope_j (trait + shift_j − step_jc))).
    """

    name: str
    follows: float
    slopes: Floats
    steps: Floats

    def at_least(self, trait: Floats, shift: Floats) -> Floats:
        """P(answer ≥ c) for c = 1, 2, …: shape (\\*trait, items, highest answer)."""
        distance = (trait[..., None] + shift)[..., None] - self.steps
        probability: Floats = 1.0 / (1.0 + np.exp(-self.slopes[:, None] * distance))
        return probability

    def draw(self, trait: Floats, shift: Floats, luck: Floats) -> NDArray[np.int64]:
        """One answer to each item at each trait: shape (times, items), as of ``luck``, uniform in 0 to 1."""
        answers: NDArray[np.int64] = (luck[..., None] < self.at_least(trait, shift)).sum(axis=-1)
        return answers

    def expected_total(self, trait: Floats, shift: Floats) -> Floats:
        """The mean total at each trait, in points: shape of ``trait``."""
        total: Floats = self.at_least(trait, shift).sum(axis=(-2, -1))
        return total


QUESTIONNAIRES = {
    name: Questionnaire(name, table["follows"], np.array(table["slopes"]), np.array(table["steps"]))
    for name, table in MODEL["instruments"].items()
}
