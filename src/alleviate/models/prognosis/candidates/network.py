"""A mean of small residual networks over encoded columns, learned by torch: the extra ``deep``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alleviate.models.prognosis.contract import Budget, Design, Predictor, Tuned
from alleviate.models.prognosis.deep.freedom import freedom
from alleviate.models.prognosis.deep.last_layers import last_layers
from alleviate.models.prognosis.deep.scaled import scale_of
from alleviate.models.prognosis.deep.stacks import Lesson, learned
from alleviate.models.prognosis.deep.tabular import Network, Scaler
from alleviate.models.prognosis.deep.tabular_training import BATCH, Shape, tabular
from alleviate.models.prognosis.deep.torch_alone import torch_alone
from alleviate.models.prognosis.losses import average, mean_loss
from alleviate.models.trial import Floats, Ints
from alleviate.terms.errors import InputError

__all__ = ["CANDIDATE", "TabularNetwork", "fine_tuned"]

SHAPES: tuple[Shape, ...] = (
    {"hidden": 16, "dropout": 0.5, "decay": 2.0},
    {"hidden": 32, "dropout": 0.3, "decay": 0.3},
    {"hidden": 64, "dropout": 0.5, "decay": 0.5},
)
"""Tried in this order: near a regression first."""

MOST_STEPS = 240
PATIENCE = 40
"""Steps, beyond twice those that did best, after which none is awaited."""

IN_A_FOLD, IN_ALL = 2, 5
"""Networks, from different starts, whose mean is taken: while tuning, and in the end."""


@dataclass(frozen=True, slots=True)
class TabularNetwork:
    name: str = "network"
    words: str = "a mean of small neural networks"
    simple: bool = False

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        """Shape and number of steps (early stopping) of least loss, all folds together; none is a choice."""
        best: tuple[float, dict[str, Any], Floats] | None = None
        for number, shape in enumerate(SHAPES):
            if number and budget.spent():
                break
            steps, held_out = _held_out(design, folds, shape, seed)
            loss = mean_loss(design.y, held_out, design.weight, design.loss)
            if best is None or loss < best[0]:
                best = loss, {**shape, "steps": steps, "held_out": loss}, held_out
        assert best is not None
        return Tuned(best[1], best[2])

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Network:
        rows = np.flatnonzero(design.weight > 0)
        scaler, scale, level = Scaler.of(design.x[rows]), scale_of(design), average(design.take(rows))
        lesson = _lesson(design, scale, np.repeat(level, IN_ALL), [rows] * IN_ALL)
        with torch_alone(self.name) as torch:
            stack = tabular(torch, scaler(design.x), IN_ALL, settings, seed)
            steps = int(settings["steps"])
            *_, (_, layers) = learned(torch, stack, lesson, settings["decay"], BATCH, steps)
        made = Network(scaler, layers, level, scale, 1.0, np.zeros(len(design.columns)))
        return replace(
            made,
            complexity=freedom(made.linear(design.x), design, settings["held_out"]),
            centre=_centre(made, design),
        )

    def restore(self, data: Mapping[str, Any]) -> Network:
        return Network.from_json(data)


def fine_tuned(predictor: Predictor, design: Design, seed: int) -> Network:
    """A network of other people whose last layers are learned anew from ``design``, held near what they were.

    ``design``: encoded as the source's people were. Needs no torch. Raises ``InputError`` for another model.
    """
    if not isinstance(predictor, Network) or len(design.columns) != len(predictor.scaler.mean):
        raise InputError(
            "Only a network can be tuned further, on people encoded as those it was learned from.",
            hint="Start from a package whose study names the candidate 'network'.",
        )
    made = last_layers(predictor, design, seed)
    return replace(made, centre=_centre(made, design))


def _held_out(design: Design, folds: Ints, shape: Shape, seed: int) -> tuple[int, Floats]:
    """Steps of least loss, all folds together, and what is foreseen then for those held out."""
    names, scale, known = np.unique(folds), scale_of(design), design.weight > 0
    rows = [np.flatnonzero((folds != name) & known) for name in names]
    scaler = Scaler.of(design.x[known])
    levels = [average(design.take(own)) for own in rows]
    people = [own for own in rows for _ in range(IN_A_FOLD)]
    lesson = _lesson(design, scale, np.repeat(levels, IN_A_FOLD), people)
    best: tuple[float, int, Floats] | None = None
    with torch_alone(CANDIDATE.name) as torch:
        stack = tabular(torch, scaler(design.x), len(people), shape, seed)
        for steps, layers in learned(torch, stack, lesson, shape["decay"], BATCH, MOST_STEPS):
            held_out = np.empty(len(folds))
            for f, name in enumerate(names):
                part = {key: each[f * IN_A_FOLD : (f + 1) * IN_A_FOLD] for key, each in layers.items()}
                made = Network(scaler, part, levels[f], scale, 1.0, np.zeros(len(design.columns)))
                held_out[folds == name] = made.linear(design.x[folds == name])
            loss = mean_loss(design.y, held_out, design.weight, design.loss)
            if best is None or loss < best[0]:
                best = loss, steps, held_out
            elif steps > 2 * best[1] + PATIENCE:
                break
    assert best is not None
    return best[1], best[2]


def _lesson(design: Design, scale: float, levels: Floats, people: Sequence[Ints]) -> Lesson:
    base = np.repeat(levels[:, None] / scale, len(design.y), axis=1)
    return Lesson(design.y / scale, design.weight, base, people, design.loss)


def _centre(made: Network, design: Design) -> Floats:
    return np.asarray(np.average(made.attributions(design.x), axis=0, weights=design.weight), dtype=float)


CANDIDATE = TabularNetwork()
