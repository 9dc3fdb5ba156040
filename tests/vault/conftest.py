"""Every test of the vault runs on an SQLite file and on a real PostgreSQL, with a master key of its own."""

import base64
import os
from pathlib import Path

import pytest


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
