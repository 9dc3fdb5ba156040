"""Is there anything to foresee at all? A test of every column at once, before any model is believed.

Scores of the columns under "no predictors" are compared with those after the outcomes were dealt out anew
(Goeman, van de Geer & van Houwelingen 2006): the sum of their squares finds much weak signal,
the largest finds one strong column, and a sum over directions in which people differ, the wide ones counting
more, finds what many columns say together. Asked are the columns as they are and by their ranks, and their
squares and products, which see bends and interactions. The weighted harmonic mean of the p-values (Wilson,
PNAS 2019) is judged against that of the same dealings, so that the size of the whole test is exact.
"""

import numpy as np

from alleviate.models.prognosis.bases import FAMILIES, design_of
from alleviate.models.prognosis.contract import Design
from alleviate.models.trial import Floats, Ints

__all__ = ["signal_test"]

DEALINGS = 999

MOST_PRODUCTS = 1500
"""Products of two columns are asked for where they are no more than this."""

MOST_WORK = 2e10
"""Beyond so many multiplications people are put together at random, as if they were clusters."""

FEWEST_GROUPS = 500

PENALTY = 0.25
"""A direction of variance v counts v / (v + this): what a ridge regression would keep of it."""

WEIGHTS = (1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5)
"""Of the p-values: sum and largest of the columns, of their ranks; of directions; of squares and products:
bends and interactions are rarer. On 19 clinical and 6 made sets cut down to 40 … 120 people, power at .05 was
.71; .65 with the smallest of four p-values (no ranks, no directions)."""


def signal_test(design: Design, clusters: Ints | None, seed: int) -> float:
    """p-value of "the outcome has nothing to do with any column".

    People who are alike in weight and belong to no clusters exchange their outcomes; else the scores of
    whole clusters, or of weighted people, change their sign at random (Hemerik, Goeman & Finos 2020).
    """
    known = design.weight > 0
    x, y, weight = design.x[known], design.y[known], design.weight[known]
    plain = _standard(x, weight)
    if not plain.shape[1]:
        return 1.0
    ranked = _standard(design_of(design, FAMILIES[-1], bends=False)(x), weight)
    directions, kept = _directions(ranked, weight)
    bends = _standard(_products(np.clip(plain, -2.5, 2.5)), weight)
    rest = y - np.average(y, weights=weight)
    rng = np.random.default_rng([seed, 23])
    asked = (plain, ranked, directions, bends)
    drawn = _dealt(np.column_stack(asked), rest, weight, None if clusters is None else clusters[known], rng)
    of_plain, of_ranked, of_directions, of_bends = np.split(
        drawn**2, np.cumsum([part.shape[1] for part in asked])[:-1], axis=1
    )
    statistics = np.column_stack(
        [
            *(s for part in (of_plain, of_ranked) for s in (part.sum(axis=1), part.max(axis=1))),
            of_directions @ kept,
            of_bends.sum(axis=1),
            of_bends.max(axis=1, initial=0.0),
        ]
    )
    p = (len(statistics) - _ranks(statistics)) / len(statistics)
    strength = (np.array(WEIGHTS) / p).sum(axis=1)
    return float((strength >= strength[0] * (1.0 - 1e-12)).mean())


def _dealt(
    everything: Floats, rest: Floats, weight: Floats, clusters: Ints | None, rng: np.random.Generator
) -> Floats:
    """(1 + DEALINGS, q): the scores seen, then those under "nothing matters"."""
    work = float(DEALINGS) * everything.size
    if clusters is None and work > MOST_WORK:
        clusters = rng.permutation(len(rest)) % max(int(len(rest) * MOST_WORK / work), FEWEST_GROUPS)
    if clusters is None and np.ptp(weight) < 1e-9:
        return _exchanged(everything, rest, rng)
    scores = everything * (weight * rest)[:, None]
    if clusters is not None:
        groups, member = np.unique(clusters, return_inverse=True)
        scores = np.stack([np.bincount(member, weights=s, minlength=len(groups)) for s in scores.T], axis=1)
    signs = np.vstack([np.ones(len(scores)), rng.choice([-1.0, 1.0], (DEALINGS, len(scores)))])
    spread = np.sqrt((scores**2).sum(axis=0))
    return np.asarray(signs @ scores / np.where(spread > 0, spread, 1.0), dtype=float)


def _directions(z: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """(n, r) in which people differ, each of variance 1, and (r,) how much of each a ridge would keep."""
    share = np.sqrt(weight / weight.sum())[:, None]
    if len(z) > z.shape[1]:
        variance, turn = np.linalg.eigh(z.T @ (z * share**2))
        there = variance > 1e-8 * variance[-1]
        variance = variance[there]
        own = z @ (turn[:, there] / np.sqrt(variance))
    else:
        left, size, _ = np.linalg.svd(z * share, full_matrices=False)
        there = size > 1e-4 * size[0]
        variance, own = size[there] ** 2, left[:, there] / share
    return np.asarray(own, dtype=float), variance / (variance + PENALTY)


def _exchanged(z: Floats, rest: Floats, rng: np.random.Generator) -> Floats:
    """(1 + DEALINGS, q): the scores seen, then those after each dealing."""
    drawn = np.empty((DEALINGS + 1, z.shape[1]))
    drawn[0] = rest @ z
    for at in range(0, DEALINGS, 100):
        many = min(100, DEALINGS - at)
        dealt = np.stack([rng.permutation(rest) for _ in range(many)])
        drawn[at + 1 : at + 1 + many] = dealt @ z
    return drawn


def _ranks(statistics: Floats) -> Floats:
    """How many of each column's values are smaller."""
    return np.stack(
        [np.searchsorted(np.sort(s), s - 1e-9 * (1.0 + np.abs(s)), side="left") for s in statistics.T], axis=1
    ).astype(float)


def _standard(x: Floats, weight: Floats) -> Floats:
    centred = x - np.average(x, axis=0, weights=weight)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=weight))
    varies = spread > 1e-9
    return np.asarray(centred[:, varies] / spread[varies], dtype=float)


def _products(z: Floats) -> Floats:
    p = z.shape[1]
    if p * (p + 1) // 2 > MOST_PRODUCTS:
        return z**2
    first, second = np.triu_indices(p)
    return z[:, first] * z[:, second]
