"""A prognosis drawn from records: who enters, what was known before, what came of them, and no treatment."""

from datetime import UTC, datetime, timedelta

from alleviate.records import Event, PatientRecord, frame_of
from alleviate.studies.drawing import draw
from alleviate.studies.files import loads

STUDY = """
[study]
name = "clinic"
kind = "prognosis"

[data]
vault = true

[cohort]
start = "EPISODE//start"
offset = "1d"
outcome = { of = "phq9", take = "last", from = "12w", to = "24w" }

[outcome]
column = "phq9_after"
above = 10

[features]
phq9 = { of = "phq9" }
given = { code = "EPISODE//start", as = "category" }
"""
DAY0 = datetime(2024, 1, 1, tzinfo=UTC)
PHQ9 = "LOINC//44261-6"


def event(who: str, day: int, code: str, number: float | None = None, text: str | None = None) -> Event:
    moment = DAY0 + timedelta(days=day)
    return Event(who, moment, moment, code, number, text)


def test_a_row_holds_the_outcome_and_what_was_known_before_the_start_included():
    records = [
        PatientRecord(
            who,
            (
                event(who, 0, PHQ9, 15.0),
                event(who, 5, "EPISODE//start", text="CBT"),
                event(who, 5 + 100, PHQ9, after),
                event(who, 400, PHQ9, 1.0),
            ),
        )
        for who, after in (("p1", 4.0), ("p2", 12.0))
    ]
    table = draw(frame_of(records), loads(STUDY), loads(STUDY).cohort)
    assert table.columns == ["person", "phq9_after", "phq9", "given"]
    assert table.frame.sort("person").rows() == [("p1", 4.0, 15.0, "CBT"), ("p2", 12.0, 15.0, "CBT")]
