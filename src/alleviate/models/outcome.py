"""The expected outcome under each arm, as a nuisance: meant to lower the variance, never trusted alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import lightgbm as lgb
import numpy as np

from alleviate.models.ridge import ridge_gcv
from alleviate.models.trial import Floats, Ints

__all__ = ["OUTCOME_MODELS", "LinearOutcome", "OutcomeModel"]


class OutcomeModel(Protocol):
    """Expected outcome under each of K arms."""

    def predict(self, x: Floats) -> Floats:
        """(n, p) encoded features → (n, K) expected outcomes, larger is better."""
        ...


@dataclass(frozen=True, slots=True)
class LinearOutcome:
    """One slope per feature for all arms, and one level per arm."""

    centre: Floats
    scale: Floats
    slope: Floats
    level: Floats

    def predict(self, x: Floats) -> Floats:
        return ((x - self.centre) / self.scale @ self.slope)[:, None] + self.level


def _standardised(x: Floats) -> tuple[Floats, Floats, Floats]:
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    return (x - centre) / scale, centre, scale


def fit_linear_outcome(x: Floats, arm: Ints, y: Floats, arms: int, seed: int) -> LinearOutcome:
    """Analysis of covariance by least squares, the usual analysis of a trial (``seed`` is not needed)."""
    z, centre, scale = _standardised(x)
    design = np.column_stack([np.eye(arms)[arm], z])
    fitted = np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], dtype=float)
    return LinearOutcome(centre, scale, fitted[arms:], fitted[:arms])


def fit_ridge_outcome(x: Floats, arm: Ints, y: Floats, arms: int, seed: int) -> LinearOutcome:
    """The same with slopes shrunk and levels not (``seed`` is not needed)."""
    z, centre, scale = _standardised(x)
    slope, level = ridge_gcv(z, np.eye(arms)[arm], y)
    return LinearOutcome(centre, scale, slope, level)


BOOSTING = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_child_samples": 20,
    "lambda_l2": 5.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class BoostedOutcome:
    """Boosted trees over features and arm together (an S-learner)."""

    booster: lgb.Booster
    arms: int

    def predict(self, x: Floats) -> Floats:
        n = len(x)
        stacked = np.column_stack([np.tile(x, (self.arms, 1)), np.repeat(np.eye(self.arms), n, axis=0)])
        predicted: Floats = np.asarray(self.booster.predict(stacked, num_threads=1))
        return predicted.reshape(self.arms, n).T


def fit_boosted_outcome(x: Floats, arm: Ints, y: Floats, arms: int, seed: int) -> BoostedOutcome:
    """120 small trees; deterministic for a given ``seed``."""
    table = lgb.Dataset(np.column_stack([x, np.eye(arms)[arm]]), y, params={"verbosity": -1})
    return BoostedOutcome(lgb.train({**BOOSTING, "seed": seed}, table, num_boost_round=120), arms)


OUTCOME_MODELS: dict[str, Callable[[Floats, Ints, Floats, int, int], OutcomeModel]] = {
    "linear": fit_linear_outcome,
    "ridge": fit_ridge_outcome,
    "boosted": fit_boosted_outcome,
}
"""From the plainest, which is what a trial's own analysis would be."""
