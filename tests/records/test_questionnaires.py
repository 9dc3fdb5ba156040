"""Which answers in a record are one questionnaire, and what they amount to."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alleviate.instruments import INSTRUMENTS
from alleviate.records import Event, PatientRecord
from alleviate.records.questionnaires import Filled, questionnaires

MONDAY = datetime(2024, 5, 6, 9, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
PHQ9, GAD7, PHQ4 = (INSTRUMENTS[id] for id in ("phq9", "gad7", "phq4"))
PHQ9_TOTAL, GAD7_TOTAL, PHQ4_TOTAL = PHQ9.total_code, GAD7.total_code, PHQ4.total_code


def event(code: str, value: float | None, entry: str = "", time: datetime = MONDAY, **more: object) -> Event:
    settings = {"kind": "questionnaire", "known_at": time} | more
    return Event("p1", time, settings.pop("known_at"), code, value, entry=entry, **settings)  # type: ignore[arg-type]


def form(id: str, answers: Iterable[float | None], entry: str = "form", **more: object) -> list[Event]:
    """The answers in the order of the instrument's items; None was not answered. Without an entry: loose."""
    pairs = zip(INSTRUMENTS[id].items, answers, strict=False)
    return [event(item.code, value, entry, **more) for item, value in pairs if value is not None]


def loose(id: str, answers: Iterable[float | None], **more: object) -> list[Event]:
    """The same as one observation each."""
    pairs = zip(INSTRUMENTS[id].items, answers, strict=False)
    return [
        event(item.code, value, f"Observation/{id}-{item.id}", kind="measurement", **more)
        for item, value in pairs
        if value is not None
    ]


def read(*events: Event) -> list[Filled]:
    return questionnaires(PatientRecord("p1", events))


def totals(forms: Iterable[Filled]) -> Mapping[str, float | None]:
    return {filled.instrument: filled.total for filled in forms}


def test_a_form_is_read_whole() -> None:
    (filled,) = read(*form("phq9", [2, 2, 1, 2, 1, 1, 0, 0, 1], known_at=TUESDAY))
    assert filled == Filled(
        instrument="phq9",
        time=MONDAY,
        known_at=TUESDAY,
        items=dict(zip("123456789", [2, 2, 1, 2, 1, 1, 0, 0, 1], strict=True)),
        total=10,
        severity="moderate",
        case=True,
        flags=("item 9",),
        entries=("form",),
    )


def test_nothing_comes_of_a_record_without_questionnaires() -> None:
    assert read() == []
    assert (
        read(event("LOINC//8867-4", 70.0, kind="measurement"), event("NOTE//progress", None, kind="note"))
        == []
    )


def test_an_answer_without_a_number_is_none() -> None:
    assert read(event(PHQ9.items[0].code, None, text_value="refused")) == []


def test_single_observations_of_one_time_are_one_form() -> None:
    (filled,) = read(*loose("phq9", [1] * 9), event(PHQ9_TOTAL, 9.0, "Observation/total", kind="measurement"))
    assert (filled.total, filled.stated) == (9, None)
    assert len(filled.entries) == 10


def test_forms_of_two_times_are_two() -> None:
    first, second = read(*form("gad7", [2] * 7, "a"), *form("gad7", [1] * 7, "b", time=TUESDAY))
    assert (first.time, first.total, second.time, second.total) == (MONDAY, 14, TUESDAY, 7)


def test_a_form_twice_at_one_time_is_two_by_entry() -> None:
    first, second = read(*form("gad7", [2] * 7, "a"), *form("gad7", [1] * 7, "b"))
    assert [(f.entries, f.total) for f in (first, second)] == [(("a",), 14), (("b",), 7)]


def test_single_observations_twice_at_one_time_are_two_forms() -> None:
    again = [event(item.code, 0.0, f"Observation/z{item.id}") for item in GAD7.items]
    assert sorted(f.total or 0 for f in read(*loose("gad7", [2] * 7), *again)) == [0, 14]


def test_observations_that_repeat_a_form_are_no_second_one() -> None:
    """As US Core writes it: the response, and then its answers and total as observations."""
    repeated = loose("phq9", [1] * 9)
    total = event(PHQ9_TOTAL, 9.0, "Observation/total", kind="measurement")
    (filled,) = read(*form("phq9", [1] * 9), *repeated, total)
    assert (filled.total, filled.entries) == (9, ("Observation/total", "form"))


def test_a_total_alone_is_taken_as_given() -> None:
    (filled,) = read(event(PHQ9_TOTAL, 17.0, "Observation/1", kind="measurement"))
    assert (filled.items, filled.total, filled.severity, filled.case) == ({}, 17, "moderately severe", True)
    assert (filled.flags, filled.stated) == ((), None)


@pytest.mark.parametrize("impossible", [28.0, -1.0])
def test_an_impossible_total_is_none(impossible: float) -> None:
    (filled,) = read(event(PHQ9_TOTAL, impossible))
    assert (filled.total, filled.severity, filled.case, filled.stated) == (None, None, None, impossible)


def test_items_win_over_a_given_total_that_they_contradict() -> None:
    (filled,) = read(*form("phq9", [1] * 8 + [0]), event(PHQ9_TOTAL, 13.0, "form"))
    assert (filled.total, filled.severity, filled.stated) == (8, "mild", 13)


