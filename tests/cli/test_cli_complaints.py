"""What is wrong is said in one line, and what to do in another where there is something to do."""

import pytest

from alleviate.cli import learning, main
from alleviate.terms.errors import DataError


@pytest.mark.parametrize(
    ("hint", "told"),
    [("", "Error: No [data] here.\n"), ("Add [x].", "Error: No [data] here.\nHint:  Add [x].\n")],
)
def test_brackets_are_no_markup_and_a_hint_is_no_must(hint, told, monkeypatch, capsys):
    def learn(*_arguments, **_options):
        raise DataError("No [data] here.", hint=hint)

    monkeypatch.setattr(learning, "learn_study", learn)
    assert main(["learn", "jobs2"]) == 2
    assert capsys.readouterr().err == told
