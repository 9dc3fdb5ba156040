"""Effective parameters of what cannot count its own."""

from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.losses import mean_loss
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats

__all__ = ["freedom"]


def freedom(linear: Floats, design: Design, held_out: float) -> float:
    """1 + n·(loss held out − loss in sample), in units of log likelihood, no less than 1.

    Among people not seen, k parameters cost k/2 of log likelihood, and among those seen they bring as much
    (Akaike 1974). ``linear`` (n,): what is foreseen of those learned from.
    ``held_out``: mean loss; that of a number counts by twice its variance.
    """
    seen = mean_loss(design.y, linear, design.weight, design.loss)
    unit = max(2.0 * held_out, 1e-12) if design.loss == "numeric" else 1.0
    people = float(effective(design.weight).sum())
    return 1.0 + max(0.0, people * (held_out - seen) / unit)
