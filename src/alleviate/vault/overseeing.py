"""What may be asked about a vault itself: how it stands, and by which id its audit knows somebody."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from alleviate.terms.errors import VaultError
from alleviate.vault.database import Database
from alleviate.vault.migrating import standing
from alleviate.vault.persons import ours
from alleviate.vault.schema import ENTRIES, ERASURES, PATIENTS
from alleviate.vault.vault import Vault

__all__ = ["Status", "audited_as", "is_there", "ready", "status"]


@dataclass(frozen=True, slots=True)
class Status:
    """How a vault stands. ``schema``: its last migration; ``key``: the public name of its master key.

    ``entries`` counts the versions that hold now. ``signed`` of the audit's ``events`` are under the last
    checkpoint, made at ``signed_at`` (ISO 8601, UTC) in the folder ``checkpoints``.
    """

    vault: str
    backend: str
    schema: str
    patients: int
    entries: int
    erased: int
    key: str
    events: int
    signed: int
    signed_at: str
    checkpoints: Path


def status(vault: Vault) -> Status:
    """How ``vault`` stands; says nothing about any patient, so that no event is written."""
    last = vault._audit.checkpoints.latest()
    with vault._database.snapshot() as connection:

        def count(table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
            return connection.execute(
                sa.select(sa.func.count()).select_from(table).where(*where)
            ).scalar_one()

        return Status(
            vault=vault._database.words,
            backend=connection.dialect.name,
            schema=standing(connection) or "none",
            patients=count(PATIENTS),
            entries=count(ENTRIES, ENTRIES.c.known_until.is_(None)),
            erased=count(ERASURES),
            key=vault._keys.key_id,
            events=vault._audit.size(connection),
            signed=last.size,
            signed_at=last.time,
            checkpoints=vault._audit.checkpoints.folder,
        )


def audited_as(vault: Vault, id: str) -> str:
    """Our id of whom ``id``, the source's or ours, names, erased or not. Raises ``VaultError``."""
    with vault._database.snapshot() as connection:
        patient = ours(connection, vault._keys, id)
    if patient is not None:
        return patient
    raise VaultError(
        f"The vault has no patient {id!r}, and had none.", hint="Look with: alleviate patient find"
    )


def ready(vault: Vault) -> None:
    """Raises VaultError where the database cannot be read now."""
    with vault._database.snapshot() as connection:
        connection.execute(sa.select(sa.literal(1)))
        standing(connection)


def is_there(location: str | Path) -> bool:
    """Whether a vault lies there, begun or whole. Raises VaultError where the database cannot be reached."""
    with closing(Database(location, b"")) as database:
        return database.is_there()
