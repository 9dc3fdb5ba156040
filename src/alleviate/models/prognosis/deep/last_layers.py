"""Fine-tuning: the last layers, a regression on what the others make of people, drawn to the source's.

The layers below stay as they were: few people of another place cannot unlearn them (Yosinski et al. 2014).
"""

from dataclasses import replace

import numpy as np

from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.deep.freedom import freedom
from alleviate.models.prognosis.deep.tabular import Network
from alleviate.models.prognosis.folds import inner_folds
from alleviate.models.prognosis.losses import mean_loss, on_scale
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints

__all__ = ["PULLS", "last_layers"]

PULLS = (1e6, 300.0, 100.0, 30.0, 10.0, 3.0)
"""Ridge penalties of moving away from the source, tried over folds; with the first only the level moves."""

NEWTON = 25


def last_layers(source: Network, design: Design, seed: int) -> Network:
    """``source`` with "skip", "head", "bias" learned anew from ``design``; the pull is that of least loss."""
    weight = effective(design.weight)
    made = _made(source, design.x)
    folds = inner_folds(design.y, design.weight, design.loss == "binary", None, seed)
    told: list[float] = []
    for pull in PULLS:
        held_out = np.empty(len(design.y))
        for fold in np.unique(folds):
            own, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            held_out[own] = _mean(
                made,
                [_fit(source, i, made, design, weight, rest, pull) for i in range(source.size)],
                own,
                source,
            )
        told.append(mean_loss(design.y, held_out, design.weight, design.loss))
    pull, every = PULLS[int(np.argmin(told))], np.arange(len(design.y))
    found = np.array([_fit(source, i, made, design, weight, every, pull) for i in range(source.size)])
    p = len(design.columns)
    layers = {**source.layers, "skip": found[:, :p], "head": found[:, p:-1], "bias": found[:, -1]}
    tuned = replace(source, layers=layers)
    return replace(tuned, complexity=freedom(tuned.linear(design.x), design, min(told)))


def _made(source: Network, x: Floats) -> list[Floats]:
    """Of each network what its last layers see: (n, p + h + 1)."""
    z = source.scaler(x)
    return [np.column_stack([z, source.hidden(i, z)[2], np.ones(len(z))]) for i in range(source.size)]


def _start(source: Network, i: int) -> Floats:
    own = source.layers
    return np.concatenate([own["skip"][i], own["head"][i], own["bias"][i : i + 1]])


def _mean(made: list[Floats], found: list[Floats], rows: Ints, source: Network) -> Floats:
    f = sum((each[rows] @ own for each, own in zip(made, found, strict=True)), np.zeros(len(rows)))
    return np.asarray(source.level + source.scale * f / source.size, dtype=float)


def _fit(
    source: Network, i: int, made: list[Floats], design: Design, weight: Floats, rows: Ints, pull: float
) -> Floats:
    """(p + h + 1,) by Newton's steps: the level is free, all else drawn to where it was."""
    phi, y, w = made[i][rows], design.y[rows], weight[rows]
    start = _start(source, i)
    at, penalty = start.copy(), np.full(phi.shape[1], pull)
    penalty[-1] = 1e-6
    for _ in range(NEWTON):
        linear = source.level + source.scale * (phi @ at)
        mean = on_scale(linear, design.loss)
        if design.loss == "binary":
            slope, bend = mean - y, mean * (1.0 - mean)
        else:
            slope, bend = (mean - y) / source.scale, np.full(len(y), 1.0)
        inner = phi * (w * bend)[:, None]
        step = np.linalg.solve(phi.T @ inner + np.diag(penalty), phi.T @ (w * slope) + penalty * (at - start))
        at -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    return at
