"""The one table of who may do what, as a hospital would read it."""

import pytest

from alleviate.decisions.permissions import BONDS, ROLES, actions, check_may, may, rule
from alleviate.terms.errors import InputError, RefusedError
from alleviate.vault import PURPOSES

PEOPLE = ["patient.see", "advice.see", "advice.decide", "alert.answer", "note.write", "goal.write"]


@pytest.mark.parametrize("action", actions())
def test_every_action_has_words_a_known_purpose_and_somebody_who_may(action: str) -> None:
    line = rule(action)
    assert line.words
    assert line.purpose in ("", *PURPOSES)
    assert line.bonds
    assert all(needed <= set(BONDS) for needed in line.bonds.values())


@pytest.mark.parametrize("action", actions())
def test_whoever_reads_patients_data_says_for_which_purpose(action: str) -> None:
    line = rule(action)
    if any(needed != {"none"} for needed in line.bonds.values()):
        assert line.purpose


@pytest.mark.parametrize("action", PEOPLE)
@pytest.mark.parametrize("role", ROLES)
def test_nobody_does_anything_to_a_person_whom_nothing_binds_to_them(role: str, action: str) -> None:
    assert not may(role, action, "none")


@pytest.mark.parametrize(
    "action", ["advice.decide", "alert.answer", "note.write", "goal.write", "team.change"]
)
@pytest.mark.parametrize("basis", ["self", "team", "glass", "none"])
def test_a_trainee_sees_and_decides_nothing(action: str, basis: str) -> None:
    assert not may("trainee", action, basis)


def test_a_broken_glass_shows_the_record_and_decides_nothing() -> None:
    assert may("clinician", "patient.see", "glass")
    assert not may("clinician", "advice.decide", "glass")
    assert not may("clinician", "team.change", "glass")


@pytest.mark.parametrize("action", actions())
def test_the_administrator_sees_no_patient(action: str) -> None:
    line = rule(action)
    if may("administrator", action, "team") and line.of_a_person:
        pytest.fail(f"The administrator may {action}.")


@pytest.mark.parametrize("action", actions())
def test_the_data_scientist_reads_for_research_alone(action: str) -> None:
    if "data-scientist" in rule(action).bonds:
        assert rule(action).purpose in ("", "research")


@pytest.mark.parametrize("action", actions())
def test_patients_act_on_what_is_their_own_alone(action: str) -> None:
    assert rule(action).bonds.get("patient", frozenset()) <= {"self", "none"}
    assert not any(may("patient", action, basis) for basis in ("team", "glass"))


def test_what_needs_a_bond_is_refused_where_nobody_is_named() -> None:
    assert not may("clinician", "patient.see")
    assert may("clinician", "caseload.see")


def test_an_action_without_a_line_is_no_action() -> None:
    with pytest.raises(InputError, match=r"no action 'record\.burn'"):
        rule("record.burn")


def test_a_refusal_does_not_tell_why() -> None:
    with pytest.raises(RefusedError) as stranger:
        check_may("clinician", "patient.see", "none")
    with pytest.raises(RefusedError) as trainee:
        check_may("trainee", "advice.decide", "team")
    assert str(stranger.value) == str(trainee.value)
