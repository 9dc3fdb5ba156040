"""Which keys work on the caseload, and the switch that turns them off (WCAG 2.1.4: single keys can be in the
way of whoever speaks to a computer, or whose screen reader has them already)."""

from typing import Annotated

from fastapi import Form, Response

from alleviate.clinic.gate import Door, Visit, VisitOf

__all__ = ["door", "keys_work"]

_OFF = "alleviate-keys-off"
_YEAR = 365 * 24 * 60 * 60

door = Door("caseload", prefix="/caseload")


def keys_work(visit: Visit) -> bool:
    """Whether this browser takes single keys; it does until somebody switches them off."""
    return visit.request.cookies.get(_OFF) != "1"


@door.page("/keys", action="caseload.see")
def keys(visit: VisitOf) -> Response:
    """Every key, and whether they work."""
    return visit.page("caseload/keys.html", work=keys_work(visit))


@door.form("/keys", action="caseload.see")
def switch(visit: VisitOf, work: Annotated[str, Form(max_length=5)] = "") -> Response:
    """On or off, in this browser."""
    _ = visit._
    answer = visit.go("/caseload/keys", said=_("Keys are on.") if work else _("Keys are off."))
    answer.set_cookie(
        _OFF,
        "" if work else "1",
        max_age=0 if work else _YEAR,
        httponly=True,
        samesite="strict",
        secure=visit.services.settings.secure,
    )
    return answer
