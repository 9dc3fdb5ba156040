"""How far off a prediction is: the log loss of a risk, the squared error of a number."""

import numpy as np

from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.people import Loss
from alleviate.models.trial import Floats

__all__ = ["average", "losses", "mean_loss", "on_scale"]


def losses(y: Floats, linear: Floats, loss: Loss) -> Floats:
    """(n,) for predictions on the linear scale (log odds, or the number)."""
    if loss == "binary":
        return np.asarray(np.logaddexp(0.0, linear) - y * linear, dtype=float)
    return np.asarray((y - linear) ** 2, dtype=float)


def mean_loss(y: Floats, linear: Floats, weight: Floats, loss: Loss) -> float:
    return float(np.average(losses(y, linear, loss), weights=weight))


def on_scale(linear: Floats, loss: Loss) -> Floats:
    """From log odds to risk; a number stays as it is."""
    if loss == "binary":
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(linear, -500.0, 500.0))), dtype=float)
    return linear


def average(design: Design) -> float:
    """What is foreseen without predictors, on the linear scale; half a person is added to each side."""
    if design.loss == "numeric":
        return float(np.average(design.y, weights=design.weight))
    events, people = float(design.weight @ design.y), float(design.weight.sum())
    return float(np.log((events + 0.5) / (people - events + 0.5)))
