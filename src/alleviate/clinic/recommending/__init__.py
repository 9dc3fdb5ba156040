"""What would help this person: proposed with its reasons and doubt, decided by people, replayed as shown."""

from alleviate.clinic.recommending import api, pages
from alleviate.clinic.recommending.aid import PatientAid, patient_words
from alleviate.clinic.recommending.ledger import SHEETS, Kept, kept, shown_now
from alleviate.clinic.recommending.proposal import Person, build

__all__ = [
    "SHEETS",
    "Kept",
    "PatientAid",
    "Person",
    "build",
    "doors",
    "kept",
    "patient_words",
    "shown_now",
]

doors = (pages.door, api.door)
