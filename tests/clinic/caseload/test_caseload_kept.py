"""What is kept of a caseload is what would be worked out anew, at every moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_clinic import Made

from alleviate.clinic.caseload.glance import Asking, CaseGlance, TaskSeen, glance_of, packed
from alleviate.clinic.caseload.kept import KeptCaseloads, tells_otherwise
from alleviate.clinic.caseload.rules import default_rules
from alleviate.clinic.caseload.urgency import placed, placed_one, whole
from alleviate.progress.alerts import Step
from alleviate.vault.caseload import Glance

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

moments = st.integers(-40 * 86_400, 20 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))
walks = st.lists(st.integers(-7_200, 3 * 86_400), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def people(shared_clinic: Made) -> list[CaseGlance]:
    """Of the synthetic people, with their alerts."""
    with shared_clinic.vault.access(actor="test", purpose="care") as access:
        return [glance_of(access.chart(patient)) for patient in shared_clinic.patients]


@st.composite
def changed(draw: Any) -> dict[str, Any]:
    """Whatever hangs on the clock, moved about."""
    asked, heard, since = draw(moments), draw(moments), draw(moments)
    day = draw(moments).date()
    return {
        "tasks": (TaskSeen("me", "call", draw(st.none() | st.just(day)), asked),),
        "mentions": (("me", draw(moments)),),
        "wrong": (draw(moments),),
        "asking": (Asking(("phq9",), asked, day, draw(moments)),),
        "heard": heard,
        "since": since,
        "ended": draw(st.none() | moments),
        "contacts": tuple(
            sorted(
                (at, state)
                for at, state in draw(st.lists(st.tuples(moments, st.sampled_from(["attended", "missed"]))))
            )
        ),
        "raised": draw(moments),
        "taken": draw(st.none() | moments),
    }


def with_changes(glance: CaseGlance, change: dict[str, Any]) -> CaseGlance:
    change = dict(change)
    raised, taken = change.pop("raised"), change.pop("taken")
    steps = () if taken is None or taken < raised else (Step("acknowledged", taken, "account:me", ""),)
    alerts = tuple(replace(alert, raised_at=raised, steps=steps) for alert in glance.alerts)
    return msgspec.structs.replace(glance, **change, alerts=alerts)


@given(walk=walks, change=changed())
def test_it_is_what_would_be_worked_out_anew(
    people: list[CaseGlance], walk: list[int], change: dict[str, Any]
) -> None:
    kept, now = KeptCaseloads(), NOW
    some = [*people[:2], *(with_changes(one, change) for one in people[2:])]
    glances = [Glance(one.patient, packed(one)) for one in some]
    for seconds in walk:
        now += timedelta(seconds=seconds)  # a clock that is set back is one too
        expected = placed(some, now, default_rules(), account="me")
        assert kept.everybody("me", glances, now, default_rules()) == whole(expected, now)


@given(change=changed(), at=moments)
def test_nothing_is_told_otherwise_before_it_says_so(
    people: list[CaseGlance], change: dict[str, Any], at: datetime
) -> None:
    for one in people:
        glance = with_changes(one, change)
        first = placed_one(glance, at, default_rules(), account="me")
        until = tells_otherwise(first, at)
        assert at < until <= at + timedelta(days=1)
        for moment in (at + (until - at) / 2, until - timedelta(microseconds=1)):
            assert placed_one(glance, moment, default_rules(), account="me") == first


def test_another_glance_of_a_person_goes_before_what_was_kept_and_who_left_is_kept_no_longer(
    people: list[CaseGlance],
) -> None:
    kept, rules = KeptCaseloads(), default_rules()
    glances = [Glance(one.patient, packed(one)) for one in people]
    kept.everybody("me", glances, NOW, rules)
    renamed = msgspec.structs.replace(people[0], family="Other")
    changed = [Glance(renamed.patient, packed(renamed)), *glances[1:3]]
    after = kept.everybody("me", changed, NOW, rules).people
    assert len(after) == 3
    assert [one.glance.family for one in after if one.glance.patient == renamed.patient] == ["Other"]
    assert {patient for _, found in kept._of.values() for patient in found.people} == {
        g.patient for g in glances[:3]
    }


def test_tasks_and_mentions_are_each_accounts_own(people: list[CaseGlance]) -> None:
    kept, rules = KeptCaseloads(), default_rules()
    mine = msgspec.structs.replace(people[0], tasks=(TaskSeen("me", "call", None, NOW - SECOND),))
    glances = [Glance(mine.patient, packed(mine))]
    for account, number in (("me", 1), ("you", 0), ("me", 1)):
        (one,) = kept.everybody(account, glances, NOW, rules).people
        assert sum(need.because == "task" for need in one.needs) == number
