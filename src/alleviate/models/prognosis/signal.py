"""Is there anything to foresee at all? A test of every column at once, before any model is believed.

Scores of the columns under "no predictors" are compared with those after the outcomes were dealt out anew
(Goeman, van de Geer & van Houwelingen, J R Stat Soc B 2006): the sum of their squares finds much weak signal,
the largest finds one strong column; both are asked of the columns themselves and of their squares and
products, which see bends and interactions. The smallest of the four p-values is judged against the smallest
of four under the same dealings, so that the size of the whole test is exact.
"""

import numpy as np

from alleviate.models.prognosis.contract import Design
from alleviate.models.trial import Floats, Ints

__all__ = ["signal_test"]

DEALINGS = 999

MOST_PRODUCTS = 1500
"""Products of two columns are asked for where they are no more than this."""

MOST_WORK = 4e9
"""Beyond so many multiplications, people are grouped at random before scores are dealt out."""


def signal_test(design: Design, clusters: Ints | None, seed: int) -> float:
    """p-value of "the outcome has nothing to do with any column".

    People who are alike in weight and belong to no clusters exchange their outcomes; else the scores of
    whole clusters, or of weighted people, change their sign at random (Hemerik, Goeman & Finos 2020).
    """
    known = design.weight > 0
    x, y, weight = design.x[known], design.y[known], design.weight[known]
    z = _standard(x, weight)
    if not z.shape[1]:
        return 1.0
    bends = _standard(_products(np.clip(z, -2.5, 2.5)), weight)
    rest = y - np.average(y, weights=weight)
    rng = np.random.default_rng([seed, 23])
    everything = np.column_stack([z, bends])
    if clusters is None and np.ptp(weight) < 1e-9:
        drawn = _exchanged(everything, rest, rng)
    else:
        scores = everything * (weight * rest)[:, None]
        if clusters is not None:
            groups, member = np.unique(clusters[known], return_inverse=True)
            scores = np.stack(
                [np.bincount(member, weights=s, minlength=len(groups)) for s in scores.T], axis=1
            )
        signs = np.vstack([np.ones(len(scores)), rng.choice([-1.0, 1.0], (DEALINGS, len(scores)))])
        drawn = signs @ scores
        spread = np.sqrt((scores**2).sum(axis=0))
        drawn /= np.where(spread > 0, spread, 1.0)
    squared = drawn**2
    first = z.shape[1]
    parts = [squared[:, :first], squared[:, first:]] if bends.shape[1] else [squared]
    statistics = np.column_stack([s for part in parts for s in (part.sum(axis=1), part.max(axis=1))])
    beyond = (len(statistics) - _ranks(statistics)) / len(statistics)
    smallest = beyond.min(axis=1)
    return float((smallest <= smallest[0] + 1e-12).mean())


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
