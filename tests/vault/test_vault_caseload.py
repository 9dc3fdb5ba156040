"""A caseload: everybody of one's care teams, derived once a change, served only as far as it is shown."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from clinic_made import NOW, count_events, everybody, item_9, note, people, told
from entries_made import FIRST, consent, pulse

from alleviate.terms.errors import AuditError, ConsentError, VaultError
from alleviate.vault import Vault
from alleviate.vault import care as care_module


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        access = vault.access(actor="import", purpose="care")
        access.put(people(5), NOW)
        for number in range(4):
            access.join(f"p{number}", "anna", "nurse")
        access.join("p4", "bela", "nurse")
        yield vault


@pytest.fixture
def access(vault):
    return vault.access(actor="account:anna", purpose="care")


class Deriving:
    """Derives, and remembers of whom."""

    def __init__(self) -> None:
        self.of: list[str] = []

    def __call__(self, chart) -> bytes:
        self.of.append(chart.subject_id)
        return count_events(chart)


def served(vault, actor="account:anna"):
    return [event.patient for event in told(vault, "read") if event.actor == actor]


def test_everybody_of_my_teams_and_nobody_else(vault, access) -> None:
    shown = access.caseload("anna", count_events, everybody)
    assert [glance.patient for glance in shown] == [vault.our_id(f"p{number}") for number in range(4)]
    events = len(access.chart("p0").record.events)
    assert {glance.body for glance in shown} == {f"{events} 0 0".encode()}
    assert access.caseload("nobody", count_events, everybody) == []


def test_only_who_was_written_about_is_derived_again(access) -> None:
    derive = Deriving()
    access.caseload("anna", derive, everybody)
    assert sorted(derive.of) == ["p0", "p1", "p2", "p3"]
    access.caseload("anna", derive, everybody)
    assert len(derive.of) == 4
    access.put([pulse(99, "p1", 60.0)], NOW)
    access.store(NOW, sheets=[note("p2")])
    access.put([item_9(1, "p4")], NOW)
    derive.of.clear()
    shown = access.caseload("anna", derive, everybody)
    assert sorted(derive.of) == ["p1", "p2"]
    assert [glance.body.split()[1] for glance in shown] == [b"0", b"0", b"1", b"0"]


def test_another_version_of_what_derives_derives_anew(access) -> None:
    derive = Deriving()
    access.caseload("anna", derive, everybody, version="a package")
    access.caseload("anna", derive, everybody, version="another package, with any name at all")
    assert len(derive.of) == 8
    access.caseload("anna", derive, everybody, version="another package, with any name at all")
    assert len(derive.of) == 8


def test_only_who_is_picked_is_served_in_that_order_with_one_event_each(vault, access) -> None:
    seen: list[int] = []

    def pick(glances):
        seen.append(len(glances))
        return [glances[2].patient, glances[0].patient, glances[2].patient]

    access.caseload("anna", count_events, everybody)
    before = len(served(vault))
    shown = access.caseload("anna", count_events, pick)
    picked = [vault.our_id("p2"), vault.our_id("p0")]
    assert [glance.patient for glance in shown] == picked
    assert served(vault)[before:] == picked
    assert set(seen) == {4}
    vault.verify_audit(actor="test")


def test_an_empty_caseload_is_one_event_about_nobody(vault, access) -> None:
    access.caseload("nobody", count_events, everybody)
    access.caseload("anna", count_events, lambda glances: [])
    assert served(vault) == ["", ""]


def test_who_withdrew_is_not_shown_nor_derived(vault, access) -> None:
    access.caseload("anna", count_events, everybody)
    access.put([consent(1, "p0", "deny", "care")], NOW)
    derive = Deriving()
    assert len(access.caseload("anna", derive, everybody)) == 3
    assert derive.of == []
    access.put([consent(2, "p0", "permit", "care", given=9)], NOW)
    assert len(access.caseload("anna", derive, everybody)) == 4
    assert derive.of == ["p0"]


def test_a_permission_that_runs_out_takes_its_glance_with_it(vault, access, monkeypatch) -> None:
    """Nobody writes on the day after the last one: the glance of the day before is not shown."""
    today = datetime.now(UTC)
    last_day = (today - FIRST).days + 3  # of January 2025, however long that is: the day after tomorrow
    withdrawn = consent(1, "p0", "deny", "care")
    access.put([withdrawn, consent(2, "p0", "permit", "care", given=2, until=last_day)], NOW)
    assert len(access.caseload("anna", count_events, everybody)) == 4
    clock = [today + timedelta(days=2)]
    monkeypatch.setattr(care_module, "this_moment", lambda: clock[0])
    derive = Deriving()
    assert len(access.caseload("anna", derive, everybody)) == 4
    assert derive.of == [], "on the last day it still holds"
    clock[0] = today + timedelta(days=3)
    shown = access.caseload("anna", derive, everybody)
    assert vault.our_id("p0") not in [glance.patient for glance in shown]
    assert len(shown) == 3
    assert derive.of == []


def test_glances_are_sealed_in_no_backup_and_gone_with_the_person(vault, access, elsewhere, tmp_path) -> None:
    before = access.caseload("anna", lambda chart: b"a planted word", everybody)
    with vault._database.snapshot() as connection:
        raw = connection.execute(sa.text("SELECT * FROM glances")).all()
    assert len(raw) == 4
    assert b"planted" not in b"".join(row.body for row in raw)
    vault.backup(tmp_path / "rows", actor="test")
    vault.backup_keys(tmp_path / "keys", actor="test")
    Vault.restore(tmp_path / "rows", elsewhere, actor="test", keys=tmp_path / "keys")
    with Vault.open(elsewhere) as again:
        restored = again.access(actor="account:anna", purpose="care")
        derive = Deriving()
        shown = restored.caseload("anna", derive, everybody)
        assert [glance.patient for glance in shown] == [glance.patient for glance in before]
        assert len(derive.of) == 4
    vault.access(actor="t", purpose="rights").erase("p0", "asked-by-the-person")
    assert len(access.caseload("anna", count_events, everybody)) == 3


def test_a_glance_put_in_another_s_place_opens_nothing(vault, access) -> None:
    access.caseload("anna", count_events, everybody)
    with vault._database.turn() as connection, connection.begin():
        connection.execute(sa.text("UPDATE glances SET body = (SELECT max(body) FROM glances)"))
    vault._opened.clear()
    with pytest.raises(VaultError, match="does not open"):
        access.caseload("anna", count_events, everybody)


def test_for_care_alone(vault) -> None:
    for purpose in ("rights", "research", "model-training"):
        with pytest.raises(ConsentError, match="not for"):
            vault.access(actor="account:anna", purpose=purpose).caseload("anna", count_events, everybody)


def test_what_could_not_be_told_to_the_audit_is_not_served(vault, access, monkeypatch) -> None:
    access.caseload("anna", count_events, everybody)

    def full(*_):
        raise AuditError("The audit cannot be written.")

    with monkeypatch.context() as patch:
        patch.setattr(vault._audit, "append", full)
        with pytest.raises(AuditError):
            access.caseload("anna", count_events, everybody)


def test_written_about_faster_than_it_is_derived_it_is_shown_all_the_same(vault, access) -> None:
    writer = vault.access(actor="writer", purpose="care")
    numbers = iter(range(1000, 2000))
    writers: list[threading.Thread] = []

    def derive(chart) -> bytes:
        """While it derives somebody else writes; in the last round they wait until it is served."""
        entry = pulse(next(numbers), chart.subject_id, 1.0)
        writers.append(threading.Thread(target=writer.put, args=([entry], NOW)))
        writers[-1].start()
        if len(writers) <= 20:
            writers[-1].join()
        return count_events(chart)

    shown = access.caseload("anna", derive, everybody)
    for thread in writers:
        thread.join()
    assert len(shown) == 4
    assert 20 < len(writers) <= 28


def test_many_at_once_derive_each_person_once(vault, access) -> None:
    derive = Deriving()
    start = threading.Barrier(6)
    counts: list[int] = []

    def look() -> None:
        start.wait()
        counts.append(len(access.caseload("anna", derive, everybody)))

    lookers = [threading.Thread(target=look) for _ in range(6)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert counts == [4] * 6
    assert sorted(derive.of) == ["p0", "p1", "p2", "p3"]