def test_a_total_that_the_import_found_contradicted_is_only_stated() -> None:
    """The SDC example: the items sum to 10, the total says 13."""
    (filled,) = read(*form("phq9", [2, 2, 1, 1, 1, 1, 1, 1, 0]), event(f"STATED//{PHQ9_TOTAL}", 13.0, "form"))
    assert (filled.total, filled.stated) == (10, 13)
    (alone,) = read(event(f"STATED//{PHQ9_TOTAL}", 13.0))
    assert (alone.instrument, alone.total, alone.stated) == ("phq9", None, 13)


def test_where_answers_are_missing_a_given_total_that_they_allow_is_taken() -> None:
    answers = [2, 2, None, 1, 1, None, 1, 0, 0]
    (allowed,) = read(*form("phq9", answers), event(PHQ9_TOTAL, 13.0, "form"))
    assert (allowed.total, allowed.severity, allowed.stated) == (13, "moderate", None)
    (not_allowed,) = read(*form("phq9", answers), event(PHQ9_TOTAL, 14.0, "form"))
    assert (not_allowed.total, not_allowed.stated) == (9, 14)


def test_a_form_without_item_9_is_never_a_phq9_total() -> None:
    """HL7's example questionnaire has eight items, and its total is called that of the PHQ-9."""
    (filled,) = read(*form("phq9", [2] * 8), event(PHQ9_TOTAL, 16.0, "form"))
    assert (filled.total, filled.severity, filled.case, filled.stated) == (None, None, None, 16)
    assert len(filled.items) == 8


def test_an_answer_out_of_range_is_shown_and_not_scored() -> None:
    (filled,) = read(*form("phq9", [7, 1, 1, 1, 1, 1, 1, 1, 0]))
    assert filled.items["1"] == 7
    assert filled.total == 7 + 7 / 8


def test_the_phq4_is_itself_where_only_its_items_are_there() -> None:
    (filled,) = read(*form("phq4", [1, 1, 2, 2]))
    assert (filled.instrument, filled.total) == ("phq4", 6)


def test_the_phq4_is_none_where_phq9_and_gad7_are_there() -> None:
    assert totals(read(*form("phq9", [1] * 9), *form("gad7", [1] * 7))) == {"phq9": 9, "gad7": 7}
    assert totals(read(*loose("phq9", [1] * 9), *loose("gad7", [1] * 7))) == {"phq9": 9, "gad7": 7}


def test_the_items_of_a_phq4_are_not_lost_to_the_total_of_a_phq9() -> None:
    found = totals(read(*loose("phq4", [1, 1, 2, 2]), event(PHQ9_TOTAL, 12.0, "Observation/9")))
    assert found == {"phq4": 6, "phq9": 12}


def test_totals_of_several_instruments_at_one_time() -> None:
    given = [event(code, 6.0, code) for code in (PHQ9_TOTAL, GAD7_TOTAL, PHQ4_TOTAL)]
    assert totals(read(*given)) == {"phq9": 6, "gad7": 6, "phq4": 6}


def test_a_form_of_another_instrument_at_the_same_time_stays_apart() -> None:
    forms = read(*form("wsas", [4] * 5, "w"), *form("phq9", [1] * 9, "p"), *loose("gad7", [0] * 7))
    assert {f.instrument: f.entries[0] for f in forms} == {
        "wsas": "w",
        "phq9": "p",
        "gad7": "Observation/gad7-1",
    }


def test_sex_decides_where_the_instrument_says_so() -> None:
    man = event("PERSON//sex", None, kind="person", text_value="male")
    (his,), (unknown,) = read(man, *form("audit_c", [2, 1, 0])), read(*form("audit_c", [2, 1, 0]))
    assert (his.case, unknown.case) == (False, True)


def test_a_risk_tier_comes_from_the_answers_alone() -> None:
    risk = event(INSTRUMENTS["cssrs"].total_code, 0.0, "Observation/risk")
    (filled,) = read(*form("cssrs", [1, 1, 0, 0, 0, 0]), risk)
    assert (filled.severity, filled.flags, filled.total) == ("low", ("wish or thought",), None)
    assert read(risk) == []


def test_what_a_correction_replaced_is_not_read() -> None:
    old = form("gad7", [2] * 7, "a", known_until=TUESDAY)
    new = form("gad7", [1] * 7, "a", known_at=TUESDAY)
    record = PatientRecord("p1", old + new)
    assert [f.total for f in questionnaires(record)] == [7]
    assert [f.total for f in questionnaires(record.at(MONDAY))] == [14]


ANSWERS = st.lists(st.none() | st.integers(0, 3), min_size=9, max_size=9)


@given(phq9=ANSWERS, gad7=ANSWERS, split=st.booleans(), order=st.randoms())
def test_each_answer_is_in_one_form_whatever_the_order(
    phq9: list, gad7: list, split: bool, order: object
) -> None:
    make = loose if split else form
    events = make("phq9", phq9) + (loose("gad7", gad7) if split else form("gad7", gad7, "other"))
    shuffled = list(events)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert read(*shuffled) == read(*events)
    assert sum(len(filled.items) for filled in read(*events)) == len(events)
