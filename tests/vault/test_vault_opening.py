"""Making and opening a vault, and what is said where that cannot be."""

import base64
import os
import shutil
import stat
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from entries_made import NOW, pulse

from alleviate.terms.errors import VaultError
from alleviate.vault import Vault
from alleviate.vault.database import Database
from alleviate.vault.keys import load_master, make_key_file
from alleviate.vault.keystore import KeyStore
from alleviate.vault.migrating import MIGRATIONS, newest, standing
from alleviate.vault.schema import METADATA


def opened(location: str) -> Database:
    """The database of a vault, without the vault."""
    return Database(location, KeyStore.open(location, load_master()).database_key)


def test_a_new_vault_is_empty_and_opens_again(location: str) -> None:
    with Vault.create(location) as vault:
        assert vault.access(actor="test", purpose="care").ids() == []
    with Vault.open(location) as vault:
        assert vault.verify_audit(actor="test").size == 1


def test_a_second_vault_in_the_same_place_is_refused(location: str) -> None:
    Vault.create(location).close()
    with pytest.raises(VaultError, match="never overwritten"):
        Vault.create(location)
    with Vault.open(location) as vault:
        vault.access(actor="test", purpose="care").put([pulse(1, "p1", 60.0)], NOW)
    with pytest.raises(VaultError, match="never overwritten"):
        Vault.create(location)
    with Vault.open(location) as vault:
        assert vault.access(actor="test", purpose="care").ids() == ["p1"]


def test_where_no_vault_is(location: str) -> None:
    with pytest.raises(VaultError, match=r"There is no vault at .*vault init"):
        Vault.open(location)


def test_another_key_opens_nothing(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Vault.create(location).close()
    monkeypatch.setenv("ALLEVIATE_KEY", base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(VaultError, match="open with the master key"):
        Vault.open(location)


def test_a_key_file_opens_and_a_rotation_changes_which(location: str, tmp_path: Path) -> None:
    old, new = make_key_file(tmp_path / "old.key"), make_key_file(tmp_path / "new.key")
    with Vault.create(location, key_file=old) as vault:
        vault.access(actor="test", purpose="care").put([pulse(1, "p1", 60.0)], NOW)
        vault.rotate(new, actor="test")
    with pytest.raises(VaultError):
        Vault.open(location, key_file=old)
    with Vault.open(location, key_file=new) as vault:
        assert len(vault.access(actor="test", purpose="care").record("p1").events) == 1


def test_a_creation_that_was_cut_off_is_completed_by_the_next(location: str) -> None:
    KeyStore.create(location, load_master()).close()  # and no further
    with pytest.raises(VaultError):
        Vault.open(location)
    opened(location).prepare()
    Vault.create(location).close()
    with Vault.open(location) as vault:
        vault.verify_audit(actor="test")


def test_what_the_migrations_make_is_what_the_code_means(location: str) -> None:
    Vault.create(location).close()
    with opened(location).snapshot() as connection:
        with warnings.catch_warnings(action="ignore"):  # an index of an expression cannot be reflected
            differences = compare_metadata(MigrationContext.configure(connection), METADATA)
        known = ("alembic_version", "audit_patient_idx")
        assert [each for each in differences if not any(name in str(each) for name in known)] == []
        assert standing(connection) == newest()


LATER = '''"""A later step."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "{newest}"


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
'''


def test_an_older_vault_is_brought_up_once_and_a_newer_one_refused(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Vault.create(location) as vault:
        vault.access(actor="test", purpose="care").put([pulse(1, "p1", 60.0)], NOW)
    later = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, later)
    (later / "versions" / "v9999.py").write_text(LATER.format(newest=newest()))
    with monkeypatch.context() as patch:
        patch.setattr("alleviate.vault.migrating.MIGRATIONS", later)
        with ThreadPoolExecutor(4) as pool:
            for vault in pool.map(lambda _: Vault.open(location), range(4)):
                vault.close()
        with Vault.open(location) as vault:
            assert vault.access(actor="test", purpose="care").ids() == ["p1"]
            opened_once = [event for event in vault.show_audit(actor="test") if event.action == "open"]
        assert [event.detail for event in opened_once] == [{"step": "9999"}]
    database = opened(location)
    with database.snapshot() as connection:
        schema = None if database.is_file else "alleviate"
        assert "later" in sa.inspect(connection).get_table_names(schema=schema)
    with pytest.raises(VaultError, match="newer Alleviate"):
        Vault.open(location)


def test_a_file_is_the_owner_s_alone_and_does_not_lose_what_it_acknowledged(
    tmp_path: Path, master_key: bytes
) -> None:
    place = tmp_path / "clinic.vault"
    with Vault.create(place) as vault:
        vault.access(actor="test", purpose="care").put([pulse(1, "p1", 60.0)], NOW)
        for path in tmp_path.glob("clinic.vault*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        with opened(str(place)).turn() as connection:
            pragma = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "secure_delete", "temp_store", "foreign_keys")
            }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "temp_store": 2,
        "foreign_keys": 1,
    }


