"""The patient record and its constraints; synthetic records of a clinic that never was."""

from alleviate.records.event import Event
from alleviate.records.record import PatientRecord

__all__ = ["Event", "PatientRecord"]
