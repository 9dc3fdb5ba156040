"""Where a vault's keys lie: the file ``<vault>.keys``, or in PostgreSQL the schema ``alleviate_keys``.

The SQLite file has a rollback journal, not a write-ahead log, overwrites what it deletes, and waits for the
disk and the folder: what was destroyed is in none of its files. ``sweep`` writes the tables anew, without
the gaps in which pages that once split may keep a copy.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from alleviate.packages.durable import flush_folder
from alleviate.terms.errors import VaultError

__all__ = ["KEYS", "SECRETS", "KeyPlace"]

_SCHEMA = "alleviate_keys"
_WAIT = 60
_METADATA = sa.MetaData(schema=_SCHEMA)

KEYS = sa.Table(
    "keys",
    _METADATA,
    sa.Column("patient", sa.LargeBinary, primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=True),
    sa.Column("destroyed", sa.BigInteger, nullable=True),
)
"""One row a patient for ever: the wrapped key, or when it was destroyed (microseconds since 1970)."""

SECRETS = sa.Table(
    "secrets",
    _METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)


class KeyPlace:
    """The tables of one vault's keys, on a file or in a database. Every error is a ``VaultError``."""

    def __init__(self, location: str | Path) -> None:
        self.is_file = isinstance(location, Path) or not location.startswith(("postgresql", "postgres:"))
        if self.is_file:
            self.path = Path(f"{location}.keys")
            self.words = str(self.path)
            self._engine = _file_engine(self.path)
        else:
            url = sa.make_url(str(location)).set(drivername="postgresql+psycopg")
            self.words = f"the schema {_SCHEMA} of {url.render_as_string()}"
            self._engine = sa.create_engine(url, pool_size=4, max_overflow=0, pool_timeout=_WAIT)

    def create(self, values: dict[str, bytes]) -> None:
        """Make the tables, with these secrets, whole or not at all; only where there are none."""
        if self.is_file:
            self._create_file(values)
            return
        with self.writing() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": _SCHEMA})
            if sa.inspect(connection).has_schema(_SCHEMA):
                raise self._taken()
            connection.execute(sa.schema.CreateSchema(_SCHEMA))
            _fill(connection, values)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._reached(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, on the disk when this ends; of several writers of one file one after the other."""
        with self._reached(), self._engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            if not self.is_file:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
            yield connection

    def sweep(self) -> None:
        """Write the tables anew, so that nothing deleted is left between the rows."""
        command = "VACUUM" if self.is_file else f"VACUUM FULL {KEYS.fullname}"
        options = {"begin": ""} if self.is_file else {"isolation_level": "AUTOCOMMIT"}
        with self._reached(), self._engine.execution_options(**options).connect() as connection:
            connection.exec_driver_sql(command)

    def close(self) -> None:
        self._engine.dispose()

    def _create_file(self, values: dict[str, bytes]) -> None:
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.draft")
        try:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL, 0o600))
            engine = _file_engine(draft)
            try:
                with self._reached(), engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
                    _fill(connection, values)
            finally:
                engine.dispose()
            os.link(draft, self.path)  # fails where a file is, as a renaming would not
            flush_folder(self.path.parent)
        except FileExistsError:
            raise self._taken() from None
        except OSError as error:
            raise VaultError(
                f"The vault's keys cannot be written to {self.path}: {error.strerror}.",
                hint="Choose a folder of your own, with space, for the vault.",
            ) from None
        finally:
            draft.unlink(missing_ok=True)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise VaultError(
                f"The vault's keys in {self.words} cannot be reached: {cause}.",
                hint="Check that the vault exists (alleviate vault init), may be written to, and has space.",
            ) from error

    def _taken(self) -> VaultError:
        return VaultError(
            f"There are keys already in {self.words}; they are never overwritten.",
            hint="Open that vault, or choose another place for the new one.",
        )


def _file_engine(path: Path) -> sa.Engine:
    address = f"file:{quote(str(path.absolute()))}"
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=address, query={"mode": "rw", "uri": "true"}),
        connect_args={"timeout": _WAIT},
        pool_size=4,
        max_overflow=0,
        pool_timeout=_WAIT,
        execution_options={"schema_translate_map": {_SCHEMA: None}, "begin": "BEGIN"},
    )

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for setting in ("secure_delete=ON", "journal_mode=DELETE", "synchronous=EXTRA", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {setting}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if command := connection.get_execution_options()["begin"]:
            connection.exec_driver_sql(command)

    return engine


def _fill(connection: sa.Connection, values: dict[str, bytes]) -> None:
    _METADATA.create_all(connection)
    rows = [{"name": name, "value": value} for name, value in values.items()]
    connection.execute(sa.insert(SECRETS), rows)
