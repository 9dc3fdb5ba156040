"""Cards from what the clinic knows: each open alert is on the one card; a course off track has one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hooks_schema import CARD, holds

from alleviate.clinic.cds.card import Place
from alleviate.clinic.cds.cards import course_cards
from alleviate.clinic.cds.safety import safety_cards
from alleviate.clinic.patient.followed import Course, Follower, Judged
from alleviate.progress.alerts import Alert, Step, with_step
from alleviate.progress.safety import Sign

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLACE = Place("https://clinic.example", "a" * 32, "Alleviate")


def alert(id: str, hours: float) -> Alert:
    at = NOW - timedelta(hours=hours)
    sign = Sign(
        time=at, instrument="phq9", flag="item 9", answers=(("9", 1.0),), known_at=at, entries=("Q/1",)
    )
    return Alert(id, "p1", sign, at)


def course(on_track: bool | None) -> Course:
    follower = Follower(
        package="f" * 32, name="courses", instrument_id="phq9", unit="weeks", horizon=16.0, per_100=20.0
    )
    judged = Judged(
        result="r1",
        raised_at=NOW,
        at=NOW - timedelta(days=1),
        score=19.0,
        expected=15.0,
        low=11.0,
        high=18.0,
        end=16.2,
        end_low=10.1,
        end_high=21.7,
        p_improve=0.23,
        on_track=on_track,
        alert=False,
        reasons=("19 is worse than was expected the time before (11 to 18)",),
        stands_out=(),
        ask=(),
    )
    return Course(follower=follower, judged=(judged,))


def test_every_open_alert_is_on_the_one_card_the_overdue_ones_marked() -> None:
    alerts = [alert(str(number), hours) for number, hours in enumerate((0.5, 30, 50))]
    (card,) = safety_cards(alerts, NOW, PLACE, str)
    holds(card.to_json(), CARD)
    assert card.indicator == "critical"
    assert card.summary.endswith(", and 2 more")
    assert card.detail.count("PHQ-9 item 9") == 3
    assert card.detail.count("**Overdue.**") == 2


def test_a_resolved_alert_is_on_no_card_and_a_taken_one_is() -> None:
    taken = with_step(alert("1", 1), Step("acknowledged", NOW, "account:a"))
    (card,) = safety_cards([taken], NOW, PLACE, str)
    assert "taken, not resolved" in card.detail
    resolved = with_step(taken, Step("resolved", NOW, "account:a", "Called."))
    assert safety_cards([resolved], NOW, PLACE, str) == []
    assert safety_cards([], NOW, PLACE, str) == []


def test_alerts_that_are_withheld_are_counted_and_say_nothing_else() -> None:
    (alone,) = safety_cards([], NOW, PLACE, str, withheld=2)
    holds(alone.to_json(), CARD)
    assert alone.summary == "Safety alerts from data that the person withholds: 2. Ask them."
    (beside,) = safety_cards([alert("1", 1)], NOW, PLACE, str, withheld=2)
    assert beside.indicator == "critical"
    assert "withholds: 2" in beside.detail


def test_a_course_off_track_has_a_card_with_its_band_and_its_reasons() -> None:
    (card,) = course_cards([course(False)], PLACE, str)
    holds(card.to_json(), CARD)
    assert card.indicator == "warning"
    assert card.summary == "Off track: PHQ-9 19, chance of reliable improvement 23%"
    assert "16 (10 to 22)" in card.detail
    assert "worse than was expected" in card.detail
    assert not card.uuid


def test_a_course_on_track_or_of_which_nothing_can_be_said_has_none() -> None:
    assert course_cards([course(True), course(None)], PLACE, str) == []


def test_somebody_without_a_record_here_has_no_link_to_one() -> None:
    (card,) = course_cards([course(False)], replace(PLACE, patient=""), str)
    assert card.links == ()
