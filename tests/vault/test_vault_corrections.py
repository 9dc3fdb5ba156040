"""What is new, what is known already, and what corrects: put, against a plain model of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from entries_made import DAY, NOW, any_entries, day, entry, person, pulse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alleviate.records import Entry, Event, PatientRecord
from alleviate.terms.errors import DataError, VaultError
from alleviate.vault import Access, Tally, Vault

TICK = timedelta(microseconds=1)


@pytest.fixture
def access(location: str):
    with Vault.create(location) as vault, vault.access(actor="test", purpose="rights") as access:
        yield access


def values(record: PatientRecord) -> list[float | None]:
    return [event.numeric_value for event in record.events]


def test_the_same_twice_adds_nothing(access: Access) -> None:
    entries = [pulse(1, "p1", 60.0), pulse(2, "p2", 61.0), person("p1")]
    assert access.put(entries, NOW) == Tally(stored=3)
    assert access.put(entries, NOW + DAY) == Tally(unchanged=3)
    assert access.put([*entries, *entries], NOW) == Tally(unchanged=6)


def test_a_correction_replaces_and_the_old_version_stays_in_history(access: Access) -> None:
    access.put([pulse(1, "p1", 60.0, at=day(2))], NOW)
    assert access.put([pulse(1, "p1", 66.0, at=day(2), changed=day(5))], NOW) == Tally(superseded=1)
    record = access.record("p1")
    assert values(record.at(day(4))) == [60.0]
    assert values(record.at(day(5))) == [66.0]
    old, new = record.events
    assert (old.known_until, new.known_at, new.time) == (day(5), day(5), day(2))


def test_a_correction_without_a_date_is_known_from_the_import(access: Access) -> None:
    access.put([pulse(1, "p1", 60.0)], NOW)
    access.put([pulse(1, "p1", 66.0)], NOW + DAY)
    old, new = access.record("p1").events
    assert (old.known_until, new.known_at) == (NOW + DAY, NOW + DAY)


def test_a_correction_is_known_after_what_it_corrects_whatever_the_source_says(access: Access) -> None:
    access.put([pulse(1, "p1", 60.0, at=day(9))], NOW)
    access.put([pulse(1, "p1", 66.0, at=day(9), changed=day(3))], NOW)
    old, new = access.record("p1").events
    assert (old.known_until, new.known_at) == (day(9) + TICK, day(9) + TICK)


def test_what_changed_before_the_standing_version_is_stale(access: Access) -> None:
    access.put([pulse(1, "p1", 60.0, changed=day(5))], NOW)
    assert access.put([pulse(1, "p1", 50.0, changed=day(4))], NOW) == Tally(unchanged=1)
    assert values(access.record("p1")) == [60.0]


def test_an_older_version_comes_back_only_when_its_source_changed_it_back(access: Access) -> None:
    first, second = pulse(1, "p1", 60.0), pulse(1, "p1", 66.0)
    access.put([first, second], NOW)
    assert access.put([first, second], NOW) == Tally(unchanged=2)
    assert access.put([replace(first, changed_at=NOW + DAY)], NOW + DAY) == Tally(superseded=1)
    assert values(access.record("p1").at(NOW + DAY)) == [60.0]


def test_a_version_that_the_source_confirmed_later_is_not_replaced_by_one_from_before_that(
    access: Access,
) -> None:
    access.put([pulse(1, "p1", 60.0, changed=day(1))], NOW)
    assert access.put([pulse(1, "p1", 60.0, changed=day(8))], NOW) == Tally(unchanged=1)
    assert access.put([pulse(1, "p1", 50.0, changed=day(4))], NOW) == Tally(unchanged=1)


def test_two_versions_in_one_batch_are_taken_in_their_order(access: Access) -> None:
    versions = [pulse(1, "p1", float(number), changed=day(number)) for number in (1, 2, 3)]
    assert access.put(versions, NOW) == Tally(stored=1, superseded=2)
    record = access.record("p1")
    assert [values(record.at(day(number))) for number in (1, 2, 3)] == [[1.0], [2.0], [3.0]]


def test_an_entry_without_events_is_withdrawn(access: Access) -> None:
    access.put([pulse(1, "p1", 60.0, at=day(2))], NOW)
    withdrawn = entry("Observation/1", "p1", changed=day(6))
    assert access.put([withdrawn], NOW) == Tally(superseded=1)
    assert access.put([withdrawn], NOW) == Tally(unchanged=1)
    record = access.record("p1")
    assert values(record.at(day(5))) == [60.0]
    assert values(record.at(day(6))) == []


def test_what_was_withdrawn_before_it_came_stays_withdrawn(access: Access) -> None:
    withdrawn = entry("Observation/1", "p1", changed=day(6))
    assert access.put([withdrawn], NOW) == Tally(stored=1)
    assert access.put([pulse(1, "p1", 60.0, changed=day(2))], NOW) == Tally(unchanged=1)
    assert access.record("p1").events == ()


def test_an_entry_that_moves_to_another_person_leaves_the_first(access: Access) -> None:
    access.put([pulse(1, "p1", 60.0, at=day(2))], NOW)
    assert access.put([pulse(1, "p2", 60.0, at=day(2), changed=day(7))], NOW) == Tally(superseded=1)
    assert values(access.record("p1").at(day(6))) == [60.0]
    assert values(access.record("p1").at(day(7))) == []
    assert values(access.record("p2").at(day(7))) == [60.0]


def test_what_is_said_of_a_person_is_not_new_because_it_was_read_again(access: Access) -> None:
    def lives_at(site: str, moment: datetime, changed: datetime | None = None) -> Entry:
        return entry(
            "Patient/1", "p1", ("PERSON//site", None, site), kind="person", at=moment, changed=changed
        )

    access.put([lives_at("north", NOW)], NOW)
    assert access.put([lives_at("north", NOW + DAY)], NOW + DAY) == Tally(unchanged=1)
    assert access.put([lives_at("north", day(8), day(8))], NOW + DAY) == Tally(unchanged=1)
    assert access.put([lives_at("south", NOW + DAY)], NOW + DAY) == Tally(superseded=1)


def test_text_that_is_no_unicode_is_refused_and_nothing_of_its_batch_is_stored(access: Access) -> None:
    with pytest.raises(DataError, match="Unicode"):
        access.put(
            [pulse(1, "p1", 60.0), entry("Note/1", "p1", ("NOTE//x", None, "\ud800"), kind="note")], NOW
        )
    assert access.ids() == []


@dataclass
class Version:
    """What the plain model keeps of one version of an entry."""

    entry: Entry
    events: list[Event]
    since: datetime
    until: datetime | None = None
    changed: datetime | None = None


def content(entry: Entry, now: datetime) -> object:
    def time(event: Event) -> datetime | None:
        return None if event.time == now or event.code.startswith("PERSON//") else event.time

    events = sorted(repr((time(e), e.code, e.numeric_value, e.text_value)) for e in entry.events)
    return entry.subject_id, entry.kind, events


class Model:
    """A vault without keys, rows or cleverness."""

    def __init__(self) -> None:
        self.entries: dict[str, list[Version]] = {}
        self.contents: dict[str, list[object]] = {}
        self.people: dict[str, None] = {}

    def put(self, entries: list[Entry], now: datetime) -> Tally:
        outcomes = [self._one(entry, now) for entry in entries]
        return Tally(outcomes.count("stored"), outcomes.count("unchanged"), outcomes.count("superseded"))

    def _one(self, entry: Entry, now: datetime) -> str:
        self.people[entry.subject_id] = None
        versions = self.entries.setdefault(entry.ref, [])
        contents = self.contents.setdefault(entry.ref, [])
        said, changed = content(entry, now), entry.changed_at
        since = None
        if versions:
            last = versions[-1]
            if said == contents[-1]:
                last.changed = max(filter(None, (last.changed, changed)), default=None)
                return "unchanged"
            if changed and last.changed and changed < last.changed:
                return "unchanged"
            if said in contents and not (changed and changed > (last.changed or last.since)):
                return "unchanged"
            since = last.until = max(changed or now, last.since + TICK)
        events = [e if since is None else replace(e, known_at=max(e.known_at, since)) for e in entry.events]
        latest = max([e.known_at for e in events] + ([since] if since else []), default=changed or now)
        versions.append(Version(entry, events, latest, None, changed))
        contents.append(said)
        return "stored" if since is None else "superseded"

    def record(self, subject: str) -> PatientRecord:
        return PatientRecord(
            subject,
            [
                replace(event, known_until=version.until)
                for versions in self.entries.values()
                for version in versions
                if version.entry.subject_id == subject
                for event in version.events
            ],
        )


@given(batches=st.lists(any_entries(), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_put_is_what_the_plain_model_says(location: str, batches: list[list[Entry]]) -> None:
    """One vault for all examples: refs and people of each are told apart by a prefix."""
    try:
        vault = Vault.open(location)
    except VaultError:
        vault = Vault.create(location)
    with vault, vault.access(actor="test", purpose="rights") as access:
        prefix = f"{len(access.ids())}/"
        model = Model()
        for number, batch in enumerate(batches):
            marked = [prefixed(entry, prefix) for entry in batch]
            now = NOW + number * DAY
            assert access.put(marked, now) == model.put(marked, now)
        for subject in model.people:
            assert access.record(subject) == model.record(subject)


def prefixed(entry: Entry, prefix: str) -> Entry:
    subject, ref = prefix + entry.subject_id, prefix + entry.ref
    events = tuple(replace(event, subject_id=subject, entry=ref) for event in entry.events)
    return Entry(subject, ref, entry.kind, events, entry.changed_at)
