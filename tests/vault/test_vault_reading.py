"""What was put in comes out: as records and, the same, as one table; found by names; all in the audit."""

import pytest
from entries_made import NOW, any_entries, day, person, pulse
from hypothesis import HealthCheck, given, settings
from test_vault_corrections import prefixed

from alleviate.records import EVENTS, Entry, frame_of, records_of
from alleviate.terms.errors import AuditError, VaultError
from alleviate.vault import Access, Vault


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        yield vault


@pytest.fixture
def access(vault: Vault) -> Access:
    return vault.access(actor="test", purpose="care")


def test_a_record_comes_out_as_it_went_in(access: Access) -> None:
    entries = [person("p1"), pulse(1, "p1", 60.0), pulse(2, "p1", -0.0, at=day(3))]
    access.put(entries, NOW)
    record = access.record("p1")
    assert set(record.events) == {event for entry in entries for event in entry.events}
    assert record.subject_id == "p1"


@given(entries=any_entries(most=20))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_table_is_the_records(vault: Vault, entries: list[Entry]) -> None:
    access = vault.access(actor="test", purpose="rights")
    prefix = f"{len(access.ids())}/"
    access.put([prefixed(entry, prefix) for entry in entries], NOW)
    ids = [id for id in access.ids() if id.startswith(prefix)]
    records = list(access.records(ids))
    table = access.frame(ids)
    assert [record.subject_id for record in records] == ids
    assert table.schema == EVENTS
    assert table.equals(frame_of(records))
    assert list(records_of(table)) == [record for record in records if record.events]


def test_only_some_people_and_kinds_in_the_order_asked(access: Access) -> None:
    access.put([pulse(number, f"p{number}", 60.0 + number) for number in range(1, 5)] + [person("p2")], NOW)
    assert [record.subject_id for record in access.records(["p3", "p1", "p3"])] == ["p3", "p1"]
    assert access.frame(["p4", "p2"], kinds=["measurement"])["numeric_value"].to_list() == [64.0, 62.0]
    assert access.frame([]).schema == EVENTS
    assert access.frame(kinds=[]).is_empty()


def test_more_people_than_are_read_in_one_step(access: Access) -> None:
    access.put([pulse(number, f"p{number}", 60.0) for number in range(600)], NOW)
    ids = [f"p{number}" for number in range(600)]
    assert access.ids() == ids
    assert [record.subject_id for record in access.records()] == ids
    assert access.frame()["subject_id"].to_list() == ids


def test_an_empty_vault(access: Access) -> None:
    assert (access.ids(), list(access.records()), access.find("x")) == ([], [], [])
    assert access.frame().equals(EVENTS.to_frame())


def test_people_are_found_by_ids_identifiers_and_name_with_birth(access: Access) -> None:
    access.put(
        [person("p1", family="Müller"), person("p2", family="van der Berg"), person("p3", family="Müller")],
        NOW,
    )
    for text in ("p1", "MRN-p1", "mrn-P1"):
        assert access.find(text) == ["p1"]
    assert sorted(access.find("MÜLLER  1970-05-01")) == ["p1", "p3"]
    assert access.find("Van der Berg 1970-05-01") == ["p2"]
    for text in ("P1", "Müller", "Müller 1971-05-01", ""):
        assert access.find(text) == []


def test_after_a_correction_a_person_is_found_by_the_new_name_only(access: Access) -> None:
    access.put([person("p1", family="Alt")], NOW)
    access.put([person("p1", family="Neu", changed=day(5))], NOW)
    assert access.find("Alt 1970-05-01") == []
    assert access.find("Neu 1970-05-01") == ["p1"]
    assert access.put([person("p1", family="Alt", changed=day(4))], NOW).unchanged == 1
    assert access.find("Neu 1970-05-01") == ["p1"]


def test_our_id_serves_as_well_as_the_source_s(vault: Vault, access: Access) -> None:
    access.put([pulse(1, "p1", 60.0)], NOW)
    (event,) = [event for event in vault.show_audit(actor="test") if event.action == "import"]
    assert access.record(event.patient) == access.record("p1")


def test_an_unknown_person_is_named(access: Access) -> None:
    with pytest.raises(VaultError, match="no patient 'nobody'"):
        access.record("nobody")
    with pytest.raises(VaultError, match="no patient 'nobody'"):
        list(access.records(["nobody"]))


def test_definitions_are_kept_and_the_latest_stands(access: Access) -> None:
    first = access.put_definitions([("Questionnaire/a", b"{}"), ("Questionnaire/b", b"1")])
    again = access.put_definitions([("Questionnaire/a", b"{}"), ("Questionnaire/b", b"2")])
    assert (first.stored, again.unchanged, again.superseded) == (2, 1, 1)
    assert access.definitions() == {"Questionnaire/a": b"{}", "Questionnaire/b": b"2"}


def test_every_read_and_change_is_in_the_audit(vault: Vault, access: Access) -> None:
    access.put([pulse(1, "p1", 60.0), pulse(2, "p1", 61.0), pulse(3, "p2", 62.0)], NOW)
    access.put([pulse(1, "p1", 60.0)], NOW)
    access.record("p1")
    list(access.records())
    access.frame(["p2"])
    access.find("p1")
    events = list(reversed(vault.show_audit(actor="auditor")))
    ours = {event.patient for event in events} - {""}
    assert [event.action for event in events] == [
        *("create", "import", "import", "read", "read", "read", "read", "find", "inspect")
    ]
    assert len(ours) == 2
    assert {(e.actor, e.purpose) for e in events if e.patient} == {("test", "care")}
    counts = sorted(event.detail["stored"] for event in events if event.action == "import")
    assert counts == [1, 2]
    assert vault.verify_audit(actor="auditor").size == len(events)


def test_a_read_is_in_the_audit_before_the_first_record_is_given(vault: Vault, access: Access) -> None:
    access.put([pulse(1, "p1", 60.0)], NOW)
    next(access.records())
    assert vault.show_audit(actor="auditor")[1].action == "read"


def test_when_the_audit_cannot_be_written_nothing_is_served_or_stored(vault: Vault, access: Access) -> None:
    access.put([pulse(1, "p1", 60.0)], NOW)
    folder = vault.checkpoints
    aside = folder.rename(f"{folder}.aside")
    for serve in (
        lambda: access.record("p1"),
        lambda: next(access.records()),
        access.frame,
        access.ids,
        lambda: access.find("p1"),
        lambda: access.put([pulse(2, "p1", 61.0)], NOW),
    ):
        with pytest.raises(AuditError):
            serve()
    aside.rename(folder)
    assert len(access.record("p1").events) == 1
