"""Ways from a source to the target's people, from the least that is learned of them to all of it.

Each foresees people of a fold without having seen them, so that ways can be held against each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alleviate.models.prognosis.additive import Shaped, fit_additive, held_out_additive
from alleviate.models.prognosis.candidates.network import fine_tuned
from alleviate.models.prognosis.candidates.ridge import lines
from alleviate.models.prognosis.contract import Design, Predictor
from alleviate.models.prognosis.deep.tabular import Network
from alleviate.models.prognosis.losses import average
from alleviate.models.prognosis.model import Member
from alleviate.models.prognosis.penalised import averaged
from alleviate.models.prognosis.selection import LearnedPrognosis
from alleviate.models.prognosis.transfer.weighting import likeness
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints

__all__ = ["Way", "afresh", "as_it_is", "deviating", "pooled", "recalibrated", "tuned_on"]


@dataclass(frozen=True, slots=True)
class Way:
    """linear = ``level`` + Σ weight·(what a member of ``parts`` foresees).

    ``held_out`` (n,): on that scale, for each of the target's people by what had not seen them.
    """

    name: str
    held_out: Floats
    level: float
    parts: tuple[Member, ...]

    def linear(self, x: Floats) -> Floats:
        """(n,) for encoded people (n, p)."""
        total = np.full(len(x), self.level)
        for part in self.parts:
            total += part.weight * part.predictor.linear(x)
        return total

    def scaled(self, level: float, slope: float) -> tuple[float, tuple[Member, ...]]:
        """Level and parts of ``level`` + ``slope``·linear."""
        parts = tuple(Member(part.name, slope * part.weight, part.predictor) for part in self.parts)
        return level + slope * self.level, parts


def as_it_is(level: float, parts: tuple[Member, ...], design: Design) -> Way:
    """The source's model, nothing learned of the target."""
    unseen = Way("source", np.zeros(0), level, parts)
    return Way("source", unseen.linear(design.x), level, parts)


def recalibrated(source: Way, design: Design, folds: Ints) -> Way:
    """Another level and slope (Steyerberg et al., Stat Med 2004)."""
    held_out = _fold_by_fold(folds, lambda rows, own: _calibrated(source.held_out, design, rows, own))
    level, slope = _calibration(source.held_out, design, np.arange(len(folds)))
    return Way("recalibrated", held_out, *source.scaled(level, slope))


def deviating(source: Way, design: Design, folds: Ints) -> Way:
    """Coefficients that leave the recalibrated source's as far as the target bears out: ridge towards it."""
    everyone = np.arange(len(folds))
    level, slope = _calibration(source.held_out, design, everyone)
    offsets = np.stack(
        [
            _calibrated(source.held_out, design, np.flatnonzero(folds != fold), everyone)
            for fold in range(int(folds.max()) + 1)
        ]
    )
    held_out = held_out_additive(Shaped.of(design, lines), design, folds, None, offsets)
    departure = fit_additive(design, lines, None, level + slope * source.held_out)
    level, parts = source.scaled(level, slope)
    return Way("deviation", held_out, level, (*parts, Member("ridge", 1.0, departure)))


def pooled(people: Design, design: Design, folds: Ints) -> Way:
    """A ridge fit to the target and to the source's ``people``, these weighted to look like the target."""
    alike = Design(people.x, people.columns, people.y, people.weight * likeness(people, design), people.loss)

    def fit(rows: Ints) -> Way:
        own = design.take(rows)
        both = Design(
            np.vstack([alike.x, own.x]),
            design.columns,
            np.concatenate([alike.y, own.y]),
            np.concatenate([alike.weight, own.weight]),
            design.loss,
        )
        return as_it_is(0.0, (Member("ridge", 1.0, fit_additive(both, lines)),), design)

    def foreseen(rows: Ints, own: Ints) -> Floats:
        return _calibrated(fit(rows).held_out, design, rows, own)

    held_out, everyone = _fold_by_fold(folds, foreseen), np.arange(len(folds))
    final = fit(everyone)
    return Way("weighted", held_out, *final.scaled(*_calibration(final.held_out, design, everyone)))


def tuned_on(
    network: Network, there: Design, folds: Ints, seed: int, move: Callable[[Predictor], Predictor]
) -> Way:
    """The source's network, its last layers fitted anew. ``there``: the target's people, encoded as the

    source's were; ``move`` puts what was fitted among the columns used here."""

    def foreseen(rows: Ints, own: Ints) -> Floats:
        return fine_tuned(network, there.take(rows), seed).linear(there.x[own])

    final = move(fine_tuned(network, there, seed))
    return Way("fine-tuned", _fold_by_fold(folds, foreseen), 0.0, (Member("network", 1.0, final),))


def afresh(learned: LearnedPrognosis) -> Way:
    """The target alone."""
    model = learned.model
    parts = tuple(Member(m.name, model.slope * m.weight, m.predictor) for m in model.members)
    return Way("afresh", learned.held_out, model.intercept, parts)


def _fold_by_fold(folds: Ints, foreseen: Callable[[Ints, Ints], Floats]) -> Floats:
    held_out = np.zeros(len(folds))
    for fold in np.unique(folds):
        own = np.flatnonzero(folds == fold)
        held_out[own] = foreseen(np.flatnonzero(folds != fold), own)
    return held_out


def _calibrated(linear: Floats, design: Design, rows: Ints, own: Ints) -> Floats:
    """Of ``own``, with level and slope learned from ``rows``."""
    level, slope = _calibration(linear, design, rows)
    return level + slope * linear[own]


def _calibration(linear: Floats, design: Design, rows: Ints) -> tuple[float, float]:
    """(level, slope ≥ 0) by marginal likelihood, the slope drawn to 1; the level free."""
    learned = design.take(rows)
    own, weight = linear[rows], effective(learned.weight)
    middle, spread = float(own.mean()), float(own.std()) or 1.0
    z = ((own - middle) / spread)[:, None]
    fit = averaged(z, np.zeros(1, dtype=np.int64), np.ones(1), learned.y, weight, design.loss, None, own)
    departure = float(fit.slopes[0]) / spread
    if departure <= -1.0:
        return average(learned), 0.0
    return fit.level - departure * middle, 1.0 + departure
