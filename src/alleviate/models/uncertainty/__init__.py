"""How sure: who in the study was like this person, and how far a forecast may be off."""

from alleviate.models.uncertainty.doubt import fit_doubt, fit_level_doubt
from alleviate.models.uncertainty.neighbourhoods import Known, Neighbourhoods, fit_neighbourhoods
from alleviate.models.uncertainty.outcomes import Outcomes, fit_outcomes
from alleviate.models.uncertainty.surface import Surface, fit_surface

__all__ = [
    "Known",
    "Neighbourhoods",
    "Outcomes",
    "Surface",
    "fit_doubt",
    "fit_level_doubt",
    "fit_neighbourhoods",
    "fit_outcomes",
    "fit_surface",
]
