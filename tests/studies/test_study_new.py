"""A study file from any table and a few answers."""

from dataclasses import replace

import polars as pl
import pytest

from alleviate.intake.tables import read, table_of
from alleviate.studies.files import load
from alleviate.studies.questions import Answers, arms_of, draft, look, suggest, write
from alleviate.terms.errors import DataError, StudyError

ANSWERS = Answers(treatment="arm", outcome="score", better="lower", id="person", known_after=("week4",))


@pytest.fixture
def trial(tmp_path):
    path = tmp_path / "My Trial (2024).csv"
    rows = [
        f"p{i},{'CBT' if i % 3 else 'TAU'},{20 + i},{i % 2},{30 - i},{i / 2},{'x' * 30}{i % 9}"
        for i in range(30)
    ]
    path.write_text("person,arm,age,sex,score,week4,a note\n" + "\n".join(rows) + "\n")
    return path


def test_each_column_is_shown_with_what_it_holds(trial):
    notes = look(read(trial))
    assert list(notes) == ["person", "arm", "age", "sex", "score", "week4", "a note"]
    assert (notes["age"].kind, notes["age"].shows, notes["age"].different) == ("number", "20 to 49", 30)
    assert (notes["arm"].kind, notes["arm"].shows) == ("category", "TAU, CBT")
    assert len(notes["a note"].shows) < 80


def test_a_column_that_no_kind_fits_or_that_is_empty_is_shown_all_the_same():
    notes = look(
        table_of(
            pl.DataFrame(
                {"x": ["1"] * 9 + ["?"], "y": [None] * 10, "z": pl.Series([None] * 10, dtype=pl.Float64)}
            ),
            "t",
        )
    )
    assert [(note.kind, note.missing) for note in notes.values()] == [
        ("category", 0),
        ("category", 10),
        ("number", 10),
    ]


def test_likely_columns_are_suggested_first(trial):
    notes = look(read(trial))
    assert suggest(notes, "treatment", 30) == ["arm", "sex"]
    assert suggest(notes, "id", 30) == ["person"]
    assert suggest(notes, "outcome", 30)[:2] == ["score", "week4"]
    assert arms_of(read(trial), "arm") == {"CBT": 20, "TAU": 10}


def test_the_answers_become_a_study_that_can_be_written_and_loaded(trial):
    study = draft(read(trial), trial, ANSWERS)
    assert study.name == "my-trial-2024"
    assert study.include == ("age", "sex", "a note")
    assert study.treatment.probability == "known"
    out = trial.with_suffix(".toml")
    write(study, out)
    assert load(out) == study
    assert 'path = "My Trial (2024).csv"' in out.read_text()


def test_every_answer_has_its_place(trial):
    answers = replace(
        ANSWERS, usual="TAU", features=("age",), randomised=False, name="n", title="T", question="Q?", id=None
    )
    study = draft(read(trial), trial, answers)
    assert (study.name, study.title, study.question) == ("n", "T", "Q?")
    assert (study.treatment.usual, study.treatment.assignment) == ("TAU", "observational")
    assert study.treatment.probability is None
    assert (study.include, study.data.id) == (("age",), None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"treatment": "arms"}, 'expected a column "arms", found none. Did you mean "arm"'),
        ({"treatment": "age"}, '2–8 arms in "age", got 30'),
        ({"usual": "TAV"}, 'There is no arm "TAV". Did you mean "TAU"'),
        ({"outcome": "a note"}, "numbers or yes/no in the outcome"),
        ({"outcome": "arm"}, "numbers or yes/no in the outcome"),
        ({"outcome": "sex", "treatment": "sex"}, "another column than the treatment"),
        ({"features": ("age", "week4")}, '"week4" is in known_after'),
        ({"features": ("agee",)}, 'expected a column "agee"'),
        ({"known_after": ("week5",)}, 'Did you mean "week4"'),
        ({"id": "sex"}, r'each id once in "sex", got "0" at lines 2, 4, 6, 8, 10 and 10 more'),
    ],
)
def test_answers_that_do_not_fit_the_table_are_refused(trial, change, says):
    with pytest.raises((DataError, StudyError)) as caught:
        draft(read(trial), trial, replace(ANSWERS, **change))
    assert says in str(caught.value)


def test_nothing_is_overwritten_unasked(trial, tmp_path):
    study = draft(read(trial), trial, ANSWERS)
    out = tmp_path / "s.toml"
    out.write_text("mine")
    with pytest.raises(StudyError, match="is there already"):
        write(study, out)
    assert out.read_text() == "mine"
    write(study, out, overwrite=True)
    assert load(out) == study
    with pytest.raises(StudyError, match="cannot be written"):
        write(study, tmp_path / "none" / "s.toml")
