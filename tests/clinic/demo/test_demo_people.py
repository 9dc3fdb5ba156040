"""Who is in the demonstration: the same people for the same moment, from two sites, none of whom exists."""

import polars as pl
import pytest
from made_demo import NOW

from alleviate.clinic.demo.entries import by_day, entries_of, taken_over
from alleviate.clinic.demo.people import SEED, SITES, choose, is_current
from alleviate.terms.errors import DataError


@pytest.fixture(scope="module")
def everybody():
    return choose(20, 6, 60, seed=SEED, now=NOW)


def test_the_same_moment_gives_the_same_people(everybody):
    again = choose(20, 6, 60, seed=SEED, now=NOW)
    assert again == everybody
    assert again.clinic.record(again.current[0]) == everybody.clinic.record(everybody.current[0])


def test_current_patients_wait_or_are_in_treatment_and_past_ones_have_ended(everybody):
    clinic = everybody.clinic
    assert len(set(everybody.current) | set(everybody.recent) | set(everybody.past)) == 86
    assert all(is_current(clinic.record(number)) for number in everybody.current)
    for number in (*everybody.recent, *everybody.past):
        assert "EPISODE//end" in {event.code for event in clinic.record(number).events}


def test_everybody_is_of_the_two_sites_and_obviously_synthetic(everybody):
    for number in (*everybody.current, *everybody.past):
        told = {event.code: event.text_value for event in everybody.clinic.record(number).events}
        assert told["PERSON//site"] in SITES
        assert told["PERSON//synthetic"] == "yes"
        assert told["PERSON//family"].startswith("Synthetic-")


def test_the_truth_is_of_exactly_these_people(everybody):
    truth = everybody.truth()
    whole = everybody.clinic.truth(everybody.past)
    assert truth.height == 86
    assert truth.tail(60).equals(whole)
    assert truth.select(pl.col("subject_id").n_unique()).item() == 86


def test_more_people_than_the_clinic_has_are_refused(monkeypatch):
    monkeypatch.setattr("alleviate.clinic.demo.people._PEOPLE_A_CURRENT", 2)
    with pytest.raises(DataError, match="Expected 200 current"):
        choose(200, 0, 1, seed=SEED, now=NOW)


def test_corrections_come_after_what_they_correct(everybody):
    corrected = 0
    for number in (*everybody.current, *everybody.past):
        record = everybody.clinic.record(number)
        seen = set()
        for entry in entries_of(record):
            assert all(event.known_until is None for event in entry.events)
            if entry.ref in seen:
                corrected += 1
                assert entry.changed_at == max(event.known_at for event in entry.events)
            seen.add(entry.ref)
        assert seen == {event.entry for event in record.events}
    assert corrected


def test_of_long_ago_come_totals_and_no_notes(everybody):
    entries = [e for n in everybody.past for e in taken_over(entries_of(everybody.clinic.record(n)))]
    assert not {"note", "sensor", "plan"} & {entry.kind for entry in entries}
    forms = [entry for entry in entries if entry.kind == "questionnaire"]
    assert forms
    assert all(len(form.events) == 1 for form in forms)


def test_days_come_in_order_and_nothing_is_known_after_its_day(everybody):
    entries = [e for n in everybody.current for e in entries_of(everybody.clinic.record(n))]
    days = list(by_day(entries))
    assert sum(len(some) for _, some in days) == len(entries)
    assert [moment for moment, _ in days] == sorted(moment for moment, _ in days)
    for moment, some in days:
        assert {max(event.known_at for event in entry.events).date() for entry in some} == {moment.date()}
