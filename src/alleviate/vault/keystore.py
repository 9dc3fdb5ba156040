"""Every key of a vault, wrapped by the master key, apart from the data: one a patient, three of the vault's.

Leave the store out of long-lived backups: an erasure destroys the patient's key, and then an old backup of
the data says nothing. A patient is found by a keyed hash, so that the store names nobody. Rotation wraps
every key anew and touches no data.

PostgreSQL keeps what was overwritten in its write-ahead log until that is recycled or archived: after an
erasure rotate the master key there and destroy the old one; what the log still holds is then wrapped by a
key that is gone.
"""

import secrets
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from alleviate.packages.durable import flush_folder, store
from alleviate.terms.errors import VaultError
from alleviate.vault import cipher
from alleviate.vault.keyplace import KEYS, SECRETS, KeyPlace
from alleviate.vault.keys import KEY_BYTES, MasterKey

__all__ = ["KeyStore"]

_OWN = ("index", "database", "signing")
_CHUNK = 500
_CACHED = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BACKUP = b"alleviate keys 1 "
_NAME_BACKUP = "Name the file that the keys were backed up to."


class _Backup(msgspec.Struct, forbid_unknown_fields=True):
    """The rows of the store, as they stand. ``keys``: patient's hash, wrapped key, time of destruction."""

    secrets: dict[str, bytes]
    keys: list[tuple[bytes, bytes | None, int | None]]


