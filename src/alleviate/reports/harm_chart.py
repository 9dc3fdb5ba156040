"""Harms as pictures: each arm's and the rule's on one axis, and benefit against harm as weights change."""

from dataclasses import dataclass

from alleviate.packages.findings import Findings
from alleviate.packages.harm_findings import HarmFinding
from alleviate.reports.charts import Axis, Tick, axis_over
from alleviate.reports.forests import Forest, Row
from alleviate.reports.numbers import Scale, Shown, number
from alleviate.terms.estimates import Estimate

__all__ = ["TALL", "Dot", "HarmPicture", "of_harms"]

TALL = 240
"""Pixels from the foot of the picture of benefit against harm to its top."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A point with both its intervals: across in percent, down in pixels from the top."""

    name: str
    x: float
    low: float
    high: float
    y: float
    top: float
    bottom: float

    @property
    def turned(self) -> bool:
        """Its name stands on the left of it, where there is room."""
        return self.x > 55


@dataclass(frozen=True, slots=True)
class HarmPicture:
    """One harm: its ``forest``, whose dashed line is the limit, and its frontier.

    ``axis`` is of the harm, ``heights`` ticks of the outcome (up is better), ``rules`` by weight, ``arms``.
    ``lines`` of the table: weight, outcome, harm, shares; ``stated`` numbers the rule of the stated weight.
    """

    found: HarmFinding
    scale: Scale
    forest: Forest
    axis: Axis
    heights: tuple[Tick, ...]
    rules: tuple[Dot, ...]
    arms: tuple[Dot, ...]
    stated: int
    lines: tuple[tuple[str, Shown, Shown, tuple[float, ...]], ...]
    given_up: Shown
    avoided: Shown
    price: str | None
    standing: str | None

    @property
    def limit(self) -> str:
        """As written, with its unit."""
        assert self.found.limit is not None
        if self.found.binary:
            return f"{100 * self.found.limit:g}%"
        return f"{self.found.limit:g} {self.found.unit}".rstrip()


def of_harms(findings: Findings, scale: Scale) -> tuple[HarmPicture, ...]:
    return () if findings.harms is None else tuple(_of(h, findings, scale) for h in findings.harms.harms)


def _of(found: HarmFinding, findings: Findings, scale: Scale) -> HarmPicture:
    own = Scale(found.label, found.unit, found.better, 0.0, found.binary)
    named = [("rule", "", found.value["rule"]), *(("arm", arm, found.value[arm]) for arm in findings.arms)]
    estimates = [e for _, _, e in named]
    decimals = own.decimals(estimates)
    limit = () if found.limit is None else (found.limit,)
    axis = axis_over(estimates, *limit, factor=own.factor)
    rows = tuple(Row(kind, name, own.value(e, decimals), axis.mark(e)) for kind, name, e in named)
    points = found.frontier
    arms = [(arm, findings.value[arm], found.value[arm]) for arm in findings.arms]
    across = axis_over([p.harm for p in points] + [h for _, _, h in arms], factor=own.factor)
    up = axis_over([p.outcome for p in points] + [y for _, y, _ in arms], factor=scale.factor)
    worth = scale.decimals([p.outcome for p in points])
    done = own.decimals([p.harm for p in points])

    def dot(name: str, outcome: Estimate, harm: Estimate) -> Dot:
        x, y = across.mark(harm), up.mark(outcome)
        ends = sorted((_down(y.low, scale), _down(y.high, scale)))
        return Dot(name, x.point, x.low, x.high, _down(y.point, scale), *ends)

    given_up, avoided = found.given_up, found.avoided
    price = None
    if avoided.low > 0 and given_up.estimate > 0:
        price = scale.difference(given_up.estimate / (avoided.estimate * own.factor))
    return HarmPicture(
        found=found,
        scale=own,
        forest=Forest(axis, rows, None, None if found.limit is None else axis.at(found.limit)),
        axis=across,
        heights=tuple(Tick(_down(tick.at, scale), tick.text) for tick in up.ticks),
        rules=tuple(dot("", p.outcome, p.harm) for p in points),
        arms=tuple(dot(arm, y, h) for arm, y, h in arms),
        stated=next(i for i, p in enumerate(points) if p.weight == found.at),
        lines=tuple(
            (
                _weight(p.weight * scale.factor),
                scale.value(p.outcome, worth),
                own.value(p.harm, done),
                tuple(p.shares.values()),
            )
            for p in points
        ),
        given_up=scale.gain(given_up),
        avoided=own.gain(avoided),
        price=price,
        standing=None if found.limit is None else _standing(found.value["rule"], found.limit, found.better),
    )


def _down(percent: float, scale: Scale) -> float:
    """Better is up."""
    part = percent if scale.better == "lower" else 100.0 - percent
    return round(TALL * part / 100.0, 2)


def _weight(x: float) -> str:
    """To two digits or so."""
    close = (d for d in range(5) if abs(round(x, d) - x) <= 0.02 * x)
    return number(x, next(close, 5))


def _standing(rule: Estimate, limit: float, better: str) -> str:
    """How the interval of the rule's harm stands to the limit: "within", "beyond" or "open"."""
    own, most = (rule, limit) if better == "lower" else (-rule, -limit)
    return "within" if own.high <= most else "beyond" if own.low > most else "open"
