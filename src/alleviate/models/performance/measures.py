"""Each measure of one set of predictions, with the influence of each person: the formulas.

A measure that cannot be told is a text instead, saying why: never a number that is none.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from alleviate.models.performance.curve import calibration_index
from alleviate.models.performance.discrimination import concordance
from alleviate.models.performance.influence import OF_LOSS, Measured, Scale
from alleviate.models.performance.judged import EDGE, Judged, log_odds
from alleviate.models.performance.logistic import logistic
from alleviate.models.trial import Floats

__all__ = ["measured"]

FLAT = 1e-3
"""Predictions (log odds, or numbers in SD of the outcome) that differ less than this within parts do not
differ."""
SAME = "all predictions are the same, so that no slope can be told"


def measured(judged: Judged) -> dict[str, Measured | str]:
    """Each measure of the kind of outcome, in the order of a report."""
    if judged.of_risk:
        return {name: measure(judged) for name, measure in RISK.items()}
    if judged.kind == "numeric":
        return {name: measure(judged) for name, measure in NUMBER.items()}
    chosen = {**LEVEL, **(OF_LEVELS if judged.probabilities is not None else {}), **LINE}
    return {name: measure(judged) for name, measure in chosen.items()}


def _mean(loss: Floats, weight: Floats, scale: Scale = "plain") -> Measured:
    total = weight.sum()
    value = float(weight @ loss / total)
    return Measured(value, weight * (loss - value) / total, scale)


def _loss(loss: Floats, unlearned: Floats, judged: Judged) -> Measured:
    """Mean loss, with its difference from that of what can be said without having learned anything."""
    found, gained = _mean(loss, judged.weight), _mean(unlearned - loss, judged.weight)
    return Measured(found.value, found.influence, "positive", 0.0, gained.value, gained.influence, OF_LOSS)


def _base(judged: Judged) -> float:
    return float(np.average(judged.y, weights=judged.weight))


def _brier(judged: Judged) -> Measured:
    return _loss((judged.y - judged.p) ** 2, (judged.y - _base(judged)) ** 2, judged)


def _spread(judged: Judged) -> Measured:
    """Variance of the outcome: the squared error of foreseeing everybody's mean."""
    return _mean((judged.y - _base(judged)) ** 2, judged.weight)


def _skill(judged: Judged) -> Measured | str:
    """1 − squared error / that of the mean of these people: scaled Brier score, R²."""
    error, spread = _brier(judged), _spread(judged)
    if spread.value <= 0:
        return "all outcomes are the same"
    ratio = error.value / spread.value
    influence = (ratio * spread.influence - error.influence) / spread.value
    return Measured(1 - ratio, influence, "plain", 0.0, 1 - ratio, influence, OF_LOSS)


def _log_loss(judged: Judged) -> Measured:
    return _loss(
        _surprise(judged.y, judged.p), _surprise(judged.y, np.full(len(judged), _base(judged))), judged
    )


def _surprise(y: Floats, p: Floats) -> Floats:
    held = np.clip(p, EDGE, 1 - EDGE)
    return np.asarray(-np.where(y == 1, np.log(held), np.log1p(-held)), dtype=float)


def _within(values: Floats, judged: Judged) -> Floats:
    """Less the mean of the part: over folds the level of a model runs against that of those held out."""
    part = np.unique(judged.parts, return_inverse=True)[1]
    total = np.maximum(np.bincount(part, judged.weight), 1e-300)
    return np.asarray(values - (np.bincount(part, judged.weight * values) / total)[part], dtype=float)


def _varies(values: Floats, judged: Judged, unit: float = 1.0) -> bool:
    return bool(np.sqrt(np.average(values**2, weights=judged.weight)) > FLAT * unit)


def _slope_of_risk(judged: Judged) -> Measured | str:
    linear = _within(log_odds(judged.p), judged)
    if not _varies(linear, judged):
        return SAME
    design = np.stack([np.ones(len(judged)), linear], axis=1)
    found = logistic(design, judged.y, judged.weight)
    if found is None:
        return "predictions part those with and without the event completely, so that no slope is the best"
    beta, influence = found
    # a person also moves the mean of their part, from which everybody there is counted
    risk = expit(design @ beta)
    bent = judged.weight * risk * (1 - risk)
    pulled = beta[1] * bent[:, None] * design - np.outer(judged.weight * (judged.y - risk), (0.0, 1.0))
    through = pulled @ np.linalg.inv(design.T @ (design * bent[:, None]))[1]
    part = np.unique(judged.parts, return_inverse=True)[1]
    mean = np.bincount(part, through) / np.maximum(np.bincount(part, judged.weight), 1e-300)
    return Measured(float(beta[1]), influence[:, 1] + judged.weight * linear * mean[part])


