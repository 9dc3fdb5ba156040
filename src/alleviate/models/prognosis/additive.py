"""Additive candidates: penalised lines or curves, averaged over penalties and over how numbers are scaled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.prognosis.bases import FAMILIES, Basis
from alleviate.models.prognosis.contract import Budget, Design, Predictor, Tuned
from alleviate.models.prognosis.curves import Curves
from alleviate.models.prognosis.penalised import Averaged, averaged, narrowed
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints

__all__ = ["AdditiveCandidate", "Shaped", "Shaper", "fit_additive", "held_out_additive", "tune_additive"]

Shaper = Callable[[Design, str], Basis]
"""The shapes of a design's columns in one of ``FAMILIES``."""

Starts = Mapping[str, Sequence[int]]
"""Where each family's search for penalties starts."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """One family: ``z`` (n, r) spans the basis, slopes of which are ``back`` @ slopes of ``z``.

    Made once, from all people and no outcome; folds are rows of it.
    """

    family: str
    basis: Basis
    z: Floats
    block: Ints
    size: Floats
    back: Floats

    @classmethod
    def of(cls, design: Design, shape: Shaper) -> list["Shaped"]:
        numbers = any(column.role == "value" for column in design.columns)
        made = []
        for family in FAMILIES if numbers else FAMILIES[:1]:
            basis = shape(design, family)
            z, block, back = narrowed(basis(design.x), basis.block)
            size = np.bincount(basis.block).astype(float)
            made.append(cls(family, basis, z, block, size, back))
        return made

    def fit(
        self, design: Design, rows: Ints, start: tuple[int, ...] | None, offset: Floats | None = None
    ) -> Averaged:
        weight, own = effective(design.weight[rows]), None if offset is None else offset[rows]
        return averaged(self.z[rows], self.block, self.size, design.y[rows], weight, design.loss, start, own)


def fit_additive(
    design: Design, shape: Shaper, starts: Starts | None = None, offset: Floats | None = None
) -> Curves:
    """The average over families by marginal likelihood; with ``offset`` (n,), what comes on top of it."""
    shaped = Shaped.of(design, shape)
    fits, share = _fitted(shaped, design, np.arange(len(design.y)), starts, offset)
    parts = [
        own.basis.curves(fit.level, own.back @ fit.slopes, fit.freedom)
        for own, fit in zip(shaped, fits, strict=True)
    ]
    return Curves.mixed(parts, share.tolist())


def tune_additive(design: Design, folds: Ints, shape: Shaper, budget: Budget) -> Tuned:
    """Penalties are averaged, not chosen: folds only tell how well that does, their own people unseen."""
    shaped = Shaped.of(design, shape)
    fits, _ = _fitted(shaped, design, np.arange(len(design.y)), None)
    best: dict[str, Any] = {own.family: list(fit.best) for own, fit in zip(shaped, fits, strict=True)}
    return Tuned({"start": best}, held_out_additive(shaped, design, folds, best))


def held_out_additive(
    shaped: Sequence[Shaped],
    design: Design,
    folds: Ints,
    starts: Starts | None,
    offsets: Floats | None = None,
) -> Floats:
    """(n,) foreseen for the people of each fold by fits to the others, on top of ``offsets`` (F, n)."""
    held_out = np.zeros(len(design.y))
    for fold in np.unique(folds):
        own = folds == fold
        offset = None if offsets is None else offsets[fold]
        fits, share = _fitted(shaped, design, np.flatnonzero(~own), starts, offset)
        held_out[own] = 0.0 if offset is None else offset[own]
        for weight, part, fit in zip(share, shaped, fits, strict=True):
            held_out[own] += weight * (fit.level + part.z[own] @ fit.slopes)
    return held_out


def _fitted(
    shaped: Sequence[Shaped],
    design: Design,
    rows: Ints,
    starts: Starts | None,
    offset: Floats | None = None,
) -> tuple[list[Averaged], Floats]:
    """A fit per family, and their shares."""
    fits = [
        own.fit(design, rows, None if starts is None else tuple(starts[own.family]), offset) for own in shaped
    ]
    evidence = np.array([fit.evidence for fit in fits])
    share = np.exp(evidence - evidence.max())
    return fits, share / share.sum()


@dataclass(frozen=True, slots=True)
class AdditiveCandidate:
    """A candidate whose columns have shapes made by ``shape``."""

    name: str
    words: str
    shape: Shaper
    simple: bool = True

    def tune(self, design: Design, folds: Ints, seed: int, budget: Budget) -> Tuned:
        return tune_additive(design, folds, self.shape, budget)

    def fit(self, design: Design, settings: Mapping[str, Any], seed: int) -> Predictor:
        return fit_additive(design, self.shape, settings["start"])

    def restore(self, data: Mapping[str, Any]) -> Predictor:
        return Curves.from_json(data)
