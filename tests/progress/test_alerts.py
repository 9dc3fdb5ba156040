"""An alert has an owner and a deadline at every moment until it is resolved, and moves on unanswered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.progress.alerts import Alert, Step, due, standing, with_step
from alleviate.progress.ladder import default_ladders, read_ladders
from alleviate.progress.safety import Sign
from alleviate.terms.errors import DataError

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)


def minutes(number):
    return timedelta(minutes=number)


def alert(instrument="cssrs", flag="high risk", *, answered_before=timedelta(0), id="a"):
    sign = Sign(
        time=NOON - answered_before,
        instrument=instrument,
        flag=flag,
        answers=(("4", 1.0),),
        known_at=NOON - answered_before,
        entries=("Form/1",),
    )
    return Alert(id, "p1", sign, NOON)


def at(alert_, after, ladders=None):
    place = standing(alert_, NOON + minutes(after), ladders)
    return (place.owner, place.tier, (place.deadline - NOON) // minutes(1), place.overdue)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0, ("treating clinician", 1, 15, False)),
        (14, ("treating clinician", 1, 15, False)),
        (15, ("duty clinician", 2, 30, True)),
        (30, ("clinical lead", 3, 60, True)),
        (60, ("clinical lead", 3, 60, True)),
        (100_000, ("clinical lead", 3, 60, True)),
    ],
)
def test_unanswered_it_goes_to_the_next_tier_exactly_at_the_deadline(after, expected) -> None:
    assert at(alert(), after) == expected


def test_who_takes_it_owns_it_until_it_should_be_resolved_then_the_next_tier_does() -> None:
    taken = with_step(alert(), Step("acknowledged", NOON + minutes(5), "Dr Roth"))
    assert taken.state == "acknowledged"
    assert at(taken, 4) == ("treating clinician", 1, 15, False)  # as it stood before
    assert at(taken, 5) == ("Dr Roth", 1, 240, False)
    assert at(taken, 239) == ("Dr Roth", 1, 240, False)
    assert at(taken, 240) == ("duty clinician", 2, 255, True)
    assert at(taken, 500) == ("clinical lead", 3, 285, True)


def test_to_acknowledge_again_and_again_buys_only_the_time_of_a_tier() -> None:
    late = with_step(alert(), Step("acknowledged", NOON + minutes(300), "Dr Roth"))
    assert at(late, 301) == ("Dr Roth", 3, 330, True)
    again = with_step(late, Step("acknowledged", NOON + minutes(400), "Dr Roth"))
    assert at(again, 401) == ("Dr Roth", 3, 430, True)
    assert at(again, 431) == ("clinical lead", 3, 430, True)


def test_resolved_it_is_due_no_more() -> None:
    taken = with_step(alert(), Step("acknowledged", NOON + minutes(5), "Dr Roth"))
    closed = with_step(taken, Step("resolved", NOON + minutes(50), "Dr Roth", "Saw her; safety plan made."))
    assert closed.state == "resolved"
    assert standing(closed, NOON + minutes(50)) is None
    assert standing(closed, NOON + minutes(49)) is not None
    assert due([closed], NOON + minutes(60)) == []


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Step("resolved", NOON, "x", "done"), "Nobody has acknowledged"),
        (Step("acknowledged", NOON - minutes(1), "x"), "comes before"),
        (Step("acknowledged", NOON, " "), "names who"),
        (Step("acknowledged", datetime(2024, 5, 6, 13), "x"), "UTC"),  # noqa: DTZ001
    ],
)
def test_steps_that_are_not_open(step, message) -> None:
    with pytest.raises(DataError, match=message):
        with_step(alert(), step)


def test_to_resolve_is_to_say_what_was_done_and_a_closed_alert_stays_closed() -> None:
    taken = with_step(alert(), Step("acknowledged", NOON, "x"))
    with pytest.raises(DataError, match="says what was done"):
        with_step(taken, Step("resolved", NOON, "x", " "))
    closed = with_step(taken, Step("resolved", NOON, "x", "called"))
    with pytest.raises(DataError, match="is resolved"):
        with_step(closed, Step("acknowledged", NOON, "y"))


def test_ladders_by_flag_and_old_answers_apart_but_never_lost() -> None:
    assert default_ladders().of(alert().sign, NOON).name == "very urgent"
    assert default_ladders().of(alert("phq9", "item 9").sign, NOON).name == "urgent"
    assert default_ladders().of(alert(answered_before=timedelta(days=30)).sign, NOON).name == "very urgent"
    old = alert(answered_before=timedelta(days=31), id="old")
    assert default_ladders().of(old.sign, NOON).name == "look back"
    assert [place.alert.id for place in due([old, alert()], NOON)] == ["a", "old"]


@given(st.lists(st.integers(0, 50_000), max_size=30), st.integers(0, 60_000))
def test_nothing_unresolved_is_ever_held_back(raised, now) -> None:
    alerts = [replace(alert(id=str(n)), raised_at=NOON + minutes(m)) for n, m in enumerate(raised)]
    places = due(alerts, NOON + minutes(now))
    assert {place.alert.id for place in places} == {each.id for each in alerts}
    assert places == sorted(places, key=lambda place: (not place.overdue, place.deadline, place.alert.id))


@given(st.lists(st.integers(0, 2000), max_size=5), st.integers(0, 4000), st.integers(0, 4000))
def test_a_tier_is_never_stepped_down_with_time(taken, one, other) -> None:
    each = alert()
    for moment in sorted(taken):
        each = with_step(each, Step("acknowledged", NOON + minutes(moment), "x"))
    earlier, later = (standing(each, NOON + minutes(moment)) for moment in sorted((one, other)))
    assert earlier.tier <= later.tier


OWN = """
source = "Our clinic's protocol of 2025"
default = "ours"
history = "ours"
history_after_days = 10

[[ladders]]
name = "ours"
resolve_within_hours = 1
tiers = [{ owner = "nurse on duty", answer_within_minutes = 5 }]
"""


def test_a_clinic_may_bring_its_own(tmp_path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    assert at(alert(), 4, read_ladders(path)) == ("nurse on duty", 1, 5, False)
    assert at(alert(), 9, read_ladders(path)) == ("nurse on duty", 1, 5, True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (OWN.replace('default = "ours"', 'default = "theirs"'), "no ladder 'theirs'"),
        (OWN.replace("Our clinic's protocol of 2025", " "), "source is missing"),
        (OWN.replace("= 5 ", "= 0 "), "not above 0"),
        (OWN.replace("days = 10", "days = 0"), "more than 0 days"),
        (OWN[: OWN.index("tiers")] + "tiers = []\n", "has no tier"),
        (OWN + OWN[OWN.index("[[") :], "one name"),
        (OWN + "colour = 'red'\n", "colour"),
        ("no toml", "is no file of escalation"),
    ],
)
def test_a_file_that_leads_nowhere_is_refused(tmp_path, wrong, message) -> None:
    path = tmp_path / "own.toml"
    path.write_text(wrong)
    with pytest.raises(DataError, match=message):
        read_ladders(path)
    with pytest.raises(DataError, match="is no file"):
        read_ladders(tmp_path / "nothing.toml")
