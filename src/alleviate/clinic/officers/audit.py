"""The audit: searched, paged, and verified."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Response

from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.terms.errors import AuditError, InputError
from alleviate.vault.audit import ACTIONS
from alleviate.vault.everybody import Page, search_audit

__all__ = ["Asked", "door", "found"]

door = Door("audit", prefix="/officers/audit")

Word = Annotated[str, Query(max_length=200)]
Place = Annotated[int | None, Query(ge=1, le=2**53)]

_OURS = re.compile(r"[0-9a-f]{32}").fullmatch


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for. ``actor``: a login, or the audit's word; ``day``: ISO 8601, by UTC."""

    patient: str = ""
    actor: str = ""
    action: str = ""
    day: str = ""
    before: int | None = None

    def query(self, before: int | None) -> str:
        told = {"patient": self.patient, "actor": self.actor, "action": self.action, "day": self.day}
        return urlencode({name: value for name, value in {**told, "before": before}.items() if value})


@door.page("", action="audit.see")
def audit(
    visit: VisitOf,
    patient: Word = "",
    actor: Word = "",
    action: Word = "",
    day: Word = "",
    before: Place = None,
) -> Response:
    """Who did what, the newest first."""
    return _page(visit, Asked(patient.strip(), actor.strip(), action, day.strip(), before), "")


@door.form("/verify", action="audit.see")
def verify(visit: VisitOf) -> Response:
    """Read the whole log and see that nobody changed it."""
    _ = visit._
    try:
        verified = visit.services.vault.verify_audit(actor=visit.who.actor)
    except AuditError as error:
        return _page(visit, Asked(), f"{_(error.message)} {_(error.hint)}", status=503)
    said = _("The audit is whole: %(events)s events, %(checkpoints)s signed states, last hash %(head)s.")
    told = {"events": verified.size, "checkpoints": verified.checkpoints, "head": verified.head[:16]}
    return visit.go("/officers/audit", said=said % told)


def found(visit: Visit, asked: Asked) -> Page:
    """The events asked for. Raises InputError for what no event could have."""
    if asked.patient and not _OURS(asked.patient):
        raise InputError("Expected our id of a patient: 32 digits 0–9, a–f.", hint="Copy it from an event.")
    account = visit.services.accounts.by_login(asked.actor) if asked.actor else None
    try:
        day = date.fromisoformat(asked.day) if asked.day else None
    except ValueError:
        raise InputError("Expected a day such as 2026-11-23.", hint="Choose it in the calendar.") from None
    return search_audit(
        visit.services.vault,
        actor=visit.who.actor,
        by=account.actor if account else asked.actor,
        action=asked.action,
        patient=asked.patient,
        day=day,
        before=asked.before,
    )


def _page(visit: Visit, asked: Asked, broken: str, status: int = 200) -> Response:
    _ = visit._
    errors: dict[str, str] = {}
    page = Page((), None)
    if not broken:
        try:
            page = found(visit, asked)
        except InputError as error:
            status, errors = 400, {"": f"{_(error.message)} {_(error.hint)}"}
        except AuditError as error:
            status, broken = 503, f"{_(error.message)} {_(error.hint)}"
    accounts = visit.services.accounts.all()
    names = {each.actor: (each.name or each.login) if each.staff else _("A patient") for each in accounts}
    return visit.page(
        "officers/audit.html",
        status=status,
        asked=asked,
        page=page,
        older=asked.query(page.older) if page.older else "",
        actions=sorted(ACTIONS),
        names=names,
        broken=broken,
        errors=errors,
    )