def test_a_file_that_is_no_vault(tmp_path: Path, master_key: bytes) -> None:
    place = tmp_path / "clinic.vault"
    Vault.create(place).close()
    place.write_bytes(os.urandom(8192))
    with pytest.raises(VaultError, match="not a vault of these keys, or it is damaged") as raised:
        Vault.open(place)
    assert "SELECT" not in str(raised.value)
    place.write_bytes(b"")
    with pytest.raises(VaultError, match="its data are not"):
        Vault.open(place)


def test_a_folder_that_is_not_there(tmp_path: Path, master_key: bytes) -> None:
    with pytest.raises(VaultError, match="No such file"):
        Vault.create(tmp_path / "nowhere" / "clinic.vault")
    with pytest.raises(VaultError, match="There is no vault"):
        Vault.open(tmp_path / "clinic.vault")


def test_a_changed_body_is_refused_by_name_of_the_column_only(location: str) -> None:
    with Vault.create(location) as vault:
        access = vault.access(actor="test", purpose="care")
        access.put([pulse(1, "p1", 60.0), pulse(2, "p1", 61.0)], NOW)
        with opened(location).turn() as connection, connection.begin():
            connection.execute(sa.text("UPDATE entries SET kind = 'note' WHERE id = 1"))
        with pytest.raises(VaultError, match=r"A sealed entries.note does not open"):
            access.record("p1")


def test_a_server_that_is_not_there_is_said_without_the_password(master_key: bytes) -> None:
    with pytest.raises(VaultError, match="cannot be reached") as raised:
        Vault.open("postgresql://anna:secret@127.0.0.1:1/vault")
    assert "secret" not in str(raised.value)


def test_a_server_that_gives_no_rights(database: str, master_key: bytes) -> None:
    role = f"reader_{os.urandom(4).hex()}"
    Vault.create(database).close()
    as_role = database.replace("postgres:@", f"{role}:@")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        with pytest.raises(VaultError, match="permission denied"):
            Vault.open(as_role)
        connection.execute(f"GRANT USAGE ON SCHEMA alleviate_keys TO {role}")
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA alleviate_keys TO {role}")
        with pytest.raises(VaultError, match="not yours to see"):
            Vault.open(as_role)
        connection.execute(f"GRANT USAGE ON SCHEMA alleviate TO {role}")
        with pytest.raises(VaultError, match="may not be read and written by you"):
            Vault.open(as_role)
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


def test_a_server_that_was_restarted_is_reached_again(database: str, master_key: bytes) -> None:
    with Vault.create(database) as vault:
        access = vault.access(actor="test", purpose="care")
        access.put([pulse(1, "p1", 60.0)], NOW)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        try:
            access.ids()
        except VaultError:
            assert access.ids() == ["p1"]
