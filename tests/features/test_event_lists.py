"""Records as lists of events: what was known at the moment, how long before, and nothing later."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate import features
from alleviate.records import EVENTS, Event, PatientRecord, frame_of

DAY0 = datetime(2024, 1, 1, tzinfo=UTC)
MOMENT = DAY0 + timedelta(days=30)


def event(day, code="A//1", number=None, *, known=None, until=None, kind="measurement", who="p1", text=None):
    def at(days):
        return None if days is None else DAY0 + timedelta(days=days)

    return Event(who, at(day), at(day if known is None else known), code, number, text, kind, "", at(until))


def lists(*events, people=("p1",), moment=MOMENT):
    records = [PatientRecord(who, [e for e in events if e.subject_id == who]) for who in people]
    moments = pl.DataFrame({"subject_id": list(people), "moment": [moment] * len(people)})
    return features.event_lists(frame_of(records), moments).to_list()


def test_events_come_oldest_first_with_their_days_before_the_moment():
    assert lists(event(20, "B//1", 4.0), event(10.5, text="word")) == [
        [{"code": "A//1", "days": 19.5, "value": None}, {"code": "B//1", "days": 10.0, "value": 4.0}]
    ]


def test_what_was_not_known_yet_or_no_longer_stood_is_left_out():
    found = lists(
        event(1, "A//1"), event(2, "B//1", known=31), event(3, "C//1", until=29), event(4, "D//1", until=31)
    )
    assert [each["code"] for each in found[0]] == ["A//1", "D//1"]


def test_who_somebody_is_what_they_allow_and_what_is_in_words_is_left_out():
    found = lists(*(event(1, f"K//{kind}", kind=kind) for kind in ("person", "consent", "note", "session")))
    assert [each["code"] for each in found[0]] == ["K//session"]


def test_everybody_has_a_list_in_the_order_of_the_moments():
    found = lists(event(1, who="p3"), event(2, who="p1"), people=("p1", "p2", "p3"))
    assert [[each["days"] for each in own] for own in found] == [[28.0], [], [29.0]]
    nobody = pl.DataFrame(schema=EVENTS)
    moments = pl.DataFrame({"subject_id": ["p1"], "moment": [MOMENT]})
    assert features.event_lists(nobody, moments).to_list() == [[]]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.sampled_from("AB")), max_size=6),
    st.lists(st.tuples(st.floats(30.001, 90.0), st.sampled_from("AB")), max_size=6),
)
def test_adding_events_after_the_moment_changes_nothing(before, after):
    known = [event(day, f"{name}//1", 1.0) for day, name in before]
    later = [event(day, f"{name}//1", 9.0) for day, name in after]
    assert lists(*known, *later) == lists(*known)
    assert all(each["days"] >= 0.0 for each in lists(*known, *later)[0])
