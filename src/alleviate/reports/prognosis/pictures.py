"""Curves of a prognosis: calibration, net benefit, learning, complexity, and the shape of each feature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alleviate.models.performance.benefit import DecisionCurve
from alleviate.models.performance.curve import CalibrationCurve
from alleviate.models.prognosis.explained.shapes import Shape
from alleviate.models.prognosis.fitting import Gap, LearningCurve, Path
from alleviate.packages.prognosis_findings import Validated
from alleviate.reports import charts, forests
from alleviate.reports.numbers import Shown
from alleviate.reports.plots import Plot, curve, plot
from alleviate.reports.prognosis.outcome import OutcomeScale
from alleviate.terms.estimates import Estimate, Z

__all__ = ["ShapePicture", "calibration", "learning", "net_benefit", "path", "shape_pictures", "spread_of"]

BELOW = 0.25
"""How far below 0 net benefit is shown, for its height above."""

LEAST_RISK = 0.05
"""Risks are drawn to at least this."""


def _span(found: Validated, curve: CalibrationCurve, scale: OutcomeScale) -> tuple[float, float]:
    """What both axes of a calibration plot, and the histogram below it, span: risks from 0."""
    edges = [edge for histogram in found.foreseen.values() for edge in histogram.edges]
    ends = [*curve.foreseen, *edges, *(e.estimate for e in curve.observed)]
    high = max([*ends, *(e.high for e in curve.observed)] if scale.risk else ends)
    return (0.0, min(1.0, max(high, LEAST_RISK))) if scale.risk else (min(ends), high)


def calibration(found: Validated, scale: OutcomeScale) -> Plot | None:
    """What came against what was foreseen, with the line where they agree."""
    if found.curve is None:
        return None
    span = _span(found, found.curve, scale)
    return plot(
        [curve("ideal", span, span), curve("main", found.curve.foreseen, found.curve.observed)],
        across=span,
        up=span,
        factor=(scale.factor, scale.factor),
    )


def spread_of(found: Validated, scale: OutcomeScale) -> charts.Stack | None:
    """How many were foreseen what, on the axis of the calibration plot."""
    if found.curve is None or not found.foreseen:
        return None
    return charts.stack(found.foreseen, *_span(found, found.curve, scale), factor=scale.factor)


def net_benefit(found: DecisionCurve) -> Plot:
    """Of the model and of treating everyone, up to the threshold from which the model picks nobody."""
    picks = [t for t, e in zip(found.thresholds, found.model, strict=True) if e.low < e.high]
    last = max(picks, default=found.thresholds[-1])
    top = max(max(e.high for e in found.model), 0.01)
    return plot(
        [
            curve("other", found.thresholds, [e.estimate for e in found.everyone]),
            curve("main", found.thresholds, found.model),
        ],
        across=(0.0, min(1.0, last + found.thresholds[0])),
        up=(-BELOW * top, 1.05 * top),
        factor=(100.0, 100.0),
    )


def learning(found: LearningCurve, gap: Gap) -> Plot:
    """Loss on people not seen and on those learned from, by how many were learned from."""
    x = [point.people for point in found.points]
    unseen = [Estimate.from_se(point.held_out, point.standard_error or 0.0) for point in found.points]
    return plot(
        [
            curve("other", x, [point.apparent for point in found.points], dotted=True),
            curve("main", x, unseen, dotted=True),
            curve("ideal", (0, max(x)), (gap.without, gap.without)),
        ],
        across=(0.0, 1.04 * max(x)),
    )


def path(found: Path) -> Plot:
    """Loss by complexity; the interval is of the difference to the best."""
    x = [point.complexity for point in found.points]
    reach = [Z * (point.standard_error or 0.0) for point in found.points]
    unseen = [
        Estimate(point.held_out, point.held_out - far, point.held_out + far)
        for point, far in zip(found.points, reach, strict=True)
    ]
    return plot(
        [
            curve("other", x, [point.apparent for point in found.points], dotted=True),
            curve("main", x, unseen, dotted=True),
        ],
        across=(0.0, 1.04 * max(*x, 1.0)),
    )


@dataclass(frozen=True, slots=True)
class ShapePicture:
    """``plot`` of a number, ``levels`` of a category. ``rows``: value, people, effect as written."""

    label: str
    plot: Plot | None
    levels: forests.Forest | None
    rows: tuple[tuple[object, int, Shown], ...]


def shape_pictures(
    found: Sequence[Shape], order: Sequence[str], labels: Mapping[str, str], scale: OutcomeScale
) -> tuple[ShapePicture, ...]:
    """In ``order``; all share one scale, so that a flat one is seen to be flat."""
    ends = [end for shape in found for e in shape.effect for end in (e.low, e.high)]
    room = 0.06 * (max(ends) - min(ends)) if ends else 1.0
    up = (min(ends) - (room or 1.0), max(ends) + (room or 1.0)) if ends else (-1.0, 1.0)
    rank = {feature: place for place, feature in enumerate(order)}
    by_rank = sorted(found, key=lambda shape: rank.get(shape.feature, len(rank)))
    return tuple(_shape(shape, labels.get(shape.feature, shape.feature), up, scale) for shape in by_rank)


def _numeric(shape: Shape) -> bool:
    return all(isinstance(value, float | int) and not isinstance(value, bool) for value in shape.values)


def _shape(shape: Shape, label: str, up: tuple[float, float], scale: OutcomeScale) -> ShapePicture:
    written = scale.differences(shape.effect)
    rows = tuple(zip(shape.values, shape.people, written, strict=True))
    if _numeric(shape):
        values = [float(value) for value in shape.values if not isinstance(value, str)]
        drawn = plot(
            [curve("main", values, shape.effect, dotted=len(values) < 4)],
            up=up,
            factor=(1.0, scale.factor),
            signed=True,
        )
        return ShapePicture(label, drawn, None, rows)
    levels = [
        ("level", _level(value), effect, people)
        for value, people, effect in zip(shape.values, shape.people, shape.effect, strict=True)
    ]
    return ShapePicture(
        label, None, forests.forest(levels, *up, factor=scale.factor, zero=0.0, signed=True), rows
    )


def _level(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
