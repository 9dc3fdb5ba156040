"""The one table of a proposal's life, and the diagram that is drawn from it."""

import re
from pathlib import Path

import pytest

from alleviate.decisions import states
from alleviate.decisions.permissions import ROLES, rule
from alleviate.decisions.reasons import CodedReason, Reason, reasons_for
from alleviate.terms.errors import ConflictError, InputError, RefusedError

DOCUMENT = Path(__file__).parents[2] / "docs" / "decisions.md"


def test_the_diagram_in_the_docs_is_the_table() -> None:
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert drawn == states.diagram()


def test_every_state_is_reached_and_only_what_was_observed_is_final() -> None:
    reached = {states.FIRST}
    while more := {each.ends for s in reached for each in states.moves_from(s)} - reached:
        reached |= more
    assert reached == set(states.states())
    assert [state for state in states.states() if states.final(state)] == ["observed"]


def test_nothing_is_chosen_but_by_a_person_and_a_trainee_never_does() -> None:
    for move in states.moves():
        if move.decides or move.ends in ("accepted", "overridden", "withdrawn"):
            assert move.action, move.name
            for role in (None, "trainee", "patient", "integrator"):
                with pytest.raises(RefusedError):
                    states.check_role(move.name, role)


def test_who_may_is_said_in_the_permissions_alone() -> None:
    for move in states.moves():
        for role in ROLES:
            if move.action and role in rule(move.action).bonds:
                states.check_role(move.name, role)
            else:
                with pytest.raises(RefusedError):
                    states.check_role(move.name, role)


def test_an_unknown_move_and_one_from_the_wrong_state_are_told() -> None:
    with pytest.raises(InputError, match="no move 'sign'"):
        states.move("sign")
    with pytest.raises(ConflictError, match="starts from seen or discussed"):
        states.check_start("accept", "proposed")


def test_every_move_that_needs_a_reason_has_some_and_no_other_has() -> None:
    for move in states.moves():
        assert bool(reasons_for(move.name)) == ("reason" in move.needs), move.name


@pytest.mark.parametrize("coded", reasons_for("override"), ids=lambda each: each.code)
def test_a_reason_that_says_nothing_alone_needs_words(coded: CodedReason) -> None:
    assert Reason(coded.code, " because ").words == "because"
    if coded.needs_words:
        with pytest.raises(InputError, match="without words"):
            Reason(coded.code, "  ")
    else:
        assert Reason(coded.code).text == coded.text


def test_words_have_an_end() -> None:
    with pytest.raises(InputError, match="2001 characters"):
        Reason("other", "x" * 2001)
