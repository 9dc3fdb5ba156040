"""Subgroups: an effect inside, an effect inside less that outside, all corrected for having looked.

Everybody's difference of doubly robust scores, made without their own outcome, averages to the effect in any
group that was not chosen by these people's outcomes. Of m groups the largest of |estimate - truth| / error is
distributed as the largest of m normal variables with the estimates' own correlation: the Gaussian multiplier
bootstrap (Chernozhukov, Chetverikov & Kato 2013, Ann Stat 41:2786), whose draws given the data are normal and
so drawn at once. Its 95 % quantile widens every interval, so that all hold together; p values step down
(Romano & Wolf 2005, JASA 100:94). Small groups and few clusters: t quantiles at the same level.

A person may belong to a group in part, as where several rules, learned without them, advise different arms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from alleviate.models.trial import Floats, Ints
from alleviate.terms.estimates import LEVEL

__all__ = ["Comparison", "Corrected", "compare_groups"]

DRAWS = 10_000
ROWS = 4096
"""People taken at a time: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """m estimates with simultaneous 95 % intervals; ``p`` corrected by stepping down, ``p_alone`` not.

    ``critical``: how many standard errors reach the ends of an interval of a large group; 1.96 for one group.
    """

    estimate: Floats
    low: Floats
    high: Floats
    p: Floats
    p_alone: Floats
    critical: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of G groups and C contrasts, in rows G·C, the contrasts of a group together."""

    effects: Corrected
    interactions: Corrected


def compare_groups(
    difference: Floats,
    inside: Floats,
    outside: Floats,
    rng: np.random.Generator,
    clusters: Sequence[object] | None = None,
) -> Comparison:
    """``difference`` (n, C): of scores, positive is better. ``inside``, ``outside`` (n, G): 0 to 1, how far a
    person belongs to a group and to those it is compared with; both have people in every group.

    ``clusters`` (n,): sums over them count where they vary more than those of unrelated people would.
    """
    index = None if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    contrasts = difference.shape[1]
    mean_in, mean_out = (_means(difference, weight) for weight in (inside, outside))
    alone, together, correlations = _spread(difference, (inside, mean_in), (outside, mean_out), index)
    many_in, many_out = (np.repeat(_effective(weight), contrasts) for weight in (inside, outside))
    within = alone[0] * many_in / (many_in - 1)
    beyond = np.maximum(alone[1] - alone[0], 0.0) * many_out / (many_out - 1)
    welch = (within + beyond) ** 2 / (within**2 / (many_in - 1) + beyond**2 / (many_out - 1))
    effects, interactions = (within, many_in - 1), (within + beyond, welch)
    if index is not None:
        few_in, few_all = (
            np.repeat(_effective(_by_cluster(weight, index)), contrasts)
            for weight in (inside, inside + outside)
        )
        effects = _clustered(*effects, together[0], few_in)
        interactions = _clustered(*interactions, together[1], few_all)
    return Comparison(
        _corrected(mean_in.ravel(), *effects, correlations[0], rng),
        _corrected((mean_in - mean_out).ravel(), *interactions, correlations[1], rng),
    )


def _clustered(variance: Floats, freedom: Floats, together: Floats, few: Floats) -> tuple[Floats, Floats]:
    """Variance and degrees of freedom where clusters differ: what sums vary more than people alone would
    make them is told by few, the rest by many (Satterthwaite 1946, Biometrics Bulletin 2:110).
    """
    excess = np.maximum(together * few / (few - 1) - variance, 0.0)
    total = variance + excess
    return total, total**2 / (variance**2 / freedom + excess**2 / (few - 1))


def _means(difference: Floats, weight: Floats) -> Floats:
    """(G, C)"""
    means: Floats = weight.T @ difference / weight.sum(axis=0)[:, None]
    return means


def _effective(weight: Floats) -> Floats:
    """(G,) as many of weight 1 tell as much (Kish): those who belong, where all weigh the same."""
    number: Floats = weight.sum(axis=0) ** 2 / (weight**2).sum(axis=0)
    return np.maximum(number, 1.5)


def _by_cluster(values: Floats, index: Ints) -> Floats:
    return np.column_stack([np.bincount(index, weights=column) for column in values.T])


def _spread(
    difference: Floats, inside: tuple[Floats, Floats], outside: tuple[Floats, Floats], index: Ints | None
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Variances (m,) from people and from clusters, and correlations (m, m): of effects, of interactions.

    Correlations are those of people: so many of so few clusters could not be told.
    """
    m = inside[0].shape[1] * difference.shape[1]
    products = [np.zeros((m, m)), np.zeros((m, m))]
    sums = [np.zeros((1 if index is None else int(index.max()) + 1, m)) for _ in products]
    for start in range(0, len(difference), ROWS):
        rows = slice(start, start + ROWS)
        own, rest = (
            ((weight[rows] / weight.sum(axis=0))[:, :, None] * (difference[rows, None, :] - mean)).reshape(
                -1, m
            )
            for weight, mean in (inside, outside)
        )
        for i, moved in enumerate((own, own - rest)):
            products[i] += moved.T @ moved
            np.add.at(sums[i], np.zeros(len(moved), dtype=np.int64) if index is None else index[rows], moved)
    alone = [np.diag(product).copy() for product in products]
    errors = [np.sqrt(np.maximum(variance, 1e-300)) for variance in alone]
    return (
        alone,
        [(total**2).sum(axis=0) for total in sums],
        [product / np.outer(e, e) for product, e in zip(products, errors, strict=True)],
    )


def _corrected(
    estimate: Floats, variance: Floats, freedom: Floats, correlation: Floats, rng: np.random.Generator
) -> Corrected:
    m, error = len(estimate), np.sqrt(np.maximum(variance, 1e-300))
    values, vectors = np.linalg.eigh(correlation)
    draws = np.abs(rng.standard_normal((DRAWS, m)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T)
    bonferroni = float(ndtri(1 - (1 - LEVEL) / (2 * m)))
    critical = min(float(np.quantile(draws.max(axis=1), LEVEL)), bonferroni)
    half = stdtrit(freedom, ndtr(critical)) * error
    upper = stdtr(freedom, -np.abs(estimate) / error)
    size = -ndtri(upper)  # as many standard deviations of a normal variable are as rare
    order = np.argsort(-size, kind="stable")
    left = np.maximum.accumulate(draws[:, order[::-1]], axis=1)[:, ::-1]
    stepped = (1 + (left >= size[order]).sum(axis=0)) / (1 + DRAWS)
    p = np.empty(m)
    p[order] = np.maximum.accumulate(np.maximum(stepped, np.minimum(2 * upper[order], 1.0)))
    return Corrected(estimate, estimate - half, estimate + half, p, 2 * upper, critical)
