"""An outcome in the units in which networks learn it: 0 and 1 as they are, numbers in their SD."""

import numpy as np

from alleviate.models.prognosis.contract import Design

__all__ = ["scale_of"]


def scale_of(design: Design) -> float:
    if design.loss == "binary":
        return 1.0
    centred = design.y - np.average(design.y, weights=design.weight)
    return float(np.sqrt(np.average(centred**2, weights=design.weight))) or 1.0
