"""What the course of treatment puts into the chart: contacts, answers, medicine, notes, sensors, its end."""

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alleviate.records.synthetic.assessment import enter_measurement
from alleviate.records.synthetic.chart import Chart, Line
from alleviate.records.synthetic.course import Answers, Assessment, Contact, Course
from alleviate.records.synthetic.notes import Note, Writer
from alleviate.records.synthetic.person import Person
from alleviate.records.synthetic.settings import MODEL, PEOPLE

__all__ = ["ToldNote", "chart_course"]

_WORDS, _CORRECTIONS, _TRACKER = PEOPLE["words"], PEOPLE["corrections"], PEOPLE["tracker"]
_LEFT_BLANK = MODEL["course"]["left_blank"]
_EVERY = 4  # contacts from one WSAS to the next
_TITRATION = {2, 3}  # contacts at which the dose may be raised
_CASE = 10  # PHQ-9 from which a dose is raised
_ENOUGH = 5  # points of PHQ-9 that spare a higher dose
_EPOCH_ORDINAL = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001

ToldNote = tuple[str, datetime, datetime, Note]
"""The ref of a note, the time that it is about, when it is known, and the note."""


def chart_course(
    chart: Chart,
    person: Person,
    assessment: Assessment,
    course: Course,
    now: datetime,
    random: np.random.Generator,
) -> list[ToldNote]:
    """Everything from the first questionnaires to the review; returns the notes."""
    writer = _CourseWriter(chart, person, course, int(assessment.answers["phq9"].sum()), now, random)
    writer.first_appointment(assessment)
    writer.begin()
    for contact in course.contacts:
        writer.contact(contact)
    writer.review()
    writer.end()
    writer.booking()
    if random.random() < MODEL["people"]["tracker"]:
        writer.sensors()
    return writer.notes


