"""Where a vault's rows lie: one SQLCipher file, or the schema ``alleviate`` of a PostgreSQL database.

Every step is one transaction, and one step runs at a time: each appends to one chain of audit events, so
they would wait for each other in any case. They wait in a queue before the database (a lock file, or an
advisory lock of PostgreSQL) and never meet a lock inside it. A lock ends with its process or connection.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlcipher3 import dbapi2 as sqlcipher  # type: ignore[import-untyped]

from alleviate.packages.durable import flush_folder
from alleviate.terms.errors import VaultError
from alleviate.vault.schema import OF_A_PERSON, PATIENTS

__all__ = ["Database"]

_SCHEMA = "alleviate"
_QUEUE = 0x616C6C65  # names our advisory lock: "alle"
_OLDEST_POSTGRESQL = 15
_WAIT = 10.0  # seconds, for who does not queue: a reader of an old state, a tool
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # with NORMAL a power cut loses what was acknowledged
    "secure_delete=ON",
    "temp_store=MEMORY",
    "foreign_keys=ON",
    "cache_size=-64000",
    "wal_autocheckpoint=4000",
)
_FULL = ("full", "disk i/o error", "no space", "too large", "could not extend", "could not write")
_RIGHTS = ("readonly", "read-only", "unable to open", "permission denied", "must be owner")
_FOREIGN = ("not a database", "malformed", "hmac check failed", "encrypted")


class Database:
    """The rows of one vault. Threads share it; of a forked process each side opens its own.

    ``key`` opens the SQLCipher file. Every error of the database becomes one ``VaultError``, without values.
    """

    def __init__(self, location: str | Path, key: bytes) -> None:
        self.is_file = isinstance(location, Path) or not location.startswith(("postgresql", "postgres:"))
        self._turn = threading.Lock()
        if self.is_file:
            self.path = Path(location).absolute()
            self.words = str(self.path)
            self._engine = self._file_engine(key)
        else:
            url = sa.make_url(str(location)).set(drivername="postgresql+psycopg")
            self.words = url.set(drivername="postgresql").render_as_string()  # the password is hidden
            self._engine = self._server_engine(url)
        options = {"begin": "BEGIN"} if self.is_file else {"isolation_level": "REPEATABLE READ"}
        self._readers = self._engine.execution_options(**options)

    def prepare(self) -> None:
        """Make the empty file or schema where there is none. Raises VaultError."""
        if not self.is_file:
            with self._spoken(), self._engine.begin() as connection:
                connection.execute(sa.schema.CreateSchema(_SCHEMA, if_not_exists=True))
            return
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            flush_folder(self.path.parent)
        except OSError as error:
            raise VaultError(
                f"The vault cannot be written to {self.path}: {error.strerror}.",
                hint="Choose a folder of your own, with space.",
            ) from None

    def is_there(self) -> bool:
        """Whether there is anything at all: a file that is not empty, or a table of ours."""
        if self.is_file:
            return self.path.exists() and self.path.stat().st_size > 0
        with self._spoken(), self._engine.connect() as connection:
            return bool(sa.inspect(connection).get_table_names(schema=_SCHEMA))

    def remove_files(self) -> None:
        """Take away the file of a vault that could not be made."""
        if self.is_file:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    @contextmanager
    def turn(self) -> Iterator[sa.Connection]:
        """A connection while nobody else has a turn; waits for it. Its transactions are the caller's."""
        with self._turn, self._spoken():
            if self.is_file:
                with self._queue(), self._engine.connect() as connection:
                    yield connection
                return
            with self._engine.connect() as connection:
                connection.exec_driver_sql(f"SELECT pg_advisory_lock({_QUEUE})")
                connection.commit()
                try:
                    yield connection
                finally:
                    connection.rollback()
                    connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_QUEUE})")
                    connection.commit()

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """To read everything as it stands now, while others write."""
        with self._spoken(), self._readers.connect() as connection:
            yield connection

    def sweep(self) -> bool:
        """Write over what was deleted; False where something deleted may remain in the database's files."""
        if self.is_file:
            with self._spoken(), self._engine.execution_options(begin="").connect() as connection:
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                return not busy
        with (
            self._spoken(),
            self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
        ):
            tables = ", ".join(str(table.name) for table in (*OF_A_PERSON, PATIENTS))
            connection.exec_driver_sql(f"VACUUM {tables}")
        return False

    def close(self) -> None:
        self._engine.dispose()

    def _file_engine(self, key: bytes) -> sa.Engine:
        def connect() -> sqlcipher.Connection:
            connection = sqlcipher.connect(
                f"file:{quote(str(self.path))}?mode=rw",
                uri=True,
                timeout=_WAIT,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute(f"PRAGMA key=\"x'{key.hex()}'\"")
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            return connection

        engine = sa.create_engine(
            "sqlite://",
            module=sqlcipher,
            creator=connect,
            poolclass=sa.QueuePool,
            max_overflow=-1,
            hide_parameters=True,
            execution_options={"begin": "BEGIN IMMEDIATE"},
        )

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            if command := connection.get_execution_options()["begin"]:
                connection.exec_driver_sql(command)

        return engine

    def _server_engine(self, url: sa.URL) -> sa.Engine:
        engine = sa.create_engine(
            url, pool_pre_ping=True, max_overflow=-1, hide_parameters=True, isolation_level="READ COMMITTED"
        )

        @sa.event.listens_for(engine, "connect")
        def _settings(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
            version = connection.info.server_version // 10_000
            if version < _OLDEST_POSTGRESQL:
                raise VaultError(
                    f"The vault needs PostgreSQL {_OLDEST_POSTGRESQL} or newer, {self.words} is {version}.",
                    hint="Upgrade the server, or use an SQLite file.",
                )
            cursor = connection.cursor()
            cursor.execute(f"SET search_path TO {_SCHEMA}")
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
            )
            connection.commit()

        return engine

    @contextmanager
    def _queue(self) -> Iterator[None]:
        """The turn among processes. Not on the vault's own file: closing that would drop SQLite's locks."""
        handle = os.open(f"{self.path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlcipher.Error, psycopg.Error) as error:
            raise self._plain(error) from None  # the cause would show statements
        except OSError as error:
            raise VaultError(
                f"The vault at {self.words} cannot be used: {error.strerror}.",
                hint="Check its folder's space and rights.",
            ) from None

    def _plain(self, error: Exception) -> VaultError:
        cause = getattr(error, "orig", None) or error
        said = str(cause).lower()
        if any(word in said for word in _FULL):
            return VaultError(
                f"There is no space left for the vault at {self.words}, or its disk fails; this step was not "
                "stored, what was stored before it is.",
                hint="Make room, then run it again.",
            )
        if any(word in said for word in _RIGHTS):
            return VaultError(
                f"The vault at {self.words} may not be read and written by you.",
                hint="Ask its owner for the rights.",
            )
        if any(word in said for word in _FOREIGN):
            return VaultError(
                f"{self.words} is not a vault of these keys, or it is damaged.",
                hint="Check the location, or restore a backup.",
            )
        if isinstance(error, sa.exc.OperationalError) and not self.is_file:
            first = str(cause).partition("\n")[0]
            return VaultError(
                f"The vault at {self.words} cannot be reached: {first}", hint="Is the server up?"
            )
        return VaultError(
            f"The vault at {self.words} could not do this step ({type(cause).__name__}).",
            hint="Run it again; if it stays, check the database.",
        )
