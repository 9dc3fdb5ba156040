"""Who responds: groups made without looking at outcomes, or by a rule learned without these people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import floor

import numpy as np
import polars as pl

from alleviate.features import Feature
from alleviate.models.censoring import known_outcome
from alleviate.models.encoding import Encoder
from alleviate.models.trial import Bools, Floats
from alleviate.packages.subgroup_findings import Subgroup, SubgroupFindings
from alleviate.policies.subgroups import Comparison, compare_groups
from alleviate.studies.cohort import Cohort
from alleviate.studies.evaluation import Evaluation
from alleviate.studies.rule_words import rounded
from alleviate.terms.estimates import Estimate

__all__ = ["LEAST", "subgroup_findings"]

LEAST = 20
"""People in every arm, inside and outside a group, below which nothing is said of it."""

MOST = 12
"""Groups shown."""

BY_RULE = "advised"
"""Stands for a feature where the groups are those that the rule advises each arm."""


@dataclass(frozen=True, slots=True)
class _Group:
    """``inside`` (n,) 0 to 1; ``known`` (n,): who could be in it. ``part``: which split of a feature."""

    feature: str
    label: str
    part: str
    level: str
    inside: Floats
    known: Bools


def subgroup_findings(
    cohort: Cohort, encoder: Encoder, evaluation: Evaluation, best: int, words: dict[str, str]
) -> SubgroupFindings | None:
    """The effect of the ``best`` arm over each other in groups of people; ``None``: no group is so large."""
    trial, arms = cohort.trial, cohort.arms
    others = [k for k in range(len(arms)) if k != best]
    known = known_outcome(trial)
    of_arm = np.column_stack([known & (trial.arm == k) for k in range(len(arms))]).astype(float)
    groups, too_few = [], []
    for group in _groups(cohort, encoder, evaluation, words):
        inside, outside = group.inside @ of_arm, (group.known - group.inside) @ of_arm
        if min(inside.min(), outside.min()) >= LEAST:
            groups.append(group)
        elif inside.min() < LEAST:
            too_few.append(f"{group.label}: {group.level}")
    if not groups:
        return None
    inside = np.column_stack([group.inside for group in groups])
    scores = evaluation.scores
    clusters = cohort.sites or (None if trial.clusters is None else trial.clusters.tolist())
    found = compare_groups(
        scores[:, [best]] - scores[:, others],
        inside,
        np.column_stack([group.known for group in groups]) - inside,
        np.random.default_rng([cohort.study.validation.seed, 2]),
        clusters,
    )
    counts = inside.T @ of_arm
    shown = [
        _subgroup(cohort, groups[g], counts[g], arms[others[c]], found, g * len(others) + c)
        for g, c in _strongest(groups, found, len(others))
    ]
    return SubgroupFindings(
        best_arm=arms[best],
        overall={arms[k]: evaluation.contrasts[best][k] for k in others},
        groups=tuple(shown),
        looked=len(groups) * len(others),
        characteristics=len({group.feature for group in groups if group.feature != BY_RULE}),
        by_rule=any(group.feature == BY_RULE for group in groups),
        least=LEAST,
        too_few=tuple(dict.fromkeys(too_few)),
    )


def _strongest(groups: list[_Group], found: Comparison, contrasts: int) -> list[tuple[int, int]]:
    """(group, contrast) of at most ``MOST``, a split's together; of a feature its strongest split."""
    alone = found.interactions.p_alone.reshape(-1, contrasts)
    splits: dict[tuple[str, str, int], list[int]] = {}
    for g, group in enumerate(groups):
        for c in range(contrasts):
            splits.setdefault((group.feature, group.part, c), []).append(g)
    ordered = sorted(splits, key=lambda key: alone[splits[key], key[2]].min())
    result: list[tuple[int, int]] = []
    seen: set[tuple[str, int]] = set()
    for feature, part, c in ordered:
        if (feature, c) in seen:
            continue
        seen.add((feature, c))
        own = splits[feature, part, c]
        if len(result) + len(own) > MOST:
            break
        result += [(g, c) for g in own]
    return result


