"""The gap between people learned from and people not seen: is a candidate over- or underfitted?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alleviate.models.prognosis.losses import losses, on_scale
from alleviate.models.prognosis.people import Loss
from alleviate.models.prognosis.wording import WORDING
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats
from alleviate.terms.estimates import Z

__all__ = ["Fit", "Gap", "fit_gap", "judged"]

Fit = Literal["over", "under", "neither", "unsure"]

TOO_STEEP, TOO_FLAT = 0.9, 1.1
"""Calibration slopes on people not seen that are still good enough."""

WIDEST = 0.5
"""A slope whose interval reaches further than this to either side tells nothing."""

STEPS = 15
"""Of Fisher scoring, from 0: it converges in about six, unless the outcome is foretold without any error."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Mean losses: of the people learned from, of people not seen, and of these without any predictor.

    ``difference``: unseen minus learned from, with its standard error. ``slope`` of the outcome on what was
    foretold of people not seen, 1 where it fits, with the ends of its 95 % interval; ``None`` where
    nothing varies.
    """

    apparent: float
    held_out: float
    without: float
    difference: float
    standard_error: float
    slope: tuple[float, float, float] | None
    fit: Fit

    @property
    def words(self) -> str:
        return str(WORDING["fitting"]["verdict"][self.fit])


def fit_gap(y: Floats, weight: Floats, apparent: Floats, held_out: Floats, loss: Loss) -> Gap:
    """``apparent``, ``held_out`` (n,): foretold of the same people by models that had, had not, seen them."""
    seen, unseen = losses(y, apparent, loss), losses(y, held_out, loss)
    level = float(np.average(y, weights=weight))
    flat = np.full(len(y), np.log(level / (1.0 - level)) if loss == "binary" else level)
    weight = effective(weight)
    difference = float(np.average(unseen - seen, weights=weight))
    variance = np.average((unseen - seen - difference) ** 2, weights=weight)
    slope = _slope(y, held_out, weight, loss)
    return Gap(
        float(np.average(seen, weights=weight)),
        float(np.average(unseen, weights=weight)),
        float(np.average(losses(y, flat, loss), weights=weight)),
        difference,
        float(np.sqrt(variance / weight.sum())),
        slope,
        judged(slope),
    )


def judged(slope: tuple[float, float, float] | None) -> Fit:
    """By the slope's interval: wholly below ``TOO_STEEP`` over, wholly above ``TOO_FLAT`` under.

    What does not vary is not over-fitted; an interval further than ``WIDEST`` from its middle tells nothing.
    """
    if slope is None:
        return "neither"
    _, low, high = slope
    if high < TOO_STEEP:
        return "over"
    if low > TOO_FLAT:
        return "under"
    return "unsure" if (high - low) / 2.0 > WIDEST else "neither"


def _slope(y: Floats, linear: Floats, weight: Floats, loss: Loss) -> tuple[float, float, float] | None:
    """Regression of y on what was foretold, logistic for a risk; robust standard error (White 1980)."""
    middle = float(np.average(linear, weights=weight))
    scale = float(np.sqrt(np.average((linear - middle) ** 2, weights=weight)))
    if scale < 1e-6:
        return None
    design = np.column_stack([np.ones(len(y)), (linear - middle) / scale])
    found: Floats = np.zeros(2)
    inverse: Floats = np.eye(2)
    for _ in range(STEPS):
        fitted = on_scale(design @ found, loss)
        spread = fitted * (1.0 - fitted) if loss == "binary" else np.ones(len(y))
        told = (design * (weight * spread)[:, None]).T @ design
        inverse = np.asarray(np.linalg.pinv(told), dtype=float)
        found += inverse @ design.T @ (weight * (y - fitted))
    pieces = design * (weight * (y - on_scale(design @ found, loss)))[:, None]
    error = float(np.sqrt((inverse @ pieces.T @ pieces @ inverse)[1, 1]))
    slope, reach = float(found[1]) / scale, Z * error / scale
    return slope, slope - reach, slope + reach
