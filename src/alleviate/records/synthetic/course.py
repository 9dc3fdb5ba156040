"""What happens to one person: the assessment, the treatment chosen, its contacts, answers, and its end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from alleviate.records.synthetic.answers import QUESTIONNAIRES
from alleviate.records.synthetic.person import Person, is_holiday
from alleviate.records.synthetic.settings import MODEL, PEOPLE, TREATMENTS, Treatment
from alleviate.records.synthetic.truth import Staff, end_distress, propensities, season

__all__ = ["Assessment", "Contact", "Course", "assess", "choose", "follow"]

Floats = NDArray[np.float64]
Answers = dict[str, NDArray[np.int64]]

_COURSE, _DROPOUT = MODEL["course"], MODEL["dropout"]
_WORDS = PEOPLE["words"]
_WEEKS: int = _COURSE["weeks"]
_MEDICINE_DAYS = (0, 14, 28, 49, 70, 91)
_FRIDAY = 4
_LAST_DAY = _WEEKS * 7 - 5  # contacts end before the review


@dataclass(frozen=True, slots=True)
class Assessment:
    """The first appointment: answers to every questionnaire, and who was then likely to get what."""

    answers: Answers
    propensities: Floats


@dataclass(frozen=True, slots=True)
class Contact:
    """One appointment. ``status`` is attended, missed or cancelled; ``distress`` is true, ``answers`` by
    questionnaire; ``hazard`` is the probability of not coming back after it.
    """

    time: datetime
    status: str
    distress: float
    answers: Answers
    hazard: float


@dataclass(frozen=True, slots=True)
class Course:
    """A course of treatment.

    ``contacts`` are those until the person left; ``review`` is the appointment at the last week: its answers
    are the outcome, and ``returned`` says whether they reach the record. ``left`` is why the person stopped
    before, else None; ``risk`` is the probability that they would, had they kept every appointment;
    ``response`` is what no feature explains of the change.
    """

    treatment: Treatment
    therapist: str
    therapist_effect: float
    response: float
    speed: float
    contacts: tuple[Contact, ...]
    left: str | None
    risk: float
    review: Contact
    returned: bool

    @property
    def end(self) -> datetime:
        """When the course of treatment ended: the last contact of those who left, else the review."""
        return self.contacts[-1].time if self.left else self.review.time


def assess(person: Person, random: np.random.Generator) -> Assessment:
    """Answers at assessment, and the propensities that follow from them."""
    distress = person.distress + season(person.assessed) + float(random.normal(0.0, _COURSE["noise"]))
    answers = _answers(person, np.array([distress]), np.zeros(1), random)
    first = {name: rows[0] for name, rows in answers.items()}
    return Assessment(first, propensities(person, int(first["phq9"].sum())))


def choose(assessment: Assessment, random: np.random.Generator) -> Treatment:
    """The treatment that the person and the clinic agree on."""
    return TREATMENTS[random.choice(len(TREATMENTS), p=assessment.propensities)]


def follow(
    person: Person, treatment: Treatment, staff: dict[tuple[str, str], Staff], random: np.random.Generator
) -> Course:
    """One course under a treatment; another generator gives another course of the same person.

    Distress goes its way whether or not the person keeps coming: leaving is a consequence of the course and
    has no effect of its own.
    """
    those = staff[person.site.name, treatment.name]
    seat = int(random.choice(len(those.names), p=those.caseloads))
    response = float(random.normal(0.0, _COURSE["response"]))
    speed = treatment.speed * float(np.exp(random.normal(0.0, _COURSE["speed_spread"])))
    times = [
        person.start + timedelta(days=int(day)) for day in _days(treatment, person.start.weekday(), random)
    ]
    times.append(person.start + timedelta(weeks=_WEEKS))
    weeks = np.array([(time - person.start).days / 7 for time in times])
    now_far = (1 - np.exp(-weeks / speed)) / (1 - np.exp(-_WEEKS / speed))
    last_season = season(times[-1])
    change = (
        end_distress(person)[TREATMENTS.index(treatment)]
        + float(those.effects[seat]) + response - person.distress - last_season
    )  # fmt: skip
    seasons = np.array([season(time) for time in times])
    distress = (
        person.distress + now_far * change + seasons + _COURSE["noise"] * _waves(weeks, 1, random)[:, 0]
    )
    answers = _answers(person, distress, weeks, random)
    statuses = _statuses(person, times[:-1], random)
    planned = [
        Contact(time, status, float(distress[n]), {name: rows[n] for name, rows in answers.items()}, 0.0)
        for n, (time, status) in enumerate(zip(times, [*statuses, "attended"], strict=True))
    ]
    contacts, left, risk = _until_left(person, treatment, planned[:-1], random)
    return Course(
        treatment=treatment,
        therapist=those.names[seat],
        therapist_effect=float(those.effects[seat]),
        response=response,
        speed=speed,
        contacts=contacts,
        left=left,
        risk=risk,
        review=planned[-1],
        returned=bool(random.random() < (_COURSE["review_returned"] if left else 1 - _COURSE["left_blank"])),
    )


def _days(treatment: Treatment, weekday: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Days from the start: about weekly for a therapy, with gaps; wider for a medicine; no weekends."""
    if treatment.medicine:
        days = np.array(_MEDICINE_DAYS[: treatment.sessions])
        days[1:] += random.choice([-7, 0, 0, 0, 1, 2, 7], len(days) - 1)
    else:
        gaps = random.choice([7, 7, 7, 7, 7, 7, 8, 6, 14, 21], treatment.sessions - 1)
        days = np.concatenate([[0], np.cumsum(gaps)])
    of_week = (weekday + days) % 7
    days = days + np.where(of_week > _FRIDAY, 7 - of_week, 0)
    return np.unique(days[days <= _LAST_DAY])


