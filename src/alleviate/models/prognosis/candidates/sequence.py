"""A regression on columns and, beside it, recurrent networks over the event record; the extra ``deep``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.prognosis.additive import fit_additive, tune_additive
from alleviate.models.prognosis.candidates.ridge import lines
from alleviate.models.prognosis.contract import Budget, Design, Tuned
from alleviate.models.prognosis.deep.freedom import freedom
from alleviate.models.prognosis.deep.recurrent import Course, course_of
from alleviate.models.prognosis.deep.recurrent_training import BATCH, recurrent
from alleviate.models.prognosis.deep.scaled import scale_of
from alleviate.models.prognosis.deep.sequences import READER, EventSequences
from alleviate.models.prognosis.deep.stacks import Lesson, learned
from alleviate.models.prognosis.deep.torch_alone import torch_alone
from alleviate.models.prognosis.folds import inner_folds
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["CANDIDATE", "SequenceNetwork"]

SHAPES: tuple[Mapping[str, float], ...] = ({"dropout": 0.2, "decay": 0.3}, {"dropout": 0.4, "decay": 1.5})

MOST_STEPS = 160
PATIENCE = 40
"""Steps, beyond twice those that did best, after which none is awaited."""

IN_A_FOLD, IN_ALL = 3, 5
"""Networks, from different starts, whose mean is taken: while tuning, and in the end."""


@dataclass(frozen=True, slots=True)
class SequenceNetwork:
    name: str = READER
    words: str = "a regression with recurrent networks over the course of events"
    simple: bool = False

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        """Shape and number of steps of least loss, all folds together; none, the regression, is a choice."""
        events = _events(design)
        line = tune_additive(design, folds, lines, budget)
        best: tuple[float, dict[str, Any], Floats] | None = None
        for number, shape in enumerate(SHAPES):
            if number and budget.spent():
                break
            steps, held_out = _held_out(design, events, line.held_out, folds, shape, seed)
            loss = mean_loss(design.y, held_out, design.weight, design.loss)
            if best is None or loss < best[0]:
                best = loss, {**line.settings, **shape, "steps": steps, "held_out": loss}, held_out
        assert best is not None
        return Tuned(best[1], best[2])

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Course:
        events, scale = _events(design), scale_of(design)
        known = np.flatnonzero(design.weight > 0)
        folds = inner_folds(design.y, design.weight, design.loss == "binary", None, seed)
        base = tune_additive(design, folds, lines, Budget()).held_out
        with torch_alone(self.name) as torch:
            stack = recurrent(torch, events, design.codes, IN_ALL, settings["dropout"], seed)
            lesson = _lesson(design, base, scale, [known] * IN_ALL)
            steps = int(settings["steps"])
            *_, (_, layers) = learned(torch, stack, lesson, settings["decay"], BATCH, steps)
        line = fit_additive(design, lines, settings["start"])
        said = scale * course_of(layers, events)
        centre = float(np.average(said, weights=design.weight))
        linear = line.linear(design.x) + said
        return Course(line, layers, scale, centre, freedom(linear, design, settings["held_out"]))

    def restore(self, data: Mapping[str, Any]) -> Course:
        return Course.from_json(data)


def _events(design: Design) -> EventSequences:
    if design.events is None:
        raise InputError(
            "The candidate 'sequence' reads the events of records, and these people come without any.",
            hint="Draw the study from the vault (vault = true), or take it out of [learning] candidates.",
        )
    return design.events


def _lesson(design: Design, base: Floats, scale: float, people: list[Ints]) -> Lesson:
    base = np.repeat(base[None] / scale, len(people), axis=0)
    return Lesson(design.y / scale, design.weight, base, people, design.loss)


def _held_out(
    design: Design, events: EventSequences, base: Floats, folds: Ints, shape: Mapping[str, float], seed: int
) -> tuple[int, Floats]:
    """Steps of least loss, all folds together, and what is foreseen then for those held out.

    The networks learn what the regression leaves of people whom it had not seen either.
    """
    names, scale, known = np.unique(folds), scale_of(design), design.weight > 0
    rows = [np.flatnonzero((folds != name) & known) for name in names for _ in range(IN_A_FOLD)]
    lesson = _lesson(design, base, scale, rows)
    held = [np.flatnonzero(folds == name) for name in names]
    theirs = [events.take(own) for own in held]
    best: tuple[float, int, Floats] | None = None
    with torch_alone(CANDIDATE.name) as torch:
        stack = recurrent(torch, events, design.codes, len(rows), shape["dropout"], seed)
        for steps, layers in learned(torch, stack, lesson, shape["decay"], BATCH, MOST_STEPS):
            held_out = base.copy()
            for f, own in enumerate(held):
                part = {key: each[f * IN_A_FOLD : (f + 1) * IN_A_FOLD] for key, each in layers.items()}
                held_out[own] += scale * course_of(part, theirs[f])
            loss = mean_loss(design.y, held_out, design.weight, design.loss)
            if best is None or loss < best[0]:
                best = loss, steps, held_out
            elif steps > 2 * best[1] + PATIENCE:
                break
    assert best is not None
    return best[1], best[2]


CANDIDATE = SequenceNetwork()
