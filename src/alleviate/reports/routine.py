"""Pictures of how treatment came about: the love plot, and bounds that widen as a hidden confounder grows."""

from dataclasses import dataclass

from alleviate.packages.findings import Findings
from alleviate.packages.routine_findings import Band, Sensitivity
from alleviate.reports.charts import Axis, axis_over
from alleviate.reports.numbers import Scale, number
from alleviate.terms.estimates import Estimate

__all__ = ["BandRow", "BandsPlot", "LovePlot", "LoveRow", "bands_plots", "love_plot"]

LIMIT = 0.1
"""Standardised difference up to which arms count as alike (Austin 2009)."""

MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class LoveRow:
    """The largest difference of any arm, in SD: as written, and where it stands in percent across."""

    label: str
    before: str
    after: str
    before_at: float
    after_at: float
    unlike: bool


@dataclass(frozen=True, slots=True)
class LovePlot:
    """``rows``: what differs most first; ``more``: the rest, alike enough. ``unlike``: how many still are."""

    axis: Axis
    limit: float
    rows: tuple[LoveRow, ...]
    more: tuple[LoveRow, ...]
    unlike: int


def love_plot(findings: Findings) -> LovePlot | None:
    """``None`` where no balance was worked out, or no feature was used."""
    if findings.balance is None or not findings.balance.lines:
        return None
    sizes = [
        (line.label, max(map(abs, line.before.values())), max(map(abs, line.after.values())))
        for line in findings.balance.lines
    ]
    top = max(2 * LIMIT, *(max(before, after) for _, before, after in sizes))
    axis = Axis(0.0, 1.08 * top, edge=2.0)
    rows = tuple(
        LoveRow(label, number(before, 2), number(after, 2), axis.at(before), axis.at(after), after > LIMIT)
        for label, before, after in sizes
    )
    # one that weighting leaves unlike is never hidden
    shown = [row for i, row in enumerate(rows) if i < MOST_SHOWN or row.unlike]
    more = tuple(row for row in rows if row not in shown)
    return LovePlot(axis, axis.at(LIMIT), tuple(shown), more, sum(row.unlike for row in rows))


@dataclass(frozen=True, slots=True)
class BandRow:
    """One strength, as written; the bounds and their interval as written, and in percent across."""

    gamma: str
    bounds: str
    interval: str
    low: float
    high: float
    interval_low: float
    interval_high: float


@dataclass(frozen=True, slots=True)
class BandsPlot:
    """``turns``, ``tips``: as written, ``None`` beyond the strongest tried; ``e_values``: as written."""

    source: Sensitivity
    axis: Axis
    zero: float
    rows: tuple[BandRow, ...]
    turns: str | None
    tips: str | None
    e_values: tuple[str, str]


def bands_plots(findings: Findings, scale: Scale) -> tuple[BandsPlot, ...]:
    """One a comparison, in the order found."""
    return () if findings.routine is None else tuple(_plot(s, scale) for s in findings.routine.sensitivity)


def _plot(source: Sensitivity, scale: Scale) -> BandsPlot:
    ends = [Estimate(b.interval_low, b.interval_low, b.interval_high) for b in source.bands]
    axis = axis_over(ends, 0.0, factor=scale.factor, signed=True)
    decimals = scale.decimals(ends[:1])
    return BandsPlot(
        source,
        axis,
        axis.at(0.0),
        tuple(_row(band, axis, scale, decimals) for band in source.bands),
        None if source.turns is None else number(source.turns, 2),
        None if source.tips is None else number(source.tips, 2),
        (number(source.e_value.estimate, 2), number(source.e_value.interval, 2)),
    )


def _row(band: Band, axis: Axis, scale: Scale, decimals: int) -> BandRow:
    def text(low: float, high: float | None) -> str:
        ends = [low] if high is None else [low, high]
        return " to ".join(number(scale.factor * x, decimals, signed=True) for x in ends)

    return BandRow(
        number(band.gamma, 2).rstrip("0").rstrip("."),
        text(band.low, band.high if band.high > band.low else None),
        text(band.interval_low, band.interval_high),
        axis.at(band.low),
        axis.at(band.high),
        axis.at(band.interval_low),
        axis.at(band.interval_high),
    )
