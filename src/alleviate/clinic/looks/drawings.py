"""Where the lines and shapes of small drawings lie. The templates write them as SVG; the words are theirs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from alleviate.terms.errors import InputError

__all__ = ["Course", "Frame", "Icons", "Ranges", "Spark", "course", "day_number", "icons", "ranges", "spark"]

Point = tuple[float, float]
Band = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """A box of the picture that shows ``x`` from ``first`` to ``last`` and ``y`` from ``low`` to ``high``."""

    left: float
    top: float
    right: float
    bottom: float
    first: float
    last: float
    low: float
    high: float

    def x(self, value: float) -> float:
        width = self.last - self.first
        share = (value - self.first) / width if width > 0 else 0.5
        return round(self.left + min(max(share, 0.0), 1.0) * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        """Outside the box is drawn at its edge: the words beside it say the number."""
        height = self.high - self.low
        share = (value - self.low) / height if height > 0 else 0.5
        return round(self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top), 1)


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    value: float
    out: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Spark:
    """``band`` outlines the expected course; ``expected`` is its range at the last point, or None."""

    dots: tuple[Dot, ...]
    line: str
    band: str
    values: tuple[float, ...]
    expected: tuple[float, float] | None

    @property
    def out(self) -> bool:
        """Whether the last score lies outside what was expected."""
        return bool(self.dots) and self.dots[-1].out


def spark(points: Iterable[Any], low: float, high: float, band: Iterable[Sequence[float]] = ()) -> Spark:
    """``points``: scores in order, or pairs (day, score); None is left out. ``band``: (day, low, high)."""
    pairs, edges = _pairs(points), _band(band)
    days = [day for day, _ in pairs] + [day for day, _, _ in edges]
    frame = Frame(6, 6, 134, 34, min(days, default=0), max(days, default=1), *_scale(low, high))
    return _drawn(frame, pairs, edges)


def _drawn(frame: Frame, pairs: Sequence[Point], edges: Sequence[Band]) -> Spark:
    last = len(pairs) - 1
    dots = tuple(
        Dot(frame.x(day), frame.y(score), score, bool(edges) and _out(day, score, edges), place == last)
        for place, (day, score) in enumerate(pairs)
    )
    xs = [frame.x(day) for day, _, _ in edges]
    upper = [f"{x},{frame.y(top)}" for x, (_, _, top) in zip(xs, edges, strict=True)]
    lower = [f"{x},{frame.y(low)}" for x, (_, low, _) in zip(reversed(xs), reversed(edges), strict=True)]
    return Spark(
        dots,
        " ".join(f"{dot.x},{dot.y}" for dot in dots),
        " ".join(upper + lower),
        tuple(score for _, score in pairs),
        _expected(pairs[-1][0], edges) if pairs and edges else None,
    )


def _expected(day: float, edges: Sequence[Band]) -> tuple[float, float] | None:
    """The band at ``day``, straight between its points; None outside it."""
    for (before, low, high), (after, next_low, next_high) in pairwise(edges):
        if before <= day <= after:
            share = (day - before) / (after - before) if after > before else 0.0
            return low + share * (next_low - low), high + share * (next_high - high)
    return (edges[0][1], edges[0][2]) if len(edges) == 1 and edges[0][0] == day else None


def _out(day: float, score: float, edges: Sequence[Band]) -> bool:
    expected = _expected(day, edges)
    return expected is not None and not expected[0] <= score <= expected[1]


@dataclass(frozen=True, slots=True)
class Tick:
    place: float
    value: Any


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that lasted, on the axis of time: ``row`` keeps those that overlap apart."""

    x: float
    width: float
    row: int
    words: str


@dataclass(frozen=True, slots=True)
class Course:
    """A course with its axes: ``width`` × ``height``."""

    frame: Frame
    spark: Spark
    scores: tuple[Tick, ...]
    days: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    width: int
    height: int


def course(
    points: Iterable[Any],
    low: float,
    high: float,
    band: Iterable[Sequence[Any]] = (),
    levels: Mapping[str, float] | None = None,
    episodes: Iterable[Sequence[Any]] = (),
    width: int = 640,
) -> Course:
    """``points``: pairs (day, score); ``band``: (day, low, high); ``levels``: words to a score that means
    something; ``episodes``: (words, from, until or None for still). Days are dates or numbers."""
    pairs, edges = _pairs(points), _band(band)
    spells = [(str(words), day_number(start), day_number(end)) for words, start, end in episodes]
    known = [day for day, _ in pairs] + [day for day, _, _ in edges]
    known += [day for _, start, end in spells for day in (start, end) if day is not None]
    first, last = min(known, default=0.0), max(known, default=1.0)
    last = last if last > first else first + 1
    rows = _rows([(start or first, end if end is not None else last) for _, start, end in spells])
    height = 250 + 26 * (max(rows, default=-1) + 1)
    frame = Frame(44, 14, width - 20, 210, first, last, *_scale(low, high))
    marks = tuple(
        Mark(
            frame.x(start or first),
            max(frame.x(end if end is not None else last) - frame.x(start or first), 4),
            row,
            words,
        )
        for (words, start, end), row in zip(spells, rows, strict=True)
    )
    return Course(
        frame,
        _drawn(frame, pairs, edges),
        tuple(Tick(frame.y(value), value) for value in _steps(low, high)),
        tuple(Tick(frame.x(day), _as_date(day)) for day in _spread(first, last, 3 if width > 500 else 1)),
        tuple(Tick(frame.y(value), words) for words, value in (levels or {}).items()),
        marks,
        width,
        height,
    )


