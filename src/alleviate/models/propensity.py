"""The probability of each arm given the features, where the study does not know it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from alleviate.models.trial import Floats, Ints

__all__ = ["Propensity", "choose_penalty", "fit_propensity", "softmax", "truncate", "truncation_bound"]

INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
"""Grid of scikit-learn's C: from almost a constant to almost unpenalised."""


@dataclass(frozen=True, slots=True)
class Propensity:
    """Ridge multinomial logistic regression, its signal multiplied by ``slope``: calibrated out of fold."""

    centre: Floats
    scale: Floats
    coefficients: Floats
    intercepts: Floats
    slope: float

    def predict(self, x: Floats) -> Floats:
        """(n, p) → (n, K), rows sum to 1."""
        signal = (x - self.centre) / self.scale @ self.coefficients.T
        return softmax(self.slope * signal + self.intercepts)

    def to_json(self) -> dict[str, Any]:
        parts = ("centre", "scale", "coefficients", "intercepts")
        return {name: getattr(self, name).tolist() for name in parts} | {"slope": self.slope}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Propensity":
        arrays = {
            name: np.array(data[name], dtype=float)
            for name in ("centre", "scale", "coefficients", "intercepts")
        }
        arrays["coefficients"] = arrays["coefficients"].reshape(len(arrays["intercepts"]), -1)
        return cls(**arrays, slope=float(data["slope"]))


def softmax(logits: Floats) -> Floats:
    """(n, K) → (n, K), rows sum to 1."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalised: Floats = raised / raised.sum(axis=1, keepdims=True)
    return normalised


def _standardised(x: Floats) -> tuple[Floats, Floats]:
    scale = x.std(axis=0)
    return x.mean(axis=0), np.where(scale > 1e-12, scale, 1.0)


def _logistic(z: Floats, arm: Ints, arms: int, c: float) -> tuple[Floats, Floats]:
    if not z.shape[1]:
        return np.zeros((arms, 0)), np.log(np.bincount(arm, minlength=arms) / len(arm))
    model = LogisticRegression(C=c, max_iter=300, tol=1e-5).fit(z, arm)
    if arms == 2:
        return np.vstack([np.zeros(z.shape[1]), model.coef_[0]]), np.array([0.0, model.intercept_[0]])
    return np.asarray(model.coef_), np.asarray(model.intercept_)


def _log_loss(probability: Floats, arm: Ints) -> float:
    return float(-np.log(np.maximum(probability[np.arange(len(arm)), arm], 1e-12)).mean())


def choose_penalty(x: Floats, arm: Ints, arms: int, folds: Ints) -> tuple[float, float]:
    """Cross-validated choice of C, and the calibration slope of its out-of-fold logits (0 to 1.5).

    ``folds`` (n,) numbers the fold of each person; every arm must be present outside each fold.
    A slope of 0 says that the features do not tell the arm at all, as in a fair trial.
    """
    best = (np.inf, INVERSE_PENALTIES[0], 0.0)
    for c in INVERSE_PENALTIES:
        signal = np.empty((len(arm), arms))
        level = np.empty((len(arm), arms))
        for fold in np.unique(folds):
            train, test = folds != fold, folds == fold
            centre, scale = _standardised(x[train])
            w, b = _logistic((x[train] - centre) / scale, arm[train], arms, c)
            signal[test], level[test] = (x[test] - centre) / scale @ w.T, b
        fit = minimize_scalar(
            lambda slope, s=signal, b=level: _log_loss(softmax(slope * s + b), arm),
            bounds=(0.0, 1.5),
            method="bounded",
        )
        if fit.fun < best[0] - 1e-9:
            best = (float(fit.fun), c, float(fit.x))
    return best[1], best[2]


def fit_propensity(x: Floats, arm: Ints, arms: int, c: float, slope: float) -> Propensity:
    """Fit with a penalty and a calibration slope already chosen by ``choose_penalty``."""
    centre, scale = _standardised(x)
    w, b = _logistic((x - centre) / scale, arm, arms, c)
    return Propensity(centre, scale, w, b, slope)


def truncation_bound(n: int) -> float:
    """Least probability to divide by: 5 / (√n · ln n) (Gruber et al. 2022, Am J Epidemiol 191:1640)."""
    return min(0.2, 5.0 / (sqrt(n) * log(n)))


def truncate(probability: Floats, bound: float) -> Floats:
    """Probabilities below ``bound`` are raised to it."""
    return np.maximum(probability, bound)
