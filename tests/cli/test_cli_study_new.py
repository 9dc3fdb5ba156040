"""``alleviate study new``: by questions or by options, and the file that it writes can be learned from."""

import io

import pytest

from alleviate.cli import main
from alleviate.studies.files import load

OPTIONS = ["--treatment", "arm", "--outcome", "score", "--better", "lower"]


@pytest.fixture(autouse=True)
def trial(tmp_path, monkeypatch):
    rows = [f"p{i},{'CBT' if i % 3 else 'TAU'},{20 + i},{i % 2},{30 - i},{i / 2}" for i in range(30)]
    (tmp_path / "trial.csv").write_text("person,arm,age,sex,score,week4\n" + "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def answering(monkeypatch, *answers: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))


def test_by_options_alone(trial, capsys):
    given = [
        "--usual",
        "TAU",
        "--observational",
        "--id",
        "person",
        "--known-after",
        "week4",
        "--features",
        "age, sex",
    ]
    words = ["--title", "T", "--question", "Q?", "--name", "n", "--out", "s.toml"]
    assert main(["study", "new", "trial.csv", "--yes", *OPTIONS, *given, *words]) == 0
    shown = capsys.readouterr()
    assert shown.out == "Written: s.toml\nNext:    alleviate learn s.toml\n"
    assert shown.err == ""
    study = load("s.toml")
    assert (study.name, study.title, study.question, study.include) == ("n", "T", "Q?", ("age", "sex"))
    assert (study.treatment.usual, study.treatment.assignment) == ("TAU", "observational")
    assert study.known_after == ("week4",)
    assert study.data.path == str(trial / "trial.csv")


def test_by_options_with_defaults():
    assert main(["study", "new", "trial.csv", "-y", *OPTIONS]) == 0
    study = load("trial.toml")
    assert (study.data.id, study.include) == ("person", ("age", "sex", "week4"))
    assert (study.treatment.usual, study.treatment.assignment) == (None, "randomised")
    assert study.title == "arm and score"


def test_by_questions(monkeypatch, capsys):
    answering(monkeypatch, "", "TAU", "score", "l", "", "-", "week4", "age", "My trial")
    assert main(["study", "new", "trial.csv"]) == 0
    shown = capsys.readouterr()
    assert "trial.csv: 30 rows" in shown.err
    assert "20 to 49" in shown.err
    assert "Arms: CBT (20 people), TAU (10 people)" in shown.err
    study = load("trial.toml")
    assert (study.treatment.column, study.treatment.usual, study.outcome.better) == ("arm", "TAU", "lower")
    assert (study.data.id, study.known_after, study.include) == (None, ("week4",), ("age",))
    assert study.title == "My trial"


def test_a_wrong_answer_is_explained_and_asked_again(monkeypatch, capsys):
    answering(
        monkeypatch,
        "armm",
        "arm",
        "TAV",
        "TAU",
        "",
        "score",
        "more",
        "higher",
        "no",
        "",
        "wek4",
        "week4",
        "",
        "",
    )
    assert main(["study", "new", "trial.csv"]) == 0
    complaints = capsys.readouterr().err
    for hint in (
        'Did you mean "arm"?',
        'Did you mean "TAU"?',
        "An answer is needed.",
        'Did you mean "week4"?',
    ):
        assert hint in complaints
    study = load("trial.toml")
    assert study.treatment.assignment == "observational"
    assert study.include == ("age", "sex")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "--treatment is required with --yes.\nHint:  Likely: arm, sex"),
        (["--treatment", "arm", "--outcome", "score"], "--better is required with --yes."),
        (["--treatment", "am"], '--treatment: there is no "am".\nHint:  Did you mean "arm"?'),
        ([*OPTIONS, "--usual", "TAV"], '--usual: there is no "TAV"'),
        ([*OPTIONS, "--id", "sex"], 'each id once in "sex"'),
        ([*OPTIONS, "--features", "aeg"], 'expected a column "aeg", found none.'),
    ],
)
def test_options_that_do_not_fit_are_refused_and_nothing_is_written(options, says, capsys, trial):
    code = main(["study", "new", "trial.csv", "--yes", *options])
    assert code == 2
    assert says in capsys.readouterr().err
    assert not (trial / "trial.toml").exists()


def test_answers_that_end_early_are_no_traceback(monkeypatch, capsys, trial):
    answering(monkeypatch, "arm")
    assert main(["study", "new", "trial.csv"]) == 2
    assert "The answers ended before the questions did." in capsys.readouterr().err
    assert not (trial / "trial.toml").exists()


def test_a_file_that_is_there_is_kept_unless_told_otherwise(monkeypatch, capsys, trial):
    (trial / "trial.toml").write_text("mine")
    new = ["study", "new", "trial.csv"]
    assert main([*new, "--yes", *OPTIONS]) == 2
    assert "is there already" in capsys.readouterr().err
    answering(monkeypatch, "", "", "", "", "", "", "no")
    assert main([*new, *OPTIONS]) == 2
    assert (trial / "trial.toml").read_text() == "mine"
    answering(monkeypatch, "", "", "", "", "", "", "yes")
    assert main([*new, *OPTIONS]) == 0
    (trial / "trial.toml").write_text("mine")
    assert main([*new, "--yes", "--overwrite", *OPTIONS]) == 0
    assert load("trial.toml").outcome.name == "score"


def test_what_was_odd_in_the_table_is_said(trial, capsys):
    (trial / "odd.csv").write_bytes((trial / "trial.csv").read_bytes().replace(b"week4", b"w\xe9ek"))
    assert main(["study", "new", "odd.csv", "--yes", *OPTIONS]) == 0
    assert "Note: odd.csv: line 1 is not UTF-8" in capsys.readouterr().err
