"""Shapes that a column's curve may take, found from the column alone, never from the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.curves import Curve, Curves
from alleviate.models.trial import Floats, Ints

__all__ = ["FAMILIES", "Basis", "Shape", "bent", "design_of", "straight"]

FAMILIES = ("plain", "tamed")
"""A number as it is, or by its rank among the people, on the normal scale (heavy tails count less)."""

RANKS = 33
"""Knots by which ranks are kept."""

KNOTS = 12
"""Knots of a curve."""

MOST_BENT = 200
"""Of more columns than this nobody can tell how they bend."""

BENDS = 4
"""Ways in which a curve may bend; the rougher ones are all but penalised away."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Functions of one column, straight between ``knots`` (k,): ``heights`` (k, m) there, of mean 0."""

    column: int
    knots: Floats
    heights: Floats

    def __call__(self, x: Floats) -> Floats:
        own = x[:, self.column]
        return np.column_stack([np.interp(own, self.knots, height) for height in self.heights.T])


@dataclass(frozen=True, slots=True)
class Basis:
    """``shapes`` side by side, each of a block that is penalised alike."""

    shapes: tuple[Shape, ...]
    blocks: tuple[int, ...]
    columns: int

    @property
    def block(self) -> Ints:
        return np.repeat(np.array(self.blocks, dtype=np.int64), [s.heights.shape[1] for s in self.shapes])

    def __call__(self, x: Floats) -> Floats:
        return np.column_stack([np.zeros((len(x), 0)), *(shape(x) for shape in self.shapes)])

    def curves(self, level: float, slopes: Floats, freedom: float) -> Curves:
        """What slopes (q,) of the shapes add up to."""
        drawn: list[list[Curve]] = [[] for _ in range(self.columns)]
        at = 0
        for shape in self.shapes:
            width = shape.heights.shape[1]
            drawn[shape.column].append(Curve(shape.knots, shape.heights @ slopes[at : at + width]))
            at += width
        return Curves(level, tuple(_sum(own) for own in drawn), freedom)


def _sum(curves: Sequence[Curve]) -> Curve:
    if len(curves) == 1:
        return curves[0]
    knots = np.unique(np.concatenate([curve.knots for curve in curves] or [np.zeros(1)]))
    return Curve(knots, sum((curve(knots) for curve in curves), np.zeros(len(knots))))


def straight(x: Floats, weight: Floats, column: int, family: str) -> Shape | None:
    """One line, of mean 0 and variance 1; ``None`` for a column that does not vary."""
    own = x[:, column]
    known = own[weight > 0]
    low, high = float(known.min()), float(known.max())
    if not high > low:
        return None
    knots, heights = np.array([low, high]), np.array([low, high])
    if family == "tamed" and len(np.unique(known[:1000])) > 2:
        knots, heights = _ranks(own, weight)
    return _standard(Shape(column, knots, heights[:, None]), x, weight)


def _ranks(own: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Values, and the normal quantile of the share of people below, half of those who have it counted in."""
    values, which = np.unique(own, return_inverse=True)
    mass = np.bincount(which, weights=weight)
    values, mass = values[mass > 0], mass[mass > 0]
    share = (np.cumsum(mass) - mass / 2) / mass.sum()
    if len(values) > RANKS:
        wanted = np.interp(np.linspace(0.0, 1.0, RANKS), [0.0, 1.0], [share[0], share[-1]])
        pick = np.unique(np.searchsorted(share, wanted).clip(0, len(values) - 1))
        values, share = values[pick], share[pick]
    return values, np.asarray(ndtri(share), dtype=float)


def _standard(shape: Shape, x: Floats, weight: Floats) -> Shape | None:
    """Of mean 0, and of variance 1 over all its functions together."""
    drawn = shape(x)
    mean = np.average(drawn, axis=0, weights=weight)
    spread = float(np.sqrt(np.average((drawn - mean) ** 2, axis=0, weights=weight).sum()))
    return Shape(shape.column, shape.knots, (shape.heights - mean) / spread) if spread > 1e-9 else None


def bent(x: Floats, weight: Floats, line: Shape) -> Shape | None:
    """How a curve may leave ``line``, smoothest first: smoothing splines in Demmler and Reinsch's basis.

    Roughness is the integrated squared second derivative over the line's own scale; each function has
    roughness 1, so that equal penalties on them are that roughness penalty. ``None`` for fewer than 4 values.
    """
    own = x[:, line.column]
    known = np.unique(own[weight > 0])
    if len(known) < 4:
        return None
    values, which = np.unique(own, return_inverse=True)
    mass = np.bincount(which, weights=weight)
    share = (np.cumsum(mass) - mass / 2) / mass.sum()
    pick = np.searchsorted(share, np.linspace(share[0], share[-1], KNOTS)).clip(0, len(values) - 1)
    knots = np.unique(np.concatenate([values[pick], known[[0, -1]]]))
    if len(knots) < 4:
        return None
    place = np.interp(knots, line.knots, line.heights[:, 0])
    gap = np.diff(place)
    if gap.min() < 1e-9:
        return None
    k = len(knots)
    second = np.zeros((k - 2, k))
    for i in range(k - 2):
        width = (gap[i] + gap[i + 1]) / 2
        second[i, i : i + 3] = np.array([1 / gap[i], -1 / gap[i] - 1 / gap[i + 1], 1 / gap[i + 1]]) / np.sqrt(
            width
        )
    hats = np.column_stack([np.interp(own, knots, hat) for hat in np.eye(k)])
    flat = np.column_stack([np.ones(k), place])
    gram = hats.T @ (hats * weight[:, None]) / weight.sum()
    # second @ f is all that roughness sees of f; what it does not see is the line, projected out afterwards
    inverse = np.linalg.pinv(second)
    projected = inverse - flat @ np.linalg.solve(flat.T @ gram @ flat, flat.T @ gram @ inverse)
    size, turn = np.linalg.eigh(projected.T @ gram @ projected)
    smooth = turn[:, np.argsort(-size)[:BENDS]]
    smooth = smooth * np.where(smooth[np.abs(smooth).argmax(axis=0), range(smooth.shape[1])] < 0, -1.0, 1.0)
    return _standard(Shape(line.column, knots, projected @ smooth), x, weight)


def design_of(design: Design, family: str, bends: bool, columns: Sequence[int] | None = None) -> Basis:
    """Lines of all ``columns`` (block 0) and, with ``bends``, how their curves may leave them (block 1)."""
    which = range(len(design.columns)) if columns is None else columns
    lines = [s for j in which if (s := straight(design.x, design.weight, j, family)) is not None]
    curved: list[Shape] = []
    if bends and len(lines) <= MOST_BENT:
        curved = [s for line in lines if (s := bent(design.x, design.weight, line)) is not None]
    return Basis((*lines, *curved), (0,) * len(lines) + (1,) * len(curved), len(design.columns))
