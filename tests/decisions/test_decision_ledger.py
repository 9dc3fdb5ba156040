"""A decision is a row of acts: each follows the table, says who and when, and reads back."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.decisions import ELSE, NOTHING, Act, Decision, Reason
from alleviate.decisions.states import moves, moves_from
from alleviate.terms.errors import AlleviateError, ConflictError, InputError, RefusedError

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
BLANK = Decision("0" * 32, ("talk", "tablets", "both"), ("talk",), barred=("both",))


def act(move: str, **told) -> Act:
    return Act(move, "account:aaaa", told.pop("role", "clinician"), told.pop("at", AT), **told)


SEEN = BLANK.after(act("see"))


def test_accepted() -> None:
    decision = SEEN.after(act("accept", chosen="talk"))
    assert (decision.state, decision.followed, decision.decided.chosen) == ("accepted", True, "talk")


@pytest.mark.parametrize("chosen", ["tablets", NOTHING])
def test_overridden_with_a_reason(chosen: str) -> None:
    decision = SEEN.after(act("override", chosen=chosen, reason=Reason("patient-prefers")))
    assert (decision.state, decision.followed) == ("overridden", False)


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"move": "override", "chosen": "tablets"}, "expected a reason"),
        ({"move": "override", "reason": Reason("patient-prefers")}, "expected the option that is chosen"),
        ({"move": "override", "chosen": "talk", "reason": Reason("patient-prefers")}, "is what was proposed"),
        ({"move": "override", "chosen": "tablets", "reason": Reason("mistake")}, "no reason to override"),
        ({"move": "override", "chosen": "yoga", "reason": Reason("patient-prefers")}, "none of the options"),
        ({"move": "override", "chosen": "both", "reason": Reason("patient-prefers")}, "A safety rule speaks"),
        ({"move": "override", "chosen": ELSE, "reason": Reason("patient-prefers")}, "without saying what"),
        ({"move": "accept", "chosen": "tablets"}, "is not what was proposed"),
        ({"move": "accept", "chosen": "talk", "reason": Reason("patient-prefers")}, "expected no reason"),
        ({"move": "discuss", "chosen": "talk"}, "nothing is chosen by it"),
        ({"move": "withdraw"}, "expected a reason"),
        ({"move": "discuss", "note": "x" * 2001}, "2001 characters"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_told(told: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        SEEN.after(act(told.pop("move"), **told))


def test_nothing_is_decided_twice_nor_unseen() -> None:
    with pytest.raises(ConflictError):
        BLANK.after(act("accept", chosen="talk"))
    with pytest.raises(ConflictError):
        SEEN.after(act("accept", chosen="talk")).after(act("accept", chosen="talk"))


def test_a_trainee_and_a_program_decide_nothing() -> None:
    for role in ("trainee", "patient", "administrator", None):
        with pytest.raises(RefusedError):
            act("accept", role=role, chosen="talk")
    assert act("see", role="trainee").role == "trainee"


def test_where_nothing_is_shown_any_of_the_equal_options_is_accepted_without_a_reason() -> None:
    equal = Decision("0" * 32, ("talk", "tablets"), ("talk", "tablets"), acts=(act("see"),))
    assert equal.after(act("accept", chosen="tablets")).followed


def test_a_decision_opened_again_no_longer_stands() -> None:
    decision = SEEN.after(act("accept", chosen="talk"), act("reopen", reason=Reason("mistake")))
    assert (decision.state, decision.decided, decision.followed, decision.is_open) == (
        "discussed",
        None,
        None,
        True,
    )


CHOICES = st.sampled_from(["", "talk", "tablets", "both", ELSE, NOTHING])
REASONS = st.sampled_from([None, Reason("patient-prefers"), Reason("other", "why"), Reason("mistake")])


@given(st.lists(st.tuples(st.sampled_from([m.name for m in moves()]), CHOICES, REASONS), max_size=12))
def test_whatever_is_tried_the_ledger_stays_within_the_table_and_reads_back(tried) -> None:
    decision = BLANK
    for step, (move, chosen, reason) in enumerate(tried):
        before = decision.state
        role = None if move == "observe" else "clinician"
        try:
            decision = decision.after(
                act(move, role=role, chosen=chosen, reason=reason, at=AT + timedelta(minutes=step))
            )
        except AlleviateError:
            assert decision.state == before
        else:
            assert decision.state in {each.ends for each in moves_from(before) if each.name == move}
    if decision.state == "overridden":
        assert decision.decided.reason is not None
    if decision.state == "accepted":
        assert decision.decided.chosen in decision.advised
    assert Decision.from_dict(json.loads(json.dumps(decision.to_dict()))) == decision
