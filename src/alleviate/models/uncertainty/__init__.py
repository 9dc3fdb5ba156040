"""How sure: who in the study was like this person, and how far a forecast may be off."""

from alleviate.models.uncertainty.neighbourhoods import Known, Neighbourhoods, fit_neighbourhoods

__all__ = ["Known", "Neighbourhoods", "fit_neighbourhoods"]