def _waves(weeks: Floats, size: int, random: np.random.Generator) -> Floats:
    """Stationary Ornstein-Uhlenbeck processes of variance 1 at these weeks: shape (weeks, size)."""
    waves = random.normal(size=(len(weeks), size))
    kept = np.exp(-np.diff(weeks) / _COURSE["memory"])
    for n, keep in enumerate(kept, 1):
        waves[n] = keep * waves[n - 1] + np.sqrt(1 - keep**2) * waves[n]
    return waves


def _answers(person: Person, distress: Floats, weeks: Floats, random: np.random.Generator) -> Answers:
    """Answers to every questionnaire at each distress: name → (weeks, items).

    The luck of an answer is kept for a while, as a person's way of answering is.
    """
    return {
        name: form.draw(
            form.follows * distress + np.sqrt(1 - form.follows**2) * person.apart[name],
            person.shifts[name],
            ndtr(_waves(weeks, len(form.slopes), random)),
        )
        for name, form in QUESTIONNAIRES.items()
    }


def _statuses(person: Person, times: list[datetime], random: np.random.Generator) -> list[str]:
    """The first appointment is always kept: without it there is no course. On holidays all are cancelled."""
    missed = _COURSE["missed"] + _COURSE["missed_unemployed"] * person.has("unemployed")
    shares = [1 - missed - _COURSE["cancelled"], missed, _COURSE["cancelled"]]
    drawn = random.choice(["attended", "missed", "cancelled"], len(times), p=shares)
    later = zip(times[1:], drawn[1:], strict=True)
    return ["attended", *("cancelled" if is_holiday(time) else str(status) for time, status in later)]


def _until_left(
    person: Person, treatment: Treatment, planned: list[Contact], random: np.random.Generator
) -> tuple[tuple[Contact, ...], str | None, float]:
    """The contacts that took place, why the person left if so, and the risk of leaving over the course."""
    first = int(planned[0].answers["phq9"].sum())
    kept: list[Contact] = []
    stay, last, gone = 1.0, first, False
    for n, contact in enumerate(planned):
        missed = contact.status == "missed"
        last = int(contact.answers["phq9"].sum()) if contact.status == "attended" else last
        odds = (
            _DROPOUT["constant"] + treatment.dropout
            + _DROPOUT["severity"] * (last - 12) / 5
            + _DROPOUT["worsening"] * (last - first) / 5
            + _DROPOUT["missed"] * missed
            + _DROPOUT["young"] * person.has("young")
            + _DROPOUT["unemployed"] * person.has("unemployed")
        )  # fmt: skip
        hazard = float(1 / (1 + np.exp(-odds))) if n < len(planned) - 1 else 0.0
        stay *= 1 - hazard
        if not gone:
            kept.append(Contact(contact.time, contact.status, contact.distress, contact.answers, hazard))
            gone = bool(random.random() < hazard)
    if not gone:
        return tuple(kept), None, 1 - stay
    final = [int(c.answers["phq9"].sum()) for c in kept if c.status == "attended"][-1]
    luck = random.random()
    if final >= _DROPOUT["referred_from"] and luck < _DROPOUT["referred"]:
        return tuple(kept), _WORDS["referred"], 1 - stay
    moved = random.random() < _DROPOUT["moved"]
    return tuple(kept), _WORDS["moved" if moved else "dropped"], 1 - stay
