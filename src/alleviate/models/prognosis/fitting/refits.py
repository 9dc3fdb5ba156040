"""Fitting again to some of the people: what curves and paths are made of."""

from collections.abc import Callable, Mapping
from typing import Any

from alleviate.models.prognosis.contract import Candidate, Design
from alleviate.models.trial import Floats, Ints

__all__ = ["Foresee", "of_candidate"]

Foresee = Callable[[Ints, Ints], Floats]
"""(rows to learn from, rows to foretell) → what is foretold of the latter, on the linear scale."""


def of_candidate(candidate: Candidate, design: Design, settings: Mapping[str, Any], seed: int) -> Foresee:
    """A candidate with settings found before."""

    def foresee(train: Ints, test: Ints) -> Floats:
        fitted = candidate.fit(design.take(train), settings, seed)
        return fitted.linear(design.take(test).seen_by(fitted))

    return foresee
