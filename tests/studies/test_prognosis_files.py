"""A file of kind "prognosis" becomes a study; what is wrong is said with file, line, key and nearest name."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from alleviate.models.prognosis.shelf import CANDIDATES
from alleviate.studies.files import dumps, load, loads, of_treatment, shipped, with_data
from alleviate.studies.prognosis.sections import LEARNERS
from alleviate.terms.errors import StudyError
from alleviate.terms.prognosis_study import (
    PREDICTORS,
    PredictedOutcome,
    PrognosisStudy,
    PrognosisValidation,
    Sampling,
)
from alleviate.terms.study import DataSource

FULL = """\
[study]
name = "p-1"
kind = "prognosis"
title = "A prognosis"
question = "Who?"
reference = "Us (2024)"

[data]
path = "people.csv"
id = "person"
weight = "w"
cluster = "psu"
stratum = "region"

[outcome]
column = "months"
kind = "time-to-event"
event = "ended"
occurred = 1
competing = ["died", 3]
horizon = 12
label = "leaving treatment"
unit = "months"

[features]
include = ["age", "sex"]
known_after = ["notes"]
fixed = ["age"]
changes = { worse = ["week4", "start"] }

[features.labels]
age = "age (years)"

[learning]
candidates = ["none", "ridge", "ebm"]
seconds = 60

[validation]
folds = 4
repeats = 2
site = "clinic"
trial = "trial"
time = "year"
test_from = 2017
groups = ["sex"]
seed = 7

