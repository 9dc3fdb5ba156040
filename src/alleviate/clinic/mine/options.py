"""The shared decision aid: the options that the care team sees, in words for the person themselves."""

from typing import Any

from fastapi.responses import Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.recommending.aid import patient_words
from alleviate.clinic.recommending.ledger import SHEETS, Kept, shown_now
from alleviate.clinic.recommending.shown import rows

__all__ = ["api", "door"]

door = Door("mine", prefix="/mine")
api = Door("mine", prefix="/api/v1/mine")


@door.page("/options", action="mine.advice")
def options(visit: VisitOf) -> Response:
    """The options, stored as they are shown."""
    found = _shown(visit)
    proposal = found.proposal
    risk = proposal.aim is not None and proposal.aim.risk
    return visit.page(
        "mine/options.html",
        aid=patient_words(proposal, visit._),
        rows=[] if risk else rows(proposal, visit._),
        scale=proposal.aim.scale if proposal.aim else None,
    )


@api.data("/options", action="mine.advice")
def plain(visit: VisitOf) -> dict[str, Any]:
    """The same for programs."""
    aid = patient_words(_shown(visit).proposal, visit._)
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


def _shown(visit: Visit) -> Kept:
    return shown_now(visit, visit.access.chart(visit.patient, sheets=SHEETS))
