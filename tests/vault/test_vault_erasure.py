"""Somebody erased is gone: from the rows, from every import to come, and from every copy made before."""

import shutil
from pathlib import Path

import pytest
from entries_made import NOW, consent, person, pulse

from alleviate.terms.errors import AuditError, ConsentError, VaultError
from alleviate.vault import Access, Vault
from alleviate.vault.keys import load_master
from alleviate.vault.keystore import KeyStore

ENTRIES = [person("p1"), pulse(1, "p1", 60.0), person("p2"), pulse(2, "p2", 61.0)]


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        vault.access(actor="test", purpose="care").put(ENTRIES, NOW)
        yield vault


@pytest.fixture
def access(vault: Vault) -> Access:
    return vault.access(actor="test", purpose="rights")


def test_the_proof(vault: Vault, access: Access, location: str) -> None:
    proof = access.erase("p1", "asked by the person")
    assert (proof.entries, proof.names) == (2, 2)
    assert "no key of this patient is left, and none will be made" in proof.checks
    plain = proof.to_dict()
    assert plain["kind"] == "erasure/1"
    assert plain["patient"] == proof.patient
    assert any(proof.patient in line for line in proof.lines())
    (done,) = [event for event in vault.show_audit(actor="test") if event.position == proof.audit]
    assert (done.action, done.patient, done.detail["reason"]) == (
        "erase",
        proof.patient,
        "asked-by-the-person",
    )
    keys = KeyStore.open(location, load_master())
    assert keys.get([proof.patient]) == {}
    assert keys.destroyed(proof.patient) == proof.key_destroyed_at
    assert vault.verify_audit(actor="test").size == proof.audit + 1


def test_nothing_is_left_to_read_and_the_others_are(access: Access) -> None:
    proof = access.erase("p1", "asked by the person")
    assert access.ids() == ["p2"]
    assert [record.subject_id for record in access.records()] == ["p2"]
    assert set(access.frame()["subject_id"]) == {"p2"}
    for text in ("p1", "MRN-p1", proof.patient):
        assert access.find(text) == []
    for id in ("p1", proof.patient):
        with pytest.raises(VaultError, match=rf"'{id}' was erased on {proof.at:%Y-%m-%d}"):
            access.record(id)
        with pytest.raises(VaultError, match="was erased on"):
            access.erase(id, "asked by the person")


def test_an_import_does_not_bring_them_back(access: Access) -> None:
    access.erase("p1", "asked by the person")
    tally = access.put([*ENTRIES, pulse(9, "p1", 70.0)], NOW)
    assert tally.erased == ("Patient/p1", "Observation/1", "Observation/9")
    assert (tally.stored, tally.unchanged) == (0, 2)
    assert access.ids() == ["p2"]


def test_an_erasure_that_was_cut_off_leaves_nothing_to_read_and_is_completed(
    vault: Vault, access: Access, location: str
) -> None:
    access.record("p1")
    patient = vault.show_audit(actor="test", last=2)[1].patient
    KeyStore.open(location, load_master()).destroy(patient)  # and no further
    with Vault.open(location) as again, again.access(actor="test", purpose="rights") as access:
        assert access.ids() == ["p2"]
        with pytest.raises(VaultError, match="was erased on"):
            access.record("p1")
        assert access.put([pulse(9, "p1", 70.0)], NOW).erased == ("Observation/9",)
        assert access.erase("p1", "asked by the person").entries == 2
    assert access.ids() == ["p2"]


def test_only_for_the_rights_of_the_person_and_whatever_they_consent_to(vault: Vault, access: Access) -> None:
    care = vault.access(actor="test", purpose="care")
    with pytest.raises(ConsentError, match="'rights'"):
        care.erase("p1", "asked by the person")
    care.put([consent(1, "p1", "deny", "care")], NOW)
    assert access.erase("p1", "asked by the person").entries == 3


def test_a_reason_that_the_audit_may_not_hold_erases_nothing(access: Access) -> None:
    with pytest.raises(AuditError):
        access.erase("p1", "Frau Müller (geb. Maier) bat darum")
    assert access.ids() == ["p1", "p2"]


def test_an_unknown_person_cannot_be_erased(access: Access) -> None:
    with pytest.raises(VaultError, match="no patient 'p9'"):
        access.erase("p9", "asked by the person")


def test_a_copy_of_the_files_from_before_opens_and_says_nothing_of_them(
    tmp_path: Path, master_key: bytes
) -> None:
    place, copy = tmp_path / "live.vault", tmp_path / "copied.vault"
    with Vault.create(place) as vault:
        vault.access(actor="test", purpose="care").put(ENTRIES, NOW)
    shutil.copy(place, copy)
    shutil.copytree(f"{place}.checkpoints", f"{copy}.checkpoints")
    with Vault.open(place) as vault:
        vault.access(actor="test", purpose="rights").erase("p1", "asked by the person")
        vault.access(actor="test", purpose="rights").put([pulse(5, "p2", 65.0)], NOW)
    shutil.copy(f"{place}.keys", f"{copy}.keys")
    with Vault.open(copy) as old, old.access(actor="test", purpose="rights") as access:
        assert access.ids() == ["p2"]
        with pytest.raises(VaultError, match="was erased on"):
            access.record("p1")


def test_the_write_ahead_log_is_empty_afterwards(tmp_path: Path, master_key: bytes) -> None:
    with Vault.create(tmp_path / "clinic.vault") as vault:
        vault.access(actor="test", purpose="care").put(ENTRIES, NOW)
        proof = vault.access(actor="test", purpose="rights").erase("p1", "asked by the person")
        assert (tmp_path / "clinic.vault-wal").stat().st_size == 0
    assert "the write-ahead log was emptied" in proof.checks
    assert proof.notes == ()


def test_a_reader_in_the_way_is_said_honestly(tmp_path: Path, master_key: bytes, monkeypatch) -> None:
    monkeypatch.setattr("alleviate.vault.database._WAIT", 0.2)
    with Vault.create(tmp_path / "clinic.vault") as vault:
        vault.access(actor="test", purpose="care").put(ENTRIES, NOW)
        with vault._database.snapshot() as reader:
            reader.exec_driver_sql("SELECT count(*) FROM entries").scalar_one()
            proof = vault.access(actor="test", purpose="rights").erase("p1", "asked by the person")
    assert "the write-ahead log was emptied" not in proof.checks
    assert "in use by a reader" in proof.notes[0]
