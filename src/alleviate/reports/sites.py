"""Sites (or trials) as forests: one a comparison, the sites, all of them together, and another such site."""

from dataclasses import dataclass

from alleviate.packages.findings import Findings
from alleviate.packages.site_findings import SiteComparison
from alleviate.reports.charts import axis_over
from alleviate.reports.forests import Forest, Row
from alleviate.reports.numbers import Scale, Shown

__all__ = ["SiteForest", "site_forests"]


@dataclass(frozen=True, slots=True)
class SiteForest:
    """``alone``: each site's effect from its own people, in the order of the forest's first rows.

    ``spread``: SD of the true effects between sites, as written.
    """

    comparison: SiteComparison
    forest: Forest
    alone: tuple[Shown, ...]
    spread: str


def site_forests(findings: Findings, scale: Scale) -> tuple[SiteForest, ...]:
    """Rows of kind "site" in the order found, then "mean" and "prediction"."""
    return () if findings.sites is None else tuple(_one(c, scale) for c in findings.sites.comparisons)


def _one(comparison: SiteComparison, scale: Scale) -> SiteForest:
    named = [("site", site.site, site.pooled) for site in comparison.sites]
    named += [("mean", "", comparison.mean), ("prediction", "", comparison.prediction)]
    estimates = [e for _, _, e in named]
    decimals = scale.decimals(estimates)
    axis = axis_over(estimates, 0.0, scale.important, factor=scale.factor, signed=True)
    rows = tuple(Row(kind, name, scale.gain(e, decimals), axis.mark(e)) for kind, name, e in named)
    return SiteForest(
        comparison,
        Forest(axis, rows, axis.at(0), axis.at(scale.important)),
        tuple(scale.gain(site.raw, decimals) for site in comparison.sites),
        scale.difference(comparison.tau2**0.5) if comparison.tau2 else "0",
    )
