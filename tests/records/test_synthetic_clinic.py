"""The synthetic clinic: reproducible, complete, and in keeping with the record's constraints."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import polars as pl
import pytest

from alleviate.instruments import INSTRUMENTS
from alleviate.records import KINDS, Event, PatientRecord, frame_of
from alleviate.records.synthetic import CLAIMS, Clinic, simulate
from alleviate.terms.errors import DataError

CLINIC = simulate(150, seed=4)
NOW = datetime(2025, 12, 31, tzinfo=UTC)


@pytest.fixture(scope="module")
def records() -> list[PatientRecord]:
    return list(CLINIC.records())


@pytest.fixture(scope="module")
def events(records: list[PatientRecord]) -> list[Event]:
    return [event for record in records for event in record.events]


@pytest.fixture(scope="module")
def truth() -> pl.DataFrame:
    return CLINIC.truth()


@pytest.fixture(scope="module")
def claims() -> pl.DataFrame:
    return CLINIC.claims()


def questionnaires(record: PatientRecord) -> dict[tuple[str, datetime], dict[str, float]]:
    """Answers by entry and when known: each version of a questionnaire."""
    forms: dict[tuple[str, datetime], dict[str, float]] = {}
    for event in record.events:
        if event.kind == "questionnaire":
            assert event.numeric_value is not None
            forms.setdefault((event.entry, event.known_at), {})[event.code] = event.numeric_value
    return forms


def test_the_same_seed_gives_the_same_clinic_and_another_another(records: list[PatientRecord]) -> None:
    assert list(simulate(5, seed=4).records()) == records[:5]
    assert list(simulate(5, seed=5).records()) != records[:5]


def test_a_small_clinic_is_the_beginning_of_a_large_one(
    records: list[PatientRecord], truth: pl.DataFrame, claims: pl.DataFrame
) -> None:
    assert list(islice(simulate(10**9, seed=4).records(), 10)) == records[:10]
    few = simulate(10, seed=4)
    assert few.truth().equals(truth.head(10))
    theirs = claims.filter(pl.col("subject_id").is_in([r.subject_id for r in records[:10]]))
    assert few.claims().equals(theirs)


def test_every_kind_is_there(events: list[Event]) -> None:
    assert {event.kind for event in events} == set(KINDS)


def test_everything_happened_and_was_known_by_now(events: list[Event]) -> None:
    assert max(event.known_at for event in events) <= NOW
    moments = {moment for event in events for moment in (event.time, event.known_at)}
    assert all(moment.microsecond == 0 for moment in moments)
    visits = [event.time for event in events if event.kind in {"session", "episode"}]
    assert datetime(2019, 1, 1, tzinfo=UTC) <= min(visits)
    assert all(visit.weekday() < 5 for visit in visits if visit.hour)


def test_everybody_is_marked_as_synthetic(records: list[PatientRecord]) -> None:
    for record in records:
        said = {event.code: event.text_value for event in record.events if event.kind == "person"}
        assert said["PERSON//synthetic"] == "yes"
        assert str(said["PERSON//family"]).startswith("Synthetic-")
        assert said["PERSON//identifier//urn:synthetic:clinic"] == record.subject_id


def test_refs_are_of_one_person_and_one_kind_and_fit_fhir(events: list[Event]) -> None:
    whose: dict[str, set[tuple[str, str]]] = {}
    for event in events:
        whose.setdefault(event.entry, set()).add((event.subject_id, event.kind))
    assert {ref for ref, owners in whose.items() if len(owners) != 1} == set()
    ids = pl.Series([ref.partition("/")[2] for ref in whose])
    assert ids.str.contains(r"^[A-Za-z0-9.\-]{1,64}$").all()


def test_ids_fit_fhir_for_the_largest_seed() -> None:
    (record,) = simulate(1, seed=2**63 - 1).records()
    assert max(len(event.entry.partition("/")[2]) for event in record.events) <= 64


def test_items_add_up_to_the_total(records: list[PatientRecord]) -> None:
    totals = {form.total_code: form for form in INSTRUMENTS.values()}
    seen: Counter[str] = Counter()
    for record in records:
        for answers in questionnaires(record).values():
            (total,) = set(answers) & set(totals)
            form = totals[total]
            assert set(answers) == {total, *(item.code for item in form.items)}
            assert answers[total] == sum(answers[item.code] for item in form.items)
            seen[form.id] += 1
    assert set(seen) == {"phq9", "gad7", "wsas", "audit_c"}
    assert min(seen["phq9"], seen["gad7"]) > 5 * len(records)


def test_about_one_questionnaire_in_a_hundred_is_corrected_later(records: list[PatientRecord]) -> None:
    forms = [ref for record in records for ref, _ in questionnaires(record)]
    twice = [ref for ref, versions in Counter(forms).items() if versions == 2]
    assert 0.005 < len(twice) / len(set(forms)) < 0.02
    for record in records:
        versions = {(event.entry, event.code, event.known_at): event for event in record.events}
        for old in record.events:
            if old.known_until:
                new = versions[old.entry, old.code, old.known_until]
                assert (new.time, new.known_until) == (old.time, None)


def test_a_correction_still_to_come_is_not_known() -> None:
    """Of the many clinics that end on different days, none holds a sign of what would be known after it."""
    for year in range(2020, 2025):
        now = datetime(year, 6, 1, 12, tzinfo=UTC)
        for record in simulate(40, seed=2, now=now).records():
            assert record.at(now) == PatientRecord(
                record.subject_id, [event for event in record.events if event.known_until is None]
            )


def test_people_come_leave_and_wait(records: list[PatientRecord], events: list[Event]) -> None:
    codes = Counter(event.code for event in events)
    for code in ("SESSION//missed", "SESSION//cancelled", "PROCEDURE//status", "CONDITION//refuted"):
        assert codes[code] > 0, code
    reasons = Counter(event.text_value for event in events if event.code == "EPISODE//end")
    assert reasons["completed"] > reasons["dropped out"] > reasons["referred on"] > 0
    assert 0.65 < reasons["completed"] / reasons.total() < 0.85


def test_those_in_treatment_have_their_next_appointment_booked() -> None:
    planned = [
        (record, event)
        for record in simulate(250, seed=7).records()
        for event in record.events
        if event.code == "SESSION//planned"
    ]
    assert planned
    for record, event in planned:
        assert event.numeric_value is not None
        assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=event.numeric_value + 1) > NOW
        assert event.known_at <= NOW
        assert not any(other.code == "EPISODE//end" for other in record.events)


def test_consents_differ_and_some_are_withdrawn(records: list[PatientRecord]) -> None:
    said = Counter()
    withdrawn = 0
    for record in records:
        research = [e for e in record.events if e.code == "CONSENT//research"]
        said.update(str(event.text_value) for event in research[:1])
        withdrawn += [event.text_value for event in research] == ["permit", "deny"]
    assert said["permit"] > said["deny"] > 0
    assert withdrawn > 0
    codes = {event.code for record in records for event in record.events if event.kind == "consent"}
    assert {"CONSENT//care", "CONSENT//until", "CONSENT//research//genetic"} <= codes


def test_results_are_known_late(events: list[Event]) -> None:
    late = {event.kind for event in events if event.known_at - event.time > timedelta(hours=20)}
    assert {"measurement", "genetic", "sensor", "note"} <= late


def test_the_record_says_the_same_as_the_truth(records: list[PatientRecord], truth: pl.DataFrame) -> None:
    total = INSTRUMENTS["phq9"].total_code
    for record, row in zip(records, truth.iter_rows(named=True), strict=True):
        assert record.subject_id == row["subject_id"]
        scores = [event for event in record.events if event.code == total and event.known_until is None]
        if scores:
            first = min(scores, key=lambda event: event.time)
            assert first.numeric_value == row["baseline_phq9"]
        end = row["start"] + timedelta(weeks=16)
        at_end = [event.numeric_value for event in scores if event.time == end]
        assert at_end == ([float(row["end_phq9"])] if row["end_recorded"] else [])


def test_every_clinic_writes_columns_as_promised() -> None:
    assert simulate(1, seed=1, now=datetime(2020, 1, 1, tzinfo=UTC)).claims().schema == CLAIMS


@pytest.mark.parametrize(("patients", "seed"), [(0, 1), (-1, 1), (1, -1), (1.5, 1), (True, 1)])
def test_sizes_and_seeds_are_whole_numbers(patients: int, seed: int) -> None:
    with pytest.raises(DataError, match="must be a whole number"):
        simulate(patients, seed)


def test_the_last_moment_is_in_utc() -> None:
    with pytest.raises(DataError, match="UTC"):
        Clinic(1, 1, datetime(2025, 1, 1))  # noqa: DTZ001


def test_a_frame_of_the_clinic_holds_every_event(events: list[Event]) -> None:
    assert frame_of(simulate(3, seed=4).records()).height == sum(
        event.subject_id in {f"synthetic-4-{n:06d}" for n in range(3)} for event in events
    )
