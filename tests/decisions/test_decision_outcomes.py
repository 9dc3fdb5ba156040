"""What happened after a decision, as the record tells it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.decisions import NOTHING, Act, Decision, FollowUp, Reason, compare, follow_up
from alleviate.decisions.outcomes import FEWEST
from alleviate.decisions.parts import Aim
from alleviate.records import Event, PatientRecord
from alleviate.terms.errors import DataError

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
AIM = Aim(
    label="depression",
    unit="points",
    better="lower",
    important=2,
    risk=False,
    feature={"of": "phq9", "take": "last"},
    start="EPISODE//start",
    by_code=False,
    arms={"Cognitive behavioural therapy": "talk", "Sertraline": "tablets"},
    opens=80,
    closes=120,
    reliable=6,
)


def decided(chosen: str = "talk") -> Decision:
    blank = Decision("0" * 32, ("talk", "tablets"), ("talk",))
    reason = None if chosen == "talk" else Reason("patient-prefers")
    move = "accept" if chosen == "talk" else "override"
    acts = (Act("see", "account:a", "clinician", AT), Act(move, "account:a", "clinician", AT, chosen, reason))
    return blank.after(*acts)


def record(
    *scores: tuple[int, float], begun: str = "Cognitive behavioural therapy", on: int = 7
) -> PatientRecord:
    """Scores by days after the decision."""
    events = [
        Event("p", AT + d * DAY, AT + d * DAY, "LOINC//44261-6", value, None, "questionnaire", f"Q/{d}")
        for d, value in scores
    ]
    if begun:
        start = AT + on * DAY
        events.append(Event("p", start, start, "EPISODE//start", None, begun, "episode", "E/1"))
    return PatientRecord("p", events)


def seen(days: int, *args, chosen: str = "talk", **told) -> FollowUp:
    return follow_up(record(*args, **told), decided(chosen), AIM, AT + days * DAY)


def test_before_a_decision_there_is_nothing_to_look_back_on() -> None:
    with pytest.raises(DataError, match="Nothing was decided"):
        follow_up(record(), Decision("0" * 32, ("talk",), ("talk",)), AIM, AT)


def test_followed_and_better_beyond_the_error() -> None:
    told = seen(200, (0, 18.0), (110, 9.0))
    assert (told.status, told.begun, told.followed, told.as_chosen) == ("measured", "talk", True, True)
    assert (told.before, told.after, told.better, told.reliable) == (18, 9, 9, "improved")


@pytest.mark.parametrize(
    ("after", "word"), [(12.0, "improved"), (13.0, "no reliable change"), (24.0, "deteriorated")]
)
def test_the_error_of_the_instrument_decides_what_is_a_change(after: float, word: str) -> None:
    assert seen(200, (0, 18.0), (110, after)).reliable == word


def test_what_began_is_what_counts_whatever_was_written() -> None:
    told = seen(200, (0, 18.0), (110, 9.0), begun="Sertraline")
    assert (told.followed, told.as_chosen) == (False, False)
    told = seen(200, (0, 18.0), (110, 9.0), begun="Sertraline", chosen="tablets")
    assert (told.followed, told.as_chosen) == (False, True)


def test_it_waits_until_the_window_closes() -> None:
    assert seen(100, (0, 18.0), (95, 9.0)).status == "waiting"
    assert seen(200, (0, 18.0), (40, 9.0)).status == "not-measured"  # scores outside the window say nothing


def test_nothing_begun_is_no_treatment_and_may_be_what_was_chosen() -> None:
    assert seen(200, (0, 18.0), begun="").status == "nothing-begun"
    assert seen(200, (0, 18.0), begun="", chosen=NOTHING).as_chosen
    assert seen(400, (0, 18.0), on=300).status == "nothing-begun"  # half a year later it is another matter


def test_what_is_not_known_yet_does_not_count() -> None:
    late = record((0, 18.0), (110, 9.0))
    events = [replace(e, known_at=AT + 300 * DAY) if e.numeric_value == 9.0 else e for e in late.events]
    found = follow_up(PatientRecord("p", events), decided(), AIM, AT + 200 * DAY)
    assert found.status == "not-measured"


def told(better: float | None, followed: bool | None) -> FollowUp:
    return FollowUp("measured", followed=followed, better=better)


def test_the_mean_and_its_interval_are_those_of_students_t() -> None:
    found = compare([told(b, True) for b in (2.0, 4.0, 4.0, 6.0, 9.0)])
    assert found.followed.estimate == pytest.approx(5.0)
    assert found.followed.high - 5.0 == pytest.approx(2.7764451 * (7.0 / 5) ** 0.5, rel=1e-6)  # s² = 7, t(4)
    assert (found.n_followed, found.n_otherwise, found.otherwise, found.difference) == (5, 0, None, None)


@given(st.lists(st.tuples(st.floats(-20, 20), st.sampled_from([True, False, None])), max_size=30))
def test_few_people_are_never_shown(rows) -> None:
    found = compare([told(better, followed) for better, followed in rows])
    assert (found.followed is None) == (found.n_followed < FEWEST)
    assert (found.otherwise is None) == (found.n_otherwise < FEWEST)
    assert (found.difference is None) == (min(found.n_followed, found.n_otherwise) < FEWEST)
    if found.difference is not None:
        assert found.difference.estimate == pytest.approx(found.followed.estimate - found.otherwise.estimate)
