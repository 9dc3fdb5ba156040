"""``alleviate vault`` and ``alleviate audit``, as who makes a vault and who checks it use them."""

import base64
import json
import os
import pwd
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alleviate.cli import main
from alleviate.cli.vault import open_vault
from alleviate.packages import home
from alleviate.records import Entry, Event
from alleviate.vault.keys import load_master, make_key_file
from alleviate.vault.whereabouts import acting, place

NOW = datetime(2024, 5, 6, 9, tzinfo=UTC)
ME = f"os:{pwd.getpwuid(os.geteuid()).pw_name}"


@pytest.fixture(autouse=True)
def _a_new_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("ALLEVIATE_KEY", "ALLEVIATE_KEY_FILE", "ALLEVIATE_VAULT", "ALLEVIATE_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def vault() -> Path:
    assert main(["vault", "init"]) == 0
    return home() / "vault.db"


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]):
    """Runs a command that is to end well, and returns what it printed."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        code = main(list(arguments))
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]):
    """Runs a command that is to end with exit code 2, and returns its complaint."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert main(list(arguments)) == 2
        return capsys.readouterr().err

    return run


def import_one(subject: str) -> None:
    ref = f"Observation/{subject}"
    weight = Event(subject, NOW, NOW, "LOINC//29463-7", 70.0, "kg", kind="measurement", entry=ref)
    with open_vault(None) as opened, opened.access(actor=acting(), purpose="care") as access:
        access.put([Entry(subject, ref, "measurement", (weight,))], NOW)
        access.record(subject)


def test_a_new_user_has_a_key_and_a_vault_with_one_command(shown) -> None:
    said = shown("vault", "init")
    key = load_master(home() / "vault.key")
    assert f"Vault: {home() / 'vault.db'} (an encrypted SQLite file)" in said
    assert f"Key: {key.id}, made in {home() / 'vault.key'}, for you alone to read" in said
    assert "Keep a copy of the key apart" in said
    assert "Take records in:  alleviate import PATH" in said
    assert (home() / "vault.key").stat().st_mode & 0o777 == 0o600
    assert (home() / "vault.db").stat().st_mode & 0o777 == 0o600


def test_no_vault_is_made_over_another(vault: Path, refused) -> None:
    before = vault.read_bytes()
    assert "There is a vault already" in refused("vault", "init")
    assert vault.read_bytes() == before


