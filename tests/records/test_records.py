"""A record holds one person's events in one order, and says what was known at a moment."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError

START = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def tick(number: int) -> datetime:
    """The smallest step of time, so that properties hold to the very moment."""
    return START + timedelta(microseconds=number)


@st.composite
def events(draw):
    time, delay = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    number = st.none() | st.floats(allow_nan=False, allow_infinity=False)
    text = st.none() | st.text('aé\n"', max_size=3)
    code = draw(st.sampled_from(["A//1", "A//2", "B//1"]))
    return Event("p1", tick(time), tick(time + delay), code, draw(number), draw(text))


class TestAnEvent:
    def test_may_have_a_number_a_text_both_or_no_value(self):
        for values in ((1.5, None), (None, "yes"), (1.5, "mmol/l"), (None, None)):
            event = Event("p1", day(0), day(1), "LOINC//44261-6", *values)
            assert (event.numeric_value, event.text_value) == values

    def test_a_whole_number_becomes_a_float(self):
        assert isinstance(Event("p1", day(0), day(0), "A//1", 3).numeric_value, float)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"time": datetime(2024, 1, 1)}, "An event's time must be a datetime in UTC"),  # noqa: DTZ001
            ({"known_at": None}, "An event's known_at must be a datetime in UTC"),
            ({"time": day(2)}, "known at 2024-01-02 .* before it happened at 2024-01-03"),
            ({"code": "A//"}, "no empty part"),
            ({"subject_id": ""}, "subject_id must be text"),
            ({"subject_id": 7}, "subject_id must be text, not empty; got 7"),
            ({"numeric_value": float("nan")}, "numeric_value of A//1 must be a finite float, got nan"),
            ({"numeric_value": float("inf")}, "finite"),
            ({"numeric_value": True}, "finite"),
            ({"numeric_value": 2**60 + 1}, "finite"),
            ({"numeric_value": "3"}, "finite"),
            ({"text_value": 3}, "text_value of A//1 must be text"),
        ],
    )
    def test_is_validated_at_birth(self, change, message):
        given = {"subject_id": "p1", "time": day(0), "known_at": day(1), "code": "A//1"} | change
        with pytest.raises(DataError, match=message) as caught:
            Event(**given)
        assert caught.value.hint


class TestARecord:
    @given(st.lists(events(), max_size=6), st.randoms())
    def test_is_the_same_whatever_order_events_came_in(self, given, random):
        shuffled = random.sample(given, len(given))
        assert PatientRecord("p1", shuffled) == PatientRecord("p1", given)

    @given(st.lists(events(), max_size=6))
    def test_is_ordered_by_when_it_was_known_then_time_then_code(self, given):
        keys = [(event.known_at, event.time, event.code) for event in PatientRecord("p1", given).events]
        assert keys == sorted(keys)

    def test_refuses_another_persons_event(self):
        with pytest.raises(DataError, match="A record of 'p2' was given an event of 'p1'"):
            PatientRecord("p2", [Event("p1", day(0), day(0), "A//1")])

    @given(st.lists(events(), max_size=6), st.integers(-1, 7))
    def test_at_a_moment_holds_what_was_known_by_then(self, given, number):
        known = [event for event in given if event.known_at <= tick(number)]
        assert PatientRecord("p1", given).at(tick(number)) == PatientRecord("p1", known)

    def test_the_moment_must_be_in_utc(self):
        with pytest.raises(DataError, match="The moment of a record must be a datetime in UTC"):
            PatientRecord("p1", []).at(day(0).replace(tzinfo=None))

    @given(st.lists(events(), max_size=6))
    def test_survives_json(self, given):
        record = PatientRecord("p1", given)
        assert PatientRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record

    @pytest.mark.parametrize(
        "data",
        [
            {"kind": "patient-record/3", "subject_id": "p1", "events": []},
            {"kind": "patient-record/2", "subject_id": "p1", "events": [["2024-01-01T00:00:00Z"]]},
            {"kind": "patient-record/2", "subject_id": "p1", "events": [["2024-01-01T00:00:00Z"] * 2]},
            {"kind": "patient-record/2", "subject_id": "p1", "events": [["yesterday", "today", "A//1"]]},
            {"kind": "patient-record/2", "subject_id": "p1", "events": None},
        ],
    )
    def test_malformed_json_is_refused(self, data):
        with pytest.raises(DataError):
            PatientRecord.from_dict(data)
