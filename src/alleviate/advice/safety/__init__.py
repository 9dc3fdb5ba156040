"""Hard rules about medicines, and what the names of treatments mean. They beat every model."""

from alleviate.advice.safety.concerns import Concern, ConcernLevel
from alleviate.advice.safety.rules import check, digest, unchecked
from alleviate.advice.safety.treatments import Treatment, TreatmentKind, find, treatments

__all__ = [
    "Concern",
    "ConcernLevel",
    "Treatment",
    "TreatmentKind",
    "check",
    "digest",
    "find",
    "treatments",
    "unchecked",
]
