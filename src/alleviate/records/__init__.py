"""The patient record and its constraints; synthetic records of a clinic that never was."""

from alleviate.records.entry import Entry
from alleviate.records.event import Event
from alleviate.records.frame import EVENTS, frame_of, records_of
from alleviate.records.kinds import KINDS, Kind
from alleviate.records.record import PatientRecord

__all__ = ["EVENTS", "KINDS", "Entry", "Event", "Kind", "PatientRecord", "frame_of", "records_of"]
