"""CarePlan and Goal: what is intended, and what somebody wants to reach."""

from collections.abc import Sequence
from typing import Any

from alleviate.intake.fhir.coding import words_of
from alleviate.intake.fhir.draft import AHEAD, Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import Span, moment, written, written_date
from alleviate.intake.fhir.shapes import Concept, Note, Period, Reference, Resource, Shape
from alleviate.records import Event

__all__ = ["CarePlan", "Goal", "read", "read_goal", "write", "write_goal"]

_OVER = frozenset({"completed", "revoked", "cancelled", "rejected", "on-hold"})


class Detail(Shape):
    """What an activity is."""

    code: Concept | None = None
    description: str | None = None
    do_not_perform: bool = False


class Activity(Shape):
    """One thing that a plan holds."""

    detail: Detail | None = None
    reference: Reference | None = None
    outcome_codeable_concept: tuple[Concept, ...] = ()
    progress: tuple[Note, ...] = ()


class CarePlan(Resource):
    """What is read of a CarePlan."""

    subject: Reference | None = None
    title: str | None = None
    description: str | None = None
    category: tuple[Concept, ...] = ()
    period: Period | None = None
    created: str | None = None
    activity: tuple[Activity, ...] = ()


def read(source: CarePlan, draft: Draft) -> None:
    """Adds the activities of a plan, known when it was made. Raises Fault."""
    start = source.period.start if source.period else None
    if start and moment(start, "period.start").first - draft.now > AHEAD:
        start = None  # the plan was made before
    when = draft.first_of(
        {"period.start": start, "created": source.created},
        "It says neither when it began, by the import (period.start), nor when it was made (created).",
    )
    known = draft.recorded(source.created, "created", when)
    words = [
        text
        for place, one in enumerate(source.activity)
        if (text := _words(one, f"activity[{place}]", draft))
    ]
    if not source.activity:
        words = [text for text in (source.title or source.description,) if text]
        words = words or [text for text in map(words_of, source.category) if text]
    if not words:
        draft.caution("activity", "It has no activity in words or codes.")
    for text in words:
        draft.add("PLAN//activity", when, known, None, text)
    _status("PLAN//status", source.status, draft, when, known, draft.end(source.period, "period"))


def _words(activity: Activity, name: str, draft: Draft) -> str | None:
    detail = activity.detail
    if detail and detail.do_not_perform:
        draft.caution(f"{name}.detail.doNotPerform", "What is not to be done was left out.")
        return None
    told = [words_of(detail.code), detail.description] if detail else []
    told += [activity.reference.display] if activity.reference else []
    told += [*map(words_of, activity.outcome_codeable_concept), *(note.text for note in activity.progress)]
    words = next((text for text in told if text), None)
    if words is None:
        draft.caution(name, "The activity has neither words nor a code here.")
    return words


def _status(code: str, status: str | None, draft: Draft, when: Span, known: Any, end: Span | None) -> None:
    """That a plan is over is known from its end, or from the last change; not from its start."""
    if not status:
        return
    if status in _OVER:
        later = max(when.last, end.last if end else draft.lately)
        draft.add(code, later, max(known, later), None, status)
    else:
        draft.add(code, when, known, None, status)


def write(events: Sequence[Event]) -> dict[str, Any]:
    """A CarePlan of these events."""
    first = next((event for event in events if event.code == "PLAN//activity"), events[0])
    status = next((event for event in events if event.code == "PLAN//status"), None)
    resource: dict[str, Any] = {
        "status": (status and status.text_value) or "active",
        "intent": "plan",
        "period": {"start": written(first.time)},
        "created": written(first.known_at),
        "activity": [
            {"detail": {"status": "unknown", "description": event.text_value}}
            for event in events
            if event.code == "PLAN//activity" and event.text_value
        ],
    }
    if status and status.text_value in _OVER:
        resource["period"]["end"] = written(status.time)
    return {name: value for name, value in resource.items() if value}


class Goal(Resource):
    """What is read of a Goal."""

    subject: Reference | None = None
    lifecycle_status: str | None = None
    description: Concept | None = None
    start_date: str | None = None
    status_date: str | None = None


def read_goal(source: Goal, draft: Draft) -> None:
    """Adds a goal when it was set, and how it stands. Raises Fault."""
    words = words_of(source.description)
    if not words:
        raise Fault("description", "It does not say what the goal is.")
    when = draft.first_of(
        {"startDate": source.start_date, "statusDate": source.status_date},
        "It says neither when it was set (startDate) nor since when its status holds (statusDate).",
    )
    draft.add("GOAL//set", when, when.last, None, words)
    changed = draft.at(source.status_date, "statusDate") if source.status_date else None
    if changed is not None and changed.first >= when.first and source.lifecycle_status:
        draft.add("GOAL//status", changed, max(changed.last, when.last), None, source.lifecycle_status)
    else:
        _status("GOAL//status", source.lifecycle_status, draft, when, when.last, None)


def write_goal(events: Sequence[Event]) -> dict[str, Any]:
    """A Goal of these events."""
    goal = next((event for event in events if event.code == "GOAL//set"), events[0])
    status = next((event for event in events if event.code == "GOAL//status"), None)
    resource = {
        "lifecycleStatus": (status and status.text_value) or "active",
        "description": {"text": goal.text_value or "unknown"},
        "startDate": written_date(goal.time),
    }
    return {**resource, "statusDate": written_date(status.time)} if status else resource
