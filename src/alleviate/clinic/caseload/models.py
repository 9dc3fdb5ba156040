"""The caseload as programs read it: the same that the page shows."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from alleviate.clinic.caseload.glance import CaseGlance, CourseSeen, MeasureSeen
from alleviate.clinic.caseload.needs import Need
from alleviate.clinic.caseload.urgency import Placed, Shown

__all__ = ["CaseloadOut", "NeedOut", "PersonOut"]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NeedOut(_Out):
    """Why somebody is asked for; ``values`` fill the reason ``because``."""

    kind: str
    because: str
    values: dict[str, Any]
    deadline: datetime | None
    overdue: bool

    @classmethod
    def of(cls, need: Need) -> "NeedOut":
        return cls(
            kind=need.kind,
            because=need.because,
            values=need.values,
            deadline=need.deadline,
            overdue=need.overdue,
        )


class PointOut(_Out):
    """A score; ``low`` and ``high``: the band (90 %) in which it was expected, where it was."""

    at: datetime
    score: float
    low: float | None
    high: float | None


class MeasureOut(_Out):
    """One measure, its latest scores by time."""

    instrument: str
    points: list[PointOut]
    severity: str
    case: bool | None
    improvement: float | None
    reliable: str | None

    @classmethod
    def of(cls, seen: MeasureSeen) -> "MeasureOut":
        points = [PointOut(at=p.at, score=p.score, low=p.low, high=p.high) for p in seen.points]
        told = {name: getattr(seen, name) for name in cls.model_fields if name != "points"}
        return cls(points=points, **told)


class CourseOut(_Out):
    """Where a course stands. ``end``, ``low``, ``high``: what is expected of its end (90 %)."""

    instrument: str
    at: datetime
    on_track: bool | None
    end: float
    low: float
    high: float
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, seen: CourseSeen) -> "CourseOut":
        return cls(**{name: getattr(seen, name) for name in cls.model_fields})


class PersonOut(_Out):
    """One person of a caseload."""

    patient: str
    name: str
    born: str
    number: str
    site: str
    treatment: str
    next_appointment: date | None
    needs: list[NeedOut]
    measures: list[MeasureOut]
    courses: list[CourseOut]
    open_alerts: int
    withheld_alerts: int

    @classmethod
    def of(cls, one: Placed) -> "PersonOut":
        seen: CaseGlance = one.glance
        return cls(
            **{name: getattr(seen, name) for name in ("patient", "name", "born", "number", "site")},
            treatment=seen.treatment,
            next_appointment=one.appointment,
            needs=[NeedOut.of(need) for need in one.needs],
            measures=[MeasureOut.of(measure) for measure in seen.measures],
            courses=[CourseOut.of(course) for course in seen.courses],
            open_alerts=len(seen.alerts),
            withheld_alerts=seen.withheld_alerts,
        )


class CaseloadOut(_Out):
    """A page of the caller's own caseload; the counts are of the whole of it.

    ``unseen``: people who permit nothing to be seen; ``unseen_alerts``: open safety alerts about them.
    """

    people: list[PersonOut]
    found: int
    total: int
    page: int
    pages: int
    counts: dict[str, int]
    unseen: int
    unseen_alerts: int

    @classmethod
    def of(cls, found: Shown) -> "CaseloadOut":
        told: dict[str, Any] = {
            name: getattr(found, name) for name in ("found", "total", "page", "pages", "counts")
        }
        told |= {"unseen": found.unseen.people, "unseen_alerts": found.unseen.alerts}
        return cls(people=[PersonOut.of(one) for one in found.people], **told)
