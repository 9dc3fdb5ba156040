"""The caseload for programs: what the page shows, as plain values."""

from typing import Annotated

from fastapi import Header, Query, Response

from alleviate.clinic.caseload.models import CaseloadOut
from alleviate.clinic.caseload.pages import asked_for
from alleviate.clinic.caseload.reading import read_caseload
from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.patient.live import mark_of, packages_of, still_holds

__all__ = ["door"]

door = Door("caseload")

Word = Annotated[str, Query(max_length=200)]


@door.data("/api/v1/caseload", action="caseload.see", response_model=CaseloadOut)
def caseload(
    visit: VisitOf,
    response: Response,
    sort: Word = "urgent",
    need: Word = "",
    site: Word = "",
    treatment: Word = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> CaseloadOut | Response:
    """Who needs the caller today, and why; nobody outside the caller's care team."""
    if if_none_match and still_holds(visit, if_none_match):
        return Response(status_code=304, headers={"ETag": if_none_match})
    packages = packages_of(visit)
    found = read_caseload(visit, asked_for(sort, need, site, treatment, "", page))
    response.headers["ETag"] = f'"{mark_of(packages ^ found.unseen.pulse, found.until)}"'
    return CaseloadOut.of(found)
