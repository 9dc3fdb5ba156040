"""Documents of a person: taken in within limits, kept sealed, given out to be saved."""

from typing import Annotated

from fastapi import File, Form, Response, UploadFile

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.documents import (
    MOST_BYTES,
    body_of,
    content_of,
    documents_of,
    headers_of,
    sheets_of,
)
from alleviate.clinic.patient.reading import head, nothing_here, open_chart
from alleviate.terms.errors import DataError
from alleviate.vault.charts import Chart

__all__ = ["door"]

door = Door("documents", prefix="/patients")


@door.page("/{patient}/documents", action="patient.see")
def page(patient: str, visit: VisitOf) -> Response:
    """What there is, and a form to add one."""
    return _page(visit, open_chart(visit, sheets=["document"]), {})


@door.form("/{patient}/documents", action="document.write")
def add(
    patient: str,
    visit: VisitOf,
    file: Annotated[UploadFile, File()],
    title: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Take a document in."""
    chart = open_chart(visit, sheets=["document"])
    data = file.file.read(MOST_BYTES + 1)
    try:
        body = body_of(file.filename or "", title, data)
    except DataError as error:
        return _page(visit, chart, {"file": f"{visit._(error.message)} {visit._(error.hint)}"})
    visit.access.store(visit.now, sheets=sheets_of(chart.patient, body, data))
    return visit.go(f"/patients/{visit.patient}/documents", said=visit._("The document is kept."))


@door.page("/{patient}/documents/{document}", action="patient.see")
def download(patient: str, document: str, visit: VisitOf) -> Response:
    """One document, to be saved."""
    chart = visit.access.chart(visit.patient, sheets=("document", "content"), thread=document)
    found = next(iter(documents_of(chart.sheets)), None)
    if found is None:
        raise nothing_here()
    return Response(content_of(found, chart.sheets), media_type=found.type, headers=headers_of(found))


def _page(visit: Visit, chart: Chart, errors: dict[str, str]) -> Response:
    return visit.page(
        "patient/documents.html",
        status=400 if errors else 200,
        **head(visit, chart, "documents"),
        documents=documents_of(chart.sheets),
        most=MOST_BYTES // 2**20,
        errors=errors,
        may_write=visit.may("document.write"),
    )
