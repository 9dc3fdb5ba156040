"""All that the record holds about me, to take along: FHIR for systems, HTML to read, CSV as a table."""

import csv
import io

import msgspec
from fastapi.responses import Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.intake.fhir import bundle
from alleviate.records import KINDS, PatientRecord

__all__ = ["door", "safe"]

door = Door("mine", prefix="/mine")

_HEAD = ("time", "known_at", "known_until", "kind", "code", "number", "text", "entry")


@door.page("/export", action="mine.export")
def export(visit: VisitOf) -> Response:
    """What can be taken along, and how much there is."""
    record = _record(visit)
    counts = [(kind, sum(event.kind == kind for event in record.events)) for kind in KINDS]
    return visit.page(
        "mine/export.html", counts=[(kind, n) for kind, n in counts if n], total=len(record.events)
    )


@door.page("/export/record.html", action="mine.export")
def readable(visit: VisitOf) -> Response:
    """The record as one page to read, keep or print."""
    record = _record(visit)
    groups = [(kind, [e for e in reversed(record.events) if e.kind == kind]) for kind in KINDS]
    response = visit.page("mine/record.html", groups=[group for group in groups if group[1]])
    return _attached(response, "my-record.html")


@door.page("/export/record.csv", action="mine.export")
def table(visit: VisitOf) -> Response:
    """The record as a table, a line an event."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_HEAD)
    for event in _record(visit).events:
        until = event.known_until.isoformat() if event.known_until else ""
        number = "" if event.numeric_value is None else f"{event.numeric_value:.12g}"
        texts = (event.kind, event.code, number, event.text_value or "", event.entry)
        cells = (event.time.isoformat(), event.known_at.isoformat(), until, *texts)
        writer.writerow([cell if cell == number else safe(cell) for cell in cells])
    return _attached(
        Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8"), "my-record.csv"
    )


@door.page("/export/record.json", action="mine.export")
def resources(visit: VisitOf) -> Response:
    """The record as a FHIR R4 Bundle, as other systems read it."""
    body = msgspec.json.encode(bundle(_record(visit)))
    return _attached(Response(body, media_type="application/fhir+json"), "my-record.json")


def safe(cell: str) -> str:
    """Text that a spreadsheet does not take for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _record(visit: Visit) -> PatientRecord:
    return visit.access.chart(visit.patient, sheets=()).record


def _attached(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
