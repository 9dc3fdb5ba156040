"""The clinic that never was: its records, and what is true of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
import polars as pl

from alleviate.records.event import Event
from alleviate.records.record import PatientRecord
from alleviate.records.synthetic.assessment import chart_assessment, chart_person
from alleviate.records.synthetic.chart import Chart
from alleviate.records.synthetic.course import Assessment, Course, assess, choose, follow
from alleviate.records.synthetic.person import Person, draw_person
from alleviate.records.synthetic.settings import FEATURES, MODEL, TREATMENTS
from alleviate.records.synthetic.treatment import ToldNote, chart_course
from alleviate.records.synthetic.truth import Staff, draw_staff, expected_totals
from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc

__all__ = ["ARRIVALS", "CLAIMS", "Clinic", "simulate"]

LAST_MOMENT = datetime(2025, 12, 31, tzinfo=UTC)

CLAIMS = pl.Schema(
    {
        "subject_id": pl.String(),
        "entry": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "concept": pl.String(),
        "assertion": pl.String(),
        "sentence": pl.String(),
    }
)
"""The columns of `Clinic.claims`."""

ARRIVALS = pl.Schema(
    {
        "number": pl.Int64(),
        "site": pl.String(),
        "assessed": pl.Datetime("us", "UTC"),
        "start": pl.Datetime("us", "UTC"),
    }
)
"""The columns of `Clinic.arrivals`."""

_STAFF, _PEOPLE = 0, 1
_LIFE, _CHART = 0, 1


@dataclass(frozen=True)
class Clinic:
    """A synthetic clinic of ``patients`` people up to ``now``. Nobody in it is or was.

    Patient i depends on ``seed``, ``now`` and i alone: a clinic of ten is the first ten of a clinic of a
    thousand. Nothing is kept, so that any number streams in the memory of one.
    """

    patients: int
    seed: int
    now: datetime = LAST_MOMENT

    def __post_init__(self) -> None:
        check_utc(self.now, "The last moment of a clinic")
        for name, value, least in (("patients", self.patients, 1), ("seed", self.seed, 0)):
            if type(value) is not int or not least <= value < 2**63:
                raise DataError(
                    f"{name} must be a whole number from {least}, got {value!r}.", hint="Choose another."
                )

    def records(self) -> Iterator[PatientRecord]:
        """Every patient's record as it stands at ``now``, in order."""
        return map(self.record, range(self.patients))

    def record(self, number: int) -> PatientRecord:
        """The record of one patient, from 0, as it stands at ``now``."""
        return self._charted(number)[0]

    def arrivals(self) -> pl.DataFrame:
        """Who comes when, a row a patient, in order: ``number``, ``site``, ``assessed``, ``start`` (UTC)."""
        people = (
            draw_person(_random(self.seed, _PEOPLE, number, _LIFE), self.now)
            for number in range(self.patients)
        )
        rows = [(number, one.site.name, one.assessed, one.start) for number, one in enumerate(people)]
        return pl.DataFrame(rows, schema=ARRIVALS, orient="row")

    def truth(self, numbers: Iterable[int] | None = None) -> pl.DataFrame:
        """What is true, a row a patient, of these or of all: see docs/synthetic.md for the columns."""
        chosen = range(self.patients) if numbers is None else numbers
        return pl.DataFrame([self._truth(number) for number in chosen])

    def claims(self) -> pl.DataFrame:
        """What each note in the records says, a row a claim, by sentence. Columns: `CLAIMS`."""
        return pl.concat([claims for _, claims in self.with_claims()])

    def with_claims(self) -> Iterator[tuple[PatientRecord, pl.DataFrame]]:
        """Every patient's record with the claims of its notes, in one pass."""
        for number in range(self.patients):
            record, notes = self._charted(number)
            rows = [
                (record.subject_id, ref, time, claim.concept, claim.assertion, claim.sentence)
                for ref, time, known, note in notes
                if known <= self.now
                for claim in note.claims
            ]
            yield record, pl.DataFrame(rows, schema=CLAIMS, orient="row")

    @cached_property
    def _staff(self) -> dict[tuple[str, str], Staff]:
        return draw_staff(_random(self.seed, _STAFF))

    def _name(self, number: int) -> str:
        return f"synthetic-{self.seed}-{number:06d}"

    def _life(self, number: int) -> tuple[Person, Assessment, Course]:
        random = _random(self.seed, _PEOPLE, number, _LIFE)
        person = draw_person(random, self.now)
        assessment = assess(person, random)
        return person, assessment, follow(person, choose(assessment, random), self._staff, random)

    def _charted(self, number: int) -> tuple[PatientRecord, list[ToldNote]]:
        person, assessment, course = self._life(number)
        random = _random(self.seed, _PEOPLE, number, _CHART)
        chart = Chart(self._name(number))
        chart_person(chart, person, random)
        chart_assessment(chart, person, assessment, course.treatment, random)
        notes = chart_course(chart, person, assessment, course, self.now, random)
        return PatientRecord(chart.subject_id, _by(chart.events, self.now)), notes

    def _truth(self, number: int) -> dict[str, object]:
        person, assessment, course = self._life(number)
        expected = expected_totals(person, self._staff)
        chosen = TREATMENTS.index(course.treatment)
        baseline = int(assessment.answers["phq9"].sum())
        names = [arm.name for arm in TREATMENTS]
        return {
            "subject_id": self._name(number),
            "site": person.site.name,
            "start": person.start,
            "assigned": course.treatment.name,
            "propensity": float(assessment.propensities[chosen]),
            **{
                f"propensity_{name}": float(p) for name, p in zip(names, assessment.propensities, strict=True)
            },
            **{f"expected_{name}": float(e) for name, e in zip(names, expected, strict=True)},
            "best": names[int(expected.argmin())],
            "baseline_phq9": baseline,
            "end_phq9": int(course.review.answers["phq9"].sum()),
            "end_recorded": course.returned and course.review.time <= self.now,
            "slope": (float(expected[chosen]) - baseline) / MODEL["course"]["weeks"],
            "speed": course.speed,
            "response": course.response,
            "therapist": course.therapist,
            "therapist_effect": course.therapist_effect,
            "dropout_risk": course.risk,
            "left": course.left,
            "metaboliser": person.metaboliser,
            **{name: float(value) for name, value in zip(FEATURES, person.features, strict=True)},
        }


def simulate(patients: int, seed: int, *, now: datetime | None = None) -> Clinic:
    """A clinic of so many patients; the same arguments give the same clinic. Raises DataError."""
    return Clinic(patients, seed, LAST_MOMENT if now is None else now)


def _by(events: Iterable[Event], now: datetime) -> Iterator[Event]:
    """What is known at ``now``, with what was replaced by then, and no sign of what will be."""
    for event in events:
        if event.known_at <= now:
            later = event.known_until is not None and event.known_until > now
            yield replace(event, known_until=None) if later else event


def _random(seed: int, *path: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=path))