def _level_of_risk(judged: Judged) -> Measured | str:
    found = logistic(np.ones((len(judged), 1)), judged.y, judged.weight, log_odds(judged.p))
    if found is None:
        return "everybody or nobody had the event"
    return Measured(float(found[0][0]), found[1][:, 0])


def _expected_to_observed(judged: Judged) -> Measured | str:
    expected, observed = _mean(judged.p, judged.weight), _mean(judged.y, judged.weight)
    if observed.value <= 0 or expected.value <= 0:
        return "no event was observed" if observed.value <= 0 else "no event was expected"
    ratio = expected.value / observed.value
    return Measured(ratio, (expected.influence - ratio * observed.influence) / observed.value, "ratio")


def _absolute(judged: Judged) -> Measured:
    return _loss(np.abs(judged.y - judged.p), np.abs(judged.y - _base(judged)), judged)


def _root(judged: Judged) -> Measured:
    square = _brier(judged)
    value = float(np.sqrt(square.value))
    unit = 1 / (2 * max(value, 1e-300))
    assert square.gain is not None
    gained, gain = unit * square.gained, unit * square.gain
    return Measured(value, unit * square.influence, "positive", 0.0, gained, gain, OF_LOSS)


def _slope_of_number(judged: Judged) -> Measured | str:
    """Least squares of the outcome on what was foreseen, within parts."""
    x, y = _within(judged.p, judged), _within(judged.y, judged)
    if not _varies(x, judged, np.sqrt(max(_spread(judged).value, 1e-300))):
        return SAME
    squares = float(judged.weight @ x**2)
    slope = float(judged.weight @ (x * y) / squares)
    return Measured(slope, judged.weight * x * (y - slope * x) / squares)


def _level_of_number(judged: Judged) -> Measured:
    return _mean(judged.y - judged.p, judged.weight)


def _log_loss_of_levels(judged: Judged) -> Measured:
    given, came = _levels(judged)
    shares = np.maximum(np.average(came, axis=0, weights=judged.weight), EDGE)
    chosen = -np.log(np.maximum((given * came).sum(axis=1), EDGE))
    return _loss(chosen, -(came @ np.log(shares)), judged)


def _ranked_score(judged: Judged) -> Measured:
    """Sum over levels of the Brier score of "this level or below" (Epstein 1969, J Appl Meteorol 8:985)."""
    given, came = (np.cumsum(each, axis=1)[:, :-1] for each in _levels(judged))
    shares = np.average(came, axis=0, weights=judged.weight)
    return _loss(((given - came) ** 2).sum(axis=1), ((shares - came) ** 2).sum(axis=1), judged)


def _levels(judged: Judged) -> tuple[Floats, Floats]:
    """(n, L) probabilities, and 1 at the level that came."""
    assert judged.probabilities is not None
    given = judged.probabilities
    return given, (judged.y[:, None] == np.arange(given.shape[1])).astype(float)


Measure = Callable[[Judged], Measured | str]

RISK: dict[str, Measure] = {
    "auc": concordance,
    "brier": _brier,
    "brier_scaled": _skill,
    "log_loss": _log_loss,
    "calibration_slope": _slope_of_risk,
    "calibration_intercept": _level_of_risk,
    "e_o": _expected_to_observed,
    "ici": calibration_index,
}
LINE: dict[str, Measure] = {"calibration_slope": _slope_of_number, "calibration_intercept": _level_of_number}
NUMBER: dict[str, Measure] = {"r2": _skill, "mae": _absolute, "rmse": _root, **LINE, "ici": calibration_index}
LEVEL: dict[str, Measure] = {"c": concordance, "r2": _skill, "mae": _absolute}
OF_LEVELS: dict[str, Measure] = {"log_loss": _log_loss_of_levels, "rps": _ranked_score}
