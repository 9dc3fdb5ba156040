"""Everything that the patient's page, its print and its interface show, out of one chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from alleviate.clinic.patient.contacts import (
    Contact,
    Episode,
    contacts,
    episodes,
    next_appointment,
    present_episode,
)
from alleviate.clinic.patient.followed import Course, CourseAlert, Follower, course_alerts, courses_of
from alleviate.clinic.patient.history import Goal, Line, goals, medicines, problems
from alleviate.clinic.patient.measures import Measure, measures
from alleviate.clinic.patient.notes import Note, Task, notes_of, tasks_of
from alleviate.clinic.patient.person import Person, person_of
from alleviate.clinic.wishes import wishes_of
from alleviate.decisions.parts import Wanted
from alleviate.progress.alerts import Alert, Standing, standing
from alleviate.progress.ladder import Ladders
from alleviate.records import KINDS, Kind
from alleviate.vault.charts import Chart

__all__ = ["Overview", "SafetyAlert", "overview_of", "withheld_kinds"]


@dataclass(frozen=True, slots=True)
class SafetyAlert:
    """A safety alert and where it stands; ``standing`` None once it is resolved."""

    alert: Alert
    standing: Standing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One person now. ``episode``: the treatment under way, or the last; ``measures``: the most used first.

    ``safety``: open ones first, by their deadlines, none held back; ``withheld``: kinds of data that the
    person does not permit to be seen, so that what is empty is not taken for nothing."""

    person: Person
    episode: Episode | None
    episodes: tuple[Episode, ...]
    measures: tuple[Measure, ...]
    courses: tuple[Course, ...]
    safety: tuple[SafetyAlert, ...]
    course_alerts: tuple[CourseAlert, ...]
    withheld_alerts: int
    contacts: tuple[Contact, ...]
    appointment: date | None
    problems: tuple[Line, ...]
    medicines: tuple[Line, ...]
    goals: tuple[Goal, ...]
    wishes: tuple[Wanted, ...]
    notes: tuple[Note, ...]
    tasks: tuple[Task, ...]
    withheld: tuple[Kind, ...]

    @property
    def open_safety(self) -> tuple[SafetyAlert, ...]:
        return tuple(one for one in self.safety if one.standing)

    @property
    def open_course_alerts(self) -> tuple[CourseAlert, ...]:
        return tuple(one for one in self.course_alerts if one.state != "resolved")


def overview_of(
    chart: Chart, followers: Sequence[Follower], now: datetime, ladders: Ladders | None = None
) -> Overview:
    """``followers``: the courses that are live; without any, alerts and all else are still there."""
    record = chart.record
    treated = episodes(record)
    present = present_episode(treated, now)
    came = contacts(record)
    courses = courses_of(chart.courses, followers)
    return Overview(
        person=person_of(record, chart.patient),
        episode=present,
        episodes=tuple(treated),
        measures=tuple(measures(record, present.since if present else None)),
        courses=tuple(courses),
        safety=_safety(chart.alerts, now, ladders),
        course_alerts=tuple(course_alerts(courses)),
        withheld_alerts=chart.withheld_alerts,
        contacts=tuple(came),
        appointment=next_appointment(came, now.date()),
        problems=tuple(problems(record)),
        medicines=tuple(medicines(record)),
        goals=tuple(goals(record)),
        wishes=wishes_of(record),
        notes=tuple(notes_of(record, chart.sheets)),
        tasks=tuple(tasks_of(chart.sheets)),
        withheld=withheld_kinds(chart),
    )


def withheld_kinds(chart: Chart) -> tuple[Kind, ...]:
    """The kinds of data that the person does not permit for this purpose."""
    return tuple(kind for kind in KINDS if kind not in chart.allowed)


def _safety(alerts: Sequence[Alert], now: datetime, ladders: Ladders | None) -> tuple[SafetyAlert, ...]:
    found = [SafetyAlert(alert, standing(alert, now, ladders)) for alert in alerts]
    waiting = [(one.standing, one) for one in found if one.standing]
    waiting.sort(key=lambda pair: (not pair[0].overdue, pair[0].deadline, pair[1].alert.id))
    over = [one for one in found if not one.standing]
    over.sort(key=lambda one: (one.alert.sign.time, one.alert.id), reverse=True)
    return (*(one for _, one in waiting), *over)
