"""What a study found, as plain numbers and words: the one object that the report, the JSON and the package share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
    """One learner tried: its cross-fitted gain over the best single arm, and how often the folds chose it (0–1)."""

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

    ``change`` is in outcome units (positive is better) per ``per`` ("1 SD (9.4 years)", "yes rather than no").
    """

    name: str
    label: str
    per: str
    arm: str
    against: str
    change: Estimate


@dataclass(frozen=True, slots=True)
class RuleWords:
    """The rule. ``kind``: "one-arm", "effects" (best expected outcome) or "tree".

    ``tree`` is nested: ``{"feature","label","test","yes","no"}`` or leaf ``{"arm","n","benefit"}``.
    """

    kind: str
    text: str
    arms_used: tuple[str, ...]
    tree: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """See each field. Values are in outcome units; gains and benefits are signed so that positive is better."""

    n: int                                    # people with treatment and outcome, analysed
    n_read: int                               # rows in the data
    arms: Mapping[str, int]                   # people analysed per arm
    missing_outcome: Mapping[str, int]        # people left out per arm, because the outcome is missing
    outcome: Mapping[str, object]             # name, label, unit, better, important, binary, sd
    usual: str | None
    assignment: str
    verdict: Verdict
    reason: str
    best_arm: str
    rule: RuleWords
    value: Mapping[str, Estimate]             # "rule", "best_arm", "usual", and each arm
    gain: Mapping[str, Estimate]              # "over_best_arm", "over_usual"
    contrasts: Mapping[str, Estimate]         # each other arm: benefit of the best arm over it
    share_per_arm: Mapping[str, float]        # advice in the people studied
    share_abstained: float
    strengths: Mapping[str, float]            # established / leaning / none: shares of the people studied
    benefit: Mapping[str, Histogram]          # strength -> expected benefit of the advised arm over the next best
    heterogeneity: Mapping[str, float]        # statistic, p: does the effect differ between people at all
    candidates: tuple[Candidate, ...]
    moderators: tuple[Moderator, ...]
    columns: tuple[Column, ...]
    dropped: Mapping[str, str]                # column -> why it was not used
    overlap: Overlap
    warnings: tuple[str, ...]
    folds: int
    repeats: int
    seed: int
    fingerprint: str                          # SHA-256 of the data as read
    versions: Mapping[str, str]
