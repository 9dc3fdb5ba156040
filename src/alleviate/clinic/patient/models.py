"""One patient as programs read and write them: the same that the pages show and take."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alleviate.clinic.patient.answering import Answerable
from alleviate.clinic.patient.history import Goal, Line
from alleviate.clinic.patient.measures import Measure
from alleviate.clinic.patient.notes import Note, Task
from alleviate.clinic.patient.overview import Overview
from alleviate.progress.alerts import Step

__all__ = [
    "AlertOut",
    "NoteIn",
    "NoteOut",
    "PatientOut",
    "SeenIn",
    "StepIn",
    "StoredOut",
    "TaskIn",
    "TaskOut",
]

Words = Annotated[str, Field(max_length=20_000)]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _In(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class StoredOut(_Out):
    """The id of what was stored."""

    id: str


class StepIn(_In):
    """To take an alert, or to resolve it, saying what was done."""

    state: Literal["acknowledged", "resolved"]
    done: Words = ""


class NoteIn(_In):
    """A note. ``mention``: ids of accounts of the care team."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    sort: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,39}$")] = "progress"
    mention: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=50)] = []


class SeenIn(_In):
    """That a note (its ref) was read, or is agreed with."""

    note: Annotated[str, Field(min_length=1, max_length=200)]
    agreed: bool = False


class TaskIn(_In):
    """A task for an account of the care team. ``note``: the ref of the note that it hangs on."""

    words: Annotated[str, Field(min_length=1, max_length=500)]
    account: Annotated[str, Field(max_length=40)]
    due: date | None = None
    note: Annotated[str, Field(max_length=200)] = ""


class StepOut(_Out):
    """Who did what about an alert, when."""

    state: str
    at: datetime
    by: str
    done: str

    @classmethod
    def of(cls, step: Step) -> "StepOut":
        return cls(state=step.state, at=step.at, by=step.by, done=step.done)


class AlertOut(_Out):
    """A safety alert (``flag``, ``answers``, ``owner``, ``deadline``) or one of a course (``reasons``)."""

    id: str
    kind: Literal["safety", "course"]
    state: str
    raised_at: datetime
    instrument: str
    answered_at: datetime
    flag: str
    answers: dict[str, float | None]
    reasons: tuple[str, ...]
    owner: str
    tier: int | None
    deadline: datetime | None
    overdue: bool
    steps: list[StepOut]

    @classmethod
    def of(cls, found: Answerable) -> "AlertOut":
        sign = found.safety.sign if found.safety else None
        course, place = found.course, found.standing
        return cls(
            id=found.id,
            kind=found.kind,
            state=found.state,
            raised_at=found.raised_at,
            instrument=sign.instrument if sign else course.instrument.id if course else "",
            answered_at=sign.time if sign else course.judged.at if course else found.raised_at,
            flag=sign.flag if sign else "",
            answers=dict(sign.answers) if sign else {},
            reasons=course.judged.reasons if course else (),
            owner=place.owner if place else "",
            tier=place.tier if place else None,
            deadline=place.deadline if place else None,
            overdue=place.overdue if place else False,
            steps=[StepOut.of(step) for step in found.steps],
        )


class ScoreOut(_Out):
    """A total at a time, with the flags that its answers raise."""

    at: datetime
    score: float
    severity: str
    flags: tuple[str, ...]


class MeasureOut(_Out):
    """All scores of one questionnaire, and the change since the present treatment began."""

    instrument: str
    scores: list[ScoreOut]
    improvement: float | None
    reliable: str | None
    recovery: bool | None
    case_last: bool | None

    @classmethod
    def of(cls, measure: Measure) -> "MeasureOut":
        change = measure.change
        return cls(
            instrument=measure.instrument.id,
            scores=[
                ScoreOut(
                    at=form.time, score=form.total or 0.0, severity=form.severity or "", flags=form.flags
                )
                for form in measure.scored
            ],
            improvement=change.improvement if change else None,
            reliable=change.reliable if change else None,
            recovery=change.recovery if change else None,
            case_last=change.case_last if change else None,
        )


class LineOut(_Out):
    """A problem or a medicine."""

    code: str
    words: str
    since: datetime
    until: datetime | None
    ended: bool
    more: tuple[str, ...]

    @classmethod
    def of(cls, line: Line) -> "LineOut":
        return cls(**{name: getattr(line, name) for name in cls.model_fields})


class GoalOut(_Out):
    """A goal in the person's words."""

    ref: str
    words: str
    since: datetime
    status: str

    @classmethod
    def of(cls, goal: Goal) -> "GoalOut":
        return cls(ref=goal.ref, words=goal.words, since=goal.since, status=goal.status)


class PatientOut(_Out):
    """One person now. ``withheld``: kinds of data that they do not permit to be seen."""

    patient: str
    name: str
    born: str
    sex: str
    number: str
    site: str
    treatment: str
    treatment_since: datetime | None
    treatment_until: datetime | None
    next_appointment: date | None
    measures: list[MeasureOut]
    problems: list[LineOut]
    medicines: list[LineOut]
    goals: list[GoalOut]
    withheld: tuple[str, ...]
    withheld_alerts: int

    @classmethod
    def of(cls, told: Overview) -> "PatientOut":
        person, episode = told.person, told.episode
        return cls(
            **{name: getattr(person, name) for name in ("patient", "name", "born", "sex", "number", "site")},
            treatment=episode.treatment if episode else "",
            treatment_since=episode.since if episode else None,
            treatment_until=episode.until if episode else None,
            next_appointment=told.appointment,
            measures=[MeasureOut.of(measure) for measure in told.measures],
            problems=[LineOut.of(line) for line in told.problems],
            medicines=[LineOut.of(line) for line in told.medicines],
            goals=[GoalOut.of(goal) for goal in told.goals],
            withheld=told.withheld,
            withheld_alerts=told.withheld_alerts,
        )


class TaskOut(_Out):
    """What somebody is to do."""

    id: str
    words: str
    account: str
    due: date | None
    by: str
    at: datetime
    done_by: str
    done_at: datetime | None

    @classmethod
    def of(cls, task: Task) -> "TaskOut":
        return cls(**{name: getattr(task, name) for name in cls.model_fields})


class SeenOut(_Out):
    """Who has read a note, or agrees."""

    by: str
    at: datetime
    agreed: bool
    wrote: bool


class NoteOut(_Out):
    """A note with who has seen it, whom it mentions, and the tasks that hang on it."""

    ref: str
    at: datetime
    sort: str
    text: str
    by: str
    seen: list[SeenOut]
    mentions: tuple[str, ...]
    tasks: list[TaskOut]

    @classmethod
    def of(cls, note: Note) -> "NoteOut":
        return cls(
            **{name: getattr(note, name) for name in ("ref", "at", "sort", "text", "by", "mentions")},
            seen=[SeenOut(by=s.by, at=s.at, agreed=s.agreed, wrote=s.wrote) for s in note.seen],
            tasks=[TaskOut.of(task) for task in note.tasks],
        )
