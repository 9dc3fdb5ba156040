"""A vault: records under their patients' keys, in an SQLCipher file or in PostgreSQL."""

import uuid
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from alleviate.terms.errors import VaultError
from alleviate.vault.access import Access
from alleviate.vault.accounts import Accounts
from alleviate.vault.audit import Action, AuditEvent, AuditLog, Recorded, Verified
from alleviate.vault.backups import read_backup, write_backup
from alleviate.vault.caseload import OpenGlances
from alleviate.vault.checkpoints import Checkpoints, folder_for
from alleviate.vault.cipher import blind_index, unseal
from alleviate.vault.consent import Purpose
from alleviate.vault.database import Database
from alleviate.vault.erasure import forget_rows
from alleviate.vault.keys import load_master
from alleviate.vault.keystore import KeyStore
from alleviate.vault.migrating import migrate, newest, standing
from alleviate.vault.opening import kept_keys, no_vault, refuse_unfinished, taken, unused_keys
from alleviate.vault.readlog import ReadLog
from alleviate.vault.schema import AUDIT, META, PATIENTS
from alleviate.vault.team import Bond, bond, pulse

__all__ = ["Restored", "Vault"]


@dataclass(frozen=True, slots=True)
class Restored:
    """``patients`` can be read again; ``erased`` were erased since the backup, and stay so; of ``keyless``
    the keys were in no file given: their rows are kept, and open once a newer file of keys is restored.
    """

    rows: int
    patients: int
    erased: int
    keyless: int


_UPKEEP: Purpose = "rights"
"""The purpose of what is done to the vault itself: keeping it whole is a duty of the law's."""

_OUR_ID = sa.select(PATIENTS.c.patient).where(
    PATIENTS.c.subject_index == sa.bindparam("subject", type_=sa.LargeBinary)
)
_REVISION = sa.select(PATIENTS.c.revision).where(PATIENTS.c.patient == sa.bindparam("id", type_=sa.String))


