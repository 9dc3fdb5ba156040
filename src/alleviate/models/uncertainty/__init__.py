"""How sure: who in the study was like this person, and how far a forecast may be off."""

from alleviate.models.uncertainty.neighbourhoods import Neighbourhoods, fit_neighbourhoods

__all__ = ["Neighbourhoods", "fit_neighbourhoods"]
