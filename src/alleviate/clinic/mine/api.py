"""The same for programs: what the pages under /mine/ show and take, as JSON under /api/v1/mine/."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alleviate.clinic.corrections import corrections as threads
from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.invitations import due
from alleviate.clinic.mine import consent_pages, corrections, goals
from alleviate.clinic.mine.access_pages import looked
from alleviate.clinic.mine.consents import history, standing
from alleviate.clinic.mine.course import next_appointment, stories
from alleviate.clinic.mine.drafts import Save
from alleviate.clinic.mine.filling import Outcome, opened, save, send
from alleviate.clinic.mine.questionnaires import spoken
from alleviate.clinic.patient.history import goals as goals_of
from alleviate.clinic.wishes import wishes_of
from alleviate.intake.fhir import bundle

__all__ = ["door"]

door = Door("mine", prefix="/api/v1/mine")

_MOST_SAVES = 200


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SavedAnswer(_Taken):
    """One answer as chosen; see `alleviate.clinic.mine.drafts.Save`."""

    key: str = Field(max_length=60)
    value: int | None = Field(ge=-1000, le=1000)
    made: int = Field(ge=0, lt=2**53)
    once: str = Field(min_length=8, max_length=64)


class SavedAnswers(_Taken):
    saves: list[SavedAnswer] = Field(max_length=_MOST_SAVES)


class Said(_Taken):
    purpose: Literal["care", "research", "model-training"]
    kind: str = Field(default="", max_length=40)
    said: Literal["permit", "deny"]


class Wrong(_Taken):
    about: str = Field(default="", max_length=40)
    words: str = Field(min_length=1, max_length=corrections.LONGEST)
    once: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9_-]*$")


class NewGoal(_Taken):
    words: str = Field(min_length=1, max_length=500)


class GoalStatus(_Taken):
    goal: str = Field(max_length=200)
    status: Literal["active", "completed", "cancelled"]


class Wishes(_Taken):
    about: str = Field(max_length=40)
    choices: list[str] = Field(max_length=20)


@door.data("/questionnaires", action="mine.see")
def questionnaires(visit: VisitOf) -> list[dict[str, Any]]:
    """What is due, by its day."""
    chart = visit.access.chart(visit.patient, kinds=(), sheets=("invitation", "draft"))
    return [
        {"id": each.id, "instruments": list(each.instruments), "due": each.due.isoformat()}
        for each in due(chart.sheets, visit.now)
    ]


@door.data("/questionnaires/{invitation}", action="mine.answer")
def questionnaire(visit: VisitOf, invitation: str) -> dict[str, Any]:
    """Its questions in words, and the answers so far."""
    sheet = opened(visit, invitation, spoken(visit))
    return {
        "id": sheet.invitation.id,
        "state": sheet.invitation.state,
        "due": sheet.invitation.due.isoformat(),
        "sections": [
            {
                "instrument": section.instrument.id,
                "language": section.language,
                "title": section.title,
                "stem": section.stem,
                "source": section.source,
                "questions": [
                    {"key": q.key, "words": q.words, "choices": [list(choice) for choice in q.choices]}
                    for q in section.questions
                ],
            }
            for section in sheet.form.sections
        ],
        "answers": sheet.answers,
    }


@door.data("/questionnaires/{invitation}/answers", action="mine.answer", methods=["POST"])
def answered(visit: VisitOf, invitation: str, sent: SavedAnswers) -> dict[str, Any]:
    """Saves answers, each one time however often it is sent, and says what to do if one shows danger."""
    sheet = opened(visit, invitation, spoken(visit))
    now = int(visit.now.timestamp() * 1000)
    saves = [
        Save(each.key, None if each.value is None else float(each.value), min(each.made, now), each.once)
        for each in sent.saves
    ]
    return _told(save(visit, sheet, saves), saved=[each.once for each in saves])


@door.data("/questionnaires/{invitation}/send", action="mine.answer", methods=["POST"])
def finished(visit: VisitOf, invitation: str) -> dict[str, Any]:
    """Sends the answers; sent twice, the second says what the first did."""
    language = spoken(visit)
    return _told(send(visit, opened(visit, invitation, language), language), state="answered")


def _told(outcome: Outcome, **more: Any) -> dict[str, Any]:
    here = f"/mine/questionnaires/{outcome.sheet.invitation.id}"
    return {
        "state": outcome.sheet.invitation.state,
        "kept": outcome.kept,
        "danger": outcome.danger,
        "told": outcome.told,
        "next": f"{here}/help" if outcome.danger else here,
        **more,
    }


@door.data("/course", action="mine.see")
def course(visit: VisitOf) -> dict[str, Any]:
    """Scores by measure, what may be said of the change, and the next appointment."""
    record = visit.access.chart(visit.patient, sheets=()).record
    appointment = next_appointment(record, visit.now)
    return {
        "measures": [
            {
                "instrument": story.instrument.id,
                "said": story.said,
                "change": story.change,
                "reliable_change": story.reliable,
                "lower_is_better": story.lower_is_better,
                "scores": [
                    {"time": point.time.isoformat(), "total": point.total, "band": point.band}
                    for point in story.points
                ],
            }
            for story in stories(record)
        ],
        "next_appointment": appointment.on.date().isoformat() if appointment else None,
    }


@door.data("/consent", action="mine.consent")
def consent(visit: VisitOf) -> dict[str, Any]:
    """What is permitted now, and everything that was ever said."""
    events = visit.access.chart(visit.patient, kinds=("consent",), sheets=()).record.events
    return {
        "standing": [
            {"purpose": each.purpose, "degree": each.degree, "allowed": sorted(each.allowed)}
            for each in standing(events, visit.now)
        ],
        "history": [
            {
                "purpose": each.purpose,
                "kind": each.kind or "",
                "said": "permit" if each.permits else "deny",
                "given": each.given.isoformat(),
                "last_day": _day(each.last_day),
                "standing": each.standing,
            }
            for each in history(events)
        ],
    }


@door.data("/consent", action="mine.consent", methods=["POST"])
def consented(visit: VisitOf, sent: Said) -> dict[str, Any]:
    """Permits or withdraws, from this moment on."""
    consent_pages.say(visit, sent.purpose, sent.kind, sent.said)
    return consent(visit)


@door.data("/access", action="mine.access")
def access(visit: VisitOf) -> list[dict[str, Any]]:
    """Who looked at or changed my record, the newest first."""
    return [
        {
            "first": look.first.isoformat(),
            "last": look.last.isoformat(),
            "seer": look.seer,
            "role": look.role,
            "profession": look.profession,
            "done": look.done,
            "purpose": look.purpose,
            "emergency": look.glass,
            "times": look.times,
        }
        for look in looked(visit)
    ]


@door.data("/goals", action="mine.goals")
def wanted(visit: VisitOf) -> dict[str, Any]:
    """My goals and wishes."""
    record = goals.goals_and_wishes(visit)
    return {
        "goals": [
            {"goal": each.ref, "words": each.words, "since": each.since.isoformat(), "status": each.status}
            for each in goals_of(record)
        ],
        "wishes": [
            {"about": each.about, "choice": each.choice, "words": each.words, "since": each.since}
            for each in wishes_of(record)
        ],
    }


@door.data("/goals", action="mine.goals", methods=["POST"])
def goal_set(visit: VisitOf, sent: NewGoal) -> dict[str, Any]:
    """A new goal."""
    return {"goal": goals.set_goal(visit, sent.words)}


@door.data("/goals/status", action="mine.goals", methods=["POST"])
def goal_changed(visit: VisitOf, sent: GoalStatus) -> dict[str, Any]:
    """How a goal stands."""
    goals.change_goal(visit, sent.goal, sent.status)
    return {"goal": sent.goal, "status": sent.status}


@door.data("/wishes", action="mine.goals", methods=["POST"])
def wished(visit: VisitOf, sent: Wishes) -> dict[str, Any]:
    """What I wish for about one thing."""
    goals.wish(visit, sent.about, sent.choices)
    return wanted(visit)


@door.data("/corrections", action="mine.correct")
def wrong(visit: VisitOf) -> list[dict[str, Any]]:
    """What I said is wrong, and what became of it."""
    sheets = visit.access.chart(visit.patient, kinds=(), sheets=("correction",)).sheets
    return [
        {
            "id": each.id,
            "at": each.at.isoformat(),
            "about": each.about,
            "words": each.words,
            "state": each.state,
            "replies": [
                {"at": reply.at.isoformat(), "state": reply.state, "words": reply.words}
                for reply in each.replies
            ],
        }
        for each in threads(sheets)
    ]


@door.data("/corrections", action="mine.correct", methods=["POST"])
def said_wrong(visit: VisitOf, sent: Wrong) -> dict[str, Any]:
    """Says that something is wrong."""
    return {"id": corrections.say(visit, sent.about, sent.words, sent.once)}


@door.data("/export", action="mine.export")
def export(visit: VisitOf) -> dict[str, Any]:
    """The whole record as a FHIR R4 Bundle."""
    return bundle(_record(visit))


def _record(visit: Visit) -> Any:
    return visit.access.chart(visit.patient, sheets=()).record


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None
