"""A log in a real database, which tests may also change behind its back."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alleviate.vault.audit import AuditEvent, AuditLog, Verified, audit_table
from alleviate.vault.canonical import canonical
from alleviate.vault.checkpoints import Checkpoints, Head

__all__ = ["NOW", "Chain", "Row", "edited"]

NOW = datetime(2024, 5, 6, 9, tzinfo=UTC)
EVERY = 10

Row = tuple[int, bytes, bytes]
"""Position, JSON, hash."""


@dataclass(frozen=True)
class Chain:
    """A table with its log; a checkpoint about every 10 events."""

    engine: sa.Engine
    table: sa.Table
    log: AuditLog

    @staticmethod
    def engine_for(location: str) -> sa.Engine:
        if location.startswith("postgresql"):
            return sa.create_engine(sa.make_url(location).set(drivername="postgresql+psycopg"), pool_size=32)
        engine = sa.create_engine(f"sqlite:///{location}", connect_args={"timeout": 60})

        @sa.event.listens_for(engine, "connect")
        def _manual(connection: object, _record: object) -> None:
            connection.isolation_level = None  # type: ignore[attr-defined]

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine

    @classmethod
    def made(cls, location: str, folder: Path) -> "Chain":
        engine, metadata = cls.engine_for(location), sa.MetaData()
        table = audit_table(metadata)
        metadata.create_all(engine)
        return cls(engine, table, AuditLog(table, Checkpoints(folder, Ed25519PrivateKey.generate(), EVERY)))

    @classmethod
    def begun(cls, location: str, folder: Path) -> "Chain":
        chain = cls.made(location, folder)
        chain.log.begin(NOW)
        return chain

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with self.engine.begin() as connection:
            yield connection

    reading = writing

    def add(self, *events: AuditEvent) -> Head:
        """Append, commit, seal."""
        with self.writing() as connection:
            head = self.log.append(connection, events, NOW)
        self.log.seal(head)
        return head

    def verify(self) -> Verified:
        with self.reading() as connection:
            return self.log.verify(connection)

    def rows(self) -> list[Row]:
        with self.reading() as connection:
            found = connection.execute(sa.select(self.table).order_by(self.table.c.position))
            return [(row.position, row.json.encode(), row.hash) for row in found]

    def unprotect(self, connection: sa.Connection) -> None:
        """Drop the triggers."""
        if self.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER ALL")
        else:
            for moment in ("update", "delete", "insert"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_only_grows_{moment}")

    def put(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """What stands in the table from now on."""
        connection.execute(sa.delete(self.table))
        plain = [{"position": place, "json": text.decode(), "hash": link} for place, text, link in rows]
        if plain:
            connection.execute(sa.insert(self.table), plain)


def edited(raw: bytes, **changes: object) -> bytes:
    """An event's JSON with other values, written as the log would have."""
    return canonical({**json.loads(raw), **changes})
