"""What a study found, in numbers and words: the one object that report, JSON and package share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alleviate.packages.harm_findings import HarmFindings
from alleviate.packages.missing_findings import MissingFindings
from alleviate.packages.routine_findings import BalanceFindings, RoutineFindings
from alleviate.packages.rule_words import RuleWords
from alleviate.packages.shortest_findings import ShortestFindings
from alleviate.packages.site_findings import SiteFindings
from alleviate.packages.stage_findings import StageFindings
from alleviate.packages.subgroup_findings import SubgroupFindings
from alleviate.terms.estimates import Estimate

__all__ = [
    "Candidate",
    "Column",
    "Findings",
    "Histogram",
    "Moderator",
    "Overlap",
    "RuleWords",
    "Verdict",
]

Verdict = Literal["personalise", "one-for-all", "equipoise"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One learner tried: its cross-fitted gain over the best single arm; share of folds that chose it."""

    name: str
    description: str
    gain: Estimate
    chosen: float


@dataclass(frozen=True, slots=True)
class Column:
    """One line of "who was in it". ``by_arm``: mean (SD) or share per arm, ready to print."""

    name: str
    label: str
    kind: str
    missing: int
    by_arm: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between consecutive ``edges`` (``len(edges) == len(counts) + 1``)."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Probability of each arm given the features. ``source``: "known" or "estimated".

    ``bound`` is the truncation bound of the stated rule, ``truncated`` how many people it touched,
    ``by_arm`` the distribution of each arm's probability over everybody.
    """

    source: str
    rule: str
    bound: float
    truncated: int
    by_arm: Mapping[str, Histogram]


@dataclass(frozen=True, slots=True)
class Moderator:
    """How much one feature moves the benefit of ``arm`` over ``against``, after shrinkage.

    ``change`` is in outcome units (positive is better) per ``per``, such as "1 SD (9.4)".
    """

    name: str
    label: str
    per: str
    arm: str
    against: str
    change: Estimate


@dataclass(frozen=True, slots=True)
class Findings:
    """Values are in outcome units; gains and benefits are signed so that positive is better.

    ``n`` people analysed of ``n_read`` rows, in ``arms``; ``missing_outcome`` per arm, left out.
    ``outcome``: name, label, unit, better, important, binary, sd. ``value`` of "rule", "best_arm" (as the
    folds picked it), "usual" and each arm; ``gain``: "over_best_arm", "over_usual"; ``contrasts``: benefit
    of the best arm over each other. ``share_per_arm``, ``share_abstained``, ``strengths`` (established,
    leaning, none): advice to the people studied, as shares; ``benefit``: strength → benefit of the advised
    arm over the next best. ``heterogeneity``: "statistic" and one-sided "p" of any difference in effects
    between people. ``columns``: who was in it; ``dropped``: column → why it was not used. ``fingerprint``:
    SHA-256 of the data as read.
    """

    n: int
    n_read: int
    arms: Mapping[str, int]
    missing_outcome: Mapping[str, int]
    outcome: Mapping[str, object]
    usual: str | None
    assignment: str
    verdict: Verdict
    reason: str
    best_arm: str
    rule: RuleWords
    value: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]
    contrasts: Mapping[str, Estimate]
    share_per_arm: Mapping[str, float]
    share_abstained: float
    strengths: Mapping[str, float]
    benefit: Mapping[str, Histogram]
    heterogeneity: Mapping[str, float]
    candidates: tuple[Candidate, ...]
    moderators: tuple[Moderator, ...]
    columns: tuple[Column, ...]
    dropped: Mapping[str, str]
    overlap: Overlap
    warnings: tuple[str, ...]
    folds: int
    repeats: int
    seed: int
    fingerprint: str
    versions: Mapping[str, str]
    stages: tuple[StageFindings, ...] | None = None
    missing: MissingFindings | None = None
    sites: SiteFindings | None = None
    subgroups: SubgroupFindings | None = None
    shortest: ShortestFindings | None = None
    harms: HarmFindings | None = None
    balance: BalanceFindings | None = None
    routine: RoutineFindings | None = None
