"""Consent: what I permit, for what and of which data; said anew at once, with all that was ever said."""

import uuid
from typing import Annotated

from fastapi import Form
from fastapi.responses import Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.mine.consents import ASKED, entry_of, history, standing
from alleviate.records import KINDS, PatientRecord
from alleviate.terms.errors import DataError

__all__ = ["door", "say"]

door = Door("mine", prefix="/mine")

_UNASKED = ("consent",)  # what a person permits is kept with their care, whatever they permit


@door.page("/consent", action="mine.consent")
def consent(visit: VisitOf) -> Response:
    """What is permitted now for each purpose, by kind of data, and the history."""
    record = _consents(visit)
    return visit.page(
        "mine/consent.html",
        standing=standing(record.events, visit.now),
        history=history(record.events),
        kinds=[kind for kind in KINDS if kind not in _UNASKED],
    )


@door.form("/consent", action="mine.consent")
def consented(
    visit: VisitOf,
    purpose: Annotated[str, Form(max_length=40)],
    said: Annotated[str, Form(max_length=10)],
    kind: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Permits or withdraws, from this moment on."""
    say(visit, purpose, kind, said)
    _ = visit._
    words = (
        _("Saved. You have given your permission.") if said == "permit" else _("Saved. It holds from now on.")
    )
    return visit.go("/mine/consent", said=words)


def say(visit: Visit, purpose: str, kind: str, said: str) -> None:
    """Store a statement as an entry of the record: the next request is judged by it. Raises DataError."""
    if said not in ("permit", "deny"):
        raise DataError("Consent is given or withdrawn: permit or deny.", hint="Choose one.")
    if purpose not in ASKED:
        raise DataError("There is no such purpose.", hint="Choose one of those shown.")
    record = _consents(visit)
    ref = f"Consent/{uuid.uuid4().hex}"
    entry = entry_of(record.subject_id, ref, purpose, kind or None, said == "permit", visit.now)
    visit.access.store(visit.now, entries=[entry])


def _consents(visit: Visit) -> PatientRecord:
    return visit.access.chart(visit.patient, kinds=("consent",), sheets=()).record
