"""How what belongs to accounts is stored: one transaction a step, with its audit, everything sealed."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from alleviate.vault.audit import Action, AuditEvent, AuditLog
from alleviate.vault.cipher import blind_index, seal, unseal
from alleviate.vault.consent import Purpose
from alleviate.vault.database import Database
from alleviate.vault.keystore import KeyStore

__all__ = ["Step", "Strongbox", "digest"]

T = TypeVar("T")

_PURPOSE: Purpose = "rights"
"""Of who may sign in: keeping others out is a duty of the law's."""


class Step:
    """One transaction on ``connection``; what was ``noted`` goes into the audit with it."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.events: list[AuditEvent] = []

    def noted(self, actor: str, action: Action, **detail: str | int | bool) -> None:
        self.events.append(AuditEvent(actor, action, _PURPOSE, "", detail))


class Strongbox:
    """Seals under a key of the vault's own, on PostgreSQL too; of a patient's account under the patient's.

    So a patient's erasure reaches their account in every backup.
    """

    def __init__(self, database: Database, keys: KeyStore, audit: AuditLog) -> None:
        self._database = database
        self._keys = keys
        self._audit = audit
        self._own = hmac.digest(keys.database_key, b"alleviate accounts 1", hashlib.sha256)

    @contextmanager
    def step(self) -> Iterator[Step]:
        """Everything or nothing; the audit is signed before this ends. Raises VaultError, AuditError."""
        with self._database.turn() as connection:
            with connection.begin():
                step = Step(connection)
                yield step
                head = self._audit.append(connection, step.events, datetime.now(UTC)) if step.events else None
            if head:
                self._audit.seal(head)

    @contextmanager
    def view(self) -> Iterator[sa.Connection]:
        """To read, while others write."""
        with self._database.snapshot() as connection:
            yield connection

    def index(self, field: str, text: str, *, exact: bool = True) -> bytes:
        """By what ``text`` is found and not read; any text, also one that is not Unicode."""
        said = text.encode("utf-8", "backslashreplace").decode()
        return blind_index(self._keys.index_key, field, said, exact=exact)

    def sealed(self, row: str, column: str, value: Any, patient: str = "") -> bytes:
        """Raises KeyError for a patient who was erased or never was."""
        return seal(self._key(patient), row, column, msgspec.json.encode(value))

    def opened(self, kind: type[T], row: str, column: str, body: bytes, patient: str = "") -> T:
        """What `sealed` was given. Raises KeyError for a patient who was erased, VaultError for a change."""
        return msgspec.json.decode(unseal(self._key(patient), row, column, body), type=kind)

    def known(self, patient: str) -> bool:
        """Whether the patient (our id) is there."""
        return bool(self._keys.get([patient]))

    def _key(self, patient: str) -> bytes:
        return self._keys.get([patient])[patient] if patient else self._own


def digest(token: str) -> bytes:
    """By what a token of 32 random bytes is known to the vault: such a token needs no slow hash."""
    return hashlib.sha256(b"alleviate token 1\0" + token.encode("utf-8", "backslashreplace")).digest()