def _rows(spells: Sequence[tuple[float, float]]) -> list[int]:
    """The first row that is free when each begins."""
    ends: list[float] = []
    rows = []
    for start, end in spells:
        row = next((place for place, taken in enumerate(ends) if taken <= start), len(ends))
        ends[row : row + 1] = [end]
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class Icon:
    x: int
    y: int
    group: int


@dataclass(frozen=True, slots=True)
class Icons:
    icons: tuple[Icon, ...]
    width: int
    height: int


def icons(counts: Sequence[int], of: int = 100) -> Icons:
    """A figure for each of ``of`` people, row by row, the groups in their order. Raises InputError where the
    counts do not add up: a picture that shows other people than the words do is wrong."""
    if sum(counts) != of or any(count < 0 for count in counts) or not 1 <= len(counts) <= 4:
        raise InputError(f"Up to four groups that add up to {of}, got {list(counts)}.")
    across = 10 if of <= 100 else 25
    groups = [group for group, count in enumerate(counts, 1) for _ in range(count)]
    drawn = tuple(
        Icon(place % across * 20 + 10, place // across * 20 + 10, group) for place, group in enumerate(groups)
    )
    return Icons(drawn, across * 20, -(-of // across) * 20)


@dataclass(frozen=True, slots=True)
class Range:
    left: float
    right: float
    middle: float


@dataclass(frozen=True, slots=True)
class Ranges:
    """One line each on the same scale, 400 × 28; ``zero`` is where no difference is, or None."""

    rows: tuple[Range, ...]
    zero: float | None
    low: float
    high: float


def ranges(
    rows: Iterable[Sequence[float]],
    low: float | None = None,
    high: float | None = None,
    zero: float | None = None,
) -> Ranges:
    """``rows``: (estimate, low, high) each; the scale spans them all unless it is given."""
    rows = [tuple(float(value) for value in row) for row in rows]
    every = [value for row in rows for value in row] + ([zero] if zero is not None else [])
    bottom = min(every, default=0.0) if low is None else low
    top = max(every, default=1.0) if high is None else high
    frame = Frame(8, 0, 392, 28, bottom, top if top > bottom else bottom + 1, 0, 1)
    drawn = tuple(Range(frame.x(row[1]), frame.x(row[2]), frame.x(row[0])) for row in rows)
    return Ranges(drawn, None if zero is None else frame.x(zero), frame.first, frame.last)


def day_number(day: Any) -> float | None:
    """A date or time as days, a number as it is."""
    if isinstance(day, datetime):
        return day.timestamp() / 86400
    if isinstance(day, date):
        return float(day.toordinal() - date(1970, 1, 1).toordinal())
    return None if day is None else float(day)


def _as_date(day: float) -> date | float:
    """Days since 1970 as their date; small numbers are days or weeks of a treatment and stay."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(day)) if day > 3650 else round(day)


def _pairs(points: Iterable[Any]) -> list[Point]:
    found = []
    for place, point in enumerate(points):
        day, score = point if isinstance(point, Sequence) else (place, point)
        number = day_number(day)
        if score is not None and number is not None:
            found.append((number, float(score)))
    return found


def _band(band: Iterable[Sequence[Any]]) -> list[Band]:
    return [(day_number(day) or 0.0, float(low), float(high)) for day, low, high in band]


def _scale(low: float, high: float) -> tuple[float, float]:
    if not low < high:
        raise InputError(f"The scale runs from low to high, got {low} to {high}.")
    return low, high


def _steps(low: float, high: float) -> list[float]:
    """Three to six round numbers from end to end."""
    for step in (1, 2, 3, 5, 6, 7, 10, 20, 25, 50, 100, 200, 500, 1000):
        if (high - low) / step <= 5:
            break
    return [low + step * place for place in range(int((high - low) / step) + 1)]


def _spread(first: float, last: float, parts: int) -> list[float]:
    whole = last - first
    parts = parts if whole >= 6 else 1
    return [first + whole * part / parts for part in range(parts + 1)]
