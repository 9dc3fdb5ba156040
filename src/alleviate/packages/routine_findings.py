"""How treatment came about in a study: balance, overlap, and what a hidden confounder could hide."""

from collections.abc import Mapping
from dataclasses import dataclass

from alleviate.terms.estimates import Estimate

__all__ = [
    "BalanceFindings",
    "BalanceLine",
    "Band",
    "ControlFindings",
    "EValue",
    "RoutineFindings",
    "Sensitivity",
    "Strength",
    "Trimming",
    "TrimmingLine",
]


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One feature, or a level of one: standardised differences of each arm from everybody, in SD."""

    label: str
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BalanceFindings:
    """``lines``: what differs most before weighting first. ``effective``: by arm, people left by weights."""

    lines: tuple[BalanceLine, ...]
    effective: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrimmingLine:
    """One feature of the ``inside`` and the ``outside``, and how far they differ, in SD of everybody."""

    label: str
    inside: str
    outside: str
    difference: float


@dataclass(frozen=True, slots=True)
class Trimming:
    """``outside`` by arm: people left out. ``named``: the study gave the least chance.

    ``least``: of those kept, the lowest chance of any arm. ``lines``: in what those left out differ most.
    """

    kept: int
    outside: Mapping[str, int]
    named: bool
    least: float
    lines: tuple[TrimmingLine, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """The truth lies between ``low`` and ``high``, whatever the hidden confounder of strength ``gamma``.

    Positive is better. ``interval_low``, ``interval_high``: the 95 % intervals of both ends, outwards.
    """

    gamma: float
    low: float
    high: float
    interval_low: float
    interval_high: float


@dataclass(frozen=True, slots=True)
class EValue:
    """Risk ratios: to explain the estimate away, and the end of its interval nearest to 0 (1: holds 0)."""

    estimate: float
    interval: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Of one comparison. ``against``: an arm, or "" for the rule over the truly best single arm.

    ``turns``: least strength at which the interval holds 0, ``tips``: at which the bounds do; 1 where they
    always do, ``None`` beyond the strongest tried.
    """

    against: str
    bands: tuple[Band, ...]
    turns: float | None
    tips: float | None
    e_value: EValue


@dataclass(frozen=True, slots=True)
class Strength:
    """``odds``: leaving out the feature moves the odds of an arm by this factor or more for 5 % of people."""

    label: str
    odds: float


@dataclass(frozen=True, slots=True)
class ControlFindings:
    """What ought to be 0. ``outcome``: the column that treatment cannot have changed; ``sd``: its spread.

    ``contrasts``: of it, each arm less the best. ``arms``: two arms that ought not to differ, with
    ``difference`` of the first over the second.
    """

    outcome: str = ""
    sd: float = 0.0
    contrasts: Mapping[str, Estimate] | None = None
    arms: tuple[str, ...] = ()
    difference: Estimate | None = None


@dataclass(frozen=True, slots=True)
class RoutineFindings:
    """Only where nobody drew lots. ``values``: by arm and "rule", in outcome units, as ``Band``s."""

    trimming: Trimming | None
    sensitivity: tuple[Sensitivity, ...]
    strengths: tuple[Strength, ...]
    strongest_tried: float
    values: Mapping[str, tuple[Band, ...]]
    controls: ControlFindings | None
