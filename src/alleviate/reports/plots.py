"""Curves in a frame: across in percent of the width, down in percent of the height, from the top.

Lines are drawn in a picture of their own that stretches with the frame; lettering and dots are not, so that
they keep their size and shape on a phone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alleviate.reports.charts import Axis, Tick
from alleviate.terms.estimates import Estimate

__all__ = ["Curve", "Plot", "curve", "plot"]

MARGIN = 0.06
"""Of the height, kept free above the highest value and below the lowest."""


@dataclass(frozen=True, slots=True)
class Curve:
    """``look``: class of the line, of its ``band`` (interval, point by point) and of its ``dots``."""

    look: str
    line: str
    band: str
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """``across``, ``up``: the axes. ``heights``: ticks of ``up`` in percent from the top."""

    across: Axis
    up: Axis
    curves: tuple[Curve, ...]

    @property
    def heights(self) -> tuple[Tick, ...]:
        return tuple(Tick(round(100 - tick.at, 2), tick.text) for tick in self.up.ticks)

    def height(self, y: float) -> float:
        """Of a reference line."""
        return round(100 - self.up.at(y), 2)


Values = Sequence[tuple[float, Estimate]]


@dataclass(frozen=True, slots=True)
class _Asked:
    look: str
    values: Values
    dotted: bool


def curve(look: str, x: Iterable[float], y: Iterable[Estimate | float], *, dotted: bool = False) -> _Asked:
    """``y`` with intervals gets a band; ``dotted``: a dot at each point."""
    values = [
        (at, value if isinstance(value, Estimate) else Estimate(value, value, value))
        for at, value in zip(x, y, strict=True)
    ]
    return _Asked(look, values, dotted)


def plot(
    asked: Sequence[_Asked],
    *also: float,
    across: tuple[float, float] | None = None,
    up: tuple[float, float] | None = None,
    factor: tuple[float, float] = (1.0, 1.0),
    signed: bool = False,
) -> Plot:
    """The curves in one frame. ``across``, ``up``: what the axes span, else all values and ``also`` (of up).

    What lies outside is cut off. ``factor``: from the data's units to those written, across and up.
    """
    places = [x for one in asked for x, _ in one.values]
    held = [*also, *(end for one in asked for _, e in one.values for end in (e.low, e.high))]
    across = across or (min(places), max(places))
    if up is None:
        room = MARGIN * (max(held) - min(held)) or 1.0
        up = (min(held) - room, max(held) + room)
    x_axis = Axis(*across, factor[0], edge=0.0)
    y_axis = Axis(*up, factor[1], signed, edge=0.0)
    return Plot(x_axis, y_axis, tuple(_drawn(one, x_axis, y_axis) for one in asked))


def _drawn(asked: _Asked, across: Axis, up: Axis) -> Curve:
    line = [(_part(across, x), 100 - _part(up, e.estimate)) for x, e in asked.values]
    lows = [(_part(across, x), 100 - _part(up, e.low)) for x, e in asked.values]
    highs = [(_part(across, x), 100 - _part(up, e.high)) for x, e in asked.values]
    wide = any(e.low < e.high for _, e in asked.values)
    return Curve(
        asked.look,
        _points(line),
        _points([*lows, *reversed(highs)]) if wide else "",
        tuple((round(x, 2), round(y, 2)) for x, y in line) if asked.dotted else (),
    )


def _part(axis: Axis, x: float) -> float:
    """Percent along the axis, which may lie outside."""
    return 100 * (x - axis.low) / (axis.high - axis.low)


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{round(x, 2) + 0.0:.2f},{round(y, 2) + 0.0:.2f}" for x, y in places)  # no "-0.00"
