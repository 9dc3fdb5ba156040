"""Estimates in rows, each with dot and interval on one axis: a picture and its table in one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from alleviate.packages.findings import Candidate, Findings, Moderator
from alleviate.packages.stage_findings import StageFindings
from alleviate.reports.charts import Axis, Mark, axis_over
from alleviate.reports.numbers import Scale, Shown, decimals_for, shown
from alleviate.terms.estimates import Estimate

__all__ = [
    "Forest",
    "Relation",
    "Row",
    "forest",
    "headline",
    "of_candidates",
    "of_gains",
    "of_moderators",
    "of_values",
    "relation",
]

Relation = Literal[
    "by-construction", "worth-having", "likely", "perhaps", "small", "too-small", "open", "harm"
]


@dataclass(frozen=True, slots=True)
class Row:
    """``kind`` says what ``name`` is: an arm, or the part it plays ("rule", "best_arm", "over_usual", …).

    ``source``: what the row was made from, where a template needs more of it.
    """

    kind: str
    name: str
    shown: Shown
    mark: Mark
    source: object = None


@dataclass(frozen=True, slots=True)
class Forest:
    """``zero`` and ``important``: where the reference lines stand, in percent across; ``None``: no line."""

    axis: Axis
    rows: tuple[Row, ...]
    zero: float | None = None
    important: float | None = None


def forest(
    named: Iterable[tuple[str, str, Estimate, object]],
    *also: float,
    factor: float = 1.0,
    suffix: str = "",
    zero: float | None = None,
    signed: bool = False,
    decimals: int | None = None,
) -> Forest:
    """Rows of (kind, name, estimate, source); the axis holds ``also`` and ``zero``, the reference line."""
    rows = tuple(named)
    estimates = [e for _, _, e, _ in rows]
    if decimals is None:
        decimals = decimals_for(factor * (e.high - e.low) for e in estimates)
    axis = axis_over(estimates, *also, *(() if zero is None else (zero,)), factor=factor, signed=signed)
    return Forest(
        axis,
        tuple(
            Row(
                kind,
                name,
                shown(e, decimals, factor=factor, signed=signed, suffix=suffix),
                axis.mark(e),
                source,
            )
            for kind, name, e, source in rows
        ),
        None if zero is None else axis.at(zero),
    )


def of_values(findings: Findings | StageFindings, scale: Scale) -> Forest:
    """The rule, then the arms from the best.

    "best_arm" and "usual" have a row only where they differ from the arm's own value, as when the best
    arm was chosen anew within each fold.
    """
    sign = -1 if scale.better == "lower" else 1
    value = findings.value
    named = [("rule", "", value["rule"])]
    named += [
        ("arm", arm, value[arm]) for arm in sorted(findings.arms, key=lambda a: -sign * value[a].estimate)
    ]
    for part, arm in (("best_arm", findings.best_arm), ("usual", findings.usual)):
        if part in value and (arm is None or value[part] != value[arm]):
            named.append((part, arm or "", value[part]))
    decimals = scale.decimals(e for _, _, e in named)
    axis = axis_over((e for _, _, e in named), factor=scale.factor)
    return Forest(
        axis, tuple(Row(kind, name, scale.value(e, decimals), axis.mark(e)) for kind, name, e in named)
    )


def of_gains(findings: Findings | StageFindings, scale: Scale) -> Forest:
    """The rule over the best arm and over usual care, then the best arm over each other arm."""
    named = [
        (part, "", findings.gain[part]) for part in ("over_best_arm", "over_usual") if part in findings.gain
    ]
    if (
        findings.usual == findings.best_arm
        and findings.gain.get("over_usual") == findings.gain["over_best_arm"]
    ):
        named = named[:1]
    named += [("contrast", arm, e) for arm, e in findings.contrasts.items()]
    return _signed([(kind, name, e, None) for kind, name, e in named], scale)


def of_candidates(findings: Findings, scale: Scale) -> Forest:
    return _signed([("candidate", c.name, c.gain, c) for c in findings.candidates], scale)


def of_moderators(findings: Findings, scale: Scale) -> Forest | None:
    """The moderators, those whose interval lies farthest from 0 (for its width) first."""
    if not findings.moderators:
        return None
    strongest = sorted(
        findings.moderators,
        key=lambda m: abs(m.change.estimate) / ((m.change.high - m.change.low) or 1.0),
        reverse=True,
    )
    return _signed([("moderator", m.label or m.name, m.change, m) for m in strongest], scale, important=False)


def headline(findings: Findings, scale: Scale) -> Forest:
    """The gain over the best arm alone, with room beside the reference lines for their names."""
    gain = findings.gain["over_best_arm"]
    low, high = min(gain.low, 0.0), max(gain.high, scale.important)
    span = high - low
    left = min(gain.low - 0.06 * span, -0.35 * span)
    right = max(high + 0.06 * span, scale.important + 0.6 * span)
    axis = Axis(left, right, scale.factor, signed=True)
    row = Row("over_best_arm", "", scale.gain(gain), axis.mark(gain))
    return Forest(axis, (row,), axis.at(0), axis.at(scale.important))


def relation(gain: Estimate, important: float) -> Relation:
    """How a gain and its interval stand to 0 and to the smallest important difference."""
    if gain.low == gain.high == 0:
        return "by-construction"
    if gain.high < 0:
        return "harm"
    if gain.low > 0:
        if gain.low >= important:
            return "worth-having"
        if gain.estimate >= important:
            return "likely"
        return "perhaps" if gain.high >= important else "small"
    return "open" if gain.high >= important else "too-small"


def _signed(
    named: Iterable[tuple[str, str, Estimate, Candidate | Moderator | None]],
    scale: Scale,
    *,
    important: bool = True,
) -> Forest:
    rows = tuple(named)
    estimates = [e for _, _, e, _ in rows]
    decimals = scale.decimals(estimates)
    marked = (0.0, scale.important) if important else (0.0,)
    axis = axis_over(estimates, *marked, factor=scale.factor, signed=True)
    return Forest(
        axis,
        tuple(
            Row(kind, name, scale.gain(e, decimals), axis.mark(e), source) for kind, name, e, source in rows
        ),
        axis.at(0),
        axis.at(scale.important) if important else None,
    )
