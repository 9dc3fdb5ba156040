"""Geometry of the pictures. Colours and words are the templates' business.

Across, everything is in percent of the width, so that a picture narrows to a phone while its lettering
keeps its size; down, histograms are in pixels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, log10

from alleviate.packages.findings import Histogram
from alleviate.reports.numbers import decimals_for, number
from alleviate.terms.estimates import Estimate

__all__ = ["Axis", "Bar", "Mark", "Stack", "Tick", "axis_over", "stack"]

HEIGHT = 150
"""Pixels from the foot of a histogram to its highest possible bar."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot and its interval, in percent across."""

    point: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` at 0 % to ``high`` at 100 %. ``factor`` turns the data's unit into the one written.

    No tick stands within ``edge`` percent of an end, where its lettering would run into a neighbour.
    """

    low: float
    high: float
    factor: float = 1.0
    signed: bool = False
    edge: float = 4.0

    def at(self, x: float) -> float:
        """Percent across, kept inside the picture."""
        return round(min(100.0, max(0.0, 100 * (x - self.low) / (self.high - self.low))), 2)

    def mark(self, e: Estimate) -> Mark:
        return Mark(self.at(e.estimate), self.at(e.low), self.at(e.high))

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """At most five round numbers."""
        low, high = self.low * self.factor, self.high * self.factor
        margin = self.edge / 100 * (high - low) - 1e-9 * (high - low)
        low, high = low + margin, high - margin
        step = _round_step((high - low) / 6)
        while floor(high / step) - ceil(low / step) + 1 > 5:
            step = _round_step(1.5 * step)
        decimals = max(0, -floor(log10(step) + 1e-9))
        places = (step * i for i in range(ceil(low / step), floor(high / step) + 1))
        return tuple(Tick(self.at(x / self.factor), number(x, decimals, signed=self.signed)) for x in places)


def axis_over(
    estimates: Iterable[Estimate],
    *also: float,
    factor: float = 1.0,
    signed: bool = False,
    margin: float = 0.08,
) -> Axis:
    """An axis that holds every interval and every value in ``also``, with a margin on both sides."""
    held = [*also, *(x for e in estimates for x in (e.low, e.high))]
    low, high = min(held), max(held)
    room = margin * (high - low) or abs(high) or 1.0
    return Axis(low - room, high + room, factor, signed)


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle: ``x`` and ``width`` in percent, ``y`` and ``height`` in pixels from the top."""

    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Stack:
    """Histograms on top of each other. ``bars`` by series, from the foot; ``heights``: ticks of the count."""

    axis: Axis
    bars: Mapping[str, tuple[Bar, ...]]
    heights: tuple[Tick, ...]
    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]

    @property
    def edge_decimals(self) -> int:
        """Decimals that tell neighbouring edges apart."""
        return decimals_for([self.axis.factor * (self.edges[1] - self.edges[0])])

    @property
    def bins(self) -> tuple[tuple[float, float, tuple[int, ...]], ...]:
        """For the table behind the picture: from, to, the count of each series."""
        columns = zip(*self.counts.values(), strict=True)
        return tuple(
            (low, high, counts)
            for low, high, counts in zip(self.edges, self.edges[1:], columns, strict=False)
        )


def stack(
    series: Mapping[str, Histogram], *also: float, factor: float = 1.0, top: int | None = None
) -> Stack:
    """Stack histograms that share their edges; the axis reaches ``also``; ``top`` fixes the highest count.

    Raises ``ValueError`` where the edges differ.
    """
    edges = next(iter(series.values())).edges
    if any(h.edges != edges for h in series.values()):
        raise ValueError("histograms of one picture must share their edges")
    axis = Axis(min(*also, edges[0], edges[-1]), max(*also, edges[0], edges[-1]), factor, edge=0.0)
    totals = [sum(column) for column in zip(*(h.counts for h in series.values()), strict=True)]
    highest = max(top or 0, *totals, 1)
    feet = [0] * len(totals)
    bars: dict[str, tuple[Bar, ...]] = {}
    for name, histogram in series.items():
        bars[name] = tuple(
            _bar(axis, low, high, foot, n, highest)
            for low, high, foot, n in zip(edges, edges[1:], feet, histogram.counts, strict=False)
            if n
        )
        feet = [foot + n for foot, n in zip(feet, histogram.counts, strict=True)]
    return Stack(axis, bars, _count_ticks(highest), edges, {name: h.counts for name, h in series.items()})


def _bar(axis: Axis, low: float, high: float, foot: int, n: int, highest: int) -> Bar:
    left, right = axis.at(low), axis.at(high)
    tall = HEIGHT * n / highest
    return Bar(
        left, round(right - left, 2), round(HEIGHT - HEIGHT * foot / highest - tall, 2), round(tall, 2)
    )


def _count_ticks(highest: int) -> tuple[Tick, ...]:
    step = max(1, round(_round_step(highest / 3)))
    return tuple(
        Tick(round(HEIGHT - HEIGHT * n / highest, 2), number(n, 0)) for n in range(0, highest + 1, step)
    )


def _round_step(rough: float) -> float:
    """The smallest of 1, 2, 5 × 10ᵏ that is at least ``rough`` (> 0)."""
    unit = 10.0 ** floor(log10(rough))
    return next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough * (1 - 1e-9))
