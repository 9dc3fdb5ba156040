"""A backup brings everything back, on either database, save who was erased; what was changed is refused."""

import os
import stat
import threading
from pathlib import Path

import pytest
from entries_made import NOW, consent, day, person, pulse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alleviate.terms.errors import AlleviateError, VaultError
from alleviate.vault import Restored, Vault

ENTRIES = [
    *(person("p1"), pulse(1, "p1", 60.0), pulse(1, "p1", 61.0, changed=day(5))),
    *(person("p2"), pulse(2, "p2", 62.0), consent(1, "p2", "permit", "research")),
]


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        access = vault.access(actor="test", purpose="rights")
        access.put(ENTRIES, NOW)
        access.put_definitions([("Questionnaire/a", b"{}")])
        yield vault


def taken(vault: Vault, folder: Path) -> tuple[Path, Path]:
    vault.backup_keys(folder / "keys.backup", actor="test")
    vault.backup(folder / "data.backup", actor="test")
    return folder / "data.backup", folder / "keys.backup"


def contents(vault: Vault):
    access = vault.access(actor="test", purpose="rights")
    return access.frame(), access.ids(), access.definitions()


def test_everything_comes_back_on_either_database(vault: Vault, elsewhere: str, tmp_path: Path) -> None:
    data, keys = taken(vault, tmp_path)
    restored = Vault.restore(data, elsewhere, actor="test", keys=keys)
    assert (restored.patients, restored.erased, restored.keyless) == (2, 0, 0)
    table, ids, definitions = contents(vault)
    with Vault.open(elsewhere) as back:
        again = contents(back)
        assert again[0].equals(table)
        assert again[1:] == (ids, definitions)
        access = back.access(actor="test", purpose="rights")
        assert access.find("MRN-p2") == ["p2"]
        assert access.put(ENTRIES, NOW).unchanged == len(ENTRIES)
        assert access.put([pulse(3, "p3", 63.0)], NOW).stored == 1
        back.verify_audit(actor="test")
        actions = [event.action for event in reversed(back.show_audit(actor="test"))]
        assert actions[: actions.index("restore")] == [
            *("create", "import", "import", "import", "backup", "backup")
        ]


def test_who_was_erased_since_stays_erased(vault: Vault, elsewhere: str, tmp_path: Path) -> None:
    vault.backup(tmp_path / "data.backup", actor="test")
    vault.access(actor="test", purpose="rights").erase("p1", "asked by the person")
    vault.backup_keys(tmp_path / "keys.backup", actor="test")
    restored = Vault.restore(tmp_path / "data.backup", elsewhere, actor="test", keys=tmp_path / "keys.backup")
    assert (restored.patients, restored.erased, restored.keyless) == (1, 1, 0)
    with Vault.open(elsewhere) as back, back.access(actor="test", purpose="rights") as access:
        assert access.ids() == ["p2"]
        with pytest.raises(VaultError, match="'p1' was erased"):
            access.record("p1")
        assert access.put(ENTRIES, NOW).erased == ("Patient/p1", "Observation/1", "Observation/1")


def test_an_old_file_of_keys_brings_nobody_back_where_their_tombstone_is(
    tmp_path: Path, master_key: bytes
) -> None:
    place = tmp_path / "clinic.vault"
    with Vault.create(place) as vault:
        vault.access(actor="test", purpose="rights").put(ENTRIES, NOW)
        data, keys = taken(vault, tmp_path)
        vault.access(actor="test", purpose="rights").erase("p1", "asked by the person")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{place}{suffix}").unlink(missing_ok=True)  # the data are lost, the keys are not
    with pytest.raises(VaultError, match="its data are not"):
        Vault.open(place)
    assert Vault.restore(data, place, actor="test", keys=keys).erased == 1
    with Vault.open(place) as back:
        assert back.access(actor="test", purpose="rights").ids() == ["p2"]
        back.verify_audit(actor="test")
    assert list(tmp_path.glob("clinic.vault.checkpoints.2*")), "what the old checkpoints knew is kept"


def test_a_patient_newer_than_the_keys_is_counted_and_not_shown(
    vault: Vault, elsewhere: str, tmp_path: Path
) -> None:
    vault.backup_keys(tmp_path / "keys.backup", actor="test")
    vault.access(actor="test", purpose="care").put([pulse(9, "p9", 69.0)], NOW)
    vault.backup(tmp_path / "data.backup", actor="test")
    restored = Vault.restore(tmp_path / "data.backup", elsewhere, actor="test", keys=tmp_path / "keys.backup")
    assert (restored.patients, restored.erased, restored.keyless) == (2, 0, 1)
    with Vault.open(elsewhere) as back:
        assert back.access(actor="test", purpose="rights").ids() == ["p1", "p2"]