class KeyStore:
    """The open keys of one vault. Threads may share it; other processes may write to the same store.

    ``new`` and ``destroy`` are on the disk when they return. ``get`` may answer from memory (20,000 keys).
    """

    def __init__(self, place: KeyPlace, master: MasterKey) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._cache: dict[str, bytes] = {}
        self._destructions = 0
        self._master = master
        self._own = self._opened_with(master)

    @classmethod
    def create(cls, location: str | Path, master: MasterKey) -> "KeyStore":
        """A new store for the vault at ``location`` (a file or a PostgreSQL URL). Raises ``VaultError``."""
        place = KeyPlace(location)
        own = {name: cipher.seal(master.key, "", name, secrets.token_bytes(KEY_BYTES)) for name in _OWN}
        place.create({"master": master.id.encode(), **own})
        return cls(place, master)

    @classmethod
    def open(cls, location: str | Path, master: MasterKey) -> "KeyStore":
        """The store of the vault at ``location``. Raises ``VaultError`` without it or for another master."""
        return cls(KeyPlace(location), master)

    @property
    def key_id(self) -> str:
        """The public name of the master key that opens the store."""
        return self._master.id

    @property
    def index_key(self) -> bytes:
        """32 bytes for ``blind_index``; the same for ever."""
        return self._own["index"]

    @property
    def database_key(self) -> bytes:
        """32 bytes for SQLCipher; the same for ever."""
        return self._own["database"]

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """Signs the checkpoints of the audit; the same for ever, on every machine that has the master key."""
        return Ed25519PrivateKey.from_private_bytes(self._own["signing"])

    def new(self, patients: Iterable[str]) -> dict[str, bytes]:
        """The key of each patient, made where there was none; it is on the disk before it is returned.

        Patients whose key was destroyed are left out: they never get another.
        """
        names = self._names(patients)
        rows = self._rows(names)
        missing = sorted(
            names.keys() - rows.keys()
        )  # in one order, so that no two writers wait for each other
        if missing:
            fresh = [self._wrap(name, secrets.token_bytes(KEY_BYTES)) for name in missing]
            made = [{"patient": name, "wrapped": key} for name, key in zip(missing, fresh, strict=True)]
            with self._place.writing() as connection:
                self._refuse_rotated(connection)
                connection.execute(self._insert().on_conflict_do_nothing(), made)
            rows |= self._rows({name: names[name] for name in missing})
        return self._keys(names, rows)

    def get(self, patients: Iterable[str]) -> dict[str, bytes]:
        """The key of each patient who has one."""
        wanted = set(patients)
        with self._lock:
            found = {patient: self._cache[patient] for patient in wanted if patient in self._cache}
            seen = self._destructions
        names = self._names(wanted - found.keys())
        read = self._keys(names, self._rows(names))
        with self._lock:
            if seen == self._destructions:  # else one of them may have been destroyed since it was read
                self._cache |= read
                for patient in list(self._cache)[: max(0, len(self._cache) - _CACHED)]:
                    del self._cache[patient]
        return found | read

    def destroy(self, patient: str) -> None:
        """Overwrite and delete the patient's key, for ever; the time stays. A second time changes nothing."""
        (name,) = self._names([patient])
        microseconds = (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)
        with self._place.writing() as connection:
            gone = {"wrapped": None, "destroyed": microseconds}
            tombstone = self._insert().values(patient=name, **gone)
            alive = KEYS.c.destroyed.is_(None)
            connection.execute(
                tombstone.on_conflict_do_update(index_elements=["patient"], set_=gone, where=alive)
            )
        self.forget()
        self._place.sweep()

    def destroyed(self, patient: str) -> datetime | None:
        """When the patient's key was destroyed; None where it was not."""
        names = self._names([patient])
        return next((_moment(row.destroyed) for row in self._rows(names).values() if row.destroyed), None)

    def count(self) -> int:
        """How many patients have a key."""
        with self._place.reading() as connection:
            query = sa.select(sa.func.count()).select_from(KEYS).where(KEYS.c.wrapped.is_not(None))
            return connection.execute(query).scalar_one()

    def rotate(self, new_master: MasterKey) -> None:
        """Wrap every key with ``new_master``, all or none: from then on it alone opens the store."""
        with self._place.writing() as connection:
            self._refuse_rotated(connection)
            own = {name: cipher.seal(new_master.key, "", name, self._own[name]) for name in _OWN}
            self._set_secrets(connection, {"master": new_master.id.encode(), **own})
            after = b""
            while rows := _rows_after(connection, after):
                wrapped = [
                    {"name": row.patient, "key": self._wrap(row.patient, self._key(row), new_master)}
                    for row in rows
                    if row.wrapped is not None
                ]
                if wrapped:
                    update = sa.update(KEYS).where(KEYS.c.patient == sa.bindparam("name"))
                    connection.execute(update.values(wrapped=sa.bindparam("key")), wrapped)
                after = rows[-1].patient
        self._master = new_master
        self._place.sweep()

    def backup(self, path: Path) -> None:
        """Write all keys to a new file, sealed by the master key: short-lived, since it outlives erasures.

        Raises ``VaultError`` where a file is, or it cannot be written.
        """
        with self._place.reading() as connection:
            self._refuse_rotated(connection)
            own = {row.name: row.value for row in connection.execute(sa.select(SECRETS))}
            keys = [(row.patient, row.wrapped, row.destroyed) for row in connection.execute(sa.select(KEYS))]
        content = msgspec.msgpack.encode(_Backup(own, keys))
        header = _BACKUP + self.key_id.encode() + b"\n"
        try:
            store(path, header + cipher.seal(self._master.key, "", "backup", content), mode=0o600)
            flush_folder(path.parent)
        except OSError as error:
            raise VaultError(
                f"The keys cannot be backed up to {path}: {error.strerror}.", hint="Name a new file."
            ) from None

    def restore(self, path: Path) -> None:
        """Add the keys that ``backup`` wrote; what was destroyed, here or there, stays destroyed.

        A store without patients becomes the vault's that was backed up. Raises ``VaultError`` for another
        vault's keys, another master key's, or a damaged file.
        """
        saved = self._saved(path)
        own = {name: cipher.unseal(self._master.key, "", name, saved.secrets[name]) for name in _OWN}
        rows = [{"patient": name, "wrapped": key, "destroyed": time} for name, key, time in saved.keys]
        gone = [{"name": name, "time": time} for name, _, time in saved.keys if time is not None]
        with self._place.writing() as connection:
            self._refuse_rotated(connection)
            if own != self._own:
                if connection.execute(sa.select(KEYS.c.patient).limit(1)).first():
                    raise VaultError(
                        f"{path} holds the keys of another vault.",
                        hint="Restore into the vault that they come from, or into a new one.",
                    )
                self._set_secrets(connection, saved.secrets)
            if rows:
                connection.execute(self._insert().on_conflict_do_nothing(), rows)
            if gone:
                alive = KEYS.c.patient == sa.bindparam("name"), KEYS.c.destroyed.is_(None)
                tombstone = sa.update(KEYS).where(*alive).values(wrapped=None, destroyed=sa.bindparam("time"))
                connection.execute(tombstone, gone)
        self._own = own
        self.forget()
        self._place.sweep()

    def forget(self) -> None:
        """Drop every unwrapped patient's key from memory; the next use reads it again."""
        with self._lock:
            self._cache.clear()
            self._destructions += 1
        cipher.forget()

    def close(self) -> None:
        self.forget()
        self._place.close()

    def _opened_with(self, master: MasterKey) -> dict[str, bytes]:
        with self._place.reading() as connection:
            values = {row.name: row.value for row in connection.execute(sa.select(SECRETS))}
        _refuse_other(values["master"].decode(), master, self._place.words)
        return {name: cipher.unseal(master.key, "", name, values[name]) for name in _OWN}

    def _names(self, patients: Iterable[str]) -> dict[bytes, str]:
        """Patient by the keyed hash that names them in the store."""
        key = self.index_key
        return {cipher.blind_index(key, "key", patient, exact=True): patient for patient in patients}

    def _rows(self, names: Mapping[bytes, str]) -> dict[bytes, sa.Row[Any]]:
        ordered = list(names)
        rows: dict[bytes, sa.Row[Any]] = {}
        if ordered:
            with self._place.reading() as connection:
                for start in range(0, len(ordered), _CHUNK):
                    some = sa.select(KEYS).where(KEYS.c.patient.in_(ordered[start : start + _CHUNK]))
                    rows |= {row.patient: row for row in connection.execute(some)}
        return rows

    def _keys(self, names: Mapping[bytes, str], rows: Mapping[bytes, sa.Row[Any]]) -> dict[str, bytes]:
        return {names[name]: self._key(row) for name, row in rows.items() if row.wrapped is not None}

    def _key(self, row: sa.Row[Any]) -> bytes:
        try:
            return cipher.unseal(self._master.key, row.patient.hex(), "patient's key", row.wrapped)
        except VaultError:
            with self._place.reading() as connection:
                self._refuse_rotated(connection)
            raise

    def _wrap(self, name: bytes, key: bytes, master: MasterKey | None = None) -> bytes:
        return cipher.seal((master or self._master).key, name.hex(), "patient's key", key)

    def _insert(self) -> Any:
        return insert_sqlite(KEYS) if self._place.is_file else insert_postgresql(KEYS)

    def _refuse_rotated(self, connection: sa.Connection) -> None:
        """The master key as it stands, held until the transaction ends: a rotation waits, or has been."""
        query = sa.select(SECRETS.c.value).where(SECRETS.c.name == "master").with_for_update(read=True)
        _refuse_other(connection.execute(query).scalar_one().decode(), self._master, self._place.words)

    def _set_secrets(self, connection: sa.Connection, values: Mapping[str, bytes]) -> None:
        for name, value in values.items():
            connection.execute(sa.update(SECRETS).where(SECRETS.c.name == name).values(value=value))

    def _saved(self, path: Path) -> _Backup:
        try:
            header, _, sealed = path.read_bytes().partition(b"\n")
        except OSError as error:
            raise VaultError(f"{path} cannot be read: {error.strerror}.", hint=_NAME_BACKUP) from None
        if not header.startswith(_BACKUP):
            raise VaultError(f"{path} is not a backup of a vault's keys.", hint=_NAME_BACKUP)
        _refuse_other(header.removeprefix(_BACKUP).decode("ascii", "replace"), self._master, str(path))
        return msgspec.msgpack.decode(cipher.unseal(self._master.key, "", "backup", sealed), type=_Backup)


def _rows_after(connection: sa.Connection, after: bytes) -> list[sa.Row[Any]]:
    query = sa.select(KEYS).where(KEYS.c.patient > after).order_by(KEYS.c.patient).limit(10_000)
    return list(connection.execute(query))


def _refuse_other(expected: str, master: MasterKey, where: str) -> None:
    if master.id != expected:
        raise VaultError(
            f"The keys in {where} open with the master key {expected}; the key given is {master.id}.",
            hint="Set ALLEVIATE_KEY or ALLEVIATE_KEY_FILE to that key; after a rotation it is the new one.",
        )


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
