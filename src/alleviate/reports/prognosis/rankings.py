"""Measures, features, sites, groups and candidates in rows, each with dot and interval."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from alleviate.packages.prognosis_findings import GroupFindings, PrognosisFindings, SitesFindings, Validated
from alleviate.reports.forests import Forest, forest
from alleviate.reports.numbers import Shown, decimals_for, shown
from alleviate.reports.prognosis.outcome import OutcomeScale
from alleviate.terms.estimates import Estimate

__all__ = [
    "WORDS",
    "MeasureLine",
    "of_candidates",
    "of_coverage",
    "of_group",
    "of_headline",
    "of_importance",
    "of_measures",
    "of_sites",
]

WORDS: Mapping[str, Any] = tomllib.loads(
    (resources.files("alleviate.reports.prognosis") / "words.toml").read_text(encoding="utf-8")
)

NOMINAL = 0.9


@dataclass(frozen=True, slots=True)
class MeasureLine:
    key: str
    name: str
    unit: str
    best: str
    says: str
    shown: Shown


def of_measures(found: Validated, scale: OutcomeScale) -> tuple[MeasureLine, ...]:
    """Each measure as written, what it says, and where it would be best."""
    return tuple(
        MeasureLine(
            name,
            WORDS["measures"][name]["name"],
            scale.unit_of(name),
            WORDS["measures"][name]["best"],
            WORDS["measures"][name]["says"],
            shown(e, _decimals(name) or decimals_for([e.high - e.low])),
        )
        for name, e in found.measures.items()
    )


def _decimals(measure: str) -> int | None:
    """As the measure is always written; ``None``: as its interval has it."""
    found = WORDS["measures"][measure].get("decimals")
    return None if found is None else int(found)


def of_headline(found: Validated, scale: OutcomeScale) -> Forest | None:
    """How well people are told apart, on an axis from nothing to perfect."""
    e = found.measures.get(scale.ranked)
    if e is None:
        return None
    row = ("headline", scale.ranked, e, None)
    return forest([row], 1.0, zero=scale.chance, decimals=_decimals(scale.ranked))


def of_importance(findings: PrognosisFindings, labels: Mapping[str, str]) -> Forest | None:
    if findings.importance is None or not findings.importance.features:
        return None
    return forest(
        [
            ("feature", labels.get(one.feature, one.feature), one.size, one)
            for one in findings.importance.features
        ],
        zero=0.0,
    )


def of_sites(sites: SitesFindings, scale: OutcomeScale) -> tuple[tuple[str, Forest], ...]:
    """What tells people apart, then calibration: of each site, their mean, and another such site."""
    wanted = (scale.ranked, "e_o" if scale.risk else "calibration_intercept", "calibration_slope")
    found = []
    for measure in wanted:
        if measure not in sites.across:
            continue
        across = sites.across[measure]
        rows: list[tuple[str, str, Estimate, object]] = [
            ("site", group.name, group.measures[measure], group)
            for group in sites.by_site.groups
            if measure in group.measures and not group.unjudged
        ]
        rows += [("mean", "", across.mean, across), ("prediction", "", across.prediction, across)]
        reference = float(WORDS["measures"][measure]["best"]) if measure != scale.ranked else scale.chance
        found.append((measure, forest(rows, zero=reference, decimals=_decimals(measure))))
    return tuple(found)


def of_group(found: GroupFindings, scale: OutcomeScale) -> Forest | None:
    """The measure that tells people apart in each group large enough, worst first."""
    rows = [
        ("group", group.name, group.measures[scale.ranked], group)
        for group in found.by_group.groups
        if scale.ranked in group.measures and not group.unjudged
    ]
    return forest(rows, zero=scale.chance, decimals=_decimals(scale.ranked)) if rows else None


def of_coverage(findings: PrognosisFindings, labels: Mapping[str, str]) -> Forest | None:
    if not findings.coverage:
        return None
    rows = [
        (
            "group" if one.column else "everybody",
            f"{labels.get(one.column, one.column)}: {one.group}" if one.column else "",
            Estimate(one.share, one.low, one.high),
            one,
        )
        for one in findings.coverage
    ]
    return forest(rows, factor=100.0, suffix="%", zero=NOMINAL)


def of_candidates(findings: PrognosisFindings) -> Forest:
    """Loss on people held out, less that of the best simple candidate: above 0 is worse."""
    rows = [
        ("candidate", one.words, Estimate.from_se(one.difference, one.standard_error), one)
        for one in findings.candidates
    ]
    return forest(rows, zero=0.0, signed=True)