class _CourseWriter:
    """Goes through one course from contact to contact."""

    def __init__(
        self,
        chart: Chart,
        person: Person,
        course: Course,
        baseline: int,
        now: datetime,
        random: np.random.Generator,
    ) -> None:
        self.chart, self.person, self.course, self.now, self.random = chart, person, course, now, random
        self.words = PEOPLE["treatments"][course.treatment.name]
        self.writer = Writer(person, course.treatment, random)
        self.notes: list[ToldNote] = []
        self.first = baseline
        self.held, self.step, self.episode = 0, 0, ""
        self.prescription, self.prescribed = "", person.start

    def first_appointment(self, assessment: Assessment) -> None:
        at, answers = self.person.assessed, assessment.answers
        end = self._held(at, _WORDS["assessment"], 60, "", "")
        for instrument in ("phq9", "gad7", "wsas", "audit_c"):
            self._fill_in(instrument, at, answers)
        self._tell(at, end, "NOTE//assessment", self.writer.assessment(answers, at.month))
        activities = [Line("PLAN//activity", None, words) for words in self.words["activities"]]
        self.chart.enter("CarePlan", "plan", at, *activities, Line("PLAN//status", None, _WORDS["active"]))

    def begin(self) -> None:
        """The episode's start, and a therapy as a procedure or a medicine's first prescription."""
        course, start = self.course, self.person.start
        self.episode = self.chart.enter(
            "EpisodeOfCare", "episode", start,
            Line("EPISODE//start", None, course.treatment.title),
            Line("EPISODE//therapist", None, course.therapist),
        )  # fmt: skip
        if course.treatment.medicine:
            self._prescribe(start)
            sample = start + timedelta(days=14, hours=-1)
            if course.end > sample:
                enter_measurement(self.chart, PEOPLE["sodium"], sample, self.random)
        else:
            procedure = Line(self.words["procedure"], None, course.treatment.title)
            self.chart.enter("Procedure", "procedure", start, procedure)

    def contact(self, contact: Contact) -> None:
        """A contact as it went; what was missed or cancelled leaves nothing else."""
        at, answers = contact.time, contact.answers
        if contact.status != "attended":
            status = Line(f"SESSION//{contact.status}", None, self.words["contact"])
            self.chart.enter(
                "Encounter", "session", at, status, *self._who(self.course.therapist, self.episode)
            )
            return
        self.held += 1
        number = self.held
        minutes = int(self.random.integers(self.words["minutes"][0], self.words["minutes"][1] + 1))
        end = self._held(at, self.words["contact"], minutes, self.course.therapist, self.episode)
        blank = number > 1 and self.random.random() < _LEFT_BLANK
        if not blank:
            self._fill_in("phq9", at, answers)
            self._fill_in("gad7", at, answers)
            if number % _EVERY == 1:
                self._fill_in("wsas", at, answers)
        score = int(answers["phq9"].sum())
        unwell = score >= _CASE and self.first - score < _ENOUGH
        raise_dose = self.course.treatment.medicine and number in _TITRATION and unwell
        doses = self.words.get("doses")
        note = self.writer.session(
            answers, self.first, number, at.month, scored=not blank,
            dose=doses[self.step] if doses else None,
            raised=doses[self.step + 1] if raise_dose else None,
        )  # fmt: skip
        self._tell(at, end, "NOTE//progress", note)
        if raise_dose:
            self._stop(at, _WORDS["dose_changed"])
            self.step += 1
            self._prescribe(at)

    def review(self) -> None:
        """The last questionnaires, of those who stayed and of those who sent them back."""
        course, at = self.course, self.course.review.time
        answers = course.review.answers
        if not course.left:
            end = self._held(at, _WORDS["review"], 30, course.therapist, self.episode)
            note = self.writer.review(answers, self.first, at.month, scored=course.returned)
            self._tell(at, end, "NOTE//discharge", note)
        if course.returned:
            for instrument in ("phq9", "gad7", "wsas"):
                self._fill_in(instrument, at, answers)

    def end(self) -> None:
        """The course ends, and with it the medicine, a while after the last contact of those who left."""
        course = self.course
        late = timedelta(days=21) if course.left else timedelta(minutes=30)
        over, reason = course.end + late, course.left or _WORDS["completed"]
        self.chart.enter(
            "EpisodeOfCare", "episode", over, Line("EPISODE//end", None, reason), ref=self.episode
        )
        if course.treatment.medicine and course.left == _WORDS["dropped"]:
            self._stop(over, _WORDS["stopped"])
        elif course.treatment.medicine:
            self._goes_on()

    def booking(self) -> None:
        """Of a course that lies ahead or goes on, the next appointment as it was booked at the last."""
        course = self.course
        times = [self.person.assessed, *(contact.time for contact in course.contacts)]
        for last, following in pairwise(times if course.left else [*times, course.review.time]):
            if last <= self.now < following:
                date = float(following.toordinal() - _EPOCH_ORDINAL)
                planned = Line("SESSION//planned", date, self.words["contact"])
                episode = self.episode if last >= self.person.start else ""
                self.chart.enter("Encounter", "session", last, planned, *self._who(course.therapist, episode))

    def sensors(self) -> None:
        """Steps and hours of sleep by day from the assessment; some days unworn, some synchronised late."""
        random, size = self.random, int(_TRACKER["days"])
        days = [self.person.assessed.replace(hour=23, minute=59) + timedelta(days=n) for n in range(size)]
        contacts = [*self.course.contacts, self.course.review]
        distress: NDArray[np.float64] = np.interp(
            [day.timestamp() for day in days],
            [contact.time.timestamp() for contact in contacts],
            [contact.distress for contact in contacts],
        )
        steps = np.exp(
            _TRACKER["steps_log_mean"] + _TRACKER["steps_by_distress"] * distress
            + random.normal(0, _TRACKER["steps_log_spread"], size)
        ).round()  # fmt: skip
        sleep = np.clip(
            _TRACKER["sleep_mean"] + _TRACKER["sleep_by_distress"] * distress
            + _TRACKER["insomnia"] * self.person.has("insomnia")
            + random.normal(0, _TRACKER["sleep_spread"], size), 1.0, 14.0,
        ).round(1)  # fmt: skip
        worn = random.random(size) < _TRACKER["worn"]
        late = np.where(random.random(size) < _TRACKER["synced_late"], random.integers(1, 8, size), 0)
        for n in np.flatnonzero(worn):
            known = days[n] + timedelta(days=int(late[n]), hours=7)
            walked = Line(_TRACKER["steps"], float(steps[n]), _TRACKER["steps_unit"])
            slept = Line(_TRACKER["sleep"], float(sleep[n]), _TRACKER["sleep_unit"])
            self.chart.enter("Observation", "sensor", days[n], walked, known=known)
            self.chart.enter("Observation", "sensor", days[n], slept, known=known)

    def _held(self, at: datetime, contact: str, minutes: int, therapist: str, episode: str) -> datetime:
        end = at + timedelta(minutes=minutes)
        self.chart.enter(
            "Encounter", "session", at,
            Line("SESSION//attended", None, contact),
            Line("SESSION//minutes", float(minutes), known=end),
            *self._who(therapist, episode),
        )  # fmt: skip
        return end

    def _who(self, therapist: str, episode: str) -> list[Line]:
        named = (("SESSION//therapist", therapist), ("SESSION//episode", episode))
        return [Line(name, None, text) for name, text in named if text]

    def _fill_in(self, instrument: str, at: datetime, answers: Answers) -> None:
        """Of about one in a hundred the record holds a slip of one item until it is corrected."""
        right = answers[instrument]
        if self.random.random() >= _CORRECTIONS["share"]:
            self.chart.answers(instrument, at, right)
            return
        corrected = at + timedelta(days=int(self.random.integers(*_CORRECTIONS["late_days"])), hours=2)
        slip = right.copy()
        item = int(self.random.integers(len(right)))
        slip[item] += 1 if right[item] == 0 else -1
        ref = self.chart.answers(instrument, at, slip, until=corrected)
        self.chart.answers(instrument, at, right, known=corrected, ref=ref)

    def _tell(self, at: datetime, end: datetime, kind: str, note: Note) -> None:
        """Most notes are written straight after, some the next day."""
        late = timedelta(days=1) if self.random.random() < PEOPLE["note_next_day"] else timedelta(minutes=10)
        line, known = Line(kind, None, note.text), end + late
        ref = self.chart.enter("DocumentReference", "note", at, line, known=known)
        self.notes.append((ref, at, known, note))

    def _prescribe(self, at: datetime) -> None:
        dose = Line("MEDICATION//dose", float(self.words["doses"][self.step]), _WORDS["unit_dose"])
        medicine = Line(self.words["code"], None, self.course.treatment.title)
        self.prescription = self.chart.enter("MedicationRequest", "medication", at, medicine, dose)
        self.prescribed = at

    def _stop(self, at: datetime, reason: str) -> None:
        """A prescription has one status: that of its end once that has come, and until then that it runs."""
        if at > self.now:
            self._goes_on()
            return
        self.chart.enter(
            "MedicationRequest", "medication", at,
            Line(f"{self.words['code']}//end", None, reason),
            Line("MEDICATION//status", None, _WORDS["ended"]),
            ref=self.prescription,
        )  # fmt: skip

    def _goes_on(self) -> None:
        runs = Line("MEDICATION//status", None, _WORDS["active"])
        self.chart.enter("MedicationRequest", "medication", self.prescribed, runs, ref=self.prescription)
