"""The shared decision aid: the options that the care team sees, in words for the person themselves."""

from typing import Any

from fastapi.responses import Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.recommending.aid import PatientAid, patient_words
from alleviate.clinic.recommending.ledger import SHEETS, shown_now

__all__ = ["api", "door"]

door = Door("mine", prefix="/mine")
api = Door("mine", prefix="/api/v1/mine")


@door.page("/options", action="mine.advice")
def options(visit: VisitOf) -> Response:
    """The options, stored as they are shown."""
    return visit.page("mine/options.html", aid=_aid(visit))


@api.data("/options", action="mine.advice")
def plain(visit: VisitOf) -> dict[str, Any]:
    """The same for programs."""
    aid = _aid(visit)
    return {
        "intro": list(aid.intro),
        "sure": list(aid.sure),
        "options": [
            {
                "arm": each.arm,
                "title": each.title,
                "what": each.what,
                "mark": each.mark,
                "sayings": list(each.sayings),
                "wishes": list(each.wishes),
            }
            for each in aid.options
        ],
        "ask": list(aid.ask),
    }


def _aid(visit: Visit) -> PatientAid:
    chart = visit.access.chart(visit.patient, sheets=SHEETS)
    return patient_words(shown_now(visit, chart).proposal, visit._)