def test_a_key_file_elsewhere_is_made_and_every_command_is_told_how_to_find_it(
    tmp_path: Path, shown, refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, key = str(tmp_path / "clinic.db"), tmp_path / "safe" / "clinic.key"
    said = shown("vault", "init", "--vault", place, "--key-file", str(key))
    assert f"export ALLEVIATE_KEY_FILE='{key}'" in said
    assert "There is no key" in refused("vault", "status", "--vault", place)
    monkeypatch.setenv("ALLEVIATE_KEY_FILE", str(key))
    assert f"Vault: {place}" in shown("vault", "status", "--vault", place)


def test_a_key_that_is_there_is_used(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key_file(home() / "vault.key")
    said = json.loads(shown("vault", "init", "--json"))
    assert (said["key"], said["key_file"], said["key_made"]) == (load_master(key).id, str(key), False)


def test_the_key_in_the_environment_needs_no_file(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLEVIATE_KEY", base64.b64encode(os.urandom(32)).decode())
    assert f"Key: {load_master().id}, from ALLEVIATE_KEY" in shown("vault", "init")
    assert not (home() / "vault.key").exists()
    assert json.loads(shown("vault", "status", "--json"))["key"] == load_master().id


def test_the_vault_can_be_named_by_the_environment(
    tmp_path: Path, shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLEVIATE_VAULT", str(tmp_path / "named.db"))
    shown("vault", "init")
    assert (tmp_path / "named.db").exists()
    assert json.loads(shown("vault", "status", "--json"))["vault"] == str(tmp_path / "named.db")


def test_by_default_it_lies_at_home() -> None:
    assert place(None) == str(home() / "vault.db")
    assert place("else") == "else"


def test_before_there_is_one_it_says_how_to_make_one(refused) -> None:
    for command in (["vault", "status"], ["audit", "verify"], ["audit", "show"]):
        assert "Hint:  Make a key with: alleviate vault init" in refused(*command)
    make_key_file(home() / "vault.key")
    assert "Make one with: alleviate vault init" in refused("vault", "status")


def test_status_says_what_is_held_and_how_far_it_is_signed(vault: Path, shown) -> None:
    import_one("a-17")
    stands = json.loads(shown("vault", "status", "--json"))
    assert stands == {
        "vault": str(vault),
        "backend": "sqlite",
        "schema": stands["schema"],
        "patients": 1,
        "entries": 1,
        "erased": 0,
        "key": load_master().id,
        "events": 3,
        "signed": 3,
        "signed_at": stands["signed_at"],
        "checkpoints": f"{vault}.checkpoints",
    }
    said = shown("vault", "status")
    assert "Holds: 1 patients, 1 entries\nErased: 0 patients" in said
    assert "Audit: 3 events; signed last 20" in said


def test_after_a_rotation_the_new_key_opens_it(vault: Path, tmp_path: Path, shown, refused) -> None:
    import_one("a-17")
    old, new_file = load_master(), tmp_path / "new.key"
    said = shown("vault", "rotate", "--new-key-file", str(new_file))
    new = load_master(new_file)
    assert f"Key: {new.id}, made in {new_file}" in said
    assert f"Opens nothing here any more: {old.id}" in said
    assert f"mv '{new_file}' '{home() / 'vault.key'}'" in said
    assert f"open with the master key {new.id}; the key given is {old.id}" in refused("vault", "status")
    new_file.replace(home() / "vault.key")
    with open_vault(None) as opened, opened.access(actor=acting(), purpose="care") as access:
        assert len(access.record("a-17").events) == 1
    assert "rotate" in shown("audit", "show")


def test_rotation_to_a_key_that_is_there_and_by_the_environment(
    vault: Path, tmp_path: Path, shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_file = make_key_file(tmp_path / "new.key")
    monkeypatch.setenv("ALLEVIATE_KEY", (home() / "vault.key").read_text())
    said = json.loads(shown("vault", "rotate", "--new-key-file", str(new_file), "--json"))
    assert said == {
        "old_key": load_master().id,
        "key": load_master(new_file).id,
        "key_file": str(new_file),
        "key_made": False,
    }
    monkeypatch.setenv("ALLEVIATE_KEY", new_file.read_text())
    back = shown("vault", "rotate", "--new-key-file", str(home() / "vault.key"))
    assert "set ALLEVIATE_KEY to what is in the new file" in back


def test_a_whole_audit_is_intact(vault: Path, shown) -> None:
    assert "intact: 1 events" in shown("audit", "verify")
    said = json.loads(shown("audit", "verify", "--json"))
    assert said["intact"] is True
    assert said["size"] == 2, "that it was verified is an event too"
    assert set(said) == {"intact", "size", "head", "checkpoints", "seconds"}


def test_a_broken_audit_names_the_first_broken_link(
    vault: Path, refused, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(f"{vault}.checkpoints", saved := f"{vault}.saved")
    copy = vault.read_bytes()
    main(["audit", "show"])
    vault.write_bytes(copy)  # an older state of the file: the last event is cut off
    vault.with_name("vault.db-wal").unlink(missing_ok=True)
    vault.with_name("vault.db-shm").unlink(missing_ok=True)
    said = refused("audit", "verify")
    assert "the log ends at 1, but the checkpoint signed on" in said
    assert "Hint:" in said
    assert main(["audit", "verify", "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["intact"] is False
    assert "the log ends at 1" in json.loads(printed.out)["problem"]
    assert printed.err == ""
    shutil.rmtree(f"{vault}.checkpoints")
    assert "head.json cannot be read" in refused("audit", "verify")
    shutil.copytree(saved, f"{vault}.checkpoints")
    assert main(["audit", "verify"]) == 0


def test_who_saw_whom_is_shown_newest_first(vault: Path, shown) -> None:
    import_one("a-17")
    import_one("b-18")
    said = shown("audit", "show", "--last", "4")
    assert [line.split()[0] for line in said.splitlines()] == ["event", "6", "5", "4", "3"]
    assert ME in said
    assert "inspect" in said.splitlines()[1], "to look is told too"
    events = json.loads(shown("audit", "show", "--json"))
    assert [event["action"] for event in events][-5:] == ["read", "import", "read", "import", "create"]
    assert {event["actor"] for event in events} == {ME, "alleviate"}
    assert "a-17" not in json.dumps(events), "nobody is named by their own id"


def test_the_events_of_one_person_are_found_by_either_id_and_after_an_erasure(
    vault: Path, shown, refused
) -> None:
    import_one("a-17")
    import_one("b-18")
    events = json.loads(shown("audit", "show", "--patient", "a-17", "--json"))
    (ours,) = {event["patient"] for event in events}
    assert [event["action"] for event in events] == ["inspect", "read", "import"]
    assert [event["action"] for event in json.loads(shown("audit", "show", "--patient", ours, "--json"))] == [
        "inspect",
        "inspect",
        "read",
        "import",
    ]
    assert ours[:8] not in shown("audit", "show", "--patient", "a-17"), "all are of this person"
    assert f"patient {ours[:8]}…" in shown("audit", "show")
    with open_vault(None) as opened, opened.access(actor=acting(), purpose="rights") as access:
        access.erase("a-17", "asked by the person")
    said = shown("audit", "show", "--patient", "a-17", "--last", "2")
    assert "reason asked-by-the-person" in said
    assert "The vault has no patient 'c-19', and had none." in refused("audit", "show", "--patient", "c-19")


def test_the_actor_is_the_user_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(name, "dr.smith")
    assert acting() == ME
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    assert acting() == "os:4000000"


@pytest.mark.parametrize("group", ["vault", "audit"])
def test_a_group_alone_shows_what_it_offers(group: str, shown) -> None:
    assert "Commands" in shown(group)


def test_the_vault_is_no_file_that_sqlite_reads(vault: Path) -> None:
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        sqlite3.connect(vault).execute("SELECT * FROM audit")
