"""Wishes: written to the record as docs/record.md says, read back, and held against treatments."""

from datetime import UTC, datetime, timedelta

import pytest

from alleviate.advice.safety import find, treatments
from alleviate.clinic.wishes import abouts, held_against, wish_entries, wishes_of
from alleviate.records import Event, PatientRecord
from alleviate.records.synthetic import simulate
from alleviate.terms.errors import InputError

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def after(record: PatientRecord, about: str, wanted: list[str], now: datetime) -> PatientRecord:
    """The record once the entries are stored: one without events withdraws what came under its ref."""
    entries = wish_entries(record, about, wanted, now)
    gone = {entry.ref for entry in entries if not entry.events}
    kept = [event for event in record.events if event.entry not in gone]
    return PatientRecord(record.subject_id, [*kept, *(event for entry in entries for event in entry.events)])


def chosen(record: PatientRecord, about: str) -> list[str]:
    return [wish.choice or wish.words for wish in wishes_of(record) if wish.about == about]


EMPTY = PatientRecord("p", [])


def test_one_wish_replaces_another_and_several_stand_together() -> None:
    record = after(EMPTY, "treatment", ["talking"], NOW)
    assert chosen(record, "treatment") == ["talking"]
    record = after(record, "treatment", ["medicine"], LATER)
    assert chosen(record, "treatment") == ["medicine"]
    record = after(record, "avoid", ["sexual", "weight-gain"], LATER)
    assert set(chosen(record, "avoid")) == {"sexual", "weight-gain"}
    record = after(record, "avoid", ["sexual"], LATER + timedelta(hours=1))
    assert chosen(record, "avoid") == ["sexual"]
    assert chosen(after(record, "avoid", [], LATER + timedelta(hours=2)), "avoid") == []


def test_the_same_wish_again_writes_nothing() -> None:
    record = after(EMPTY, "treatment", ["talking"], NOW)
    assert wish_entries(record, "treatment", ["talking"], LATER) == ()


def test_one_s_own_words_where_the_question_is_free() -> None:
    assert chosen(after(EMPTY, "language", [" Polish "], NOW), "language") == ["Polish"]
    for about, wanted in (
        ("language", ["x" * 81]),
        ("treatment", ["yoga"]),
        ("treatment", ["talking", "medicine"]),
    ):
        with pytest.raises(InputError):
            wish_entries(EMPTY, about, wanted, NOW)
    with pytest.raises(InputError, match="no wish about"):
        wish_entries(EMPTY, "colour", ["red"], NOW)


def test_the_words_are_those_that_records_hold_already() -> None:
    found = [wish for record in simulate(40, 3).records() for wish in wishes_of(record)]
    assert {wish.about for wish in found} == {"treatment", "delivery"}
    assert all(wish.choice for wish in found)


def test_words_of_other_sources_are_shown_as_they_are() -> None:
    other = Event(
        "p", NOW, NOW, "PREFERENCE//care experience", None, "No dogs", "preference", "Observation/9"
    )
    (wish,) = wishes_of(PatientRecord("p", [other]))
    assert (wish.about, wish.choice, wish.words) == ("care experience", "", "No dogs")


@pytest.mark.parametrize(
    ("about", "choice", "meets"),
    [
        ("treatment", "talking", {"cbt": 1, "sertraline": -1, "mirtazapine": -1}),
        ("treatment", "medicine", {"cbt": -1, "sertraline": 1, "mirtazapine": 1}),
        ("avoid", "sexual", {"cbt": 1, "sertraline": -1, "mirtazapine": 1}),
        ("avoid", "weight-gain", {"cbt": 1, "citalopram": 0, "mirtazapine": -1}),
        ("time", "few-visits", {"cbt": -1, "sertraline": 1, "waiting": 1}),
    ],
)
def test_what_meets_a_wish(about: str, choice: str, meets: dict[str, int]) -> None:
    wishes = wishes_of(after(EMPTY, about, [choice], NOW))
    for name, value in meets.items():
        (found,) = held_against(wishes, [find(name)])
        assert found.meets == value, name


def test_of_several_treatments_a_wish_is_met_only_by_all() -> None:
    wishes = wishes_of(after(EMPTY, "avoid", ["sexual"], NOW))
    assert held_against(wishes, [find("sertraline"), find("mirtazapine")])[0].meets == 0


def test_what_moves_nothing_is_held_against_nothing() -> None:
    assert held_against(wishes_of(after(EMPTY, "delivery", ["evening"], NOW)), [find("cbt")]) == ()


def test_every_side_effect_that_may_be_avoided_is_known_of_some_medicine() -> None:
    effects = {choice.effect for about in abouts() for choice in about.choices if choice.effect}
    known = {effect for each in treatments() for effect in each.effects}
    assert effects == known
