"""The data scientist's page: how many consent, and a table that names nobody."""

from fastapi import Response

from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.officers.deidentified import COLUMNS, as_csv, as_parquet, deidentified
from alleviate.clinic.officers.figures import latest

__all__ = ["door"]

door = Door("research", prefix="/research")

_NAME = "alleviate-research"


@door.page("/", action="research.read")
def home(visit: VisitOf) -> Response:
    """How many consent to research, and what the table holds."""
    return visit.page("officers/research.html", figures=latest(visit.services), columns=list(COLUMNS))


@door.page("/table.csv", action="research.read")
def table_csv(visit: VisitOf) -> Response:
    """The table as CSV; the audit has one event of each person in it."""
    body = as_csv(deidentified(visit.access, visit.now))
    return _attached(Response(body, media_type="text/csv; charset=utf-8"), f"{_NAME}.csv")


@door.page("/table.parquet", action="research.read")
def table_parquet(visit: VisitOf) -> Response:
    """The table as Parquet; the audit has one event of each person in it."""
    body = as_parquet(deidentified(visit.access, visit.now))
    return _attached(Response(body, media_type="application/vnd.apache.parquet"), f"{_NAME}.parquet")


def _attached(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