def _subgroup(
    cohort: Cohort, group: _Group, counts: Floats, against: str, found: Comparison, i: int
) -> Subgroup:
    def estimate(which: str) -> Estimate:
        corrected = getattr(found, which)
        return Estimate(*(float(getattr(corrected, end)[i]) for end in ("estimate", "low", "high")))

    return Subgroup(
        feature=group.feature,
        label=group.label,
        level=group.level,
        against=against,
        n={arm: round(float(n)) for arm, n in zip(cohort.arms, counts, strict=True)},
        effect=estimate("effects"),
        interaction=estimate("interactions"),
        p=float(found.interactions.p[i]),
        p_alone=float(found.interactions.p_alone[i]),
    )


def _groups(
    cohort: Cohort, encoder: Encoder, evaluation: Evaluation, words: dict[str, str]
) -> Iterator[_Group]:
    if evaluation.advised is not None:
        everybody = np.ones(len(cohort.trial), dtype=bool)
        for k, arm in enumerate(cohort.arms):
            yield _Group(BY_RULE, words["advised"], "", arm, evaluation.advised[:, k], everybody)
    for feature in cohort.spec.features:
        if feature.name in encoder.dropped:
            continue
        column = cohort.trial.features[feature.name]
        known = column.is_not_null().to_numpy()

        def group(part: str, level: str, inside: pl.Series | Bools) -> _Group:
            belongs = np.asarray(inside, dtype=bool) & known  # noqa: B023
            return _Group(feature.name, feature.words, part, level, belongs.astype(float), known)  # noqa: B023

        if feature.kind == "category":
            rare = encoder.pooled[feature.name]
            for level in encoder.levels[feature.name]:
                if level not in rare:
                    yield group("", level, (column == level).fill_null(False).to_numpy())
        elif feature.kind == "boolean":
            yes = column.fill_null(False).to_numpy()
            yield group("", words["yes"], yes)
            yield group("", words["no"], ~yes)
        else:
            values = column.fill_null(np.nan).to_numpy()
            for parts in (2, 3):
                for level, inside in _ranges(values, feature, parts, words):
                    yield group(str(parts), level, inside)


def _ranges(
    values: Floats, feature: Feature, parts: int, words: dict[str, str]
) -> Iterator[tuple[str, Bools]]:
    """As many groups of about one size as the distinct values allow: none, where fewer than ``parts``."""
    known = np.sort(values[np.isfinite(values)])
    distinct = np.unique(known)
    wanted = known[[int(len(known) * i / parts) - (len(known) * i % parts == 0) for i in range(1, parts)]]
    places = np.unique(np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 2))
    if len(places) < parts - 1 or places[0] < 0:
        return
    below, above = distinct[places], distinct[places + 1]
    cuts = below / 2 + above / 2
    if feature.kind == "date":
        kind, ends = "date", [(_day(cut), _day(cut)) for cut in cuts]
    elif (known % 1 == 0).all():
        kind, ends = "whole", [(f"{a:.0f}", f"{b:.0f}") for a, b in zip(below, above, strict=True)]
    else:
        texts = [rounded(float(cut), float(b - a)) for cut, a, b in zip(cuts, below, above, strict=True)]
        kind, ends = "number", [(text, text) for text in texts]
    for i, (low, high) in enumerate(pairwise([-np.inf, *cuts, np.inf])):
        place = "low" if i == 0 else "high" if i == parts - 1 else "middle"
        names = {
            "above": ends[i - 1][1] if i else f"{known[0]:.0f}",
            "below": ends[i][0] if i < parts - 1 else f"{known[-1]:.0f}",
        }
        if kind == "whole" and names["above"] == names["below"]:
            place = "one"
        yield words[f"{kind}_{place}"].format(**names), (values > low) & (values <= high)


def _day(days: float) -> str:
    return str(date(1970, 1, 1) + timedelta(floor(days)))
