"""Entries that the clinic itself writes into a record, as docs/record.md says that each kind is written."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from alleviate.records import Entry, Event, PatientRecord
from alleviate.terms.errors import DataError

__all__ = ["LONGEST", "goal_entry", "goal_with_status", "note_entry", "sentence"]

LONGEST = 20_000
"""Characters of a note."""

_SORT = re.compile(r"[a-z][a-z-]{0,39}").fullmatch


def sentence(text: str, what: str, longest: int = 500) -> str:
    """``text`` stripped, of 1 to ``longest`` characters. Raises DataError, which does not repeat it."""
    found = text.replace("\r\n", "\n").strip()
    if not found:
        raise DataError(f"{what} is empty.", hint="Write it in a sentence.")
    if len(found) > longest:
        raise DataError(f"{what} is longer than {longest} characters.", hint="Shorten it.")
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in found):
        raise DataError(f"{what} has signs that cannot be shown.", hint="Type it anew.")
    return found


def note_entry(subject_id: str, sort: str, text: str, now: datetime) -> Entry:
    """A note. ``sort``: a word such as "progress". Raises DataError."""
    if not _SORT(sort):
        raise DataError(f"A sort of note is a word, got {sort!r}.", hint='Like "progress".')
    ref = f"DocumentReference/{uuid.uuid4()}"
    told = sentence(text, "The note", LONGEST)
    return Entry(
        subject_id,
        ref,
        "note",
        (Event(subject_id, now, now, f"NOTE//{sort}", None, told, "note", ref),),
    )


def goal_entry(subject_id: str, text: str, now: datetime) -> Entry:
    """A goal in the person's words, which is active from now on. Raises DataError."""
    ref = f"Goal/{uuid.uuid4()}"
    said = (("GOAL//set", sentence(text, "The goal")), ("GOAL//status", "active"))
    events = tuple(Event(subject_id, now, now, code, None, words, "goal", ref) for code, words in said)
    return Entry(subject_id, ref, "goal", events)


def goal_with_status(record: PatientRecord, ref: str, status: str, now: datetime) -> Entry:
    """The goal of that ref, corrected: how it stands now. Raises DataError for a goal that is not there."""
    stands = _standing(record, ref, "goal")
    kept = [event for event in stands if event.code != "GOAL//status"]
    stated = Event(record.subject_id, now, now, "GOAL//status", None, status, "goal", ref)
    return Entry(record.subject_id, ref, "goal", (*kept, stated), now)


def _standing(record: PatientRecord, ref: str, kind: str) -> Iterable[Event]:
    found = [
        replace(event, known_until=None)
        for event in record.events
        if event.entry == ref and event.kind == kind and event.known_until is None
    ]
    if not found:
        raise DataError(f"There is no such {kind}.", hint="Open the page again.")
    return found
