"""Sites and trials: whether each can be left out in turn, and what the treatments did in each."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from alleviate.models.censoring import known_outcome
from alleviate.models.pooling import pool
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.packages.site_findings import SiteComparison, SiteEffect, SiteFindings
from alleviate.studies.cohort import Cohort
from alleviate.studies.evaluation import Evaluation
from alleviate.terms.errors import NotEnoughDataError
from alleviate.terms.estimates import LEVEL, Estimate

__all__ = ["FEWEST_LEFT", "FEWEST_SHOWN", "refuse_thin_sites", "site_findings"]

FEWEST_LEFT = 10
"""People in an arm to learn from, where a site is left out."""

FEWEST_SHOWN = 5
"""People in each arm of a site, to show what the treatments did there."""


def refuse_thin_sites(cohort: Cohort) -> None:
    """Two sites or more, every arm in each, and enough people left without any. Raises NotEnoughDataError."""
    assert cohort.sites is not None
    kind, known = _kind(cohort), known_outcome(cohort.trial)
    names, index = np.unique(np.asarray(cohort.sites), return_inverse=True)
    if len(names) < 2:
        raise NotEnoughDataError(
            f"Expected two {kind}s or more, to leave each out once, got {names[0]} only.",
            hint=f"Nothing was packaged. Leave [validation] {kind} out.",
        )
    counts = _counts(cohort, index, known)
    single = [
        f"{name} ({row.sum()} people, all in {cohort.arms[int(row.argmax())]})"
        for name, row in zip(names, counts, strict=True)
        if np.count_nonzero(row) == 1
    ]
    if single:
        raise NotEnoughDataError(
            f"Expected two arms or more in each {kind}, got one only in {_listed(single)}.",
            hint=f"Nothing was packaged. Join it with another {kind}, or leave it out of the data.",
        )
    left = counts.sum(axis=0) - counts
    if left.min() < FEWEST_LEFT:
        site, arm = np.unravel_index(int(left.argmin()), left.shape)
        raise NotEnoughDataError(
            f"Expected at least {FEWEST_LEFT} people in each arm without the {kind} {names[site]}, "
            f"got {left.min()} in {cohort.arms[int(arm)]}.",
            hint=f"Nothing was packaged. Leave [validation] {kind} out, or join small {kind}s.",
        )


def site_findings(cohort: Cohort, evaluation: Evaluation, best: int) -> SiteFindings | None:
    """What ``best`` (an arm's number) adds to each other arm in each site, and the rule to ``best``.

    ``None`` where the study names neither site nor trial. Within a site, effects are means of people's
    cross-fitted scores; over sites they are pooled by ``models.pooling``.
    """
    if cohort.sites is None:
        return None
    names, index = np.unique(np.asarray(cohort.sites), return_inverse=True)
    counts = _counts(cohort, index, known_outcome(cohort.trial))
    enough = counts.min(axis=1) >= FEWEST_SHOWN
    comparisons = tuple(_comparisons(cohort, evaluation, best, names, index, enough))
    return SiteFindings(
        kind=_kind(cohort),
        by_arm={
            str(name): {arm: int(n) for arm, n in zip(cohort.arms, row, strict=True)}
            for name, row in zip(names, counts, strict=True)
        },
        fewest=FEWEST_SHOWN,
        comparisons=comparisons,
        too_small=tuple(str(name) for name in names[~enough]),
    )


def _comparisons(
    cohort: Cohort, evaluation: Evaluation, best: int, names: Ints, index: Ints, enough: Bools
) -> Iterator[SiteComparison]:
    scores = evaluation.scores
    asked: list[tuple[Literal["contrast", "gain"], int, Floats]] = [
        ("contrast", k, scores[:, best] - scores[:, k]) for k in range(len(cohort.arms)) if k != best
    ]
    asked.append(("gain", best, evaluation.followed - scores[:, best]))
    shown = np.flatnonzero(enough)
    for what, arm, person in asked:
        if len(shown) < 2:
            continue
        parts = [person[index == site] for site in shown]
        sizes = np.array([len(part) for part in parts])
        freedom = int((sizes - 1).sum())
        variance = sum(float(((part - part.mean()) ** 2).sum()) for part in parts) / freedom
        if not variance:  # the rule gives everybody the best arm
            continue
        effects = np.array([part.mean() for part in parts])
        # one variance within sites: that of a small site's few people would decide its weight by chance
        pooled = pool(effects, variance / sizes)
        half = stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(variance / sizes)
        yield SiteComparison(
            what,
            cohort.arms[arm],
            tuple(
                SiteEffect(str(names[site]), int(n), Estimate(float(e), float(e - h), float(e + h)), drawn)
                for site, n, e, h, drawn in zip(shown, sizes, effects, half, pooled.shrunk, strict=True)
            ),
            pooled.mean,
            pooled.prediction,
            pooled.tau2,
            pooled.i2,
        )


def _counts(cohort: Cohort, index: Ints, known: Bools) -> Ints:
    """(sites, K) people with a known outcome."""
    counts = np.zeros((int(index.max()) + 1, cohort.trial.arms), dtype=np.int64)
    np.add.at(counts, (index[known], cohort.trial.arm[known]), 1)
    return counts


def _kind(cohort: Cohort) -> Literal["site", "trial"]:
    return "site" if cohort.study.validation.trial is None else "trial"


def _listed(items: Sequence[str], most: int = 3) -> str:
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")
