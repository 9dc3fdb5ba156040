"""The chances of treatment by the house's own learners: ridge logistic regression or boosted trees.

The step to trees is taken only where their log loss out of fold is lower by more than one standard error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from scipy.optimize import minimize_scalar

from alleviate.models.propensity import Propensity, choose_penalty, fit_propensity, softmax
from alleviate.models.trial import Floats, Ints

__all__ = [
    "BoostedPropensity",
    "Chances",
    "PropensityPlan",
    "choose_propensity",
    "crossfit_propensity",
    "fit_chances",
    "restore_chances",
]

BOOSTING = {
    "objective": "multiclass",
    "learning_rate": 0.1,
    "num_leaves": 6,
    "min_child_samples": 20,
    "lambda_l2": 5.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "seed": 1,
}
MOST_ROUNDS, PATIENCE = 150, 15
FEWEST_BOOSTED = 500
"""People below whom trees have never foretold arms better; they are not tried."""

MOST_BOOSTED = 20_000
"""People on whom trees and ridge compete; whatever wins learns from everybody."""


@dataclass(frozen=True, slots=True)
class PropensityPlan:
    """``penalty``: of the ridge. ``slope``: calibrates. ``rounds``: of boosting; 0: the ridge it is."""

    penalty: float
    slope: float
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class BoostedPropensity:
    """Boosted trees; their distance from the arms' shares, in logits, is multiplied by ``slope``."""

    booster: lgb.Booster
    shares: Floats
    slope: float

    def predict(self, x: Floats) -> Floats:
        """(n, p) → (n, K), rows sum to 1."""
        found = np.asarray(self.booster.predict(x, num_threads=1), dtype=float)
        return _calibrated(found, self.shares, self.slope)

    def to_json(self) -> dict[str, Any]:
        return {
            "lightgbm": self.booster.model_to_string(),
            "shares": self.shares.tolist(),
            "slope": self.slope,
        }


Chances = Propensity | BoostedPropensity
"""Fitted chances of the arms: ``predict`` (n, p) → (n, K)."""


def restore_chances(data: Mapping[str, Any]) -> Chances:
    """The inverse of ``to_json``."""
    if "lightgbm" not in data:
        return Propensity.from_json(data)
    booster = lgb.Booster(model_str=data["lightgbm"])
    return BoostedPropensity(booster, np.array(data["shares"], dtype=float), float(data["slope"]))


def choose_propensity(x: Floats, arm: Ints, arms: int, folds: Ints) -> PropensityPlan:
    """By cross-validated log loss over ``folds`` (n,); every arm must be present outside each fold."""
    penalty, slope = choose_penalty(x, arm, arms, folds)
    plan = PropensityPlan(penalty, slope)
    if len(x) < FEWEST_BOOSTED or not x.shape[1]:
        return plan
    some = np.arange(len(x))
    if len(x) > MOST_BOOSTED:
        some = np.sort(np.random.default_rng(len(x)).choice(len(x), MOST_BOOSTED, replace=False))
    x, arm, folds = x[some], arm[some], folds[some]
    rounds, found, shares = _boosted_out_of_fold(x, arm, arms, folds)
    fit = minimize_scalar(
        lambda s: _loss(_calibrated(found, shares, s), arm).mean(), bounds=(0.0, 1.5), method="bounded"
    )
    rival = _loss(_calibrated(found, shares, float(fit.x)), arm)
    better = _loss(_out_of_fold(x, arm, arms, folds, plan), arm) - rival
    if better.mean() <= better.std() / np.sqrt(len(better)):
        return plan
    return PropensityPlan(penalty, float(fit.x), rounds)


def fit_chances(x: Floats, arm: Ints, arms: int, plan: PropensityPlan) -> Chances:
    """Fit on everybody given what ``choose_propensity`` planned."""
    if not plan.rounds:
        return fit_propensity(x, arm, arms, plan.penalty, plan.slope)
    booster = lgb.train({**BOOSTING, "num_class": arms}, _table(x, arm), num_boost_round=plan.rounds)
    return BoostedPropensity(booster, np.bincount(arm, minlength=arms) / len(arm), plan.slope)


def crossfit_propensity(x: Floats, arm: Ints, arms: int, folds: Ints) -> tuple[Floats, Chances]:
    """(n, K) chances, each fold's from the others, and the model of everybody."""
    plan = choose_propensity(x, arm, arms, folds)
    return _out_of_fold(x, arm, arms, folds, plan), fit_chances(x, arm, arms, plan)


def _out_of_fold(x: Floats, arm: Ints, arms: int, folds: Ints, plan: PropensityPlan) -> Floats:
    found = np.empty((len(x), arms))
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        found[test] = fit_chances(x[train], arm[train], arms, plan).predict(x[test])
    return found


def _boosted_out_of_fold(x: Floats, arm: Ints, arms: int, folds: Ints) -> tuple[int, Floats, Floats]:
    """The number of rounds of least loss, its chances (n, K), and the arms' shares as each fold knew them."""
    losses, fits = np.zeros(MOST_ROUNDS), []
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        seen: dict[str, dict[str, list[float]]] = {}
        fitted = _table(x[train], arm[train])
        booster = lgb.train(
            {**BOOSTING, "num_class": arms, "metric": "multi_logloss"},
            fitted,
            num_boost_round=MOST_ROUNDS,
            valid_sets=[_table(x[test], arm[test], fitted)],
            callbacks=[lgb.record_evaluation(seen), lgb.early_stopping(PATIENCE, verbose=False)],
        )
        own = np.array(seen["valid_0"]["multi_logloss"])
        losses += np.concatenate([own, np.full(MOST_ROUNDS - len(own), own[-1])]) * test.sum()
        fits.append((train, test, booster))
    rounds = int(losses.argmin()) + 1
    found, shares = np.empty((len(x), arms)), np.empty((len(x), arms))
    for train, test, booster in fits:
        found[test] = np.asarray(booster.predict(x[test], num_iteration=rounds, num_threads=1))
        shares[test] = np.bincount(arm[train], minlength=arms) / train.sum()
    return rounds, found, shares


def _table(x: Floats, arm: Ints, reference: lgb.Dataset | None = None) -> lgb.Dataset:
    return lgb.Dataset(x, arm, reference=reference, params={"verbosity": -1})


def _calibrated(chances: Floats, shares: Floats, slope: float) -> Floats:
    level = np.log(np.maximum(shares, 1e-12))
    return softmax(slope * (np.log(np.maximum(chances, 1e-12)) - level) + level)


def _loss(probability: Floats, arm: Ints) -> Floats:
    return np.asarray(-np.log(np.maximum(probability[np.arange(len(arm)), arm], 1e-12)))
