"""Breaking the glass: a record seen in an emergency by somebody who is not of the care team.

Finding tells nothing but that one record fits what was asked for exactly; what opens it is a reason, for an
hour unless the clinic sets another time, and somebody reviews it.
"""

import re
from datetime import date, timedelta
from typing import Annotated

from fastapi import Form, Response

from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.patient.team_pages import function_of
from alleviate.clinic.patient.writing import sentence
from alleviate.terms.errors import DataError, RefusedError
from alleviate.vault.sheets import NewSheet

__all__ = ["door"]

door = Door("break-glass", prefix="/patients")

SHORTEST, LONGEST = 10, 1_000
"""Characters of a reason."""

_OURS = re.compile(r"[0-9a-f]{32}").fullmatch

Word = Annotated[str, Form(max_length=200)]


@door.page("/find", action="patient.find")
def find_page(visit: VisitOf) -> Response:
    """Ask for somebody by exact name and date of birth, or by number."""
    return visit.page("patient/find.html", errors={}, sought=None, found="", family="", number="")


@door.form("/find", action="patient.find")
def find(
    visit: VisitOf, family: Word = "", number: Word = "", born: Annotated[str, Form(max_length=10)] = ""
) -> Response:
    """Says whether exactly one record fits; nothing of it."""
    _ = visit._
    try:
        sought = _sought(family, number, born)
    except DataError as error:
        said = {"family": f"{visit._(error.message)} {visit._(error.hint)}"}
        return visit.page(
            "patient/find.html",
            status=400,
            errors=said,
            sought=None,
            found="",
            family=family,
            number=number,
        )
    ids = visit.access.find(sought)
    found = (visit.services.vault.our_id(ids[0]) or "") if len(ids) == 1 else ""
    bond = visit.services.vault.bond(visit.who.key, found, visit.now) if found else None
    if bond is not None and bond.basis != "none":
        return visit.go(f"/patients/{found}/")
    return visit.page(
        "patient/find.html",
        errors={},
        sought=True,
        found=found,
        family=family,
        number=number,
        minutes=visit.services.settings.glass_minutes,
        most=LONGEST,
    )


@door.form("/{patient}/glass", action="glass.break")
def break_glass(
    patient: str, visit: VisitOf, reason: Annotated[str, Form(max_length=4_000)] = ""
) -> Response:
    """Open the record for an hour, with a reason that is kept and reviewed."""
    account = visit.who.account
    if account is None or not _OURS(visit.patient):
        raise RefusedError("This is not open to you.", hint="Ask the care team.")
    try:
        words = sentence(reason, "The reason", LONGEST)
        if len(words) < SHORTEST:
            raise DataError("The reason is too short.", hint="Say in a sentence why it cannot wait.")
    except DataError as error:
        return visit.page(
            "patient/find.html",
            status=400,
            errors={"reason": f"{visit._(error.message)} {visit._(error.hint)}"},
            sought=True,
            found=visit.patient,
            family="",
            number="",
            minutes=visit.services.settings.glass_minutes,
            most=LONGEST,
        )
    until = visit.now + timedelta(minutes=visit.services.settings.glass_minutes)
    body = {"reason": words, "until": until.isoformat(), "account": account.id}
    # The reason is on the disk before anything opens.
    visit.access.store(visit.now, sheets=[NewSheet(visit.patient, "break-glass", body)])
    visit.access.join(visit.patient, account.id, function_of(account), basis="glass", until=until)
    return visit.go(f"/patients/{visit.patient}/")


def _sought(family: str, number: str, born: str) -> str:
    """As the vault looks for it: an identifier, or the family name with the date of birth."""
    if number.strip():
        return number.strip()
    try:
        day = date.fromisoformat(born)
    except ValueError:
        raise DataError(
            "Expected a number, or a family name and a date of birth.", hint="Fill in one of the two."
        ) from None
    if not family.strip():
        raise DataError("The family name is empty.", hint="Write it exactly as in the record.")
    return f"{family.strip()} {day.isoformat()}"
