"""All that is held about me, to take along: a page to read, FHIR and JSON for systems, CSV as a table.

GDPR article 15 (what is held, who has it, what is worked out from it) and article 20 (to take it elsewhere).
"""

import csv
import io
import zipfile
from dataclasses import dataclass

import msgspec
from fastapi.responses import Response

from alleviate.clinic.corrections import corrections
from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.mine.access_pages import days, looked
from alleviate.clinic.mine.consents import history, standing
from alleviate.clinic.mine.everything import advice, answered, beside, labels
from alleviate.clinic.mine.looked import Look
from alleviate.clinic.mine.questionnaires import spoken
from alleviate.clinic.mine.seers import Seers
from alleviate.clinic.patient.documents import content_of, documents_of
from alleviate.intake.fhir import bundle
from alleviate.oversight.glass import glasses
from alleviate.records import KINDS, PatientRecord
from alleviate.vault import Chart

__all__ = ["door", "safe"]

door = Door("mine", prefix="/mine")

_HEAD = ("time", "known_at", "known_until", "kind", "code", "number", "text", "entry")
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of files in a ZIP: the same data are the same bytes


@dataclass(frozen=True, slots=True)
class _Held:
    """All of it, read in one step."""

    chart: Chart
    looks: list[Look]
    seers: Seers


@door.page("/export", action="mine.export")
def export(visit: VisitOf) -> Response:
    """What can be taken along, and how much there is."""
    record = visit.access.chart(visit.patient, sheets=()).record
    counts = [(kind, sum(event.kind == kind for event in record.events)) for kind in KINDS]
    return visit.page(
        "mine/export.html", counts=[(kind, n) for kind, n in counts if n], total=len(record.events)
    )


@door.page("/export/everything.zip", action="mine.export")
def everything(visit: VisitOf) -> Response:
    """Every file below and the documents, in one."""
    held = _held(visit)
    files = {
        "my-record.html": _page(visit, held).body,
        "my-record.csv": _table(held.chart.record).encode(),
        "my-record.json": _resources(held.chart.record),
        "my-other-data.json": _others(held),
    }
    for number, document in enumerate(documents_of(held.chart.sheets), 1):
        files[f"documents/{number}-{document.name}"] = content_of(document, held.chart.sheets)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name, _EARLIEST), bytes(content), zipfile.ZIP_DEFLATED)
    return _attached(Response(out.getvalue(), media_type="application/zip"), "my-data.zip")


@door.page("/export/record.html", action="mine.export")
def readable(visit: VisitOf) -> Response:
    """All of it as one page to read, keep or print."""
    return _attached(_page(visit, _held(visit)), "my-record.html")


@door.page("/export/record.csv", action="mine.export")
def table(visit: VisitOf) -> Response:
    """The record as a table, a line an event."""
    text = _table(visit.access.chart(visit.patient, sheets=()).record)
    return _attached(Response(text, media_type="text/csv; charset=utf-8"), "my-record.csv")


@door.page("/export/record.json", action="mine.export")
def resources(visit: VisitOf) -> Response:
    """The record as a FHIR R4 Bundle, as other systems read it."""
    body = _resources(visit.access.chart(visit.patient, sheets=()).record)
    return _attached(Response(body, media_type="application/fhir+json"), "my-record.json")


@door.page("/export/others.json", action="mine.export")
def others(visit: VisitOf) -> Response:
    """What is kept beside the record: care team, alerts, advice and decisions, tasks, who looked."""
    body = _others(_held(visit))
    return _attached(Response(body, media_type="application/json"), "my-other-data.json")


def safe(cell: str) -> str:
    """Text that a spreadsheet does not take for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _held(visit: Visit) -> _Held:
    chart = visit.access.chart(visit.patient)
    return _Held(chart, looked(visit), Seers(visit.services.accounts, visit.patient, visit._))


def _page(visit: Visit, held: _Held) -> Response:
    chart, record = held.chart, held.chart.record
    groups = [(kind, [e for e in reversed(record.events) if e.kind == kind]) for kind in KINDS]
    return visit.page(
        "mine/record.html",
        groups=[group for group in groups if group[1]],
        labels=labels(record),
        team=[(member, held.seers.of(f"account:{member.account}")) for member in chart.team],
        standing=standing(record.events, visit.now),
        history=history(record.events),
        answered=answered(record, spoken(visit)),
        alerts=[(each, [held.seers.of(step.by) for step in each.steps]) for each in chart.alerts],
        advice=advice(chart, held.seers, visit._),
        asked=corrections(chart.sheets),
        glasses=[(each, held.seers.of(each.by)) for each in glasses(chart.sheets)],
        documents=documents_of(chart.sheets),
        days=days(visit, held.looks),
    )


def _table(record: PatientRecord) -> str:
    """For a spreadsheet, which reads UTF-8 where the file says so at its beginning."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_HEAD)
    for event in record.events:
        until = event.known_until.isoformat() if event.known_until else ""
        number = "" if event.numeric_value is None else f"{event.numeric_value:.12g}"
        texts = (event.kind, event.code, number, event.text_value or "", event.entry)
        cells = (event.time.isoformat(), event.known_at.isoformat(), until, *texts)
        writer.writerow([cell if cell == number else safe(cell) for cell in cells])
    return "\ufeff" + out.getvalue()


def _resources(record: PatientRecord) -> bytes:
    return msgspec.json.encode(bundle(record))


def _others(held: _Held) -> bytes:
    return msgspec.json.format(msgspec.json.encode(beside(held.chart, held.looks, held.seers)))


def _attached(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