def test_a_vault_is_never_overwritten(vault: Vault, location: str, tmp_path: Path) -> None:
    data, keys = taken(vault, tmp_path)
    table, *_ = contents(vault)
    with pytest.raises(VaultError, match="never overwritten"):
        Vault.restore(data, location, actor="test", keys=keys)
    assert contents(vault)[0].equals(table)


def test_files_are_the_owner_s_alone_and_never_overwritten(vault: Vault, tmp_path: Path) -> None:
    for path in taken(vault, tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        before = path.read_bytes()
        write = vault.backup if path.name == "data.backup" else vault.backup_keys
        with pytest.raises(VaultError, match=r"cannot be (written|backed up)"):
            write(path, actor="test")
        assert path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*.backup*")) == ["data.backup", "keys.backup"]


def test_a_backup_holds_no_keys_and_no_words(vault: Vault, tmp_path: Path) -> None:
    data, keys = taken(vault, tmp_path)
    raw = data.read_bytes() + keys.read_bytes()
    for word in (b"Muster", b"Anna", b"MRN", b"LOINC", b"p1\x00", b"measurement"):
        assert word not in raw


def test_the_keys_of_another_vault_open_nothing(vault: Vault, tmp_path: Path) -> None:
    data, _ = taken(vault, tmp_path)
    with Vault.create(tmp_path / "other.vault") as other:
        other.backup_keys(tmp_path / "other.backup", actor="test")
    with pytest.raises(VaultError, match="damaged, or is of another vault"):
        Vault.restore(data, tmp_path / "new.vault", actor="test", keys=tmp_path / "other.backup")
    assert not (tmp_path / "new.vault").exists()
    with pytest.raises(VaultError, match="cannot be reached"):
        Vault.restore(data, tmp_path / "third.vault", actor="test")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory):
    """A backup with its keys, on one database: what is damaged below is the file."""
    folder = tmp_path_factory.mktemp("backup")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=")
        patch.setattr("alleviate.vault.keys._guessable", lambda key: False)
        with Vault.create(folder / "clinic.vault") as vault:
            vault.access(actor="test", purpose="rights").put(ENTRIES, NOW)
            yield (*taken(vault, folder), folder)


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_backup_with_one_byte_changed_or_cut_off_is_refused_whole(written, data: st.DataObject) -> None:
    backup, keys, folder = written
    raw = backup.read_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    cut = data.draw(st.booleans())
    bad = raw[:at] if cut else raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    damaged = folder / "damaged.backup"
    damaged.write_bytes(bad)
    place = folder / "restored.vault"
    with pytest.raises(AlleviateError):
        Vault.restore(damaged, place, actor="test", keys=keys)
    assert not place.exists()


def test_blocks_in_another_order_are_refused(written) -> None:
    backup, keys, folder = written
    line, _, rest = backup.read_bytes().partition(b"\n")
    blocks = []
    while rest:
        size = 4 + int.from_bytes(rest[:4])
        blocks, rest = [*blocks, rest[:size]], rest[size:]
    for number, order in enumerate(
        ([1, 0, *range(2, len(blocks))], range(1, len(blocks)), range(len(blocks) - 1))
    ):
        path = folder / f"order{number}.backup"
        path.write_bytes(line + b"\n" + b"".join(blocks[at] for at in order))
        with pytest.raises(VaultError, match="damaged"):
            Vault.restore(path, folder / "restored.vault", actor="test", keys=keys)


@pytest.mark.parametrize("content", [b"", b"{}", b"not a backup\n", os.urandom(5000)])
def test_what_is_no_backup_is_refused(written, content: bytes) -> None:
    _, keys, folder = written
    path = folder / "strange"
    path.write_bytes(content)
    with pytest.raises(VaultError, match="is not a backup"):
        Vault.restore(path, folder / "restored.vault", actor="test", keys=keys)
    with pytest.raises(VaultError, match="cannot be read"):
        Vault.restore(folder / "missing", folder / "restored.vault", actor="test", keys=keys)


def test_a_backup_while_others_write_is_of_one_moment(vault: Vault, elsewhere: str, tmp_path: Path) -> None:
    """Each batch writes one entry for each of two people: no backup has one without the other."""
    stop = threading.Event()

    def write() -> None:
        access = vault.access(actor="writer", purpose="care")
        number = 100
        while not stop.is_set():
            access.put([pulse(number, "p1", 1.0), pulse(number + 1, "p2", 1.0)], NOW)
            number += 2

    writer = threading.Thread(target=write)
    writer.start()
    try:
        data, keys = taken(vault, tmp_path)
    finally:
        stop.set()
        writer.join()
    assert isinstance(Vault.restore(data, elsewhere, actor="test", keys=keys), Restored)
    with Vault.open(elsewhere) as back:
        table = back.access(actor="test", purpose="rights").frame(kinds=["measurement"])
        counts = table.filter(table["numeric_value"] == 1.0)["subject_id"].value_counts()["count"].to_list()
        assert len(set(counts)) <= 1
        back.verify_audit(actor="test")
