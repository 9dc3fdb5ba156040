"""Whether what is said to hold nine in ten outcomes does so, for people to whom nothing was fitted."""

import numpy as np
import polars as pl

from alleviate.models.prognosis.coverage import Covered, covered
from alleviate.models.prognosis.cutoffs import Groups
from alleviate.models.prognosis.foresight import Foresight, fit_outcomes, holds
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People, target
from alleviate.models.trial import Floats, Ints

__all__ = ["coverage_elsewhere", "coverage_held_out", "grouping"]


def grouping(groups: pl.DataFrame | None) -> dict[str, pl.Series]:
    """By column, the group of each person."""
    return {} if groups is None else {name: groups[name] for name in groups.columns}


def coverage_held_out(
    people: People, model: PrognosisModel, linear: Floats, part: Ints, groups: Groups, seed: int
) -> tuple[Covered, ...]:
    """Fold by fold, with cutoffs from the others. ``linear``, ``part`` (n,): foreseen, and by which."""
    held = np.zeros(len(people), dtype=bool)
    for fold in np.unique(part):
        rest, own = np.flatnonzero(part != fold), np.flatnonzero(part == fold)
        outcomes = fit_outcomes(model, people.take(rest), linear[rest], seed, _of(groups, rest))
        held[own] = holds(outcomes, model, people.take(own), linear[own], _of(groups, own))
    return covered(held, target(people).weight, groups)


def coverage_elsewhere(foresight: Foresight, people: People, groups: Groups) -> tuple[Covered, ...]:
    """Among other people."""
    linear = foresight.model.predict(people.features).linear
    held = holds(foresight.outcomes, foresight.model, people, linear, groups)
    return covered(held, target(people).weight, groups)


def _of(groups: Groups, rows: Ints) -> Groups:
    return {column: labels[rows] for column, labels in groups.items()}