class Vault:
    """An open vault; made by ``create``, ``open`` or ``restore``. Threads may share it. A context manager.

    ``location`` is a path, or ``postgresql://user@host/database``. The master key is read by
    `alleviate.vault.keys.load_master`. Every failure is a VaultError of one plain line.
    """

    def __init__(self, location: str | Path, database: Database, keys: KeyStore) -> None:
        self.location = location
        self._database = database
        self._keys = keys
        self._audit = AuditLog(AUDIT, Checkpoints(folder_for(location), keys.signing_key))
        self._readlog = ReadLog(self._database, self._audit)
        self._opened = OpenGlances()
        self._accounts = Accounts(database, keys, self._audit)

    @classmethod
    def create(cls, location: str | Path, *, key_file: Path | None = None) -> Self:
        """A new vault where none is. A creation that was cut off is completed by the next."""
        keys = unused_keys(location, key_file)
        vault = cls(location, Database(location, keys.database_key), keys)
        try:
            vault._made()
        except BaseException:
            vault.close()
            raise
        return vault

    @classmethod
    def open(cls, location: str | Path, *, key_file: Path | None = None) -> Self:
        """The vault at ``location``; one of an older version is brought up to this one first."""
        master = load_master(key_file)
        try:
            keys = KeyStore.open(location, master)
        except VaultError:
            with closing(Database(location, b"")) as database:
                if not database.is_there():
                    raise no_vault(database) from None
            raise
        database = Database(location, keys.database_key)
        try:
            refuse_unfinished(database)
            vault = cls(location, database, keys)
            vault._brought_up()
        except VaultError:
            database.close()
            keys.close()
            raise
        return vault

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the keys and let the database go."""
        self._opened.clear()
        self._database.close()
        self._keys.close()

    @property
    def checkpoints(self) -> Path:
        """The folder of the audit's signed checkpoints: keep a copy where nobody can change both."""
        return self._audit.checkpoints.folder

    @property
    def accounts(self) -> Accounts:
        """Who may sign in, and who is signed in."""
        return self._accounts

    def access(self, *, actor: str, purpose: Purpose) -> Access:
        """The only way to data, for an ``actor`` as the audit names them ("os:anna"). Raises ConsentError."""
        shared = self._database, self._keys, self._audit, self._readlog, self._opened
        return Access(*shared, actor, purpose)

    def bond(self, account: str, patient: str, now: datetime) -> Bond:
        """What binds the account to the patient (our id) at ``now``; says nothing of data, so no event."""
        with self._database.snapshot() as connection:
            return bond(connection, account, patient, now)

    def pulse(self, account: str) -> int:
        """A number that changes whenever anything about those of whose care team ``account`` is changes."""
        with self._database.snapshot() as connection:
            return pulse(connection, account, _now())

    def our_id(self, source_id: str) -> str | None:
        """Our id of whom the source calls so; None for nobody, and for who was erased."""
        index = blind_index(self._keys.index_key, "subject", source_id, exact=True)
        with self._database.snapshot() as connection:
            return connection.execute(_OUR_ID, {"subject": index}).scalar()

    def knows(self, patient: str) -> bool:
        """Whether ``patient`` is our id of somebody who was not erased; says nothing else of them."""
        return self.revision(patient) is not None

    def revision(self, patient: str) -> int | None:
        """How often ``patient`` (our id) was written about; None for nobody, and for who was erased."""
        with self._database.snapshot() as connection:
            return connection.execute(_REVISION, {"id": patient}).scalar()

    def source_id(self, patient: str) -> str | None:
        """What the source calls whom we call so: for what the source sends about them under our id."""
        with self._database.snapshot() as connection:
            query = sa.select(PATIENTS.c.subject).where(PATIENTS.c.patient == patient)
            sealed = connection.execute(query).scalar()
            key = self._keys.get([patient]).get(patient)
        if sealed is None or key is None:
            return None
        return unseal(key, patient, "patients.subject", sealed).decode()

    def verify_audit(self, *, actor: str) -> Verified:
        """Read the whole audit and see that it is whole. Raises AuditError naming the first broken link."""
        with self._database.snapshot() as connection:
            verified = self._audit.verify(connection)
        self._note(actor, "verify", events=verified.size)
        return verified

    def show_audit(self, *, actor: str, patient: str = "", last: int | None = None) -> list[Recorded]:
        """The last events of the audit, newest first; of one patient (our id) or of all."""
        self._note(actor, "inspect", patient)
        with self._database.snapshot() as connection:
            return self._audit.show(connection, patient=patient, last=last)

    def rotate(self, new_key_file: Path, *, actor: str) -> None:
        """Wrap every key with the master key in ``new_key_file``: from then on it alone opens the vault."""
        new = load_master(new_key_file)
        self._note(actor, "rotate", key=new.id)
        self._keys.rotate(new)

    def backup(self, path: Path, *, actor: str) -> int:
        """Write all rows to a new file and return how many: consistent, while others write, without the keys.

        Raises VaultError where a file is, or it cannot be written.
        """
        self._note(actor, "backup")
        with self._database.snapshot() as connection:
            return write_backup(path, connection, self._keys.database_key)

    def backup_keys(self, path: Path, *, actor: str) -> None:
        """Write the keys to a new file that the master key opens. After an erasure write it anew."""
        self._note(actor, "backup", what="keys")
        self._keys.backup(path)

    @classmethod
    def restore(
        cls,
        backup: Path,
        location: str | Path,
        *,
        actor: str,
        keys: Path | None = None,
        key_file: Path | None = None,
    ) -> Restored:
        """Make the vault of a backup where none is, in SQLite or PostgreSQL whichever it came from.

        Its keys are those that still lie at ``location``, and those in the file ``keys``. Who was erased
        since stays erased. Checkpoints of the audit at ``location`` are put aside: they may know of events
        that the backup does not. Raises VaultError for a damaged backup, another vault's keys, and where a
        vault is.
        """
        with closing(Database(location, b"")) as database:
            if database.is_there():
                raise taken(database)
        store = kept_keys(location, keys, key_file)
        with closing(cls(location, Database(location, store.database_key), store)) as vault:
            return vault._restored(backup, actor)

    def _made(self) -> None:
        self._database.prepare()
        with self._database.turn() as connection:
            with connection.begin():
                if standing(connection) is not None:
                    raise taken(self._database)
                migrate(connection)
                connection.execute(sa.insert(META).values(name="id", value=uuid.uuid4().hex))
                self._begin_audit()
                head = self._audit.append(connection, [AuditEvent("alleviate", "create", _UPKEEP)], _now())
            self._audit.seal(head)

    def _restored(self, backup: Path, actor: str) -> Restored:
        """All rows in one transaction; without those of people whose key is gone."""
        self._database.prepare()
        with self._database.turn() as connection:
            with connection.begin():
                if standing(connection) is not None:
                    raise taken(self._database)
            try:
                with connection.begin():
                    restored = self._rows_restored(connection, backup)
                    detail = asdict(restored) | {"lost": self._audit.adopt(connection, _now())}
                    event = AuditEvent(actor, "restore", _UPKEEP, detail=detail)
                    head = self._audit.append(connection, [event], _now())
            except BaseException:
                self._database.remove_files()
                raise
            self._audit.seal(head)
        self._database.sweep()
        return restored

    def _rows_restored(self, connection: sa.Connection, backup: Path) -> Restored:
        rows = read_backup(backup, connection, self._keys.database_key)
        migrate(connection)
        patients = list(connection.execute(sa.select(PATIENTS.c.patient)).scalars())
        keyless = sorted(set(patients) - self._keys.get(patients).keys())
        erased = [patient for patient in keyless if self._keys.destroyed(patient)]
        for patient in erased:
            forget_rows(connection, patient, _now())
        return Restored(rows, len(patients) - len(keyless), len(erased), len(keyless) - len(erased))

    def _begin_audit(self) -> None:
        folder = self._audit.checkpoints.folder
        left_by_a_creation_cut_off = (
            folder.is_dir() and any(folder.iterdir()) and not self._audit.checkpoints.latest().size
        )
        if not left_by_a_creation_cut_off:
            self._audit.begin(_now())

    def _brought_up(self) -> None:
        with self._database.snapshot() as connection:
            if standing(connection) == newest():
                return
        with self._database.turn() as connection:
            with connection.begin():
                if not migrate(connection):  # somebody else was faster
                    return
                event = AuditEvent("alleviate", "open", _UPKEEP, detail={"step": newest()})
                head = self._audit.append(connection, [event], _now())
            self._audit.seal(head)

    def _note(self, actor: str, action: Action, patient: str = "", **detail: str | int) -> None:
        with self._database.turn() as connection:
            with connection.begin():
                event = AuditEvent(actor, action, _UPKEEP, patient, detail)
                head = self._audit.append(connection, [event], _now())
            self._audit.seal(head)


def _now() -> datetime:
    return datetime.now(UTC)
