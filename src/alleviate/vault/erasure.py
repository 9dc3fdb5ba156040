"""Erasing a person: the key first, then the rows, with proof.

The key is what makes it final: without it the rows in older backups and in a database's logs are noise. It
lies in the key store alone, which no backup of the data holds. An event before and one after the deed: an
erasure that was cut off can be seen, and is completed by asking for it again.
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from alleviate.terms.errors import VaultError
from alleviate.vault.accounts import forget_account
from alleviate.vault.audit import AuditEvent, AuditLog
from alleviate.vault.body import microseconds
from alleviate.vault.database import Database
from alleviate.vault.keystore import KeyStore
from alleviate.vault.revisions import touch
from alleviate.vault.schema import ENTRIES, ERASURES, NAMES, OF_A_PERSON, PATIENTS

__all__ = ["Erasure", "erase", "forget_rows"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """Proof of an erasure. ``patient``: our id, which names nobody any more; ``audit``: its event's position.

    ``entries`` and ``names``: rows deleted. ``checks``: what was looked at afterwards, and held. ``notes``:
    what the database may keep for a while, unreadable without the key.
    """

    patient: str
    at: datetime
    key_destroyed_at: datetime
    entries: int
    names: int
    audit: int
    checks: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        times = {"at": self.at.isoformat(), "key_destroyed_at": self.key_destroyed_at.isoformat()}
        return {
            "kind": "erasure/1",
            **asdict(self),
            **times,
            "checks": list(self.checks),
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """The same for a reader."""
        return [
            f"Erased: patient {self.patient}, {self.entries:,} entries, {self.names:,} search terms",
            f"Key destroyed: {self.key_destroyed_at:%Y-%m-%d %H:%M:%S} UTC",
            f"Audit: event {self.audit:,}",
            *(f"Checked: {check}" for check in self.checks),
            *(f"Note: {note}" for note in self.notes),
        ]


def erase(
    connection: sa.Connection, database: Database, keys: KeyStore, audit: AuditLog, event: AuditEvent
) -> Erasure:
    """Erase the patient of ``event``, on a connection whose turn it is. Raises VaultError, AuditError."""
    _append(connection, audit, replace(event, detail={**event.detail, "step": "begun"}))
    keys.destroy(event.patient)
    destroyed = keys.destroyed(event.patient)
    at = datetime.now(UTC)
    with connection.begin():
        entries, names = forget_rows(connection, event.patient, at)
        done = replace(event, detail={**event.detail, "step": "done", "entries": entries, "names": names})
        head = audit.append(connection, [done], at)
    audit.seal(head)
    swept = database.sweep()
    if destroyed is None or keys.get([event.patient]) or _rows_left(connection, event.patient):
        raise VaultError(
            f"The erasure of {event.patient} left something behind.",
            hint="Run it again, and keep this message.",
        )
    checks = ["no key of this patient is left, and none will be made", "no row of this patient is left"]
    if swept:
        checks.append("the write-ahead log was emptied")
    return Erasure(
        event.patient,
        at,
        destroyed,
        entries,
        names,
        head.size,
        tuple(checks),
        () if swept else (_remains(database),),
    )


def forget_rows(connection: sa.Connection, patient: str, at: datetime) -> tuple[int, int]:
    """Delete all rows of ``patient`` and remember that their source's id is not to come back."""
    deleted = {
        table.name: connection.execute(sa.delete(table).where(table.c.patient == patient)).rowcount
        for table in OF_A_PERSON
    }
    query = sa.select(PATIENTS.c.subject_index).where(PATIENTS.c.patient == patient)
    if (index := connection.execute(query).scalar()) is not None:
        row = {"patient": patient, "subject_index": index, "erased_at": microseconds(at)}
        connection.execute(sa.insert(ERASURES), row)
    connection.execute(sa.delete(PATIENTS).where(PATIENTS.c.patient == patient))
    forget_account(connection, patient)
    return deleted[ENTRIES.name], deleted[NAMES.name]


def _append(connection: sa.Connection, audit: AuditLog, event: AuditEvent) -> None:
    with connection.begin():
        touch(connection, [event.patient])  # who has read, and not served yet, looks again
        head = audit.append(connection, [event], datetime.now(UTC))
    audit.seal(head)


def _rows_left(connection: sa.Connection, patient: str) -> bool:
    with connection.begin():
        return any(
            connection.execute(sa.select(table.c.patient).where(table.c.patient == patient).limit(1)).first()
            for table in (*OF_A_PERSON, PATIENTS)
        )


def _remains(database: Database) -> str:
    if database.is_file:
        return "the write-ahead log was in use by a reader and will be emptied later; it is unreadable"
    return (
        "PostgreSQL may keep sealed bytes in old pages, its write-ahead log and its archives until they are "
        "reused; they are unreadable"
    )
