"""Signs of danger are raised by rule, never by a total; a 0 is never said to be safe."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alleviate.instruments import INSTRUMENTS
from alleviate.progress.safety import signs, watched
from alleviate.records import Event, PatientRecord

MONDAY = datetime(2024, 5, 6, 9, tzinfo=UTC)
FLAGS = [
    (instrument, flag, next(item for item in instrument.items if item.id == flag.item))
    for instrument in INSTRUMENTS.values()
    for flag in instrument.flags
]
PHQ9, CSSRS = INSTRUMENTS["phq9"], INSTRUMENTS["cssrs"]


def events(instrument, answers, *, at=MONDAY, ref="Form/1", text=None):
    codes = {item.id: item.code for item in instrument.items} | {"total": instrument.total_code}
    return [
        Event("p1", at, at, codes[id], value, text, kind="questionnaire", entry=ref)
        for id, value in answers.items()
    ]


def found(*groups):
    together = [event for group in groups for event in group]
    by_rule = signs(PatientRecord("p1", together))
    assert watched(together) or not by_rule, "who is not watched raises nothing"
    return [(sign.rule, sign.answers) for sign in by_rule]


@pytest.mark.parametrize(("instrument", "flag", "item"), FLAGS, ids=lambda each: getattr(each, "id", ""))
def test_every_flag_of_every_instrument_is_raised_at_its_answer_and_not_below(instrument, flag, item) -> None:
    raised = (f"{instrument.id}//{flag.name}", ((item.id, flag.at_least),))
    assert raised in found(events(instrument, {item.id: flag.at_least}))
    assert found(events(instrument, {item.id: flag.at_least - 1})) == []


def test_item_9_alone_in_an_incomplete_form_is_enough_and_an_impossible_answer_too() -> None:
    assert found(events(PHQ9, {"9": 1.0})) == [("phq9//item 9", (("9", 1.0),))]
    assert found(events(PHQ9, {"9": 7.0})) == [("phq9//item 9", (("9", 7.0),))]


def test_the_same_answer_come_twice_is_one_sign_and_another_answer_is_another() -> None:
    whole = events(PHQ9, {item.id: 1.0 for item in PHQ9.items})
    again = events(PHQ9, {"9": 1.0}, ref="Observation/7")
    worse = events(PHQ9, {"9": 3.0}, ref="Observation/8")
    assert len(found(whole, again)) == 1
    assert len(found(whole, again, worse)) == 2
    assert len(found(whole, events(PHQ9, {"9": 1.0}, at=MONDAY + timedelta(days=1)))) == 2


def test_what_was_corrected_away_or_is_a_note_raises_nothing() -> None:
    code = PHQ9.items[8].code
    gone = Event("p1", MONDAY, MONDAY, code, 2.0, known_until=MONDAY + timedelta(hours=1))
    note = Event("p1", MONDAY, MONDAY, code, 2.0, kind="note")
    assert found([gone, note]) == []


@pytest.mark.parametrize(
    ("answers", "flag"),
    [
        ({"1": 0, "2": 0, "6": 0}, None),
        ({"1": 1, "2": 0, "6": 0}, "wish or thought"),
        ({"1": 1, "2": 1, "3": 1, "4": 0, "5": 0, "6": 0}, "moderate risk"),
        ({"1": 1, "2": 1, "3": 0, "4": 1, "5": 0, "6": 0}, "high risk"),
        ({"1": 0, "2": 0, "6": 1, "6b": 1}, "high risk"),
        ({"1": 0, "2": 1, "3": 0, "6": 0}, "high risk"),  # 4 and 5 are not known
    ],
)
def test_tiers_of_the_columbia_scale_and_unknown_escalates(answers, flag) -> None:
    raised = [rule for rule, _ in found(events(CSSRS, {id: float(value) for id, value in answers.items()}))]
    assert raised == ([f"cssrs//{flag}"] if flag else [])


def test_a_sign_names_the_items_that_raise_it_and_those_that_are_not_known() -> None:
    yes = events(CSSRS, {"1": 1.0, "2": 1.0, "3": 1.0, "4": 1.0, "5": 0.0, "6": 0.0})
    assert found(yes) == [("cssrs//high risk", (("4", 1.0),))]
    unknown = events(CSSRS, {"1": 0.0, "2": 1.0, "3": 0.0, "6": 0.0})
    assert found(unknown) == [("cssrs//high risk", (("4", None), ("5", None)))]


@pytest.mark.parametrize(
    ("said", "flag"),
    [
        ("High risk", "high risk"),
        ("Moderate", "moderate risk"),
        ("Low risk", "wish or thought"),
        ("LA-something", "high risk"),
        (None, "high risk"),
        ("nothing reported", None),
    ],
)
def test_a_level_of_risk_without_items_counts_and_one_unknown_to_us_is_the_highest(said, flag) -> None:
    level = events(CSSRS, {"total": None}, text=said)
    assert [rule for rule, _ in found(level)] == ([f"cssrs//{flag}"] if flag else [])


def test_with_items_the_items_speak() -> None:
    level = events(CSSRS, {"total": None}, text="High risk", ref="Level/1")
    items = events(CSSRS, {"1": 1.0, "2": 0.0, "6": 0.0})
    assert [rule for rule, _ in found(level, items)] == ["cssrs//wish or thought"]


def test_nothing_in_the_room_says_low_risk() -> None:
    room = Path(__file__).parents[2] / "src" / "alleviate" / "progress"
    for path in (*room.rglob("*.py"), *room.rglob("*.toml")):
        text = path.read_text(encoding="utf-8").casefold()
        assert "low risk" not in text, path
        assert "no risk" not in text, path
