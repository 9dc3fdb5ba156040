"""One patient for programs: what the pages show and take, as plain values; the same functions do it."""

from alleviate.clinic.gate import Door, VisitOf
from alleviate.clinic.patient.answering import answer, answerables
from alleviate.clinic.patient.followers import followers_of
from alleviate.clinic.patient.models import (
    AlertOut,
    NoteIn,
    NoteOut,
    PatientOut,
    SeenIn,
    StepIn,
    StoredOut,
    TaskIn,
    TaskOut,
)
from alleviate.clinic.patient.notes import notes_of, tasks_of
from alleviate.clinic.patient.overview import overview_of
from alleviate.clinic.patient.reading import nothing_here, open_chart
from alleviate.clinic.patient.team_working import finish_task, give_task, say_seen, write_note

__all__ = ["door"]

door = Door("patient", prefix="/api/v1/patients/{patient}")


@door.data("", action="patient.see", response_model=PatientOut)
def patient_now(patient: str, visit: VisitOf) -> PatientOut:
    """Scores, treatment, problems, medicines, goals."""
    chart = open_chart(visit, sheets=())
    return PatientOut.of(overview_of(chart, followers_of(visit.services.shelf), visit.now))


@door.data("/alerts", action="patient.see", response_model=list[AlertOut])
def alerts(patient: str, visit: VisitOf) -> list[AlertOut]:
    """Every alert, resolved ones too, with its steps."""
    return [AlertOut.of(one) for one in answerables(visit, open_chart(visit, sheets=()))]


@door.data("/alerts/{alert}/steps", action="alert.answer", methods=["POST"], response_model=AlertOut)
def take_step(patient: str, alert: str, step: StepIn, visit: VisitOf) -> AlertOut:
    """Take an alert, or resolve it."""
    answer(visit, open_chart(visit, sheets=()), alert, step.state, step.done)
    after = answerables(visit, open_chart(visit, sheets=()))
    found = next((one for one in after if one.id == alert), None)
    if found is None:
        raise nothing_here()
    return AlertOut.of(found)


@door.data("/notes", action="patient.see", response_model=list[NoteOut])
def notes(patient: str, visit: VisitOf) -> list[NoteOut]:
    """The notes, the latest first."""
    chart = open_chart(visit)
    return [NoteOut.of(note) for note in notes_of(chart.record, chart.sheets)]


@door.data("/notes", action="note.write", methods=["POST"], response_model=StoredOut, status_code=201)
def add_note(patient: str, note: NoteIn, visit: VisitOf) -> StoredOut:
    """Write a note."""
    return StoredOut(id=write_note(visit, open_chart(visit), note.sort, note.text, note.mention))


@door.data("/notes/seen", action="note.write", methods=["POST"], response_model=NoteOut)
def seen(patient: str, said: SeenIn, visit: VisitOf) -> NoteOut:
    """Say that a note was read, or is agreed with."""
    say_seen(visit, open_chart(visit), said.note, agreed=said.agreed)
    chart = open_chart(visit)
    return NoteOut.of(next(n for n in notes_of(chart.record, chart.sheets) if n.ref == said.note))


@door.data("/tasks", action="patient.see", response_model=list[TaskOut])
def tasks(patient: str, visit: VisitOf) -> list[TaskOut]:
    """The tasks, open ones first."""
    return [TaskOut.of(task) for task in tasks_of(open_chart(visit).sheets)]


@door.data("/tasks", action="note.write", methods=["POST"], response_model=StoredOut, status_code=201)
def add_task(patient: str, task: TaskIn, visit: VisitOf) -> StoredOut:
    """Give somebody of the care team something to do."""
    chart = open_chart(visit)
    return StoredOut(id=give_task(visit, chart, task.words, task.account, task.due, task.note))


@door.data("/tasks/{task}/done", action="note.write", methods=["POST"], response_model=TaskOut)
def done(patient: str, task: str, visit: VisitOf) -> TaskOut:
    """Say that a task is done."""
    finish_task(visit, open_chart(visit), task)
    return TaskOut.of(next(one for one in tasks_of(open_chart(visit).sheets) if one.id == task))
