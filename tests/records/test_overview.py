"""A record as a person reads it."""

from datetime import UTC, datetime, timedelta

from alleviate.records import Event, Kind, PatientRecord
from alleviate.records.overview import overview

MAY = datetime(2024, 5, 6, 9, tzinfo=UTC)


def event(
    kind: Kind,
    entry: str,
    code: str,
    value: float | str | None = None,
    unit: str | None = None,
    *,
    day: int = 0,
    until: int | None = None,
) -> Event:
    moment = MAY + timedelta(days=day)
    number = value if isinstance(value, float) else None
    text = value if isinstance(value, str) else unit
    known_until = None if until is None else MAY + timedelta(days=until)
    return Event("p", moment, moment, code, number, text, kind, entry, known_until)


def view(*events: Event) -> dict:
    return overview(PatientRecord("p", events))


def test_who_a_person_is() -> None:
    who = view(
        event("person", "Patient/p", "MEDS_BIRTH", "1970-05"),
        event("person", "Patient/p", "PERSON//sex", "female"),
        event("person", "Patient/p", "PERSON//given", "Synthetic"),
        event("person", "Patient/p", "PERSON//identifier//urn:x%2Fy", "12"),
        event("person", "Patient/p", "MEDS_DEATH", day=9),
    )["demographics"]
    assert who == {
        "birth_date": "1970-05",
        "sex": "female",
        "given": "Synthetic",
        "identifiers": [{"system": "urn:x/y", "value": "12"}],
        "death": "2024-05-15T09:00:00Z",
    }


def test_of_an_unknown_person_it_says_so() -> None:
    assert view()["demographics"] == {"birth_date": None, "sex": None}


def test_two_given_names_are_both_shown() -> None:
    first, second = (event("person", "Patient/p", "PERSON//given", name) for name in ("Ann", "Mary"))
    assert view(first, second)["demographics"]["given"] == "Ann Mary"


def test_a_questionnaire_shows_items_total_and_severity() -> None:
    codes = (
        "44250-9",
        "44255-8",
        "44259-0",
        "44254-1",
        "44251-7",
        "44258-2",
        "44252-5",
        "44253-3",
        "44260-8",
    )
    items = [event("questionnaire", "QuestionnaireResponse/1", f"LOINC//{code}", 2.0) for code in codes]
    (filled,) = view(*items)["questionnaires"]
    assert (filled["instrument"], filled["total"], filled["items"]["9"]) == ("phq9", 18.0, 2.0)
    assert filled["severity"]
    assert filled["flags"]


def test_a_treatment_shows_its_start_its_end_and_why_it_ended() -> None:
    (episode,) = view(
        event("episode", "EpisodeOfCare/1", "EPISODE//start", "CBT"),
        event("episode", "EpisodeOfCare/1", "EPISODE//therapist", "T1"),
        event("episode", "EpisodeOfCare/1", "EPISODE//end", "completed", day=70),
    )["treatments"]
    assert (episode["time"], episode["text"]) == ("2024-05-06T09:00:00Z", "CBT")
    assert (episode["end"], episode["reason"]) == ("2024-07-15T09:00:00Z", "completed")
    assert episode["therapist"] == "T1"


def test_a_treatment_that_ended_at_once_is_still_named_by_its_start() -> None:
    (episode,) = view(
        event("episode", "EpisodeOfCare/1", "EPISODE//start", "CBT"),
        event("episode", "EpisodeOfCare/1", "EPISODE//end"),
    )["treatments"]
    assert (episode["code"], "reason" in episode) == ("EPISODE//start", False)


def test_a_medicine_shows_its_dose_and_its_other_codes() -> None:
    (medicine,) = view(
        event("medication", "MedicationRequest/1", "RxNorm//36437", "sertraline"),
        event("medication", "MedicationRequest/1", "CODING//ATC//N06AB06", "sertraline"),
        event("medication", "MedicationRequest/1", "MEDICATION//dose", 50.0, "mg"),
    )["treatments"]
    assert (medicine["text"], medicine["dose"], medicine["also"]) == ("sertraline", "50 mg", ["ATC//N06AB06"])


def test_parts_of_a_measurement_stay_with_it() -> None:
    (pressure,) = view(
        event("measurement", "Observation/1", "LOINC//85354-9"),
        event("measurement", "Observation/1", "LOINC//8480-6", 120.0, "mm[Hg]"),
    )["measurements"]
    assert pressure["parts"] == [{"code": "LOINC//8480-6", "value": 120.0, "unit": "mm[Hg]"}]


def test_an_attribute_without_a_value_says_when() -> None:
    (goal,) = view(
        event("goal", "Goal/1", "GOAL//set", "sleep through"), event("goal", "Goal/1", "GOAL//met", day=7)
    )["goals"]
    assert (goal["text"], goal["met"]) == ("sleep through", "2024-05-13T09:00:00Z")


def test_events_without_an_entry_stand_alone() -> None:
    two = view(event("sensor", "", "LOINC//1", 5.0), event("sensor", "", "LOINC//2", 6.0, day=1))
    assert [(each["entry"], each["value"]) for each in two["measurements"]] == [("", 5.0), ("", 6.0)]


def test_what_was_replaced_is_counted_and_not_shown() -> None:
    seen = view(
        event("note", "DocumentReference/1", "NOTE//progress", "first", until=3),
        event("note", "DocumentReference/1", "NOTE//progress", "second", day=3),
    )
    assert [note["text"] for note in seen["notes"]] == ["second"]
    assert (seen["events"], seen["corrections"]) == (1, 1)
