"""A prognosis drawn from records: who enters, what was known before, what came of them, and no treatment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from alleviate.intake.tables import table_of
from alleviate.models.prognosis.candidates import ridge, sequence
from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.deep.reading import encoded_with_events
from alleviate.models.prognosis.deep.sequences import EVENTS
from alleviate.models.prognosis.model import Member, PrognosisModel
from alleviate.records import Event, PatientRecord, frame_of
from alleviate.studies.drawing import draw
from alleviate.studies.files import loads
from alleviate.studies.prognosis.cohort import cohort
from alleviate.studies.prognosis.prognoses import features_at
from alleviate.terms.errors import StudyError

STUDY = """
[study]
name = "clinic"
kind = "prognosis"

[data]
vault = true

[cohort]
start = "EPISODE//start"
offset = "1d"
outcome = { of = "phq9", take = "last", from = "12w", to = "24w" }

[outcome]
column = "phq9_after"
above = 10

[features]
phq9 = { of = "phq9" }
given = { code = "EPISODE//start", as = "category" }
"""
DAY0 = datetime(2024, 1, 1, tzinfo=UTC)
PHQ9 = "LOINC//44261-6"


def event(who: str, day: int, code: str, number: float | None = None, text: str | None = None) -> Event:
    moment = DAY0 + timedelta(days=day)
    return Event(who, moment, moment, code, number, text)


def test_a_row_holds_the_outcome_and_what_was_known_before_the_start_included():
    records = [
        PatientRecord(
            who,
            (
                event(who, 0, PHQ9, 15.0),
                event(who, 5, "EPISODE//start", text="CBT"),
                event(who, 5 + 100, PHQ9, after),
                event(who, 400, PHQ9, 1.0),
            ),
        )
        for who, after in (("p1", 4.0), ("p2", 12.0))
    ]
    table = draw(frame_of(records), loads(STUDY), loads(STUDY).cohort)
    assert table.columns == ["person", "phq9_after", "phq9", "given"]
    assert table.frame.sort("person").rows() == [("p1", 4.0, 15.0, "CBT"), ("p2", 12.0, 15.0, "CBT")]


READING = (
    STUDY
    + """
[learning]
candidates = ["none", "ridge", "sequence"]
"""
)


def one(number: int) -> PatientRecord:
    """Every third person goes on to have a high score, and had had many sessions before."""
    who, bad = f"p{number}", number % 3 == 0
    sessions = [event(who, day, "SESSION//visit") for day in range(5 if bad else 1)]
    after = [event(who, 5 + 100, PHQ9, 18.0 if bad else 3.0), event(who, 400, PHQ9, 1.0)]
    scores = [event(who, 0, PHQ9, 10.0 + number % 7), event(who, 2, PHQ9, 12.0 + number % 5)]
    return PatientRecord(who, [*sessions, *scores, event(who, 5, "EPISODE//start", text="CBT"), *after])


@pytest.fixture(scope="module")
def people() -> list[PatientRecord]:
    return [one(number) for number in range(90)]


def test_a_study_that_names_sequence_draws_the_course_known_before_the_start(people):
    study = loads(READING)
    table = draw(frame_of(people), study, study.cohort)
    assert table.columns == ["person", "phq9_after", "phq9", "given", EVENTS]
    first = table.frame.filter(pl.col("person") == "p1")[EVENTS].to_list()[0]
    assert [each["code"] for each in first] == [PHQ9, "SESSION//visit", PHQ9, "EPISODE//start"]
    assert [each["days"] for each in first] == pytest.approx([6.0, 6.0, 4.0, 1.0])
    assert [each["value"] for each in first] == [11.0, None, 13.0, None]


def test_the_course_goes_with_the_people_and_is_no_feature(people):
    study = loads(READING)
    found = cohort(study, draw(frame_of(people), study, study.cohort))
    assert found.spec.names == ("phq9", "given")
    assert found.people.features.columns == ["phq9", "given", EVENTS]
    assert found.take(np.array([3, 1])).people.features[EVENTS].to_list() == [
        found.people.features[EVENTS].to_list()[i] for i in (3, 1)
    ]


def test_what_comes_later_changes_nothing_that_is_learned_from(people):
    study = loads(READING)
    later = [
        PatientRecord(own.subject_id, [*own.events, event(own.subject_id, 50, "SESSION//late", 9.0)])
        for own in people
    ]
    before, after = (draw(frame_of(each), study, study.cohort).frame for each in (people, later))
    assert before[EVENTS].to_list() == after[EVENTS].to_list()


def test_a_table_without_events_is_refused_in_one_line(people):
    study = loads(READING)
    table = draw(frame_of(people), study, study.cohort)
    plain = table_of(table.frame.drop(EVENTS), "people.csv")
    with pytest.raises(StudyError, match=r"people.csv: expected people's events") as error:
        cohort(study, plain)
    assert "vault = true" in error.value.hint
    assert len(cohort(replace(study, candidates=("none", "ridge")), plain)) == 90


def test_records_are_foreseen_by_their_course_at_that_moment(people):
    study = loads(READING)
    found = cohort(study, draw(frame_of(people), study, study.cohort))
    encoder, vocabulary = encoded_with_events(found.people.features)
    design = PrognosisModel("binary", encoder, (), vocabulary=vocabulary).design(found.people)
    line = ridge.CANDIDATE.tune(design, np.arange(90) % 3, 1, Budget()).settings
    fitted = sequence.CANDIDATE.fit(
        design, {**line, "dropout": 0.2, "decay": 0.3, "steps": 30, "held_out": 0.7}, 1
    )
    model = PrognosisModel("binary", encoder, (Member("sequence", 1.0, fitted),), vocabulary=vocabulary)
    before = DAY0 + timedelta(days=6) - timedelta(microseconds=1)
    known = features_at(model, study, people[:6], before)
    rows = [found.ids.index(own.subject_id) for own in people[:6]]
    foretold = model.predict(known).linear
    np.testing.assert_allclose(foretold, model.predict(found.people.features[rows]).linear)
    assert foretold[0] > foretold[1]
    later = model.predict(features_at(model, study, people[:6], before + timedelta(days=30))).linear
    assert (later != foretold).any()
    plain = PrognosisModel("binary", encoder, ())
    assert EVENTS not in features_at(plain, study, people[:6], before).columns
