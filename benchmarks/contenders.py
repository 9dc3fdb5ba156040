"""What needs no library of its own: the plain analysis, a ridge T-learner, the personalised advantage index.

A contender learns from a draw and returns an assignment: features (m, p) → arm (m,). Whose outcome is unknown
is left out, as a complete-case analysis would.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import ElasticNetCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from problems import Draw, Floats
from race_names import SIMPLE as NAMES
from race_names import Named

__all__ = ["SIMPLE", "Assign", "Contender", "best_of", "complete", "plain_pick"]

Assign = Callable[[Floats], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Contender:
    """``fit`` (draw, seed) → assignment."""

    named: Named
    fit: Callable[[Draw, int], Assign]

    @property
    def name(self) -> str:
        return self.named.name


def complete(draw: Draw) -> Draw:
    """Those whose outcome is known."""
    if draw.observed is None:
        return draw
    kept = draw.observed
    chances = None if draw.probability is None else draw.probability[kept]
    site = None if draw.site is None else draw.site[kept]
    return Draw(draw.x[kept], draw.arm[kept], draw.y[kept], chances, draw.mean[kept], None, site)


def best_of(effects: Callable[[Floats], Floats]) -> Assign:
    """From effects (m, K-1) against the first arm: the arm with the largest, the first if none is above 0."""

    def assign(x: Floats) -> NDArray[np.int64]:
        against = np.asarray(effects(x), dtype=float).reshape(len(x), -1)
        return np.column_stack([np.zeros(len(x)), against]).argmax(axis=1)

    return assign


def plain_pick(draw: Draw) -> int:
    """The arm that an analysis of covariance picks: outcome on arm and all features, no interactions."""
    known = complete(draw)
    k = draw.mean.shape[1]
    design = np.column_stack([np.ones(len(known.y)), np.eye(k)[known.arm][:, 1:], known.x])
    effects = np.linalg.lstsq(design, known.y, rcond=None)[0][1:k]
    return int(np.argmax([0.0, *effects]))


def plain(draw: Draw, seed: int) -> Assign:
    pick = plain_pick(draw)
    return lambda x: np.full(len(x), pick)


def ridge_t(draw: Draw, seed: int) -> Assign:
    """One ridge regression an arm, its penalty by leave-one-out."""
    known = complete(draw)
    models = [
        make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 5, 25))).fit(
            known.x[known.arm == k], known.y[known.arm == k]
        )
        for k in range(draw.mean.shape[1])
    ]
    return lambda x: np.column_stack([model.predict(x) for model in models]).argmax(axis=1)


def advantage_index(draw: Draw, seed: int) -> Assign:
    """Elastic net on features, arms and all their products, all penalised; the arm predicted to do best."""
    known = complete(draw)
    k = draw.mean.shape[1]
    scale = StandardScaler().fit(known.x)

    def design(x: Floats, arm: NDArray[np.int64]) -> Floats:
        z, given = scale.transform(x), np.eye(k)[arm][:, 1:]
        products = (z[:, :, None] * given[:, None, :]).reshape(len(x), -1)
        return np.column_stack([z, given, products])

    seen = design(known.x, known.arm)
    spread = seen.std(axis=0) + 1e-12
    model = ElasticNetCV(l1_ratio=0.5, cv=10, max_iter=5000, random_state=seed).fit(seen / spread, known.y)

    def assign(x: Floats) -> NDArray[np.int64]:
        arms = [np.full(len(x), arm) for arm in range(k)]
        return np.column_stack([model.predict(design(x, arm) / spread) for arm in arms]).argmax(axis=1)

    return assign


SIMPLE = tuple(map(Contender, NAMES, (plain, ridge_t, advantage_index)))
