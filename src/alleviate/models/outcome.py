"""The expected outcome under each arm, as a nuisance: meant to lower the variance, never trusted alone."""

from dataclasses import dataclass
from typing import Protocol

import lightgbm as lgb
import numpy as np

from alleviate.models.outcome_links import fit_log_linear_outcome, fit_logistic_outcome
from alleviate.models.ridge import ridge_gcv
from alleviate.models.trial import Floats, Ints, Kind

__all__ = ["OUTCOME_MODELS", "LinearOutcome", "OutcomeModel", "models_for"]


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


def _rooted(weight: Floats | None) -> Floats | float:
    """What to multiply rows by, so that least squares weighs them by ``weight`` over its mean."""
    return 1.0 if weight is None else np.sqrt(weight / weight.mean())


def fit_linear_outcome(
    x: Floats, arm: Ints, y: Floats, arms: int, seed: int, weight: Floats | None = None
) -> LinearOutcome:
    """Analysis of covariance by least squares, the usual analysis of a trial (``seed`` is not needed)."""
    z, centre, scale = _standardised(x)
    root = _rooted(weight)
    design = np.column_stack([np.eye(arms)[arm], z]) * np.reshape(root, (-1, 1))
    fitted = np.asarray(np.linalg.lstsq(design, y * root, rcond=None)[0], dtype=float)
    return LinearOutcome(centre, scale, fitted[arms:], fitted[:arms])


def fit_ridge_outcome(
    x: Floats, arm: Ints, y: Floats, arms: int, seed: int, weight: Floats | None = None
) -> LinearOutcome:
    """The same with slopes shrunk and levels not (``seed`` is not needed)."""
    z, centre, scale = _standardised(x)
    root = _rooted(weight)
    rows = np.reshape(root, (-1, 1))
    slope, level = ridge_gcv(z * rows, np.eye(arms)[arm] * rows, y * root)
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
    """Boosted trees over features and arm together (an S-learner); ``sign`` of what they predict."""

    booster: lgb.Booster
    arms: int
    sign: float = 1.0

    def predict(self, x: Floats) -> Floats:
        n = len(x)
        stacked = np.column_stack([np.tile(x, (self.arms, 1)), np.repeat(np.eye(self.arms), n, axis=0)])
        predicted: Floats = np.asarray(self.booster.predict(stacked, num_threads=1))
        return self.sign * predicted.reshape(self.arms, n).T


def _boosted(
    x: Floats, arm: Ints, y: Floats, arms: int, weight: Floats | None, **settings: object
) -> lgb.Booster:
    table = lgb.Dataset(np.column_stack([x, np.eye(arms)[arm]]), y, weight=weight, params={"verbosity": -1})
    return lgb.train({**BOOSTING, **settings}, table, num_boost_round=120)


def fit_boosted_outcome(
    x: Floats, arm: Ints, y: Floats, arms: int, seed: int, weight: Floats | None = None
) -> BoostedOutcome:
    """120 small trees; deterministic for a given ``seed``."""
    return BoostedOutcome(_boosted(x, arm, y, arms, weight, seed=seed), arms)


def fit_boosted_count(
    x: Floats, arm: Ints, y: Floats, arms: int, seed: int, weight: Floats | None = None
) -> BoostedOutcome:
    """The same on the logarithm of a mean count (Poisson; right about the mean whatever the spread)."""
    sign = -1.0 if y.min() < 0 else 1.0
    if not y.any():  # LightGBM refuses a Poisson model of nothing but zeros
        return BoostedOutcome(_boosted(x, arm, y, arms, weight, seed=seed), arms)
    return BoostedOutcome(
        _boosted(x, arm, sign * y, arms, weight, seed=seed, objective="poisson"), arms, sign
    )


class FitOutcome(Protocol):
    """Fit on n people; ``weight`` (n,) > 0 counts each so many times."""

    def __call__(
        self, x: Floats, arm: Ints, y: Floats, arms: int, seed: int, weight: Floats | None = None
    ) -> OutcomeModel: ...


OUTCOME_MODELS: dict[str, FitOutcome] = {
    "linear": fit_linear_outcome,
    "ridge": fit_ridge_outcome,
    "logistic": fit_logistic_outcome,
    "log-linear": fit_log_linear_outcome,
    "boosted": fit_boosted_outcome,
    "boosted-count": fit_boosted_count,
}
"""From the plainest, which is what a trial's own analysis would be."""

SUITED: dict[Kind, tuple[str, ...]] = {
    "numeric": ("linear", "ridge", "boosted"),
    "binary": ("linear", "ridge", "logistic", "boosted"),
    "count": ("linear", "ridge", "log-linear", "boosted", "boosted-count"),
}


def models_for(kind: Kind) -> tuple[str, ...]:
    """Names of the models to try, from the plainest."""
    return SUITED[kind]
