"""What a study found of its sites (or trials): the effect in each, alone and drawn towards the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alleviate.terms.estimates import Estimate

__all__ = ["SiteComparison", "SiteEffect", "SiteFindings"]


@dataclass(frozen=True, slots=True)
class SiteEffect:
    """One site of ``n`` people: ``raw`` from them alone, ``pooled`` drawn towards the mean of all sites."""

    site: str
    n: int
    raw: Estimate
    pooled: Estimate


@dataclass(frozen=True, slots=True)
class SiteComparison:
    """``what``: "contrast" (the best arm over the arm ``against``) or "gain" (the rule over the best arm).

    ``mean`` of the sites' effects, each site counting by what it tells; ``prediction``: where the effect in
    another site lies, 95 times in 100; ``tau2``: variance of the true effects between sites, in squared
    outcome units; ``i2``: its share, 0 to 1, in what the sites' estimates differ. Positive is better.
    """

    what: Literal["contrast", "gain"]
    against: str
    sites: tuple[SiteEffect, ...]
    mean: Estimate
    prediction: Estimate
    tau2: float
    i2: float


@dataclass(frozen=True, slots=True)
class SiteFindings:
    """``kind`` of group; ``by_arm``: site → arm → people whose outcome is known.

    ``too_small``: sites with fewer than ``fewest`` people in an arm; they are not shown alone, and count in
    everything else.
    """

    kind: Literal["site", "trial"]
    by_arm: Mapping[str, Mapping[str, int]]
    fewest: int
    comparisons: tuple[SiteComparison, ...]
    too_small: tuple[str, ...]
