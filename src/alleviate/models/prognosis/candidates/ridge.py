"""Ridge-penalised regression (le Cessie & van Houwelingen 1992), averaged over penalties."""

from alleviate.models.prognosis.additive import AdditiveCandidate
from alleviate.models.prognosis.bases import Basis, design_of
from alleviate.models.prognosis.contract import Design

__all__ = ["CANDIDATE", "lines"]


def lines(design: Design, family: str) -> Basis:
    return design_of(design, family, bends=False)


CANDIDATE = AdditiveCandidate("ridge", "ridge-penalised regression", lines)
