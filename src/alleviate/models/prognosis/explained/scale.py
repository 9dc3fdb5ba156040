"""From the linear scale to the outcome's own: risk, number, or expected level."""

import numpy as np

from alleviate.models.prognosis.losses import on_scale
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.trial import Floats

__all__ = ["moves", "outcome"]

NEAR = 1e-4
"""Two linear values closer than this are taken apart by the slope at their middle."""


def outcome(model: PrognosisModel, linear: Floats) -> Floats:
    """What ``model.predict`` calls the estimate, of any shape."""
    if model.link is None:
        return on_scale(linear, "numeric" if model.kind == "numeric" else "binary")
    chances = model.link.probabilities(linear.ravel())
    return np.asarray(chances @ np.arange(chances.shape[1], dtype=float), dtype=float).reshape(linear.shape)


def moves(model: PrognosisModel, level: float, added: Floats) -> Floats:
    """(n, features) contributions on the linear scale → on the outcome's own, where they still sum up.

    On the straight way from the level to the person every contribution grows in step, so that each moves the
    outcome by its share of the whole (Aumann & Shapley 1974): φ_j·(outcome − outcome of the level)/Σφ.
    """
    total = added.sum(axis=1)
    reach = np.where(np.abs(total) < NEAR, NEAR, total)
    middle = level + total / 2.0
    end, start = middle + reach / 2.0, middle - reach / 2.0
    slope = (outcome(model, end) - outcome(model, start)) / reach
    return np.asarray(added * slope[:, None], dtype=float)