[transfer]
source = "runs/other"
source_data = "other.csv"
"""

LEAST = """\
[study]
name = "s"
kind = "prognosis"
[data]
path = "people.csv"
[outcome]
column = "y"
"""

FROM_RECORDS = """\
[study]
name = "s"
kind = "prognosis"
[data]
vault = true
[cohort]
start = "EPISODE//start"
outcome = { of = "phq9", take = "last", from = "8w", to = "16w" }
[outcome]
column = "phq9_later"
above = 10
[features]
fixed = ["age"]
age = { take = "age" }
phq9 = { of = "phq9", label = "PHQ-9" }
clinic = { code = "CLINIC", as = "category" }
[validation]
site = "clinic"
"""


def test_a_full_file_says_everything(tmp_path):
    file = tmp_path / "p.toml"
    file.write_text(FULL, encoding="utf-8")
    study = load(file)
    assert study == PrognosisStudy(
        name="p-1",
        title="A prognosis",
        question="Who?",
        reference="Us (2024)",
        data=DataSource(path=str(tmp_path / "people.csv"), id="person"),
        outcome=PredictedOutcome(
            "months", "time-to-event", event="ended", occurred="1", competing=("died", "3"), horizon=12.0,
            label="leaving treatment", unit="months",
        ),
        sampling=Sampling("w", "psu", "region"),
        include=("age", "sex"),
        known_after=("notes",),
        labels={"age": "age (years)"},
        changes={"worse": ("week4", "start")},
        fixed=("age",),
        candidates=("none", "ridge", "ebm"),
        seconds=60.0,
        validation=PrognosisValidation(4, 2, "clinic", "trial", "year", 2017.0, ("sex",), 7),
        source=str(tmp_path / "runs" / "other"),
        source_data=str(tmp_path / "other.csv"),
    )  # fmt: skip
    text = dumps(study, folder=tmp_path)
    assert 'path = "people.csv"' in text
    assert 'source = "runs/other"' in text
    assert loads(text, folder=tmp_path) == study == loads(dumps(study))


def test_a_short_file_gets_the_defaults():
    study = loads(LEAST)
    assert isinstance(study, PrognosisStudy)
    assert study.question == "What can be foreseen of y, and for whom?"
    assert (study.candidates, study.seconds, study.validation) == (PREDICTORS, None, PrognosisValidation())
    assert study.outcome == PredictedOutcome("y")
    assert study.sampling == Sampling()


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ('present = "yes"', PredictedOutcome("y", "binary", present="yes")),
        ("present = 2", PredictedOutcome("y", "binary", present="2")),
        ("above = 10", PredictedOutcome("y", "binary", above=10.0)),
        ('levels = ["a", "b", "c"]', PredictedOutcome("y", "ordinal", levels=("a", "b", "c"))),
        ("levels = [0, 1, 2]", PredictedOutcome("y", "ordinal", levels=("0", "1", "2"))),
        ('kind = "ordinal"', PredictedOutcome("y", "ordinal")),
        ('kind = "numeric"', PredictedOutcome("y", "numeric")),
    ],
)
def test_what_is_said_of_an_outcome_tells_its_kind(line, outcome):
    study = loads(f"{LEAST}{line}\n")
    assert study.outcome == outcome
    assert loads(dumps(study)) == study


def test_a_test_may_begin_on_a_date():
    study = loads(f'{LEAST}[validation]\ntime = "seen"\ntest_from = 2017-01-01\n')
    assert study.validation.test_from == (date(2017, 1, 1) - date(1970, 1, 1)).days


WRONG = [
    ("[transfer]", "[treatment]", 48, "[treatment]: a prognosis compares no treatments", "Take it out"),
    ("[transfer]", "[[harm]]", 48, "[harm 1]: a prognosis compares no treatments", "Take it out"),
    ("[outcome]", "[outcomes]", 15, "[outcomes]: there is no such table", '"outcome"'),
    ("horizon = 12", "horizn = 12", 21, "[outcome] horizn: there is no such key", '"horizon"'),
    ("horizon = 12\n", "", 15, "[outcome] horizon: a time to an event needs this key", "horizon = 24"),
    ('event = "ended"\n', "", 15, "[outcome] event: a time to an event needs this key", "event ="),
    ('kind = "time-to-event"\n', "", 17, "[outcome] event: is for times to an event only", "time-to-event"),
    ('"time-to-event"', '"survival"', 17, 'expected "binary" or "numeric" or "ordinal"', ""),
    ("occurred = 1", 'occurred = "died"', 20, 'competing: expected other ends than "died"', ""),
    ("competing = [", "competing = [true, ", 20, "competing: expected a list of texts", ""),
    ('competing = ["died", 3]', "competing = 3", 20, "competing: expected a list of values", ""),
    ("horizon = 12", "horizon = 12\nabove = 3", 22, "above: is for a binary outcome only", "binary"),
    ("horizon = 12", 'levels = ["a"]\nhorizon = 12', 21, "levels: is for a ordinal outcome only", ""),
    ('include = ["age", "sex"]', 'include = ["age", "w"]', 26, '"w" is [data] weight', "Take it out"),
    ('include = ["age", "sex"]', 'include = ["age", "ended"]', 26, '"ended" is [outcome] event', ""),
    ('include = ["age", "sex"]', 'include = ["age", "clinic"]', 26, '"clinic" is [validation] site', ""),
    (
        'include = ["age", "sex"]',
        'include = ["age", "notes"]',
        26,
        '"notes" is in known_after',
        "Take it out",
    ),
    ('fixed = ["age"]', 'fixed = ["agee"]', 28, '"agee" is no feature', '"age"'),
    ('["week4", "start"]', '["week4"]', 29, "changes: expected a table like", ""),
    ('["week4", "start"]', '["week4", "week4"]', 29, "changes: expected a table like", ""),
    ('{ worse = ["week4", "start"] }', "3", 29, "changes: expected a table like", ""),
    ('["week4", "start"]', '["week4", "notes"]', 29, '"notes" is in known_after', ""),
    ("worse =", "age =", 29, '"age" is the name of a column already', "Give it another"),
    ('"ebm"]', '"emb"]', 35, "candidates: expected some of none, ridge", '"ebm"'),
    ("seconds = 60", "seconds = 0", 36, "seconds: expected a number above 0", ""),
    ("test_from = 2017\n", "", 43, 'time: needs "test_from" beside it', "2017"),
    ('time = "year"\n', "", 43, 'test_from: needs "time" beside it', "year"),
    ("test_from = 2017", 'test_from = "2017"', 44, 'test_from: expected a number, got "2017"', ""),
    ('groups = ["sex"]', 'groups = ["months"]', 45, '"months" is [outcome] column', "Take it out"),
    ('weight = "w"', 'weight = "person"', 11, '"person" is [data] id already', "Name another"),
    ('time = "year"', 'time = "months"', 43, '"months" is [outcome] column already', "Name another"),
    ('source = "runs/other"\n', "", 49, 'source_data: needs "source" beside it', "runs/other"),
    ('name = "p-1"', 'name = "../x"', 2, "[study] name: expected letters, digits", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "says", "hint"), WRONG)
def test_each_mistake_in_a_prognosis_is_one_line_with_its_place(old, new, line, says, hint):
    assert old in FULL
    with pytest.raises(StudyError) as caught:
        loads(FULL.replace(old, new, 1), source="p.toml")
    message = caught.value.message
    assert message.startswith(f"p.toml, line {line}, ")
    assert says in message
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says", "hint"),
    [
        ('levels = ["no", "yes"]', "expected 3 levels or more", 'present = "yes"'),
        ("levels = []", "expected 3 levels or more", ""),
        ('present = "a"\nabove = 1', 'expected either "present" or "above", got both', "Leave one out"),
        ('kind = "ordinal"\npresent = 1', "is for a binary outcome only", 'kind = "binary"'),
    ],
)
def test_an_outcome_is_said_in_one_way(line, says, hint):
    with pytest.raises(StudyError) as caught:
        loads(f"{LEAST}{line}\n")
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_a_site_may_be_the_cluster_that_people_were_drawn_in():
    study = loads(FULL.replace('cluster = "psu"', 'cluster = "clinic"'))
    assert study.sampling.cluster == study.validation.site == "clinic"


def test_from_records_features_are_defined_and_no_treatment_is_asked_for():
    study = loads(FROM_RECORDS)
    assert study.cohort.start == "EPISODE//start"
    assert set(study.definitions) == {"age", "phq9", "clinic"}
    assert (study.fixed, study.labels) == (("age",), {"phq9": "PHQ-9"})
    assert loads(dumps(study)) == study
    moved = with_data(study, "people.csv")
    assert (moved.cohort, moved.definitions, moved.include) == (None, {}, ("age", "phq9"))
    with pytest.raises(StudyError, match=r"\[cohort\] arm: there is no such key"):
        loads(FROM_RECORDS.replace("[cohort]", '[cohort]\narm = "code"'))
    timed = 'kind = "time-to-event"\nevent = "e"\nhorizon = 3'
    with pytest.raises(StudyError, match="the vault gives numbers, or yes and no"):
        loads(FROM_RECORDS.replace("above = 10", timed))
    with pytest.raises(StudyError, match='"agee" is no feature'):
        loads(FROM_RECORDS.replace('fixed = ["age"]', 'fixed = ["agee"]'))


def test_other_data_take_the_place_of_a_prognosis_s_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = load("help-cesd")
    assert with_data(study, "new.csv") == replace(
        study, data=DataSource(path=str(Path(tmp_path / "new.csv")), id="id")
    )


def test_a_prognosis_is_no_study_of_treatment():
    assert of_treatment(load("jobs2")) == load("jobs2")
    with pytest.raises(StudyError, match="expected a study of treatment, got a prognosis"):
        of_treatment(loads(LEAST))


def test_what_ships_is_read_back_from_its_own_text():
    for study in shipped():
        assert loads(dumps(study)) == study


def test_every_candidate_on_the_shelf_can_be_named():
    assert set(CANDIDATES) <= set(LEARNERS)
