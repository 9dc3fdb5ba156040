"""The officers' figures for programs: what the pages show, as plain values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.officers.audit import Asked, found
from alleviate.clinic.officers.figures import latest
from alleviate.clinic.officers.glass import read_glasses
from alleviate.oversight.alerts import AlertFigures
from alleviate.oversight.consents import ConsentFigures
from alleviate.oversight.decisions import DecisionFigures
from alleviate.oversight.glass import Broken
from alleviate.oversight.service import ServiceFigures

__all__ = ["door"]

door = Door("officers", prefix="/api/v1/officers")

Word = Annotated[str, Query(max_length=200)]


class AlertsOut(BaseModel):
    """``at``: the moment that the figures are of; None, and no figures, where none were worked out yet."""

    at: datetime | None
    figures: AlertFigures | None


class DecisionsOut(BaseModel):
    at: datetime | None
    figures: DecisionFigures | None


class ServiceOut(BaseModel):
    at: datetime | None
    figures: ServiceFigures | None


class ConsentsOut(BaseModel):
    at: datetime | None
    figures: ConsentFigures | None


class PackageOut(BaseModel):
    """``seal``: SHA-256 of its manifest; ``signer``: fingerprint of who signed it; ``why`` it is out of
    use.
    """

    name: str
    kind: str
    seal: str
    signer: str
    live: bool
    why: str


class EventOut(BaseModel):
    """An event of the audit; ``patient`` is our id."""

    position: int
    at: datetime
    actor: str
    action: str
    purpose: str
    patient: str
    detail: Mapping[str, str | int | bool]


class AuditOut(BaseModel):
    """``older``: the position to ask ``before`` for more, or None."""

    events: list[EventOut]
    older: int | None


class GlassOut(BaseModel):
    glasses: list[Broken]


@door.data("/alerts", action="safety.see", response_model=AlertsOut)
def alerts(visit: VisitOf) -> AlertsOut:
    """Safety alerts and what became of them."""
    known = latest(visit.services)
    return AlertsOut(at=known.at if known else None, figures=known.alerts if known else None)


@door.data("/decisions", action="safety.see", response_model=DecisionsOut)
def decisions(visit: VisitOf) -> DecisionsOut:
    """Whether advice is taken, why not, and what happened then."""
    known = latest(visit.services)
    return DecisionsOut(at=known.at if known else None, figures=known.decisions if known else None)


@door.data("/service", action="service.see", response_model=ServiceOut)
def service(visit: VisitOf) -> ServiceOut:
    """Waiting, dropping out, recovering."""
    known = latest(visit.services)
    return ServiceOut(at=known.at if known else None, figures=known.service if known else None)


@door.data("/consent", action="consent.see", response_model=ConsentsOut)
def consent(visit: VisitOf) -> ConsentsOut:
    """How many permit what, and what changed."""
    known = latest(visit.services)
    return ConsentsOut(at=known.at if known else None, figures=known.consents if known else None)


@door.data("/packages", action="package.see", response_model=list[PackageOut])
def packages(visit: VisitOf) -> list[PackageOut]:
    """All that lie on the shelf."""
    return [
        PackageOut(
            name=each.name,
            kind=each.kind,
            seal=each.seal,
            signer=each.signer,
            live=each.live,
            why=each.why,
        )
        for each in visit.services.shelf.all()
    ]


@door.data("/audit", action="audit.see", response_model=AuditOut)
def audit(
    visit: VisitOf,
    patient: Word = "",
    actor: Word = "",
    action: Word = "",
    day: Word = "",
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> AuditOut:
    """Who did what, the newest first. The search is an event itself."""
    page = found(visit, Asked(patient, actor, action, day, before))
    events = [
        EventOut(
            position=each.position,
            at=each.at,
            actor=each.actor,
            action=each.action,
            purpose=each.purpose,
            patient=each.patient,
            detail=each.detail,
        )
        for each in page.events
    ]
    return AuditOut(events=events, older=page.older)


@door.data("/break-glass", action="glass.review", response_model=GlassOut)
def break_glass(visit: VisitOf) -> GlassOut:
    """Emergency access and its reviews; one event "read" of each person concerned."""
    return GlassOut(glasses=read_glasses(visit))
