"""An additive model of smooth curves (Eilers & Marx 1996): what bends is penalised apart."""

from alleviate.models.prognosis.additive import AdditiveCandidate
from alleviate.models.prognosis.bases import Basis, design_of
from alleviate.models.prognosis.contract import Design

__all__ = ["CANDIDATE", "smooth"]


def smooth(design: Design, family: str) -> Basis:
    return design_of(design, family, bends=True)


CANDIDATE = AdditiveCandidate("spline", "additive model of smooth curves", smooth)
